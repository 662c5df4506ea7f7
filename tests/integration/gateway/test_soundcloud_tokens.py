"""Refresh tokens that work once, on real stores and against simulated SoundCloud."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeAlias

import aiohttp
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from yarl import URL

from deploy.sandbox.server import build_app
from deploy.sandbox.world import World
from shared.cipher import Cipher
from shared.db import connections, users
from shared.db.connections import Connection, NewSignIn
from shared.db.pool import Pool
from shared.errors import PlatformUnavailable, ReconnectRequired
from shared.models import Account, Platform
from shared.platforms.registry import Platforms
from shared.secret import Secret
from shared.settings import Settings, parse_key_ring
from shared.streams import open_redis
from shared.tokens import Sessions
from tests.contract.flavor import by_oauth
from tests.contract.flavors.soundcloud import FLAVORS
from tests.fakes.budget import FakeBudgets
from tests.integration.gateway.token_client import KEY_RING

pytestmark = pytest.mark.integration

FLAVOR = FLAVORS["soundcloud"]


class Process:
    """What one process of ours has: nothing is shared with another one but the stores."""

    def __init__(self, platforms: Platforms, *, sessions: Sessions) -> None:
        self.platforms = platforms
        self.sessions = sessions

    async def call(self, connection: Connection) -> str:
        """Ask SoundCloud whose account it is."""
        session = await self.sessions.open(connection.id)
        return (await self.platforms.adapter(Platform.SOUNDCLOUD, session=session).account()).label


Start: TypeAlias = Callable[[], Awaitable[Process]]


@pytest_asyncio.fixture
async def url() -> AsyncIterator[URL]:
    async with TestServer(build_app(World.load([]), options=FLAVOR.options)) as server:
        yield server.make_url("/")


@pytest_asyncio.fixture
async def start(pool: Pool, redis_url: str, url: URL) -> AsyncIterator[Start]:
    async with AsyncExitStack() as stack:

        async def process() -> Process:
            settings = Settings(**FLAVOR.settings(url))
            platforms = await stack.enter_async_context(Platforms(settings, budgets=FakeBudgets()))
            redis = await stack.enter_async_context(open_redis(Secret(redis_url)))
            sessions = Sessions(
                pool=pool, redis=redis, cipher=Cipher(parse_key_ring(KEY_RING)), refresher_of=platforms.oauth
            )
            stack.push_async_callback(sessions.close)
            return Process(platforms, sessions=sessions)

        yield process


async def sign_in(pool: Pool, process: Process, url: URL) -> Connection:
    tokens = await (await by_oauth(process.platforms, Platform.SOUNDCLOUD, url)).tokens()
    return await connections.upsert(
        pool,
        await users.ensure(pool, name="mira"),
        NewSignIn(
            platform=Platform.SOUNDCLOUD,
            account=Account(id="soundcloud:users:1", label="sandbox", market=""),
            life_months=None,
        ),
        seal=lambda own_id: process.sessions.seal(own_id, platform=Platform.SOUNDCLOUD, tokens=tokens),
    )


async def order(url: URL, path: str, body: Any) -> None:
    async with (
        aiohttp.ClientSession() as client,
        client.post(url / "_sandbox" / path, json=body) as response,
    ):
        assert response.ok, await response.text()


async def refreshes(url: URL) -> list[str]:
    """How the platform has answered to each refresh; the first token call was the sign-in."""
    async with (
        aiohttp.ClientSession() as client,
        client.get(url / "_sandbox/requests", params={"calls": "1"}) as response,
    ):
        calls = (await response.json())["calls"]
    return [call["status"] for call in calls if call["operation"] == "token"][1:]


async def state_of(pool: Pool, connection: Connection) -> str:
    return str(await pool.fetchval("SELECT state FROM connections WHERE id = $1", connection.id))


async def test_three_processes_that_find_the_token_dead_refresh_it_once(
    pool: Pool, start: Start, url: URL
) -> None:
    processes = [await start() for _ in range(3)]
    connection = await sign_in(pool, processes[0], url)
    await order(url, "tokens/revoke", {"kind": "access"})

    labels = await asyncio.gather(*(process.call(connection) for process in processes for _ in range(4)))

    assert set(labels) == {"sandbox"}
    assert await refreshes(url) == ["200"]


async def test_one_refresh_token_follows_another(pool: Pool, start: Start, url: URL) -> None:
    process = await start()
    connection = await sign_in(pool, process, url)

    for _ in range(3):
        await order(url, "tokens/revoke", {"kind": "access"})
        assert await process.call(connection) == "sandbox"
    other = await start()  # has nothing but what was stored
    await order(url, "tokens/revoke", {"kind": "access"})

    assert await other.call(connection) == "sandbox"
    assert await refreshes(url) == ["200"] * 4


@pytest.mark.parametrize("kind", ["applied_then_lost", "applied_then_error", "applied_then_empty"])
async def test_refresh_whose_answer_is_lost_ends_the_sign_in_and_is_not_repeated_for_ever(
    pool: Pool, start: Start, url: URL, kind: str
) -> None:
    process = await start()
    connection = await sign_in(pool, process, url)
    await order(url, "tokens/revoke", {"kind": "access"})
    await order(url, "faults", {"kind": kind, "operation": "token", "count": 1})

    with pytest.raises(PlatformUnavailable):
        await process.call(connection)
    still = await state_of(pool, connection)
    for _ in range(3):
        with pytest.raises(ReconnectRequired):
            await process.call(connection)

    assert (still, await state_of(pool, connection)) == ("connected", "reconnect_required")
    assert len(await refreshes(url)) == 2  # the lost one, and the one that finds its token dead


async def test_refresh_that_did_not_reach_the_platform_costs_nothing(
    pool: Pool, start: Start, url: URL
) -> None:
    process = await start()
    connection = await sign_in(pool, process, url)
    await order(url, "tokens/revoke", {"kind": "access"})
    await order(url, "faults", {"kind": "drop", "operation": "token", "count": 1})

    with pytest.raises(PlatformUnavailable):
        await process.call(connection)

    assert await process.call(connection) == "sandbox"
    assert await state_of(pool, connection) == "connected"
