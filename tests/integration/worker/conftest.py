"""Engines on real stores, one for each class of target."""

import pytest
from redis.asyncio import Redis

from shared.db.pool import Pool
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
