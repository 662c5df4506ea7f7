"""Real servers for the tests that ask for them: started once, with a fresh database for each test."""

import asyncio
import os
import secrets
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
import redis.asyncio

from deploy.dev.embedded import EmbeddedServers
from shared.db.migrate import migrate
from tests.databases import Databases, execute, with_path

SHARED_SHELF = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure() -> None:
    """Say that there is no event loop yet: looptime 0.9 asks for one around every plain test.

    Python before 3.14 would then make one that nobody closes, and a later test fails with that warning.
    """
    asyncio.set_event_loop(None)
    # A shell has what it starts in the background ignore Ctrl-C, and so would all that tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class TestServers(msgspec.Struct, frozen=True, kw_only=True):
    """Where the servers of this test run listen. database_url's user may create databases."""

    __test__ = False

    database_url: str
    redis_url: str

    def __repr__(self) -> str:
        return "TestServers(…)"


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def servers() -> AsyncIterator[TestServers]:
    """CROSSPLAY_TEST_DATABASE_URL and CROSSPLAY_TEST_REDIS_URL, else embedded servers without fsync."""
    database_url = os.environ.get("CROSSPLAY_TEST_DATABASE_URL")
    redis_url = os.environ.get("CROSSPLAY_TEST_REDIS_URL")
    if database_url and redis_url:
        yield TestServers(database_url=database_url, redis_url=_own_redis(redis_url))
        return
    with tempfile.TemporaryDirectory(prefix="crossplay-tests-") as directory:
        async with EmbeddedServers(Path(directory), fsync=False) as embedded:
            yield TestServers(
                database_url=database_url or embedded.database_url,
                redis_url=_own_redis(redis_url) if redis_url else embedded.redis_url,
            )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def template_database(servers: TestServers) -> AsyncIterator[str]:
    """The name of a database with all migrations in it, to be copied."""
    name = f"crossplay_template_{secrets.token_hex(6)}"
    await execute(servers.database_url, f'CREATE DATABASE "{name}"')
    try:
        await migrate(with_path(servers.database_url, name))
        yield name
    finally:
        await execute(servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def databases(servers: TestServers, template_database: str) -> AsyncIterator[Databases]:
    async with Databases(servers.database_url, template=template_database) as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def database_url(servers: TestServers, databases: Databases) -> AsyncIterator[str]:
    """A database of this test's own, migrated and empty."""
    yield with_path(servers.database_url, await databases.take())
    await databases.give_back()


@asynccontextmanager
async def own_database(servers: TestServers, *, template: str) -> AsyncIterator[str]:
    """Copy the template for as long as it is needed."""
    name = f"crossplay_test_{secrets.token_hex(6)}"
    await execute(servers.database_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield with_path(servers.database_url, name)
    finally:
        await execute(servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest_asyncio.fixture(loop_scope="session")
async def empty_database_url(servers: TestServers) -> AsyncIterator[str]:
    """A database of this test's own that no migration has seen."""
    name = f"crossplay_test_{secrets.token_hex(6)}"
    await execute(servers.database_url, f'CREATE DATABASE "{name}"')
    try:
        yield with_path(servers.database_url, name)
    finally:
        await execute(servers.database_url, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest_asyncio.fixture(loop_scope="session")
async def redis_url(servers: TestServers) -> str:
    """An empty Redis database, which the next test empties again."""
    async with redis.asyncio.Redis.from_url(servers.redis_url) as client:
        await client.flushdb()
    return servers.redis_url


@pytest.fixture(scope="session")
def shared_shelf() -> Path:
    """The reference shelf beside the checkout: recorded answers, real playlists, specs."""
    if not SHARED_SHELF.is_dir():
        pytest.skip("the reference shelf is not beside this checkout")
    return SHARED_SHELF


def _own_redis(url: str) -> str:
    """Give each process of a parallel run a database of its own: tests empty theirs."""
    process = os.environ.get("PYTEST_XDIST_WORKER", "gw").removeprefix("gw")
    return with_path(url, process) if process else url
