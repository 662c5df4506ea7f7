"""Engines on real stores, one for each class of target, and a job to be executed."""

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.db.pool import Pool
from shared.messages import RunJob
from shared.models import JobId, TransferId
from tests.fakes.clock import FakeClock
from tests.integration.worker.engine import APPENDING, POSITIONED, Engine
from tests.integration.worker.stores import pool, redis, shared_database_url

__all__ = ["pool", "redis", "shared_database_url"]


@pytest.fixture(params=[POSITIONED, APPENDING], ids=["positioned", "appending"])
def engine(request: pytest.FixtureRequest, pool: Pool, redis: Redis) -> Engine:
    """Both write classes, one after the other."""
    return Engine(pool, redis, target=request.param)


@pytest.fixture
def positioned(pool: Pool, redis: Redis) -> Engine:
    return Engine(pool, redis, target=POSITIONED)


@pytest.fixture
def appending(pool: Pool, redis: Redis) -> Engine:
    return Engine(pool, redis, target=APPENDING)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest_asyncio.fixture
async def message(positioned: Engine) -> RunJob:
    """Asks for the first job of a transfer."""
    transfer_id = await positioned.transfer(range(3))
    job_id = await positioned.pool.fetchval("SELECT id FROM jobs")
    return RunJob(job_id=JobId(str(job_id)), transfer_id=TransferId(transfer_id))
