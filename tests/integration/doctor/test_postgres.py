"""The doctor finds what is wrong with Postgres, its schema, and the keys against what is stored."""

import base64
import secrets
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.doctor.findings import Verdict
from shared.cipher import Cipher
from shared.db import connections, seals, users
from shared.db.connections import NewSignIn
from shared.db.pool import Pool
from shared.models import Account, Platform
from shared.secret import Secret
from shared.settings import parse_key_ring
from tests.conftest import TestServers
from tests.integration.doctor.ward import (
    FAIL,
    OK,
    PASSWORD,
    RING,
    WARN,
    found,
    own_role,
    with_user,
)

pytestmark = pytest.mark.integration

OTHER_RING = "k1:" + base64.b64encode(bytes(range(100, 132))).decode()


@pytest.mark.parametrize(
    ("password", "options", "words"),
    [
        ("wrong", "", "user or the password"),
        (PASSWORD, "CONNECTION LIMIT 0", "All connections"),
    ],
)
async def test_a_postgres_that_lets_us_not_in_says_why(
    password: str, options: str, words: str, servers: TestServers, database_url: str, redis_url: str
) -> None:
    async with own_role(servers, options=options) as (name, _):
        findings = await found(with_user(database_url, f"{name}:{password}"), redis_url)

    assert findings["postgres"].verdict is FAIL
    assert words in findings["postgres"].text


async def test_a_database_that_does_not_exist_is_told(database_url: str, redis_url: str) -> None:
    findings = await found(urlsplit(database_url)._replace(path="/nobody_made_it").geturl(), redis_url)

    assert "does not exist" in findings["postgres"].text


async def test_a_schema_that_is_behind_leads_to_migrate(empty_database_url: str, redis_url: str) -> None:
    findings = await found(empty_database_url, redis_url)

    assert findings["schema"].verdict is FAIL
    assert "0001_pre_core.sql" in findings["schema"].text
    assert findings["schema"].cure == "Run: crossplay migrate"


async def test_a_user_who_may_not_make_tables_is_told_before_migrate_fails(
    servers: TestServers, empty_database_url: str, redis_url: str
) -> None:
    async with own_role(servers) as (_, user):
        findings = await found(with_user(empty_database_url, user), redis_url)

    assert "may create no tables" in findings["schema"].text
    assert "GRANT CREATE" in findings["schema"].cure


async def test_a_schema_of_a_newer_release_is_refused(pool: Pool, database_url: str, redis_url: str) -> None:
    await pool.execute(
        "INSERT INTO schema_changes (name, sha256, release) VALUES ('9999_post_later.sql', 'x', '9')"
    )

    try:
        findings = await found(database_url, redis_url)
    finally:
        await pool.execute("DELETE FROM schema_changes WHERE name = '9999_post_later.sql'")

    assert findings["schema"].verdict is FAIL
    assert "9999_post_later.sql" in findings["schema"].text


@pytest.mark.parametrize(
    ("option", "check", "verdict"),
    [
        ("default_transaction_read_only=on", "postgres writes", FAIL),
        ("synchronous_commit=off", "postgres safety", WARN),
    ],
)
async def test_a_server_that_keeps_nothing_is_told(
    option: str, check: str, verdict: Verdict, database_url: str, redis_url: str
) -> None:
    findings = await found(f"{database_url}?{option}", redis_url)

    assert findings[check].verdict is verdict


async def test_a_database_that_cannot_hold_every_script_is_refused(
    servers: TestServers, redis_url: str
) -> None:
    name = f"crossplay_test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(servers.database_url)
    await connection.execute(f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    try:
        findings = await found(urlsplit(servers.database_url)._replace(path=f"/{name}").geturl(), redis_url)
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()

    assert findings["postgres encoding"].verdict is FAIL


async def connect(pool: Pool, *, ring: str) -> None:
    cipher = Cipher(parse_key_ring(Secret(ring)))
    new = NewSignIn(platform=Platform.SPOTIFY, account=Account(id="a", label="Mira", market="DE"))
    await connections.upsert(
        pool,
        await users.ensure(pool, name="mira"),
        new,
        seal=lambda id_: cipher.seal("tokens", context=seals.tokens_context(id_, Platform.SPOTIFY)),
    )


@pytest.mark.parametrize(
    ("sealed_with", "verdict", "words"),
    [
        (RING, OK, "opens what is stored"),
        (RING.replace("k1:", "k7:"), FAIL, "the ring lacks: k7"),
        (OTHER_RING, FAIL, "connections: "),
    ],
    ids=["right key", "missing key", "another key of the same id"],
)
async def test_keys_are_tried_on_what_is_stored(
    sealed_with: str, verdict: Verdict, words: str, pool: Pool, database_url: str, redis_url: str
) -> None:
    await connect(pool, ring=sealed_with)

    findings = await found(database_url, redis_url)

    assert findings["keys"].verdict is verdict
    assert words in findings["keys"].text
