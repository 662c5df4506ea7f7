"""What stands around every route: keys, unknown addresses, health, documents, and stores that are away."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import msgspec
import openapi_schema_validator
import pytest
from aiohttp.test_utils import unused_port

from gateway.app import OPERATIONS
from shared.db import api_keys, users
from shared.db.pool import Pool
from shared.models import Platform
from shared.secret import Secret
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import KEY_RING, Caller, Serve, new_caller, transfer_body

pytestmark = pytest.mark.integration

GUARDED = [
    (one.method, re.sub(r"{\w+}", "1", one.path.replace("{platform}", "spotify")))
    for one in OPERATIONS
    if not one.is_open
]


@pytest.mark.parametrize(("method", "path"), GUARDED)
@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_every_guarded_route_wants_a_key(call: Caller, method: str, path: str, prefix: str) -> None:
    reply = await call(method, prefix + path, headers={"Authorization": ""})

    assert reply.problem() == (401, "unauthenticated")
    assert reply.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    "change",
    [
        lambda key: f"Bearer {key}x",
        lambda key: f"Bearer {key[:-1]}{'0' if key[-1] != '0' else '1'}",
        lambda key: f"Bearer cp_live_{'0' * 16}_{key[-64:]}",
        lambda key: f"Basic {key}",
        lambda key: "Bearer ",
        lambda key: f"Bearer {key} {key}",
        lambda key: "Bearer cp_live_ümlaut",
    ],
)
async def test_a_key_that_is_not_quite_right_is_refused(call: Caller, change: Any) -> None:
    reply = await call("GET", "/connections", headers={"Authorization": change(call.key)})

    assert reply.problem() == (401, "unauthenticated")
    assert call.key not in reply.text


async def test_a_revoked_key_is_refused_and_a_used_one_is_noted(call: Caller, pool: Pool) -> None:
    await call("GET", "/connections")
    used_at = await pool.fetchval("SELECT last_used_at FROM api_keys")
    await pool.execute("UPDATE api_keys SET revoked_at = now()")

    reply = await call("GET", "/connections")

    assert used_at is not None
    assert reply.problem() == (401, "unauthenticated")


async def test_a_key_is_stored_as_a_hash_and_a_user_made_once(pool: Pool) -> None:
    first = await users.ensure(pool, name="mira")
    again = await users.ensure(pool, name="mira")

    key = await api_keys.create(pool, first)
    stored = dict(await pool.fetchrow("SELECT * FROM api_keys WHERE id = $1", key.row.id))
    assert first == again
    assert key.secret.reveal().startswith(f"cp_live_{key.row.id}_")
    assert key.secret.reveal().rpartition("_")[2][:64] not in str(stored)
    assert key.secret.reveal() not in repr(key)


@pytest.mark.parametrize("path", ["/", "/nothing", "/v2/transfer", "/status/", "/transfer/1", "/%ff%00"])
async def test_an_unknown_address_is_a_problem_too(call: Caller, path: str) -> None:
    reply = await call("GET", path)

    assert reply.problem() == (404, "not-found")


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/transfer"), ("PUT", "/v1/playlists")])
async def test_a_wrong_method_names_the_right_ones(call: Caller, method: str, path: str) -> None:
    reply = await call(method, path)

    assert reply.problem() == (405, "method-not-allowed")
    assert reply.headers["Allow"]


@pytest.mark.parametrize("given", ["", "with space", "x" * 129, "line\tbreak"])
async def test_a_request_id_that_could_do_harm_is_replaced(call: Caller, given: str) -> None:
    reply = await call("GET", "/healthz", headers={"X-Request-Id": given})

    assert reply.headers["X-Request-Id"] != given
    assert len(reply.headers["X-Request-Id"]) == 32


async def test_health_version_and_readiness_need_no_key(call: Caller) -> None:
    no_key = {"Authorization": ""}
    live = await call("GET", "/healthz", headers=no_key)
    ready = await call("GET", "/readyz", headers=no_key)
    version = await call("GET", "/version", headers=no_key)

    assert (live.status, live.json) == (200, {"status": "ok"})
    assert (ready.status, ready.json["status"]) == (200, "ready")
    assert {name for name, check in ready.json["checks"].items() if check["ok"]} == {
        "postgres",
        "redis",
        "schema",
        "process",
    }
    assert version.json["version"]


async def test_the_api_document_has_every_operation_and_valid_schemas(call: Caller) -> None:
    reply = await call("GET", "/openapi.json", headers={"Authorization": ""})

    document = reply.json
    found = [entry["operationId"] for path in document["paths"].values() for entry in path.values()]
    assert document["openapi"] == "3.1.0"
    assert sorted(found) == sorted(one.name for one in OPERATIONS)
    assert len(set(found)) == len(found)
    for schema in document["components"]["schemas"].values():
        openapi_schema_validator.OAS31Validator.check_schema(schema)
    create = document["paths"]["/transfer"]["post"]
    assert create["requestBody"]["content"]["application/json"]["example"]["source"]
    assert {"202", "400", "401", "409", "413", "422", "429", "500", "503"} <= set(create["responses"])


async def test_without_redis_the_gateway_answers_what_it_can(
    serve: Serve, settings: Settings, pool: Pool, platforms: FakePlatforms
) -> None:
    away = Secret(f"redis://127.0.0.1:{unused_port()}/0")
    call = await new_caller(await serve(msgspec.structs.replace(settings, redis_url=away)), pool, name="mira")
    platforms.accounts[Platform.APPLE_MUSIC].add("id-a", "One")
    platforms.accounts[Platform.APPLE_MUSIC].add("id-b", "Two")
    await call.connect_apple_music()
    body = transfer_body(
        source={"platform": "apple_music", "playlist": "One"},
        target={"platform": "apple_music", "playlist": "id-b"},
    )

    created = await call("POST", "/transfer", json=body)
    shown = await call("GET", f"/status/{created.json['id']}")
    listed = await call("GET", "/playlists?platform=apple_music")
    ready = await call("GET", "/readyz")

    assert (created.status, shown.status, listed.status) == (202, 200, 200)
    assert ready.status == 503
    assert ready.json["checks"]["redis"]["ok"] is False
    assert ready.json["checks"]["postgres"]["ok"] is True
    assert await pool.fetchval("SELECT queued_at FROM jobs") is None


async def test_without_postgres_a_request_is_a_503_to_be_repeated(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    address = urlsplit(settings.database_url.reveal())
    async with Wire(host=str(address.hostname), port=address.port or 5432) as wire:
        through = address._replace(netloc=f"{address.username}:{address.password}@127.0.0.1:{wire.port}")
        database_url = Secret(urlunsplit(through))
        client = await serve(msgspec.structs.replace(settings, database_url=database_url))
        call = await new_caller(client, pool, name="mira")
        before = await call("GET", "/connections")
        await wire.cut()

        replies = [await call("GET", "/connections") for _ in range(3)]
        ready = await call("GET", "/readyz")
        live = await call("GET", "/healthz")

    assert before.status == 200
    assert {reply.problem() for reply in replies} == {(503, "store-unavailable")}
    assert replies[0].headers["Retry-After"]
    assert (ready.status, ready.json["checks"]["postgres"]["ok"]) == (503, False)
    assert live.status == 200


class Wire:
    """A TCP connection to a server that can be cut."""

    def __init__(self, *, host: str, port: int) -> None:
        self._to = (host, port)
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def cut(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._to)
        self._writers += [writer, far_writer]
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while content := await reader.read(65536):
                writer.write(content)
                await writer.drain()
        writer.transport.abort()


async def test_an_unmigrated_database_is_not_ready(
    serve: Serve, settings: Settings, empty_database_url: str
) -> None:
    client = await serve(msgspec.structs.replace(settings, database_url=Secret(empty_database_url)))

    async with client.get("/readyz") as response:
        body = await response.json()

    assert response.status == 503
    assert "crossplay migrate" in body["checks"]["schema"]["detail"]


async def test_the_process_says_where_it_listens_and_leaves_on_sigterm(
    database_url: str, redis_url: str
) -> None:
    environ = {
        **os.environ,
        "CROSSPLAY_DATABASE_URL": database_url,
        "CROSSPLAY_REDIS_URL": redis_url,
        "CROSSPLAY_SECRET_KEYS": KEY_RING,
        "CROSSPLAY_PORT": "0",
        "CROSSPLAY_GATEWAY_DRAIN_S": "0",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "--json",
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        url = msgspec.json.decode(line)["gateway"]
        host, _, port = url.removeprefix("http://").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()

    assert answer.startswith(b"HTTP/1.1 200")
    assert process.returncode == 0, errors.decode()


async def test_missing_settings_are_listed_and_end_with_78() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CROSSPLAY_")}

    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", env=environ, stderr=asyncio.subprocess.PIPE
    )
    _, errors = await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode == 78
    assert errors.count(b"CROSSPLAY_") >= 3
