"""Clients of the servers that the doctor looks at."""

from collections.abc import AsyncIterator

import pytest_asyncio
from redis.asyncio import Redis

from shared.db.pool import Pool, open_pool
from shared.secret import Secret


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(Secret(database_url), size=2) as opened:
        yield opened


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client
