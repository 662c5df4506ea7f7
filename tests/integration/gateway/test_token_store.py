"""Fresh tokens while Postgres is away: the platform has forgotten the old ones, so they must not get lost."""

import pytest

from shared.cipher import Cipher
from shared.clock import SystemClock
from shared.db import connections, users
from shared.db.connections import ConnectionState, NewSignIn
from shared.db.pool import Pool, open_pool
from shared.errors import StoreUnavailable
from shared.models import Account, Platform, TokenSet
from shared.secret import Secret
from shared.settings import parse_key_ring
from shared.streams import open_redis
from shared.tokens import Sessions
from tests.faults.proxy import Proxy
from tests.integration.gateway.conftest import KEY_RING

pytestmark = pytest.mark.integration

OLD = TokenSet(access_token="access-0", refresh_token="refresh-0")
FRESH = TokenSet(access_token="access-1", refresh_token="refresh-1")


class HealingClock(SystemClock):
    """Postgres is back after some waits, which take no time."""

    def __init__(self, proxy: Proxy, *, after_count: int) -> None:
        self._proxy = proxy
        self._after_count = after_count
        self.slept_s = 0.0

    async def sleep(self, delay_s: float) -> None:
        self.slept_s += delay_s
        self._after_count -= 1
        if not self._after_count:
            self._proxy.heal()


class CuttingRefresher:
    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    async def refresh(self, _: TokenSet) -> TokenSet:
        self._proxy.is_refusing = True
        self._proxy.cut()
        return FRESH


async def test_tokens_that_were_issued_while_postgres_was_away_are_stored_when_it_is_back(
    pool: Pool, database_url: str, redis_url: str
) -> None:
    async with (
        Proxy(database_url) as proxy,
        await open_pool(Secret(proxy.url)) as shaky,
        open_redis(Secret(redis_url)) as redis,
    ):
        clock = HealingClock(proxy, after_count=30)
        sessions = Sessions(
            pool=shaky,
            redis=redis,
            cipher=Cipher(parse_key_ring(Secret(KEY_RING))),
            refresher_of=lambda _: CuttingRefresher(proxy),
            clock=clock,
        )
        user_id = await users.ensure(pool, name="mira")
        connection = await connections.upsert(
            pool,
            user_id,
            NewSignIn(platform=Platform.SPOTIFY, account=Account(id="acc-1", label="Mira Holt", market="DE")),
            seal=lambda connection_id: sessions.seal(connection_id, platform=Platform.SPOTIFY, tokens=OLD),
        )

        tokens = await sessions.refresh(connection.id, rejected=OLD)

    stored = await connections.get(pool, connection.id, user_id=user_id)
    assert stored is not None
    assert tokens == FRESH
    assert stored.state is ConnectionState.CONNECTED
    assert clock.slept_s > 60


class AheadClock(SystemClock):
    def __init__(self) -> None:
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


async def test_held_tokens_serve_for_a_minute_while_no_store_answers(
    pool: Pool, database_url: str, redis_url: str
) -> None:
    clock = AheadClock()
    async with (
        Proxy(database_url) as proxy,
        await open_pool(Secret(proxy.url)) as shaky,
        open_redis(Secret(redis_url)) as redis,
    ):
        sessions = Sessions(
            pool=shaky,
            redis=redis,
            cipher=Cipher(parse_key_ring(Secret(KEY_RING))),
            refresher_of=lambda _: None,
            clock=clock,
        )
        user_id = await users.ensure(pool, name="mira")
        connection = await connections.upsert(
            pool,
            user_id,
            NewSignIn(platform=Platform.SPOTIFY, account=Account(id="acc-1", label="Mira Holt", market="DE")),
            seal=lambda connection_id: sessions.seal(connection_id, platform=Platform.SPOTIFY, tokens=OLD),
        )
        await sessions.tokens(connection.id)
        await redis.flushall()
        proxy.is_refusing = True
        proxy.cut()

        clock.ahead_s = 30.0
        served = await sessions.tokens(connection.id)
        clock.ahead_s = 61.0
        with pytest.raises(StoreUnavailable):
            await sessions.tokens(connection.id)

    assert served == OLD


async def test_tokens_that_are_stored_late_make_a_connection_good_again(pool: Pool) -> None:
    user_id = await users.ensure(pool, name="mira")
    connection = await connections.upsert(
        pool,
        user_id,
        NewSignIn(platform=Platform.SPOTIFY, account=Account(id="acc-1", label="Mira Holt", market="DE")),
        seal=lambda _: "old",
    )
    # Another process has tried the old refresh token meanwhile, which the platform had replaced.
    assert await connections.mark_reconnect_required(pool, connection.id, version=1)

    assert await connections.store_tokens(pool, connection.id, version=1, sealed_tokens="fresh")

    stored = await connections.get(pool, connection.id, user_id=user_id)
    assert stored is not None
    assert stored.state is ConnectionState.CONNECTED
