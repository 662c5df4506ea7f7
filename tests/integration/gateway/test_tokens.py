"""Sessions on real stores: one refresh among many processes, and no token lost by a passing fault."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from aiohttp.test_utils import unused_port
from redis.asyncio import Redis

from shared.cipher import Cipher
from shared.db import connections, users
from shared.db.connections import ConnectionState, NewSignIn
from shared.db.pool import Pool
from shared.errors import ConnectionMissing, PlatformUnavailable, ReconnectRequired
from shared.models import Account, ConnectionId, Platform, TokenSet, UserId
from shared.secret import Secret
from shared.settings import parse_key_ring
from shared.streams import open_redis
from shared.tokens import Refresher, Sessions
from tests.integration.gateway.conftest import KEY_RING

pytestmark = pytest.mark.integration

CIPHER = Cipher(parse_key_ring(Secret(KEY_RING)))


class RotatingServer:
    """Gives each refresh token out once, as strict platforms do; asked twice, it revokes everything."""

    def __init__(self) -> None:
        self.valid = "refresh-0"
        self.count = 0
        self.error: Exception | None = None
        self.pause: asyncio.Event | None = None
        self.is_asked = asyncio.Event()

    async def refresh(self, tokens: TokenSet) -> TokenSet:
        self.is_asked.set()
        if self.pause:
            await self.pause.wait()
        await asyncio.sleep(0)
        if self.error:
            raise self.error
        if tokens.refresh_token != self.valid:
            raise ReconnectRequired("Refresh token revoked.")
        self.count += 1
        self.valid = f"refresh-{self.count}"
        return token_set(self.count)


class KeepingServer:
    """Names no new refresh token: the old one stays."""

    async def refresh(self, tokens: TokenSet) -> TokenSet:
        return TokenSet(access_token="access-new", expires_at=datetime.now(UTC) + timedelta(hours=1))


def token_set(number: int, *, life_s: float = 3600) -> TokenSet:
    return TokenSet(
        access_token=f"access-{number}",
        refresh_token=f"refresh-{number}",
        expires_at=datetime.now(UTC) + timedelta(seconds=life_s),
    )


Open = Callable[..., Sessions]


@pytest.fixture
def server() -> RotatingServer:
    return RotatingServer()


@pytest_asyncio.fixture
async def open_sessions(pool: Pool, redis_url: str, server: RotatingServer) -> AsyncIterator[Open]:
    """Make Sessions as another process would: nothing is shared but the stores."""
    async with AsyncExitStack() as stack:

        def make(*, refresher: Refresher | None = server, redis: Redis | None = None) -> Sessions:
            client = redis or open_redis(Secret(redis_url))
            stack.push_async_callback(client.aclose)
            sessions = Sessions(pool=pool, redis=client, cipher=CIPHER, refresher_of=lambda _: refresher)
            stack.push_async_callback(sessions.close)
            return sessions

        yield make


@pytest_asyncio.fixture
async def user_id(pool: Pool) -> UserId:
    return await users.ensure(pool, name="mira")


async def connect(pool: Pool, user_id: UserId, sessions: Sessions, tokens: TokenSet) -> ConnectionId:
    connection = await connections.upsert(
        pool,
        user_id,
        NewSignIn(platform=Platform.SPOTIFY, account=Account(id="acc-1", label="Mira Holt", market="DE")),
        seal=lambda connection_id: sessions.seal(connection_id, platform=Platform.SPOTIFY, tokens=tokens),
    )
    await sessions.forget(connection.id)
    return connection.id


async def state_of(pool: Pool, user_id: UserId) -> ConnectionState:
    return (await connections.list_of(pool, user_id))[0].state


async def test_good_tokens_are_given_out_as_they_are(
    pool: Pool, user_id: UserId, open_sessions: Open, server: RotatingServer
) -> None:
    sessions = open_sessions()
    connection_id = await connect(pool, user_id, sessions, token_set(0))

    session = await sessions.open(connection_id)
    tokens = await session.tokens()

    assert session.market == "DE"
    assert tokens.access_token == "access-0"
    assert server.count == 0


async def test_eight_processes_with_a_rejected_token_cause_one_refresh(
    pool: Pool, user_id: UserId, open_sessions: Open, server: RotatingServer
) -> None:
    processes = [open_sessions() for _ in range(8)]
    connection_id = await connect(pool, user_id, processes[0], token_set(0))
    callers = [await one.open(connection_id) for one in processes for _ in range(3)]
    rejected = await callers[0].tokens()

    answers = await asyncio.gather(*(one.refresh(rejected=rejected) for one in callers))

    assert {one.access_token for one in answers} == {"access-1"}
    assert server.count == 1
    assert await state_of(pool, user_id) is ConnectionState.CONNECTED


async def test_eight_processes_with_an_expired_token_cause_one_refresh(
    pool: Pool, user_id: UserId, open_sessions: Open, server: RotatingServer
) -> None:
    processes = [open_sessions() for _ in range(8)]
    connection_id = await connect(pool, user_id, processes[0], token_set(0, life_s=-1))
    callers = [await one.open(connection_id) for one in processes]

    answers = await asyncio.gather(*(one.tokens() for one in callers))

    assert {one.access_token for one in answers} == {"access-1"}
    assert server.count == 1


async def test_a_flushed_redis_in_the_middle_of_a_refresh_does_not_double_it(
    pool: Pool, user_id: UserId, open_sessions: Open, server: RotatingServer, redis_url: str
) -> None:
    processes = [open_sessions() for _ in range(2)]
    connection_id = await connect(pool, user_id, processes[0], token_set(0))
    server.pause = asyncio.Event()
    rejected = token_set(0)
    first = asyncio.create_task(processes[0].refresh(connection_id, rejected=rejected))
    await asyncio.wait_for(server.is_asked.wait(), 10)
    async with open_redis(Secret(redis_url)) as redis:
        await redis.flushall()

    second = asyncio.create_task(processes[1].refresh(connection_id, rejected=rejected))
    await asyncio.sleep(0)
    server.pause.set()
    answers = await asyncio.wait_for(asyncio.gather(first, second), 20)

    assert {one.access_token for one in answers} == {"access-1"}
    assert server.count == 1


async def test_without_redis_many_processes_still_cause_one_refresh(
    pool: Pool, user_id: UserId, open_sessions: Open, server: RotatingServer
) -> None:
    away = Secret(f"redis://127.0.0.1:{unused_port()}/0")
    processes = [open_sessions(redis=open_redis(away)) for _ in range(4)]
    connection_id = await connect(pool, user_id, processes[0], token_set(0))

    answers = await asyncio.gather(*(one.refresh(connection_id, rejected=token_set(0)) for one in processes))

    assert {one.access_token for one in answers} == {"access-1"}
    assert server.count == 1


async def test_tokens_in_the_last_fifth_of_their_life_are_replaced(
    pool: Pool, user_id: UserId, open_sessions: Open, server: RotatingServer
) -> None:
    sessions = open_sessions()
    connection_id = await connect(pool, user_id, sessions, token_set(0))
    await store(pool, connection_id, issued_ago_s=900, left_s=100)

    tokens = await (await sessions.open(connection_id)).tokens()

    assert tokens.access_token == "access-1"


async def test_a_passing_fault_of_an_early_refresh_keeps_the_old_tokens_in_use(
    pool: Pool, user_id: UserId, open_sessions: Open, server: RotatingServer
) -> None:
    sessions = open_sessions()
    connection_id = await connect(pool, user_id, sessions, token_set(0))
    await store(pool, connection_id, issued_ago_s=900, left_s=100)
    server.error = PlatformUnavailable("away", platform="spotify", operation="refresh_token")

    tokens = await sessions.tokens(connection_id)

    assert tokens.access_token == "access-0"
    assert await state_of(pool, user_id) is ConnectionState.CONNECTED


async def test_a_passing_fault_with_rejected_tokens_is_told_and_can_be_repeated(
    pool: Pool, user_id: UserId, open_sessions: Open, server: RotatingServer
) -> None:
    sessions = open_sessions()
    connection_id = await connect(pool, user_id, sessions, token_set(0))
    rejected = await sessions.tokens(connection_id)
    server.error = PlatformUnavailable("away", platform="spotify", operation="refresh_token")

    with pytest.raises(PlatformUnavailable):
        await sessions.refresh(connection_id, rejected=rejected)
    server.error = None
    tokens = await sessions.refresh(connection_id, rejected=rejected)

    assert tokens.access_token == "access-1"


async def test_a_dead_refresh_token_asks_for_the_user_and_is_not_tried_again(
    pool: Pool, user_id: UserId, open_sessions: Open, server: RotatingServer
) -> None:
    sessions, other = open_sessions(), open_sessions()
    connection_id = await connect(pool, user_id, sessions, token_set(0))
    await other.open(connection_id)
    server.valid = "none"

    with pytest.raises(ReconnectRequired):
        await sessions.refresh(connection_id, rejected=token_set(0))
    server.is_asked.clear()
    with pytest.raises(ReconnectRequired):
        await other.refresh(connection_id, rejected=token_set(0))
    with pytest.raises(ReconnectRequired):
        await sessions.open(connection_id)

    assert await state_of(pool, user_id) is ConnectionState.RECONNECT_REQUIRED
    assert not server.is_asked.is_set()


async def test_tokens_that_cannot_be_refreshed_ask_for_the_user(
    pool: Pool, user_id: UserId, open_sessions: Open
) -> None:
    sessions = open_sessions(refresher=None)
    connection_id = await connect(pool, user_id, sessions, token_set(0))

    with pytest.raises(ReconnectRequired):
        await sessions.refresh(connection_id, rejected=token_set(0))

    assert await state_of(pool, user_id) is ConnectionState.RECONNECT_REQUIRED


async def test_after_a_reconnect_others_find_the_new_tokens(
    pool: Pool, user_id: UserId, open_sessions: Open
) -> None:
    sessions, other = open_sessions(refresher=None), open_sessions(refresher=None)
    connection_id = await connect(pool, user_id, sessions, token_set(0))
    old = await other.tokens(connection_id)

    await connect(pool, user_id, sessions, token_set(7))
    tokens = await other.refresh(connection_id, rejected=old)

    assert tokens.access_token == "access-7"
    assert await state_of(pool, user_id) is ConnectionState.CONNECTED


async def test_a_reconnect_during_a_refused_refresh_is_not_undone(
    pool: Pool, user_id: UserId, open_sessions: Open, server: RotatingServer
) -> None:
    sessions, gateway = open_sessions(), open_sessions()
    connection_id = await connect(pool, user_id, gateway, token_set(0))
    server.valid, server.pause = "none", asyncio.Event()
    refreshing = asyncio.create_task(sessions.refresh(connection_id, rejected=token_set(0)))
    await asyncio.wait_for(server.is_asked.wait(), 10)

    await connect(pool, user_id, gateway, token_set(7))
    server.pause.set()
    tokens = await asyncio.wait_for(refreshing, 10)

    assert tokens.access_token == "access-7"
    assert await state_of(pool, user_id) is ConnectionState.CONNECTED


async def test_a_refresh_token_that_is_not_named_again_stays(
    pool: Pool, user_id: UserId, open_sessions: Open
) -> None:
    sessions = open_sessions(refresher=KeepingServer())
    connection_id = await connect(pool, user_id, sessions, token_set(0))

    tokens = await sessions.refresh(connection_id, rejected=token_set(0))

    assert (tokens.access_token, tokens.refresh_token) == ("access-new", "refresh-0")


async def test_a_cancelled_caller_does_not_lose_the_rotated_token(
    pool: Pool, user_id: UserId, open_sessions: Open, server: RotatingServer
) -> None:
    sessions = open_sessions()
    connection_id = await connect(pool, user_id, sessions, token_set(0))
    server.pause = asyncio.Event()
    caller = asyncio.create_task(sessions.refresh(connection_id, rejected=token_set(0)))
    await asyncio.wait_for(server.is_asked.wait(), 10)

    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    server.pause.set()
    await sessions.close()
    tokens = await open_sessions().refresh(connection_id, rejected=token_set(0))

    assert tokens.access_token == "access-1"
    assert server.count == 1


async def test_a_lease_of_a_dead_process_ends_by_itself(
    pool: Pool, user_id: UserId, open_sessions: Open
) -> None:
    sessions = open_sessions()
    connection_id = await connect(pool, user_id, sessions, token_set(0))
    row = await connections.read_sealed(pool, connection_id)
    assert row is not None
    took = [
        await connections.lease_refresh(
            pool, connection_id, version=row.version, owner=owner, lease_s=lease_s
        )
        for owner, lease_s in (("dead", 0.2), ("early", 30.0))
    ]

    tokens = await sessions.refresh(connection_id, rejected=token_set(0))

    assert took == [True, False]
    assert tokens.access_token == "access-1"


async def test_a_connection_that_is_gone_is_missing(open_sessions: Open) -> None:
    with pytest.raises(ConnectionMissing):
        await open_sessions().open(ConnectionId("3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"))


async def test_redis_holds_no_readable_token(
    pool: Pool, user_id: UserId, open_sessions: Open, redis_url: str
) -> None:
    sessions = open_sessions()
    connection_id = await connect(pool, user_id, sessions, token_set(0))

    async with open_redis(Secret(redis_url)) as redis:
        await redis.flushall()  # as if the last change were some time ago: nothing is kept right after one
        await sessions.tokens(connection_id)
        names = await redis.keys("*")
        values = [await redis.get(name) for name in names]
        lives_s = [await redis.ttl(name) for name in names]

    assert len(names) == 1
    assert "sealed_tokens" in str(values)
    assert "access-0" not in str(values)
    assert base64.b64encode(b"access-0").decode().rstrip("=") not in str(values)
    assert all(0 < life_s <= 600 for life_s in lives_s)


async def store(pool: Pool, connection_id: ConnectionId, *, issued_ago_s: float, left_s: float) -> None:
    """Rewrite the connection's tokens as if they had been issued some time ago."""
    now = datetime.now(UTC)

    class Then:
        def now(self) -> datetime:
            return now - timedelta(seconds=issued_ago_s)

        def monotonic(self) -> float:
            return 0.0

        async def sleep(self, delay_s: float) -> None:
            raise AssertionError("nothing waits here")

    # Sealing asks no store.
    redis = open_redis(Secret("redis://127.0.0.1:1/0"))
    past = Sessions(pool=pool, redis=redis, cipher=CIPHER, refresher_of=lambda _: None, clock=Then())
    tokens = TokenSet(
        access_token="access-0", refresh_token="refresh-0", expires_at=now + timedelta(seconds=left_s)
    )
    sealed = past.seal(connection_id, platform=Platform.SPOTIFY, tokens=tokens)
    await pool.execute("UPDATE connections SET sealed_tokens = $2 WHERE id = $1", connection_id, sealed)
