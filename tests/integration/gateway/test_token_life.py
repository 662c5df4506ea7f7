"""The life of tokens, on real stores and against a real server that forgives nothing."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias

import pytest
import pytest_asyncio
from aiohttp import web

from shared.cache import Cache
from shared.clock import SystemClock
from shared.db import connections, users
from shared.db.connections import Connection, NewSignIn
from shared.db.pool import Pool
from shared.errors import CrossplayError, PlatformUnavailable, ReconnectRequired
from shared.models import Account, ConnectionId, Platform, TokenSet
from shared.secret import Secret
from shared.streams import open_redis
from shared.tokens import Sessions
from tests.integration.gateway.token_client import Client, open_client, open_oauth
from tests.integration.gateway.token_server import FIRST, Odd, TokenServer
from tests.waiting import within

pytestmark = pytest.mark.integration

SIGNED_IN_ANEW = TokenSet(access_token="access-7", refresh_token="refresh-7")
Start: TypeAlias = Callable[..., Awaitable[Client]]


class AheadClock(SystemClock):
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


@pytest_asyncio.fixture
async def server() -> AsyncIterator[TokenServer]:
    async with TokenServer() as opened:
        yield opened


@pytest_asyncio.fixture
async def start(pool: Pool, redis_url: str, server: TokenServer) -> AsyncIterator[Start]:
    """Start what another process would be: nothing is shared but the stores."""
    async with AsyncExitStack() as stack:

        async def process(*, timeout_s: float = 10.0, clock: AheadClock | None = None) -> Client:
            oauth = await stack.enter_async_context(open_oauth(server.url, timeout_s=timeout_s))
            return await stack.enter_async_context(
                open_client(server.url, pool=pool, redis_url=redis_url, refresher=oauth, clock=clock)
            )

        yield process


async def sign_in(pool: Pool, sessions: Sessions, tokens: TokenSet = FIRST) -> Connection:
    connection = await connections.upsert(
        pool,
        await users.ensure(pool, name="mira"),
        NewSignIn(
            platform=Platform.SPOTIFY,
            account=Account(id="acc-1", label="Mira Holt", market="DE"),
            life_months=6,
        ),
        seal=lambda connection_id: sessions.seal(connection_id, platform=Platform.SPOTIFY, tokens=tokens),
    )
    await sessions.forget(connection.id)
    return connection


async def state_of(pool: Pool, connection_id: ConnectionId) -> str:
    return str(await pool.fetchval("SELECT state FROM connections WHERE id = $1", connection_id))


def answer(status: int, text: str, **headers: str) -> Odd:
    async def give(_: web.Request) -> web.Response:
        return web.Response(status=status, text=text, headers=headers)

    return give


async def test_a_rotated_token_is_stored_before_it_is_used(
    pool: Pool, start: Start, server: TokenServer
) -> None:
    process = await start()
    connection = await sign_in(pool, process.sessions)
    versions: list[int] = []

    async def look() -> None:
        versions.append(await pool.fetchval("SELECT version FROM connections WHERE id = $1", connection.id))

    server.before_me = look
    server.expire()

    assert await process.call(connection.id) == 1
    assert versions == [1, 2]


@pytest.mark.parametrize("named", ["not at all", "empty"])
async def test_a_refresh_token_that_is_not_replaced_stays_and_the_end_of_the_sign_in_too(
    pool: Pool, start: Start, server: TokenServer, named: str
) -> None:
    process = await start()
    connection = await sign_in(pool, process.sessions)
    server.is_rotating = False
    if named == "empty":
        server.number = 1
        server.odd.append(answer(200, '{"access_token": "access-1", "expires_in": 60, "refresh_token": ""}'))
    else:
        server.expire()
    first = await process.call(connection.id)
    server.expire()

    second = await process.call(connection.id)

    after = await connections.get(pool, connection.id, user_id=connection.user_id)
    assert (first, second) == (1, 2)
    assert server.reused_count == 0
    assert after is not None
    assert after.sign_in_ends_at == connection.sign_in_ends_at


PASSING: dict[str, Odd] = {
    "broken": answer(500, "oops"),
    "away": answer(503, "<html>maintenance</html>"),
    "busy": answer(429, "", **{"Retry-After": "7"}),
    "a page": answer(200, "<html>Welcome</html>"),
    "half an answer": answer(200, '{"access_to'),
    "no token": answer(200, '{"token_type": "Bearer"}'),
    "an empty token": answer(200, '{"access_token": "", "expires_in": 3600}'),
    "an endless life": answer(200, '{"access_token": "x", "expires_in": 1e300}'),
    "a bad request": answer(400, "<html>400</html>"),
    "unauthorized": answer(401, ""),
    "forbidden": answer(403, "blocked"),
    "not found": answer(404, ""),
    "a redirect": answer(302, "", Location="https://elsewhere.example/"),
    "invalid_client": answer(400, '{"error": "invalid_client"}'),
    "invalid_client by 401": answer(401, '{"error":"invalid_client","error_description":"no invalid_grant"}'),
    "unauthorized_client": answer(400, '{"error": "unauthorized_client"}'),
}


@pytest.mark.parametrize("fault", PASSING)
async def test_no_fault_but_a_refused_grant_costs_the_user_the_sign_in(
    pool: Pool, start: Start, server: TokenServer, fault: str
) -> None:
    process = await start()
    connection = await sign_in(pool, process.sessions)
    server.expire()
    server.odd.append(PASSING[fault])

    with pytest.raises(CrossplayError) as caught:
        await process.call(connection.id)
    state = await state_of(pool, connection.id)
    later = await process.call(connection.id)

    assert not isinstance(caught.value, ReconnectRequired)
    assert state == "connected"
    assert (later, server.asked_count, server.reused_count) == (1, 2, 0)


async def test_a_platform_that_does_not_answer_to_a_refresh_costs_nobody_the_sign_in(
    pool: Pool, start: Start, server: TokenServer
) -> None:
    async def silent(_: web.Request) -> web.Response:
        await server.is_over.wait()
        return web.Response()

    hasty, patient = await start(timeout_s=0.3), await start()
    connection = await sign_in(pool, hasty.sessions)
    server.expire()
    server.odd.append(silent)

    with pytest.raises(PlatformUnavailable):
        await hasty.call(connection.id)

    assert await state_of(pool, connection.id) == "connected"
    assert await patient.call(connection.id) == 1


async def test_a_refused_grant_is_asked_once_and_by_nobody_again(
    pool: Pool, start: Start, server: TokenServer
) -> None:
    process, other = await start(), await start()
    connection = await sign_in(pool, process.sessions)
    assert await other.call(connection.id) == 0
    server.is_revoked = True

    for caller in (process, other, process):
        with pytest.raises(ReconnectRequired):
            await caller.call(connection.id)

    assert server.asked_count == 1
    assert await state_of(pool, connection.id) == "reconnect_required"


async def test_a_rotated_token_that_was_lost_on_its_way_is_told_as_what_it_is(
    pool: Pool, start: Start, server: TokenServer
) -> None:
    async def lost(request: web.Request) -> web.Response:
        server.rotate()
        assert request.transport is not None
        request.transport.close()
        return web.Response()

    process = await start()
    connection = await sign_in(pool, process.sessions)
    server.expire()
    server.odd.append(lost)

    with pytest.raises(PlatformUnavailable):
        await process.call(connection.id)
    before = await state_of(pool, connection.id)
    with pytest.raises(ReconnectRequired):
        await process.call(connection.id)
    with pytest.raises(ReconnectRequired):
        await process.call(connection.id)

    assert (before, await state_of(pool, connection.id)) == ("connected", "reconnect_required")
    assert server.asked_count == 2


@pytest.mark.parametrize("end", ["a new sign-in", "a disconnect"])
async def test_a_refresh_that_is_answered_late_changes_nothing(
    pool: Pool, start: Start, server: TokenServer, end: str
) -> None:
    may_answer = asyncio.Event()

    async def late(_: web.Request) -> web.Response:
        await may_answer.wait()
        refreshed = server.rotate()
        server.number = 7
        return refreshed

    worker, gateway = await start(), await start()
    connection = await sign_in(pool, gateway.sessions)
    server.expire()
    server.odd.append(late)
    calling = asyncio.create_task(worker.call(connection.id))
    await within(server.is_asked.wait())

    if end == "a new sign-in":
        await sign_in(pool, gateway.sessions, SIGNED_IN_ANEW)
        may_answer.set()

        assert await within(calling) == 7
        assert await gateway.call(connection.id) == 7
    else:
        await connections.disconnect(pool, connection.id, user_id=connection.user_id)
        may_answer.set()

        with pytest.raises(ReconnectRequired):
            await within(calling)
        wiped = await pool.fetchrow("SELECT * FROM connections WHERE id = $1", connection.id)
        assert wiped is not None
        assert (wiped["state"], wiped["sealed_tokens"]) == ("disconnected", "")
    assert server.asked_count == 1


async def test_a_process_with_old_tokens_finds_the_new_ones_after_one_refused_call(
    pool: Pool, start: Start, server: TokenServer
) -> None:
    worker, gateway = await start(), await start()
    connection = await sign_in(pool, gateway.sessions)
    assert await worker.call(connection.id) == 0
    await sign_in(pool, gateway.sessions, SIGNED_IN_ANEW)
    server.number, server.me_count = 7, 0

    number = await worker.call(connection.id)

    assert (number, server.me_count, server.asked_count) == (7, 2, 0)


@pytest.mark.parametrize("is_grant_dead", [False, True])
async def test_tokens_of_a_new_sign_in_that_are_refused_too_are_refreshed(
    pool: Pool, start: Start, server: TokenServer, *, is_grant_dead: bool
) -> None:
    worker, gateway = await start(), await start()
    connection = await sign_in(pool, gateway.sessions)
    assert await worker.call(connection.id) == 0
    await sign_in(pool, gateway.sessions, SIGNED_IN_ANEW)
    server.number = 7
    server.expire()
    server.is_revoked = is_grant_dead

    if is_grant_dead:
        with pytest.raises(ReconnectRequired):
            await worker.call(connection.id)
        assert await state_of(pool, connection.id) == "reconnect_required"
    else:
        assert await worker.call(connection.id) == 8
    assert server.asked_count == 1


@pytest.mark.parametrize("redis", ["there", "emptied"])
async def test_other_processes_stop_within_seconds_when_an_account_is_disconnected(
    pool: Pool, start: Start, server: TokenServer, redis_url: str, redis: str
) -> None:
    clock = AheadClock()
    worker, gateway = await start(clock=clock), await start()
    connection = await sign_in(pool, gateway.sessions)
    assert await worker.call(connection.id) == 0
    await connections.disconnect(pool, connection.id, user_id=connection.user_id)
    await gateway.sessions.forget(connection.id)
    if redis == "emptied":
        async with open_redis(Secret(redis_url)) as client:
            await client.flushall()
    server.me_count = 0

    clock.ahead_s = 5.0
    with pytest.raises(ReconnectRequired, match="disconnected"):
        await worker.call(connection.id)

    assert server.me_count == 0


async def test_a_row_that_was_read_before_a_change_does_not_come_back_after_it(
    pool: Pool, start: Start, redis_url: str
) -> None:
    gateway, worker = await start(), await start()
    connection = await sign_in(pool, gateway.sessions)
    outdated = await connections.read_sealed(pool, connection.id)
    await connections.disconnect(pool, connection.id, user_id=connection.user_id)
    await gateway.sessions.forget(connection.id)

    async with open_redis(Secret(redis_url)) as redis:
        key = f"crossplay:connection:{connection.id}"
        assert await redis.get(key) is not None
        await Cache(redis).put(key, value=outdated, life_s=600, is_new=True)

    with pytest.raises(ReconnectRequired):
        await worker.call(connection.id)
