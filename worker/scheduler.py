"""Keeps the streams filled from the rows: resumes what is due, queues again what was lost."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import asyncpg
from loguru import logger
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared import outbox
from shared.db import platform_pauses, transfers, workers
from shared.db.pool import STORE_ERRORS as POSTGRES_ERRORS
from shared.db.pool import Pool
from shared.leader import Leader
from shared.meters import meters
from shared.models import Platform
from shared.streams import STORE_ERRORS as REDIS_ERRORS
from shared.streams import Streams

BEAT_S = 2.0
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
        self._streams = Streams(redis)
        self._leader = Leader(redis, key=LEADER_KEY, name=worker_id, term_s=3 * sweep_s)
        self._worker_id = worker_id
        self._slot_count = slot_count
        self._sweep_s = sweep_s
        self._on_fleet = on_fleet
        self._away: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Beat and sweep until `stop`; a store that is away is tried again at the next turn.

        The heart beats for itself: a Redis that does not answer must not make this worker look dead.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(_repeat(self._beat, stop, every_s=BEAT_S, note=_no_note))
            group.create_task(_repeat(self._sweep, stop, every_s=self._sweep_s, note=self._note))

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
                logger.info("Stores are back")
            self._away.clear()
            return
        store = "Redis" if isinstance(error, RedisError) else "Postgres"
        if store not in self._away:
            logger.warning("Store is away", store=store, error=type(error).__name__)
        self._away.add(store)

    async def _beat(self) -> None:
        await workers.seen(self._pool, self._worker_id, slot_count=self._slot_count)
        alive_count, _ = await workers.alive(self._pool)
        self._on_fleet(alive_count)

    async def _sweep(self) -> None:
        if not await self._leader.is_me():
            return
        due_count = await transfers.resume_due(self._pool)
        if due_count:
            logger.info("Transfers resumed", transfer_count=due_count, reason="due")
        settled = await platform_pauses.settle(self._pool)
        if settled.released_count:
            logger.info("Transfers resumed", transfer_count=settled.released_count, reason="operator")
        if settled.held_count:
            logger.info("Transfers paused", transfer_count=settled.held_count, reason="operator")
        for platform in Platform:
            requeued_count = await outbox.rescue(self._pool, self._streams, platform)
            if requeued_count:
                meters.jobs_requeued(requeued_count, platform=platform)
                logger.info("Jobs queued again", platform=platform, job_count=requeued_count)
            await outbox.dispatch(self._pool, self._streams, platform)


async def _repeat(
    act: Callable[[], Awaitable[None]],
    stop: asyncio.Event,
    *,
    every_s: float,
    note: Callable[[Exception | None], None],
) -> None:
    while not stop.is_set():
        try:
            await act()
        except _AWAY as error:
            note(error)
        else:
            note(None)
        await _wait(stop, every_s)


def _no_note(_: Exception | None) -> None:
    """Leave it to the sweep to tell, which asks both stores and more often."""


async def _wait(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
