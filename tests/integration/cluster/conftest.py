"""One cluster for all of these tests, emptied before each, and its slots where they were."""

import os
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.secret import Secret
from shared.streams import open_redis
from tests.faults.redis_cluster import RedisCluster
from tests.integration.worker.stores import pool, shared_database_url

__all__ = ["pool", "shared_database_url"]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RedisCluster]:
    async with RedisCluster.run(tmp_path_factory.mktemp("cluster"), environ=os.environ) as cluster:
        yield cluster


@pytest_asyncio.fixture(loop_scope="session")
async def cluster(running_cluster: RedisCluster) -> RedisCluster:
    await running_cluster.empty()
    return running_cluster


@pytest_asyncio.fixture
async def redis(cluster: RedisCluster) -> AsyncIterator[Redis]:
    """A client that knows the nodes already: some of these tests give up on a call within a second."""
    async with open_redis(Secret(cluster.url)) as client:
        await client.ping()
        yield client


@pytest_asyncio.fixture
async def reader(cluster: RedisCluster) -> AsyncIterator[Redis]:
    async with open_redis(Secret(cluster.url), connection_count=1, socket_timeout_s=None) as client:
        yield client


@pytest_asyncio.fixture
async def other_redis(cluster: RedisCluster) -> AsyncIterator[Redis]:
    """The client of another worker."""
    async with open_redis(Secret(cluster.url)) as client:
        yield client
