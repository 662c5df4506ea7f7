"""Asks a platform's catalog each question once: Redis first, then Postgres, then the platform.

Two that ask the same at the same time, in one worker or in two, cost one call: a mark in Redis says that
somebody is at it. The mark only saves calls; without Redis everybody asks for themselves.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeAlias, TypeVar

import msgspec
from redis.asyncio import Redis

from shared.clock import Clock, SystemClock
from shared.db.pool import Pool
from shared.errors import CrossplayError, PlatformNotFound
from shared.models import Album, Artist, Isrc, Track, TrackId
from shared.platforms.base import Adapter, TextQuery
from worker.desk import Desk

POLL_S = 0.05

T = TypeVar("T", bound=msgspec.Struct)
Ask: TypeAlias = Callable[[Sequence[str]], Awaitable[Mapping[str, tuple[T, ...]]]]


class Found(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Answers by question. A question without one failed, with `failure`: it was not answered, not missed."""

    answers: dict[str, tuple[T, ...]]
    failure: CrossplayError | None = None


class Lookups:
    """The cache in front of all catalog look-ups of a worker.

    mark_s: how long somebody may be at a question before others ask it too; as long as a lease, so that
    whoever takes over a dead worker's job does not wait for its answers much longer. since: an answer that
    was given before counts as none.
    """

    def __init__(
        self,
        pool: Pool,
        redis: Redis,
        *,
        mark_s: float = 30.0,
        clock: Clock | None = None,
        since: datetime | None = None,
    ) -> None:
        self._pool = pool
        self._mark_s = mark_s
        self._redis = redis
        self._clock = clock or SystemClock()
        self._since = since

    def since(self, moment: datetime) -> "Lookups":
        """Return the same, believing no answer that was given before a moment."""
        return Lookups(self._pool, self._redis, mark_s=self._mark_s, clock=self._clock, since=moment)

    async def by_isrc(self, adapter: Adapter, isrcs: Sequence[Isrc], *, market: str) -> Found[Track]:
        """Find recordings by ISRC, in batches as large as the platform takes."""
        if not adapter.capabilities.isrc_batch:
            return Found(answers=dict.fromkeys(isrcs, ()))

        async def ask(questions: Sequence[str]) -> Mapping[str, tuple[Track, ...]]:
            asked = [Isrc(question.removeprefix("isrc:")) for question in questions]
            return {f"isrc:{isrc}": tracks for isrc, tracks in (await adapter.find_by_isrc(asked)).items()}

        found = await self._resolve(
            adapter,
            [f"isrc:{isrc}" for isrc in isrcs],
            market=market,
            batch=adapter.capabilities.isrc_batch,
            ask=ask,
            form=tuple[Track, ...],
        )
        answers = {question.removeprefix("isrc:"): tracks for question, tracks in found.answers.items()}
        return Found(answers=answers, failure=found.failure)

    async def by_text(self, adapter: Adapter, query: TextQuery, *, market: str) -> tuple[Track, ...]:
        """Search by text. Raises what the platform's refusal was."""
        question = text_question(query)

        async def ask(_: Sequence[str]) -> Mapping[str, tuple[Track, ...]]:
            return {question: await adapter.search(query)}

        found = await self._resolve(
            adapter, [question], market=market, batch=1, ask=ask, form=tuple[Track, ...]
        )
        return _only(found, question)

    async def albums(self, adapter: Adapter, name: str, *, artist: str, market: str) -> tuple[Album, ...]:
        """Search for albums. Raises what the platform's refusal was."""
        question = f"album:{_short(name, artist)}"

        async def ask(_: Sequence[str]) -> Mapping[str, tuple[Album, ...]]:
            return {question: await adapter.search_albums(name, artist=artist)}

        found = await self._resolve(
            adapter, [question], market=market, batch=1, ask=ask, form=tuple[Album, ...]
        )
        return _only(found, question)

    async def artists(self, adapter: Adapter, name: str, *, market: str) -> tuple[Artist, ...]:
        """Search for artists. Raises what the platform's refusal was."""
        question = f"artist:{_short(name)}"

        async def ask(_: Sequence[str]) -> Mapping[str, tuple[Artist, ...]]:
            return {question: await adapter.search_artists(name)}

        found = await self._resolve(
            adapter, [question], market=market, batch=1, ask=ask, form=tuple[Artist, ...]
        )
        return _only(found, question)

    async def album_tracks(self, adapter: Adapter, album: Album, *, market: str) -> tuple[Track, ...]:
        """Read an album; one that is gone has no tracks. Raises what else the platform's refusal was."""
        question = f"album-tracks:{album.id}"

        async def ask(_: Sequence[str]) -> Mapping[str, tuple[Track, ...]]:
            try:
                return {question: await adapter.read_album(album)}
            except PlatformNotFound:
                return {question: ()}

        found = await self._resolve(
            adapter, [question], market=market, batch=1, ask=ask, form=tuple[Track, ...]
        )
        return _only(found, question)

    async def forget(self, adapter: Adapter, track_id: TrackId, *, market: str) -> None:
        """Drop the answers that offered a track which the platform does not take."""
        await self._desk(adapter, market=market, form=tuple[Track, ...]).forget(track_id)

    def _desk(self, adapter: Adapter, *, market: str, form: type[tuple[T, ...]]) -> Desk[T]:
        return Desk(
            adapter,
            market=market,
            form=form,
            pool=self._pool,
            redis=self._redis,
            since=self._since,
        )

    async def _resolve(
        self,
        adapter: Adapter,
        questions: Sequence[str],
        *,
        market: str,
        batch: int,
        ask: Ask[T],
        form: type[tuple[T, ...]],
    ) -> Found[T]:
        desk = self._desk(adapter, market=market, form=form)
        answers = await desk.known(questions)
        missing = [question for question in dict.fromkeys(questions) if question not in answers]
        marked, theirs = await desk.divide(missing, mark_s=self._mark_s)
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
        desk: Desk[T],
        answers: dict[str, tuple[T, ...]],
        questions: Sequence[str],
        *,
        adapter: Adapter,
        batch: int,
        ask: Ask[T],
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
        self, desk: Desk[T], answers: dict[str, tuple[T, ...]], questions: Sequence[str]
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


def _only(found: Found[T], question: str) -> tuple[T, ...]:
    if found.failure is not None:
        raise found.failure
    return found.answers[question]


def text_question(query: TextQuery) -> str:
    """Return the cache's name of a text query: short, whatever the text."""
    return f"text:{_short(query.title or '', query.artist or '', query.plain)}"


def _short(*texts: str) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()[:32]
