"""Executors for one job, whatever it does, and what a test hands to them."""

import random
from collections.abc import Awaitable, Callable

from shared.db.jobs import Job
from shared.errors import CrossplayError, PlatformUnavailable, RateLimited
from shared.lease import Lease
from shared.models import Platform
from tests.fakes.clock import FakeClock
from tests.integration.worker.engine import LEASE_S, SEND_TIMEOUT_S, Engine
from worker.executor import Executor

JOB = "SELECT state, attempt, epoch, lease_owner, lease_until, last_error FROM jobs"

Run = Callable[[Job, Lease], Awaitable[tuple[Platform, ...]]]


class Beats:
    def __init__(self) -> None:
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1


def executor(engine: Engine, run: Run, *, clock: FakeClock, max_attempts: int = 20) -> Executor:
    return Executor(
        pool=engine.pool,
        run=run,
        warn_late_write=engine.runner().warn_late_write,
        clock=clock,
        rng=random.Random(1),
        owner="worker-1",
        lease_s=LEASE_S,
        send_timeout_s=SEND_TIMEOUT_S,
        max_attempts=max_attempts,
    )


def raising(error: Exception) -> Run:
    async def run(job: Job, lease: Lease) -> tuple[Platform, ...]:
        raise error

    return run


def unavailable() -> CrossplayError:
    return PlatformUnavailable("Spotify is silent.", platform="spotify", operation="read_items")


def limited(retry_after_s: float) -> CrossplayError:
    return RateLimited("Wait.", platform="spotify", operation="read_items", retry_after_s=retry_after_s)
