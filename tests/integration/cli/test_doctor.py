"""The doctor finds each fault that an operator can make: every one of them is really made here."""

import asyncio
import base64
import json
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from redis.asyncio import Redis

from deploy.cli.doctor import look_around
from deploy.cli.exits import Exit
from deploy.cli.main import run
from deploy.doctor.findings import Finding, Verdict
from shared.cipher import Cipher
from shared.db import connections, seals, users, workers
from shared.db.connections import NewSignIn
from shared.db.pool import Pool, open_pool
from shared.messages import RunJob
from shared.models import Account, JobId, Platform, TransferId
from shared.settings import Secret, Settings, parse_key_ring
from shared.streams import GROUP, Streams, key
from tests.conftest import TestServers
from tests.fakes.otlp import OtlpReceiver

pytestmark = pytest.mark.integration

RING = "k1:" + base64.b64encode(bytes(range(32))).decode()
OTHER_RING = "k1:" + base64.b64encode(bytes(range(100, 132))).decode()
PASSWORD = "canary-password"
OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL


async def found(
    database_url: str, redis_url: str, *, environ: dict[str, str] | None = None, **values: Any
) -> dict[str, Finding]:
    """Look around; return what was found by what was looked at."""
    settings = Settings(
        **{
            "database_url": Secret(database_url),
            "redis_url": Secret(redis_url),
            "secret_keys": Secret(RING),
            **values,
        }
    )
    findings = await look_around(settings, environ=environ or {})
    assert PASSWORD not in str(findings)
    assert all(finding.cure for finding in findings if finding.verdict is not OK)
    return {finding.check: finding for finding in findings}


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(Secret(database_url), size=2) as opened:
        yield opened


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url, decode_responses=True) as client:
        yield client


@asynccontextmanager
async def configured(redis: Redis, **options: str) -> AsyncIterator[None]:
    """Change a running server's options for a while."""
    before = {name: str((await redis.config_get(name))[name]) for name in options}
    for name, value in options.items():
        await redis.config_set(name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            await redis.config_set(name, value)


@asynccontextmanager
async def own_role(servers: TestServers, *, options: str = "") -> AsyncIterator[tuple[str, str]]:
    """Make a role that may do nothing; yield its name, and user and password for an address."""
    name = f"crossplay_test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(servers.database_url)
    try:
        await connection.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}' {options}")
        yield name, f"{name}:{PASSWORD}"
        await connection.execute(f"DROP ROLE {name}")
    finally:
        await connection.close()


def with_user(database_url: str, user: str) -> str:
    parts = urlsplit(database_url)
    return parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}").geturl()


async def test_a_whole_installation_has_no_failure(pool: Pool, database_url: str, redis_url: str) -> None:
    await workers.seen(pool, "w1", slot_count=8)

    findings = await found(database_url, redis_url)

    assert {check: one.text for check, one in findings.items() if one.verdict is FAIL} == {}
    assert {"clock", "schema", "keys", "redis eviction", "stream spotify", "workers"} <= set(findings)
    assert findings["workers"].verdict is OK
    assert findings["clock"].verdict is OK


async def test_stores_that_are_away_are_told_each_and_nothing_else_is_asked_of_them() -> None:
    findings = await found(
        f"postgresql://mira:{PASSWORD}@127.0.0.1:9/crossplay", f"redis://:{PASSWORD}@127.0.0.1:9/0"
    )

    assert {check for check, one in findings.items() if one.verdict is FAIL} == {"postgres", "redis"}
    assert "does not answer" in findings["postgres"].text
    assert "workers" not in findings


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
    await pool.execute("INSERT INTO schema_migrations (name, sha256) VALUES ('9999_pre_later.sql', 'x')")

    try:
        findings = await found(database_url, redis_url)
    finally:
        await pool.execute("DELETE FROM schema_migrations WHERE name = '9999_pre_later.sql'")

    assert findings["schema"].verdict is FAIL
    assert "9999_pre_later.sql" in findings["schema"].text


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


@pytest.mark.parametrize(
    ("policy", "verdict"), [("allkeys-lru", FAIL), ("volatile-ttl", WARN), ("noeviction", OK)]
)
async def test_a_redis_that_throws_things_away_is_told(
    policy: str, verdict: Verdict, redis: Redis, database_url: str, redis_url: str
) -> None:
    async with configured(redis, **{"maxmemory-policy": policy}):
        findings = await found(database_url, redis_url)

    assert findings["redis eviction"].verdict is verdict


@pytest.mark.parametrize(("used", "verdict"), [(0.97, FAIL), (0.8, WARN), (0.1, OK)])
async def test_a_redis_whose_memory_is_nearly_full_is_told(
    used: float, verdict: Verdict, redis: Redis, database_url: str, redis_url: str
) -> None:
    limit = int((await redis.info("memory"))["used_memory"] / used)

    async with configured(redis, maxmemory=str(limit)):
        findings = await found(database_url, redis_url)

    assert findings["redis memory"].verdict is verdict


async def test_a_wrong_password_of_redis_is_told(database_url: str, redis_url: str) -> None:
    parts = urlsplit(redis_url)
    wrong = parts._replace(netloc=f":{PASSWORD}@{parts.netloc.rpartition('@')[2]}").geturl()

    findings = await found(database_url, wrong)

    assert findings["redis"].text == "Redis refuses the user or the password."


async def test_a_replica_in_place_of_redis_is_told(redis: Redis, database_url: str, redis_url: str) -> None:
    await redis.replicaof("127.0.0.1", "9")

    try:
        findings = await found(database_url, redis_url)
    finally:
        await redis.replicaof("no", "one")

    assert findings["redis writes"].verdict is FAIL


async def leave_pending(redis: Redis) -> None:
    """Let an entry be with a worker that is no more, and another one with nobody."""
    streams = Streams(redis)
    await streams.ensure_group(Platform.SPOTIFY)
    await streams.add(
        Platform.SPOTIFY, [RunJob(job_id=JobId(one), transfer_id=TransferId("t")) for one in ("a", "b")]
    )
    await redis.xreadgroup(GROUP, "gone", {key(Platform.SPOTIFY, "jobs"): ">"}, count=1)


async def test_work_without_any_worker_is_a_failure(redis: Redis, database_url: str, redis_url: str) -> None:
    await leave_pending(redis)

    findings = await found(database_url, redis_url)

    assert findings["workers"].verdict is WARN
    assert findings["stream spotify"].verdict is FAIL
    assert "1 entries wait, 1 are with workers" in findings["stream spotify"].text


async def test_entries_of_a_lost_worker_are_told_while_others_live(
    pool: Pool, redis: Redis, database_url: str, redis_url: str
) -> None:
    await leave_pending(redis)
    await workers.seen(pool, "w1", slot_count=8)
    await workers.seen(pool, "gone", slot_count=8)
    await pool.execute("UPDATE workers SET seen_at = now() - interval '5 minutes' WHERE id = 'gone'")

    findings = await found(database_url, redis_url)

    assert findings["workers"].verdict is WARN
    assert "1 ended" in findings["workers"].text
    assert findings["stream spotify"].verdict is WARN
    assert findings["stream apple_music"].verdict is OK


async def test_the_public_address_is_asked(database_url: str, redis_url: str) -> None:
    async def healthy(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/healthz", healthy)
    async with TestServer(app) as server:
        there = await found(database_url, redis_url, public_url=str(server.make_url("")))
        elsewhere = await found(database_url, redis_url, public_url=str(server.make_url("/deep")))
    gone = await found(database_url, redis_url, public_url="http://127.0.0.1:9")

    assert [one["gateway"].verdict for one in (there, elsewhere, gone)] == [OK, WARN, WARN]
    assert "answers 404" in elsewhere["gateway"].text


async def test_the_receiver_of_telemetry_is_asked_as_the_roles_would(
    database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def verdict_of(endpoint: str) -> Finding:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
        environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        return (await found(database_url, redis_url, environ=environ))["telemetry"]

    with OtlpReceiver() as receiver:
        there = await verdict_of(receiver.url)
    gone = await verdict_of(f"http://mira:{PASSWORD}@127.0.0.1:9")

    assert there.verdict is OK
    assert receiver.spans == []
    assert gone.verdict is WARN
    assert "4318" in gone.cure


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, Exit.FULL),
        ({"CROSSPLAY_REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:9/0"}, Exit.FAILED),
        ({"CROSSPLAY_PORT": "x"}, Exit.CONFIG),
    ],
    ids=["well", "no redis", "bad settings"],
)
async def test_the_verb_prints_all_of_it_and_its_code_says_the_worst(
    change: dict[str, str],
    code: Exit,
    database_url: str,
    redis_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in [name for name in os.environ if name.startswith(("CROSSPLAY_", "OTEL_"))]:
        monkeypatch.delenv(name)
    good = {
        "CROSSPLAY_DATABASE_URL": database_url,
        "CROSSPLAY_REDIS_URL": redis_url,
        "CROSSPLAY_SECRET_KEYS": RING,
    }
    for name, value in {**good, **change}.items():
        monkeypatch.setenv(name, value)

    codes = [await asyncio.to_thread(run, ["doctor", *options]) for options in ((), ("--json",))]

    text, _, data = capsys.readouterr().out.rstrip("\n").rpartition("\n")
    findings = json.loads(data)["findings"]
    assert codes == [code, code]
    assert [line[:4].strip() for line in text.splitlines() if not line.startswith(" ")] == [
        finding["verdict"] for finding in findings
    ]
    assert not {PASSWORD, RING[3:], urlsplit(database_url).password} & set(text.split())
    assert PASSWORD not in text + data
    assert RING[3:] not in text + data
