"""What a user meets when this server's keys do not open what is stored, and the way back."""

import base64
from collections.abc import Iterator

import msgspec
import pytest
from loguru import logger
from redis.asyncio import Redis

from shared.cipher import Cipher
from shared.db import connections, seals
from shared.db.pool import Pool
from shared.errors import TokensLocked
from shared.models import ConnectionId, Platform, TokenSet
from shared.secret import Secret
from shared.settings import Settings, parse_key_ring
from shared.streams import open_redis
from shared.tokens import Sessions
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import KEY_RING, Caller, Serve, sign_in, state_of

pytestmark = pytest.mark.integration

NEW_KEY = "k2:" + base64.b64encode(bytes(range(100, 132))).decode()
BOTH = f"{NEW_KEY},{KEY_RING}"


@pytest.fixture
def told() -> Iterator[list[str]]:
    """Collect what is logged as an error."""
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(f"{message} {message.record['extra']}"), level="ERROR")
    yield lines
    logger.remove(sink)


def with_ring(settings: Settings, ring: str) -> Settings:
    return msgspec.structs.replace(settings, secret_keys=Secret(ring))


async def connection_id_of(pool: Pool, caller: Caller, platform: Platform) -> ConnectionId:
    (found,) = await connections.list_of(pool, caller.user_id, platform=platform)
    return found.id


def sessions_with(ring: str, *, pool: Pool, redis: Redis) -> Sessions:
    cipher = Cipher(parse_key_ring(Secret(ring)))
    return Sessions(pool=pool, redis=redis, cipher=cipher, refresher_of=lambda _: None)


async def test_a_user_whose_tokens_are_locked_is_told_who_can_cure_it(
    connected: Caller, serve: Serve, settings: Settings, pool: Pool, told: list[str]
) -> None:
    connection_id = await connection_id_of(pool, connected, Platform.SPOTIFY)
    other = Caller(await serve(with_ring(settings, NEW_KEY)), key=connected.key, user_id=connected.user_id)

    reply = await other("GET", "/playlists?platform=spotify")

    assert reply.problem() == (503, "tokens-locked")
    assert "operator" in reply.json["detail"]
    assert "CROSSPLAY_SECRET_KEYS" in reply.json["help"]
    assert any(connection_id in line and "'k1'" in line and "keys status" in line for line in told)
    listed = await other("GET", "/connections")
    assert listed.status == 200


async def test_a_trial_of_locked_tokens_says_so_and_leaves_the_connection_as_it_is(
    connected: Caller, serve: Serve, settings: Settings, pool: Pool
) -> None:
    connection_id = await connection_id_of(pool, connected, Platform.SPOTIFY)
    other = Caller(await serve(with_ring(settings, NEW_KEY)), key=connected.key, user_id=connected.user_id)

    reply = await other("POST", f"/connections/{connection_id}/test")

    assert (reply.json["health"], reply.json["connection"]["state"]) == ("unavailable", "connected")
    assert "operator" in reply.json["text"]


async def test_the_account_is_good_again_with_the_old_key_or_a_new_sign_in(
    connected: Caller, serve: Serve, settings: Settings, platforms: FakePlatforms
) -> None:
    locked = Caller(await serve(with_ring(settings, NEW_KEY)), key=connected.key, user_id=connected.user_id)
    cured = Caller(await serve(with_ring(settings, BOTH)), key=connected.key, user_id=connected.user_id)

    by_key = await cured("GET", "/playlists?platform=spotify&refresh=true")
    await sign_in(locked, platforms, code="again")
    by_sign_in = await locked("GET", "/playlists?platform=spotify&refresh=true")

    assert (by_key.status, by_sign_in.status) == (200, 200)


async def test_a_sign_in_that_another_ring_began_is_started_again(
    call: Caller, serve: Serve, settings: Settings, platforms: FakePlatforms
) -> None:
    started = await call("POST", "/connect/spotify", json={"hand_in": True})
    platforms.sign_in.codes.add("first")
    other = Caller(await serve(with_ring(settings, NEW_KEY)), key=call.key, user_id=call.user_id)

    address = f"{started.json['redirect_uri']}?code=first&state={state_of(started.json['authorize_url'])}"
    await other("POST", f"{started.headers['Location']}/answer", json={"address": address})

    session = await other("GET", started.headers["Location"])
    assert session.json["status"] == "failed"
    assert "start to connect again" in str(session.json)


async def test_a_cached_text_whose_key_is_gone_is_read_from_postgres(
    connected: Caller, pool: Pool, redis_url: str
) -> None:
    connection_id = await connection_id_of(pool, connected, Platform.SPOTIFY)
    async with open_redis(Secret(redis_url)) as redis:
        await redis.flushdb()  # right after a change nothing is cached
        await sessions_with(KEY_RING, pool=pool, redis=redis).tokens(connection_id)
        cached = await redis.get(f"crossplay:connection:{connection_id}")
        await seals.reseal(pool, Cipher(parse_key_ring(Secret(BOTH))), column=seals.SEALED[0])

        tokens = await sessions_with(NEW_KEY, pool=pool, redis=redis).tokens(connection_id)

        recached = await redis.get(f"crossplay:connection:{connection_id}")
    assert "v1.k1." in str(cached)
    assert tokens.access_token == "access-first"
    assert "v1.k2." in str(recached)


async def test_a_cached_text_that_was_changed_is_read_from_postgres(
    connected: Caller, pool: Pool, redis_url: str
) -> None:
    connection_id = await connection_id_of(pool, connected, Platform.SPOTIFY)
    key = f"crossplay:connection:{connection_id}"
    async with open_redis(Secret(redis_url)) as redis:
        await redis.flushdb()  # as above
        await sessions_with(KEY_RING, pool=pool, redis=redis).tokens(connection_id)
        row = msgspec.json.decode(await redis.get(key) or "", type=connections.SealedConnection)
        changed = msgspec.structs.replace(row, sealed_tokens=row.sealed_tokens[:-4] + "AAAA")
        await redis.set(key, msgspec.json.encode(changed))

        tokens = await sessions_with(KEY_RING, pool=pool, redis=redis).tokens(connection_id)

    assert tokens.access_token == "access-first"


async def test_tokens_are_sealed_with_the_first_key_whenever_they_are_stored(
    connected: Caller, pool: Pool, redis_url: str
) -> None:
    connection_id = await connection_id_of(pool, connected, Platform.SPOTIFY)
    fresh = TokenSet(access_token="access-fresh", refresh_token="refresh-fresh")

    class Refresher:
        async def refresh(self, _: TokenSet) -> TokenSet:
            return fresh

    async with open_redis(Secret(redis_url)) as redis:
        cipher = Cipher(parse_key_ring(Secret(BOTH)))
        sessions = Sessions(pool=pool, redis=redis, cipher=cipher, refresher_of=lambda _: Refresher())
        before = await connections.read_sealed(pool, connection_id)
        await sessions.refresh(connection_id, rejected=await sessions.tokens(connection_id))

    after = await connections.read_sealed(pool, connection_id)
    assert before is not None
    assert after is not None
    assert (before.sealed_tokens[:6], after.sealed_tokens[:6]) == ("v1.k1.", "v1.k2.")


async def test_tokens_of_another_row_are_locked_there(
    connected: Caller, stranger: Caller, platforms: FakePlatforms, pool: Pool, redis_url: str
) -> None:
    mine = await connection_id_of(pool, connected, Platform.SPOTIFY)
    await sign_in(stranger, platforms, code="theirs")
    theirs = await connection_id_of(pool, stranger, Platform.SPOTIFY)
    await pool.execute(
        "UPDATE connections SET sealed_tokens = (SELECT sealed_tokens FROM connections WHERE id = $1) "
        "WHERE id = $2",
        mine,
        theirs,
    )

    async with open_redis(Secret(redis_url)) as redis:
        with pytest.raises(TokensLocked):
            await sessions_with(KEY_RING, pool=pool, redis=redis).open(theirs)
