"""The doctor as a whole: a healthy installation, one without stores, and what is around it."""

import asyncio
import json
import os
from urllib.parse import urlsplit

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from deploy.cli.exits import Exit
from deploy.cli.main import run
from deploy.doctor.findings import Finding
from shared.db import workers
from shared.db.pool import Pool
from tests.fakes.otlp import OtlpReceiver
from tests.integration.doctor.ward import (
    FAIL,
    OK,
    PASSWORD,
    RING,
    WARN,
    found,
)

pytestmark = pytest.mark.integration


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
