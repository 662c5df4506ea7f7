"""Asks a platform's catalog each question once: Redis first, then Postgres, then the platform.

Two that ask the same at the same time, in one worker or in two, cost one call: a mark in Redis says that
somebody is at it. The mark only saves calls; without Redis everybody asks for themselves.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
from redis.asyncio import Redis

from shared.clock import Clock, SystemClock
from shared.db import lookups
from shared.db.lookups import Answer
from shared.db.pool import Pool
from shared.errors import CrossplayError
from shared.models import Isrc, Platform, Track
from shared.platforms.base import Adapter, TextQuery
from shared.streams import STORE_ERRORS, key

POLL_S = 0.05

Ask = Callable[[Sequence[str]], Awaitable[Mapping[str, tuple[Track, ...]]]]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Answers by question. A question without one failed, with `failure`: it was not answered, not missed."""

    answers: dict[str, tuple[Track, ...]]
    failure: CrossplayError | None = None


class Lookups:
    """The cache in front of all catalog look-ups of a worker.

    mark_s: how long somebody may be at a question before others ask it too; as long as a lease, so that
    whoever takes over a dead worker's job does not wait for its answers much longer.
    """

    def __init__(self, pool: Pool, redis: Redis, *, mark_s: float = 30.0, clock: Clock | None = None) -> None:
        self._pool = pool
        self._mark_s = mark_s
        self._redis = redis
        self._clock = clock or SystemClock()

    async def by_isrc(self, adapter: Adapter, isrcs: Sequence[Isrc], *, market: str) -> Found:
        """Find recordings by ISRC, in batches as large as the platform takes."""

        async def ask(questions: Sequence[str]) -> Mapping[str, tuple[Track, ...]]:
            asked = [Isrc(question.removeprefix("isrc:")) for question in questions]
            return {f"isrc:{isrc}": tracks for isrc, tracks in (await adapter.find_by_isrc(asked)).items()}

        found = await self._resolve(
            adapter,
            [f"isrc:{isrc}" for isrc in isrcs],
            market=market,
            batch=adapter.capabilities.isrc_batch,
            ask=ask,
        )
        answers = {question.removeprefix("isrc:"): tracks for question, tracks in found.answers.items()}
        return Found(answers=answers, failure=found.failure)

    async def by_text(self, adapter: Adapter, query: TextQuery, *, market: str) -> tuple[Track, ...]:
        """Search by text. Raises what the platform's refusal was."""
        question = text_question(query)

        async def ask(_: Sequence[str]) -> Mapping[str, tuple[Track, ...]]:
            return {question: await adapter.search(query)}

        found = await self._resolve(adapter, [question], market=market, batch=1, ask=ask)
        if found.failure is not None:
            raise found.failure
        return found.answers[question]

    async def _resolve(
        self, adapter: Adapter, questions: Sequence[str], *, market: str, batch: int, ask: Ask
    ) -> Found:
        desk = _Desk(adapter.platform, market, pool=self._pool, redis=self._redis, mark_s=self._mark_s)
        answers = await desk.known(questions)
        missing = [question for question in dict.fromkeys(questions) if question not in answers]
        marked, theirs = await desk.divide(missing)
        answers.update(await desk.cached(marked))  # answered between our look and our mark
        await desk.unmark([question for question in marked if question in answers])
        ours = [question for question in marked if question not in answers]
        failure = await self._ask_all(desk, answers, ours, adapter=adapter, batch=batch, ask=ask)
        late = await self._await_others(desk, answers, theirs)
        if failure is None and late:
            failure = await self._ask_all(desk, answers, late, adapter=adapter, batch=batch, ask=ask)
        return Found(answers=answers, failure=failure)

    async def _ask_all(
        self,
        desk: "_Desk",
        answers: dict[str, tuple[Track, ...]],
        questions: Sequence[str],
        *,
        adapter: Adapter,
        batch: int,
        ask: Ask,
    ) -> CrossplayError | None:
        """Ask in parallel and keep each answer; return the first refusal, after which no more is asked."""
        slots = asyncio.Semaphore(adapter.capabilities.search_parallel)
        failures: list[CrossplayError] = []

        async def ask_one(part: Sequence[str]) -> None:
            async with slots:
                if failures:
                    return
                try:
                    got = await ask(part)
                except CrossplayError as error:
                    failures.append(error)
                    return
                answers.update(got)
                await desk.keep(got)

        try:
            async with asyncio.TaskGroup() as group:
                for start in range(0, len(questions), batch):
                    group.create_task(ask_one(questions[start : start + batch]))
        finally:
            await desk.unmark(questions)
        return failures[0] if failures else None

    async def _await_others(
        self, desk: "_Desk", answers: dict[str, tuple[Track, ...]], questions: Sequence[str]
    ) -> list[str]:
        """Wait for what others are asking; return what they did not bring."""
        left = list(questions)
        deadline = self._clock.monotonic() + self._mark_s
        while left and self._clock.monotonic() < deadline:
            answers.update(await desk.cached(left))
            left = [question for question in left if question not in answers]
            if not left or not await desk.is_marked(left):
                break
            await self._clock.sleep(POLL_S)
        answers.update(await desk.known(left))
        return [question for question in left if question not in answers]


class _Desk:
    """The two stores of one platform's and market's answers."""

    def __init__(self, platform: Platform, market: str, *, pool: Pool, redis: Redis, mark_s: float) -> None:
        self._platform = platform
        self._market = market
        self._pool = pool
        self._redis = redis
        self._mark_ms = int(mark_s * 1000)

    def _answer_key(self, question: str) -> str:
        return key(self._platform, f"answer:{self._market}:{question}")

    def _mark_key(self, question: str) -> str:
        return key(self._platform, f"asking:{self._market}:{question}")

    async def known(self, questions: Sequence[str]) -> dict[str, tuple[Track, ...]]:
        answers = await self.cached(questions)
        missing = [question for question in questions if question not in answers]
        if missing:
            stored = await lookups.get(self._pool, self._platform, market=self._market, questions=missing)
            await self._fill(stored)
            answers.update({question: answer.candidates for question, answer in stored.items()})
        return answers

    async def cached(self, questions: Sequence[str]) -> dict[str, tuple[Track, ...]]:
        if not questions:
            return {}
        try:
            values = await self._redis.mget([self._answer_key(question) for question in questions])
        except STORE_ERRORS:
            return {}
        found = {q: _tracks(value) for q, value in zip(questions, values, strict=True) if value is not None}
        return {question: tracks for question, tracks in found.items() if tracks is not None}

    async def keep(self, got: Mapping[str, tuple[Track, ...]]) -> None:
        lives = await lookups.put(self._pool, self._platform, market=self._market, answers=got)
        await self._fill({q: Answer(candidates=got[q], life_s=life_s) for q, life_s in lives.items()})

    async def _fill(self, answers: Mapping[str, Answer]) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for question, answer in answers.items():
                    value = msgspec.json.encode(answer.candidates)
                    pipe.set(self._answer_key(question), value, ex=max(1, int(answer.life_s)))
                await pipe.execute()
        except STORE_ERRORS:
            return

    async def divide(self, questions: Sequence[str]) -> tuple[list[str], list[str]]:
        """Mark what nobody is asking; return those, and those that somebody else is at."""
        if not questions:
            return [], []
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for question in questions:
                    pipe.set(self._mark_key(question), "1", nx=True, px=self._mark_ms)
                marked = await pipe.execute()
        except STORE_ERRORS:
            return list(questions), []
        pairs = list(zip(questions, marked, strict=True))
        return [q for q, is_ours in pairs if is_ours], [q for q, is_ours in pairs if not is_ours]

    async def is_marked(self, questions: Sequence[str]) -> bool:
        try:
            return bool(await self._redis.exists(*[self._mark_key(question) for question in questions]))
        except STORE_ERRORS:
            return False

    async def unmark(self, questions: Sequence[str]) -> None:
        if not questions:
            return
        try:
            await self._redis.delete(*[self._mark_key(question) for question in questions])
        except STORE_ERRORS:
            return


def _tracks(value: bytes | str) -> tuple[Track, ...] | None:
    """Decode a cached answer; None for one in another release's form, which is as good as none."""
    try:
        return msgspec.json.decode(value, type=tuple[Track, ...])
    except msgspec.DecodeError:
        return None


def text_question(query: TextQuery) -> str:
    """Return the cache's name of a text query: short, whatever the text."""
    text = "\n".join((query.title or "", query.artist or "", query.plain))
    return f"text:{hashlib.sha256(text.encode()).hexdigest()[:32]}"
