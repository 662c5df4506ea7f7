"""A copy of both stores is worth nothing to whoever lacks the key: it holds no secret, in any spelling."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.cipher import Cipher, SealBroken
from shared.db import connections, seals
from shared.db.pool import Pool, Row
from shared.models import Platform, TokenSet
from shared.secret import Secret
from shared.settings import Settings, parse_key_ring
from shared.streams import open_redis
from shared.tokens import Sessions
from tests.fakes.platforms import FakePlatforms, FakeSignIn
from tests.integration.gateway.conftest import (
    KEY_RING,
    Caller,
    new_caller,
    sign_in,
    transfer_body,
)
from tests.leaks import dump_database, dump_redis, leaks

pytestmark = pytest.mark.integration

USER_TOKEN = "music-user-token-of-mira-holt"


class RecordingSignIn(FakeSignIn):
    """Remembers the verifiers that it was given, and refreshes as often as it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.seen_verifiers: list[str] = []
        self.seen_states: list[str] = []
        self.issued: list[TokenSet] = []

    def authorize_url(self, *, state: str, verifier: Any, redirect_uri: str) -> str:
        self.seen_verifiers.append(verifier)
        self.seen_states.append(state)
        return super().authorize_url(state=state, verifier=verifier, redirect_uri=redirect_uri)

    async def exchange(self, *, code: str, verifier: Any, redirect_uri: str) -> TokenSet:
        tokens = await super().exchange(code=code, verifier=verifier, redirect_uri=redirect_uri)
        self.issued.append(tokens)
        return tokens

    async def refresh(self, tokens: TokenSet) -> TokenSet:
        fresh = TokenSet(
            access_token=f"{tokens.access_token}-renewed",
            refresh_token=f"{tokens.refresh_token}-renewed",
            expires_at=datetime.now(UTC) + timedelta(hours=1),
            scopes=tokens.scopes,
        )
        self.issued.append(fresh)
        return fresh


@pytest.fixture
def platforms() -> FakePlatforms:
    made = FakePlatforms()
    made.sign_in = RecordingSignIn()
    return made


async def live(call: Caller, platforms: FakePlatforms, *, name: str) -> dict[str, str]:
    """Do what users do; return the secrets of it."""
    assert (await call("POST", "/connect/spotify", json={"hand_in": True})).status == 201
    signed_in = await sign_in(call, platforms, code=f"code-of-{name}-that-works-once")
    assert signed_in.json["status"] == "connected"
    told = await call("POST", "/connect/apple_music", json={"music_user_token": f"{USER_TOKEN}-{name}"})
    for platform in ("spotify", "apple_music"):
        assert (await call("GET", f"/playlists?platform={platform}")).status == 200
    transfer = await call("POST", "/transfer", json=transfer_body())
    assert (told.status, transfer.status) == (201, 202)
    return {
        f"code of {name}": f"code-of-{name}-that-works-once",
        f"user token of {name}": f"{USER_TOKEN}-{name}",
        f"API key of {name}": call.key,
        f"secret of {name}": call.key.rpartition("_")[2],
    }


async def refresh_all(pool: Pool, platforms: FakePlatforms, *, redis_url: str) -> None:
    """Let the platform refuse each Spotify token once."""
    cipher = Cipher(parse_key_ring(Secret(KEY_RING)))
    async with open_redis(Secret(redis_url)) as redis:
        sessions = Sessions(pool=pool, redis=redis, cipher=cipher, refresher_of=platforms.oauth)
        for row in await pool.fetch("SELECT id FROM connections WHERE platform = 'spotify'"):
            rejected = await sessions.tokens(row["id"])
            await sessions.refresh(row["id"], rejected=rejected)


async def cache_all(pool: Pool, *, redis_url: str) -> None:
    """Let every connection's tokens be cached, which right after a change they are not."""
    cipher = Cipher(parse_key_ring(Secret(KEY_RING)))
    async with open_redis(Secret(redis_url)) as redis:
        async for mark in redis.scan_iter("crossplay:connection:*"):
            await redis.delete(mark)
        sessions = Sessions(pool=pool, redis=redis, cipher=cipher, refresher_of=lambda _: None)
        for row in await pool.fetch("SELECT id FROM connections"):
            await sessions.tokens(row["id"])


async def test_a_copy_of_both_stores_holds_no_secret(
    call: Caller, stranger: Caller, platforms: FakePlatforms, pool: Pool, settings: Settings, redis_url: str
) -> None:
    spotify = platforms.accounts[Platform.SPOTIFY]
    spotify.add("id-road", "Road Trip", track_count=12)
    secrets = {
        **await live(call, platforms, name="mira"),
        **await live(stranger, platforms, name="stranger"),
    }
    await refresh_all(pool, platforms, redis_url=redis_url)
    await cache_all(pool, redis_url=redis_url)

    copy = {
        **await dump_database(settings.database_url.reveal()),
        **await dump_redis(settings.redis_url.reveal()),
    }

    sign_in_server = platforms.sign_in
    assert isinstance(sign_in_server, RecordingSignIn)
    secrets |= {f"state {n}": one for n, one in enumerate(sign_in_server.seen_states)}
    secrets |= {f"verifier {n}": one for n, one in enumerate(sign_in_server.seen_verifiers)}
    secrets |= {f"access token {n}": one.access_token for n, one in enumerate(sign_in_server.issued)}
    secrets |= {f"refresh token {n}": str(one.refresh_token) for n, one in enumerate(sign_in_server.issued)}
    secrets["ring key"] = KEY_RING.partition(":")[2]
    assert len(sign_in_server.issued) == 4
    assert len(sign_in_server.seen_verifiers) == 4
    # What is searched is there: names of playlists, sealed texts, keys of both stores.
    assert b"Road Trip" in copy["table transfers"]
    assert b"v1.k1." in copy["table connections"]
    assert any(b"v1.k1." in text for name, text in copy.items() if name.startswith("redis"))
    assert leaks(copy, secrets=secrets) == []


async def test_no_sealed_text_opens_in_another_row(
    connected: Caller, stranger: Caller, platforms: FakePlatforms, pool: Pool
) -> None:
    await sign_in(stranger, platforms, code="of-a-stranger")
    await connected("POST", "/connect/spotify", json={"hand_in": True})
    cipher = Cipher(parse_key_ring(Secret(KEY_RING)))
    rows: list[tuple[seals.SealedColumn, Row]] = []
    for column in seals.SEALED:
        found = await pool.fetch(f"SELECT * FROM {column.table} WHERE {column.column} <> ''")
        rows += [(column, row) for row in found]

    opened = [
        (column.context(row) == other_column.context(other))
        for column, row in rows
        for other_column, other in rows
        if opens(cipher, row[column.column], context=other_column.context(other))
    ]

    assert len(rows) >= 6
    assert opened == [True] * len(rows)


def opens(cipher: Cipher, sealed: str, *, context: str) -> bool:
    try:
        cipher.open(sealed, context=context)
    except SealBroken:
        return False
    return True


async def test_a_revoked_key_and_a_new_one_leave_no_trace_of_their_secret(
    call: Caller, pool: Pool, settings: Settings
) -> None:
    other = await new_caller(call.client, pool, name="mira")
    await pool.execute("UPDATE api_keys SET revoked_at = now() WHERE id = $1", call.key.split("_")[2])

    copy = await dump_database(settings.database_url.reveal())

    assert (await call("GET", "/transfers")).status == 401
    assert (await other("GET", "/transfers")).status == 200
    assert leaks(copy, secrets={"old": call.key.split("_")[3], "new": other.key.split("_")[3]}) == []
    assert await connections.list_of(pool, call.user_id) == []
