"""The ring's keys are counted and replaced on a real database, while others work on it."""

import asyncio
import base64
import os
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from deploy.cli.exits import Exit
from shared.cipher import Cipher, SealBroken
from shared.db import connect_sessions, connections, seals, users
from shared.db.connect_sessions import ConnectFlow, NewConnectSession
from shared.db.connections import NewSignIn
from shared.db.pool import Pool, open_pool
from shared.models import Account, ConnectionId, Platform, UserId
from shared.secret import Secret
from shared.settings import parse_key_ring
from tests.e2e.stack import crossplay

pytestmark = pytest.mark.integration

OLD = "k1:" + base64.b64encode(bytes(range(32))).decode()
NEW = "k2:" + base64.b64encode(bytes(range(100, 132))).decode()
OLD_CIPHER, NEW_CIPHER, BOTH = (Cipher(parse_key_ring(Secret(ring))) for ring in (OLD, NEW, f"{NEW},{OLD}"))


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(Secret(database_url), size=4) as opened:
        yield opened


@pytest_asyncio.fixture
async def user_id(pool: Pool) -> UserId:
    return await users.ensure(pool, name="mira")


async def connect(pool: Pool, user_id: UserId, *, cipher: Cipher, number: int = 0) -> ConnectionId:
    """Store a connection whose tokens say its number."""

    def seal(connection_id: ConnectionId) -> str:
        return cipher.seal(f"tokens {number}", context=seals.tokens_context(connection_id, Platform.SPOTIFY))

    account = Account(id=f"acc-{number}", label=f"Mira {number}", market="DE")
    made = await connections.upsert(
        pool, user_id, NewSignIn(platform=Platform.SPOTIFY, account=account), seal=seal
    )
    return made.id


async def start_sign_in(pool: Pool, user_id: UserId, *, cipher: Cipher) -> str:
    """Store an attempt to connect whose user has left for the platform."""
    new = NewConnectSession(
        id=str(uuid.uuid4()),
        user_id=user_id,
        platform=Platform.SPOTIFY,
        flow=ConnectFlow.REDIRECT,
        redirect_uri="https://crossplay.example/connect/spotify/callback",
    )
    await connect_sessions.insert(pool, new, life_s=600)
    sealed = cipher.seal("verifier", context=seals.verifier_context(new.id, Platform.SPOTIFY))
    assert await connect_sessions.set_out(
        pool, new.id, state_sha256=uuid.uuid4().bytes, sealed_verifier=sealed, browser_sha256=None
    )
    return new.id


async def opened(pool: Pool, connection_id: ConnectionId, *, cipher: Cipher) -> str:
    row = await connections.read_sealed(pool, connection_id)
    assert row is not None
    return cipher.open(row.sealed_tokens, context=seals.tokens_context(row.id, row.platform))


async def keys(verb: str, *, ring: str, database_url: str) -> tuple[int, Any, str]:
    """Run a `keys` verb; return its exit code, what it printed as data, and what it told."""
    environ = {
        "PATH": os.environ["PATH"],
        "CROSSPLAY_DATABASE_URL": database_url,
        "CROSSPLAY_REDIS_URL": "redis://127.0.0.1:9/0",
        "CROSSPLAY_SECRET_KEYS": ring,
    }
    code, out, told = await crossplay("keys", verb, "-o", "json", environ=environ)
    assert not any(entry.partition(":")[2] in out + told for entry in ring.split(","))
    return code, msgspec.json.decode(out), told


async def test_a_ring_is_rotated_and_then_its_old_key_may_go(
    pool: Pool, user_id: UserId, database_url: str
) -> None:
    ids = [await connect(pool, user_id, cipher=OLD_CIPHER, number=number) for number in range(3)]
    ids.append(await connect(pool, user_id, cipher=NEW_CIPHER, number=3))
    session_id = await start_sign_in(pool, user_id, cipher=OLD_CIPHER)

    before = await keys("status", ring=f"{NEW},{OLD}", database_url=database_url)
    rotated = await keys("rotate", ring=f"{NEW},{OLD}", database_url=database_url)
    after = await keys("status", ring=f"{NEW},{OLD}", database_url=database_url)

    session = await connect_sessions.get(pool, session_id)
    assert session is not None
    assert session.sealed_verifier is not None
    assert (before[0], rotated[0], after[0]) == (0, 0, 0)
    assert before[1]["places"] == [
        {"place": "connections", "kid": "k1", "text_count": 3},
        {"place": "connections", "kid": "k2", "text_count": 1},
        {"place": "connect sessions", "kid": "k1", "text_count": 1},
    ]
    assert [key["may_be_dropped"] for key in before[1]["ring"]] == [False, False]
    assert [(one["place"], one["resealed_count"]) for one in rotated[1]] == [
        ("connections", 3),
        ("connect sessions", 1),
        ("webhooks", 0),
        ("webhooks, rotated secrets", 0),
    ]
    assert [key["may_be_dropped"] for key in after[1]["ring"]] == [False, True]
    assert [await opened(pool, one, cipher=NEW_CIPHER) for one in ids] == [f"tokens {n}" for n in range(4)]
    assert NEW_CIPHER.open(
        session.sealed_verifier, context=seals.verifier_context(session_id, Platform.SPOTIFY)
    )


async def test_a_text_whose_key_is_gone_is_named_and_does_not_stop_the_rest(
    pool: Pool, user_id: UserId, database_url: str
) -> None:
    lost_id = await connect(pool, user_id, cipher=Cipher({"k0": bytes(range(50, 82))}), number=0)
    kept_id = await connect(pool, user_id, cipher=OLD_CIPHER, number=1)
    alien_id = await connect(pool, user_id, cipher=OLD_CIPHER, number=2)
    await pool.execute("UPDATE connections SET sealed_tokens = 'plain words' WHERE id = $1", alien_id)

    status = await keys("status", ring=f"{NEW},{OLD}", database_url=database_url)
    rotated = await keys("rotate", ring=f"{NEW},{OLD}", database_url=database_url)

    assert status[0] == rotated[0] == Exit.FAILED
    assert (status[1]["missing"], status[1]["unreadable_count"]) == (["k0"], 1)
    assert "lacks: k0" in status[2]
    assert {row["id"] for row in rotated[1][0]["locked"]} == {lost_id, alien_id}
    assert "CROSSPLAY_SECRET_KEYS" in rotated[2]
    assert await opened(pool, kept_id, cipher=NEW_CIPHER) == "tokens 1"


async def test_a_refresh_that_stores_tokens_meanwhile_wins(pool: Pool, user_id: UserId) -> None:
    connection_id = await connect(pool, user_id, cipher=OLD_CIPHER)
    context = seals.tokens_context(connection_id, Platform.SPOTIFY)

    row = await pool.fetchrow("SELECT * FROM connections")
    fresh = BOTH.seal("fresh tokens", context=context)
    assert await connections.store_tokens(pool, connection_id, version=1, sealed_tokens=fresh)

    late = (row["id"], row["sealed_tokens"], BOTH.seal("old tokens", context=context))
    stored_count = await seals.store(pool, [late], column=seals.SEALED[0])

    assert stored_count == 0
    assert await opened(pool, connection_id, cipher=BOTH) == "fresh tokens"


async def test_tokens_that_are_stored_over_resealed_ones_count(pool: Pool, user_id: UserId) -> None:
    connection_id = await connect(pool, user_id, cipher=OLD_CIPHER)
    context = seals.tokens_context(connection_id, Platform.SPOTIFY)

    resealed = await seals.reseal(pool, BOTH, column=seals.SEALED[0])
    fresh = OLD_CIPHER.seal("fresh tokens", context=context)  # by a process that still has the old ring
    is_stored = await connections.store_tokens(pool, connection_id, version=1, sealed_tokens=fresh)

    assert resealed.resealed_count == 1
    assert is_stored
    assert await opened(pool, connection_id, cipher=OLD_CIPHER) == "fresh tokens"


async def test_two_rotations_at_once_and_refreshes_between_them_lose_nothing(
    pool: Pool, user_id: UserId
) -> None:
    ids = [await connect(pool, user_id, cipher=OLD_CIPHER, number=number) for number in range(40)]

    async def refresh(connection_id: ConnectionId) -> None:
        context = seals.tokens_context(connection_id, Platform.SPOTIFY)
        sealed = BOTH.seal("fresh tokens", context=context)
        assert await connections.store_tokens(pool, connection_id, version=1, sealed_tokens=sealed)

    rotations = [seals.reseal(pool, BOTH, column=seals.SEALED[0]) for _ in range(2)]
    await asyncio.gather(*rotations, *(refresh(one) for one in ids[::4]))

    texts = [await opened(pool, one, cipher=NEW_CIPHER) for one in ids]
    assert texts == [f"tokens {number}" if number % 4 else "fresh tokens" for number in range(40)]


async def test_a_rotation_that_was_killed_half_way_is_taken_up_again(pool: Pool, user_id: UserId) -> None:
    ids = [await connect(pool, user_id, cipher=OLD_CIPHER, number=number) for number in range(5)]

    class Killed(BaseException):
        pass

    class Dying(Cipher):
        left_count = 2

        def seal(self, text: str, *, context: str) -> str:
            if not self.left_count:
                raise Killed
            self.left_count -= 1
            return super().seal(text, context=context)

    dying = Dying(parse_key_ring(Secret(f"{NEW},{OLD}")))
    with pytest.raises(Killed):
        await seals.reseal(pool, dying, column=seals.SEALED[0], batch_count=2)
    half = {use.kid: use.text_count for use in await seals.key_uses(pool)}
    rest = await seals.reseal(pool, BOTH, column=seals.SEALED[0])

    assert half == {"k1": 3, "k2": 2}
    assert rest.resealed_count == 3
    assert [await opened(pool, one, cipher=NEW_CIPHER) for one in ids] == [f"tokens {n}" for n in range(5)]


async def test_a_resealed_text_opens_in_its_own_row_only(pool: Pool, user_id: UserId) -> None:
    mine, other = [await connect(pool, user_id, cipher=OLD_CIPHER, number=number) for number in range(2)]
    await seals.reseal(pool, BOTH, column=seals.SEALED[0])

    await pool.execute(
        "UPDATE connections SET sealed_tokens = (SELECT sealed_tokens FROM connections WHERE id = $1) "
        "WHERE id = $2",
        mine,
        other,
    )

    with pytest.raises(SealBroken):
        await opened(pool, other, cipher=BOTH)


async def test_every_sealed_column_of_the_schema_is_in_the_list(pool: Pool) -> None:
    rows = await pool.fetch(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND column_name LIKE 'sealed%'"
    )

    stored = {(row["table_name"], row["column_name"]) for row in rows}
    assert stored == {(one.table, one.column) for one in seals.SEALED}


async def test_an_expired_attempt_to_connect_holds_no_key_back(pool: Pool, user_id: UserId) -> None:
    session_id = await start_sign_in(pool, user_id, cipher=OLD_CIPHER)
    counted = await seals.key_uses(pool)

    await pool.execute(
        "UPDATE connect_sessions SET expires_at = expires_at - $2::interval WHERE id = $1",
        session_id,
        timedelta(hours=1),
    )

    assert [use.text_count for use in counted] == [1]
    assert await seals.key_uses(pool) == []
