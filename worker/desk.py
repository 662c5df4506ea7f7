"""Where answers of a platform's catalog are kept: Postgres, Redis in front of it; and who is asking."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import msgspec
from redis.asyncio import Redis

from shared.db import lookups
from shared.db.lookups import Answer
from shared.db.pool import Pool
from shared.models import TrackId
from shared.platforms.base import Adapter
from shared.streams import STORE_ERRORS, key

T = TypeVar("T", bound=msgspec.Struct)


class Desk(Generic[T]):
    """The two stores of one platform's and market's answers. form: what the answers are.

    since: older answers count as none. Redis does not know how old an answer is, so it is not asked then.
    """

    def __init__(
        self,
        adapter: Adapter,
        *,
        market: str,
        form: type[tuple[T, ...]],
        pool: Pool,
        redis: Redis,
        since: datetime | None = None,
    ) -> None:
        self._platform = adapter.platform
        self._market = market
        self._form = form
        self._pool = pool
        self._redis = redis
        self._since = since

    def _answer_key(self, question: str) -> str:
        return key(self._platform, f"answer:{self._market}:{question}")

    def _mark_key(self, question: str) -> str:
        return key(self._platform, f"asking:{self._market}:{question}")

    async def known(self, questions: Sequence[str]) -> dict[str, tuple[T, ...]]:
        answers = await self.cached(questions)
        missing = [question for question in questions if question not in answers]
        if missing:
            answers.update(await self._stored(missing))
        return answers

    async def cached(self, questions: Sequence[str]) -> dict[str, tuple[T, ...]]:
        if not questions:
            return {}
        if self._since is not None:
            return await self._stored(questions)
        try:
            values = await self._redis.mget([self._answer_key(question) for question in questions])
        except STORE_ERRORS:
            return {}
        found = {
            q: self._read(value) for q, value in zip(questions, values, strict=True) if value is not None
        }
        return {question: answer for question, answer in found.items() if answer is not None}

    async def _stored(self, questions: Sequence[str]) -> dict[str, tuple[T, ...]]:
        stored = await lookups.get(
            self._pool,
            self._platform,
            market=self._market,
            questions=questions,
            form=self._form,
            since=self._since,
        )
        await self._fill(stored)
        return {question: answer.candidates for question, answer in stored.items()}

    def _read(self, value: bytes | str) -> tuple[T, ...] | None:
        """Decode a cached answer; None for one in another release's form, which is as good as none."""
        try:
            return msgspec.json.decode(value, type=self._form)
        except msgspec.DecodeError:
            return None

    async def keep(self, got: Mapping[str, tuple[T, ...]]) -> None:
        lives = await lookups.put(self._pool, self._platform, market=self._market, answers=got)
        await self._fill({q: Answer(candidates=got[q], life_s=life_s) for q, life_s in lives.items()})

    async def forget(self, track_id: TrackId) -> None:
        """Drop every answer that offered a track."""
        questions = await lookups.forget(self._pool, self._platform, market=self._market, track_id=track_id)
        if not questions:
            return
        try:
            await self._redis.delete(*[self._answer_key(question) for question in questions])
        except STORE_ERRORS:
            return

    async def _fill(self, answers: Mapping[str, Answer[T]]) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for question, answer in answers.items():
                    value = msgspec.json.encode(answer.candidates)
                    pipe.set(self._answer_key(question), value, ex=max(1, int(answer.life_s)))
                await pipe.execute()
        except STORE_ERRORS:
            return

    async def divide(self, questions: Sequence[str], *, mark_s: float) -> tuple[list[str], list[str]]:
        """Mark for so long what nobody is asking; return those, and those that somebody else is at."""
        if not questions:
            return [], []
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                for question in questions:
                    pipe.set(self._mark_key(question), "1", nx=True, px=int(mark_s * 1000))
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
