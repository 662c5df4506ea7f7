"""Keeps the streams filled from the rows: resumes what is due, queues again what was lost."""

import asyncio
from collections.abc import Callable, Sequence

import asyncpg
from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared import outbox, telemetry
from shared.db import transfers, workers
from shared.db.pool import STORE_ERRORS as POSTGRES_ERRORS
from shared.db.pool import Pool
from shared.models import Platform
from shared.streams import STORE_ERRORS as REDIS_ERRORS
from shared.streams import Streams

BEAT_S = 5.0
LEADER_KEY = "{crossplay}:sweeper"  # only saves work: two sweepers do no harm
_AWAY = (*POSTGRES_ERRORS, *REDIS_ERRORS, asyncpg.PostgresError)


class Scheduler:
    """Sweeps for all platforms. on_fleet is told how many workers are alive, at each heartbeat."""

    def __init__(
        self,
        *,
        pool: Pool,
        redis: Redis,
        worker_id: str,
        slot_count: int,
        sweep_s: float,
        on_fleet: Callable[[int], None],
    ) -> None:
        self._pool = pool
        self._redis = redis
        self._streams = Streams(redis)
        self._worker_id = worker_id
        self._slot_count = slot_count
        self._sweep_s = sweep_s
        self._on_fleet = on_fleet
        self._away: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Beat and sweep until `stop`; a store that is away is tried again at the next turn."""
        next_beat_at = 0.0
        while not stop.is_set():
            try:
                if asyncio.get_running_loop().time() >= next_beat_at:
                    next_beat_at = asyncio.get_running_loop().time() + BEAT_S
                    await self._beat()
                if await self._is_leader():
                    await self._sweep()
            except _AWAY as error:
                self._note(error)
            else:
                self._note(None)
            await _wait(stop, self._sweep_s)

    async def wake(self, platforms: Sequence[Platform]) -> None:
        """Queue what has become runnable now; whatever fails here, the next sweep does."""
        for platform in dict.fromkeys(platforms):
            try:
                await outbox.dispatch(self._pool, self._streams, platform)
            except _AWAY as error:
                logger.debug("Work waits for the next sweep", platform=platform, error=type(error).__name__)

    async def leave(self) -> None:
        try:
            await workers.leave(self._pool, self._worker_id)
        except _AWAY:
            return

    def _note(self, error: Exception | None) -> None:
        """Tell once that a store is away and once that all is well: this loop asks both all the time."""
        if error is None:
            if self._away:
                logger.info("The stores are back; work goes on")
            self._away.clear()
            return
        store = "Redis" if isinstance(error, RedisError) else "Postgres"
        if store not in self._away:
            logger.warning("A store is away; work waits", store=store, error=type(error).__name__)
        self._away.add(store)

    async def _beat(self) -> None:
        await workers.seen(self._pool, self._worker_id, slot_count=self._slot_count)
        alive_count, _ = await workers.alive(self._pool)
        self._on_fleet(alive_count)

    async def _is_leader(self) -> bool:
        life_ms = int(self._sweep_s * 3000)
        if await self._redis.set(LEADER_KEY, self._worker_id, nx=True, px=life_ms):
            return True
        if await self._redis.get(LEADER_KEY) != self._worker_id:
            return False
        await self._redis.pexpire(LEADER_KEY, life_ms)
        return True

    async def _sweep(self) -> None:
        await transfers.resume_due(self._pool)
        for platform in Platform:
            requeued_count = await outbox.rescue(self._pool, self._streams, platform)
            if requeued_count:
                telemetry.meters.jobs_requeued(requeued_count, platform=platform)
            await outbox.dispatch(self._pool, self._streams, platform)


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
