"""Asks Postgres again while it cannot serve, so that no short outage costs what a job has found out."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from loguru import logger

from shared.clock import Clock
from shared.db import jobs
from shared.db.jobs import Job
from shared.db.pool import STORE_ERRORS, Pool
from shared.lease import Lease
from worker.retry import backoff_s

T = TypeVar("T")

MOST_DELAY_S = 3.0


async def insist(
    call: Callable[[], Awaitable[T]],
    *,
    until: Callable[[], bool],
    clock: Clock,
    rng: random.Random,
) -> T:
    """Return what the call returns; after a fault of the store make it again, unless `until` says yes.

    The call may have happened although it failed: only its answer got lost. Raises what its last fault was.
    """
    failure_count = 0
    while True:
        try:
            return await call()
        except STORE_ERRORS as error:
            failure_count += 1
            delay_s = min(MOST_DELAY_S, backoff_s(failure_count, rng=rng))
            if until():
                raise
            logger.debug("Postgres is asked again", error=type(error).__name__, wait_s=delay_s)
        await clock.sleep(delay_s)


async def commit_once(
    commit: Callable[[], Awaitable[None]], *, pool: Pool, job: Job, lease: Lease, rng: random.Random
) -> None:
    """Store what ends our ownership of a job, again and again while Postgres cannot and the job is ours.

    commit is fenced, so it counts once; where its answer got lost, the row tells. Raises what commit raises.
    """
    is_repeated = False

    async def attempt() -> None:
        nonlocal is_repeated
        if is_repeated and await jobs.is_stored(pool, job):
            return
        is_repeated = True
        await commit()

    await insist(attempt, until=lambda: lease.is_over, clock=lease.clock, rng=rng)
