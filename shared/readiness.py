"""Ask everything that a process needs whether it is there: both stores, and the schema in one."""

import asyncio
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis

from shared.db import schema
from shared.db.pool import Pool
from shared.models import Platform
from shared.streams import key

_TIMEOUT_S = 2.0


class Readiness:
    """Answers per part, within two seconds: None where it is well, else what is wrong with it."""

    def __init__(self, *, pool: Pool, redis: Redis) -> None:
        self._pool = pool
        self._redis = redis

    async def __call__(self) -> dict[str, str | None]:
        checks = {"postgres": self._can_store, "redis": self._can_wake, "schema": self._schema}
        faults = await asyncio.gather(*map(_fault, checks.values()))
        return dict(zip(checks, faults, strict=True))

    async def _can_store(self) -> str | None:
        is_read_only = await self._pool.fetchval("SELECT current_setting('transaction_read_only')::bool")
        return "Takes no changes (read-only)." if is_read_only else None

    async def _can_wake(self) -> str | None:
        # A full or read-only Redis still answers a ping. Of a cluster each node is asked that has a stream.
        async with self._redis.pipeline(transaction=False) as pipe:
            for platform in Platform:
                pipe.set(key(platform, "health"), "1", ex=60)
            await pipe.execute()
        return None

    async def _schema(self) -> str | None:
        async with self._pool.acquire() as connection:
            try:
                missing = await schema.require(connection)
            except schema.SchemaMismatch as error:
                return str(error)
        return f"Run `crossplay migrate`: {', '.join(missing)} is missing." if missing else None


async def _fault(check: Callable[[], Awaitable[str | None]]) -> str | None:
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            return await check()
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
        return f"Does not answer ({type(error).__name__})."
