"""Stores that many short tests share: one database, emptied before each, and one Redis."""

import secrets
from collections.abc import AsyncIterator
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest_asyncio
from redis.asyncio import Redis

from shared.db.pool import Pool, open_pool
from shared.secret import Secret
from shared.streams import open_redis
from tests.conftest import TestServers
from tests.databases import Databases


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_database_url(servers: TestServers, template_database: str) -> AsyncIterator[str]:
    """A migrated database for the whole run: copying one for each test takes longer than most tests."""
    name = f"crossplay_engine_{secrets.token_hex(6)}"
    admin = await asyncpg.connect(servers.database_url)
    try:
        await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template_database}"')
        yield urlunsplit(urlsplit(servers.database_url)._replace(path=f"/{name}"))
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


@pytest_asyncio.fixture
async def pool(shared_database_url: str, databases: Databases) -> AsyncIterator[Pool]:
    """A pool on empty tables."""
    async with await open_pool(Secret(shared_database_url), size=20) as opened:
        async with opened.acquire() as connection, connection.transaction():
            await connection.execute(databases.wipe)
        yield opened


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(Secret(redis_url)) as client:
        yield client
