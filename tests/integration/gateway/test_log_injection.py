"""What a stranger sends and the process logs: every record is one line, in JSON and for people."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from shared.db import api_keys, users
from shared.db.pool import Pool
from tests.integration.gateway.conftest import KEY_RING
from tests.integration.gateway.real_server import exchange

pytestmark = pytest.mark.integration

HOSTILE = (
    "\x1b[2Jred",
    "a\x85b\u2028c\u2029d",
    "\u202eevil\u2066",
    '","level":"CRITICAL","x":"',
    "%0d%0aINFO%20forged",
    "%1b%5b2J%e2%80%a8",
    "{level} %s",
    "\ufeff\x9b31m",
)


class Process(msgspec.Struct, kw_only=True):
    """port: where it listens. lines: of its log, once it has ended."""

    port: int
    lines: list[str]


@asynccontextmanager
async def gateway(database_url: str, redis_url: str, *, log_format: str) -> AsyncIterator[Process]:
    environ = {
        **os.environ,
        "CROSSPLAY_DATABASE_URL": database_url,
        "CROSSPLAY_REDIS_URL": redis_url,
        "CROSSPLAY_SECRET_KEYS": KEY_RING,
        "CROSSPLAY_PORT": "0",
        "CROSSPLAY_GATEWAY_DRAIN_S": "0",
        "CROSSPLAY_LOG_LEVEL": "DEBUG",
        "CROSSPLAY_LOG_FORMAT": log_format,
        "PYTHONIOENCODING": "utf-8",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "gateway", "--json"),
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout
        line = await asyncio.wait_for(process.stdout.readline(), 30)
        url = msgspec.json.decode(line)["gateway"]
        one = Process(port=int(url.rpartition(":")[2]), lines=[])
        yield one
        process.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(process.communicate(), 30)
        one.lines = errors.decode().split("\n")[:-1]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def requests(text: str, *, key: str) -> list[bytes]:
    """Put a text into each place of a request that can hold it."""
    raw = text.encode()
    in_line = raw.replace(b" ", b"%20").replace(b"\x1b", b"%1b")
    end = b"\r\nHost: x\r\nConnection: close\r\n"
    own_key = b"Authorization: Bearer " + key.encode() + b"\r\n"
    name = {"source": {"platform": "spotify", "playlist": text}, "target": {"platform": "apple_music"}}
    body = json.dumps(name).encode()
    in_header = raw.replace(b"\x1b", b"").replace(b"\x00", b"")
    fields = (
        b"X-Request-Id",
        b"User-Agent",
        b"Referer",
        b"traceparent",
        b"Authorization",
        b"Idempotency-Key",
    )
    return [
        b"GET /" + in_line + b" HTTP/1.1" + end + b"\r\n",
        b"GET /status/" + in_line + b" HTTP/1.1" + end + own_key + b"\r\n",
        b"GET /playlists?platform=" + in_line + b" HTTP/1.1" + end + own_key + b"\r\n",
        b"GET /connect/spotify/callback?error=" + in_line + b" HTTP/1.1" + end + b"\r\n",
        *(b"GET /version HTTP/1.1" + end + field + b": " + in_header + b"\r\n\r\n" for field in fields),
        b"POST /transfer HTTP/1.1"
        + end
        + own_key
        + b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
        + body,
        in_header + b" / HTTP/1.1" + end + b"\r\n",
    ]


@pytest.mark.parametrize("log_format", ["json", "text"])
async def test_no_text_of_a_request_breaks_out_of_its_line_in_the_log(
    database_url: str, redis_url: str, pool: Pool, log_format: str
) -> None:
    user_id = await users.ensure(pool, name="mira")
    key = await api_keys.create(pool, user_id)

    async with gateway(database_url, redis_url, log_format=log_format) as process:
        answers = [
            answer
            for text in HOSTILE
            for request in requests(text, key=key.secret.reveal())
            for answer in await exchange(process.port, request)
        ]

    assert len(answers) == len(HOSTILE) * len(requests("", key=""))
    assert {one.status for one in answers} <= {200, 303, 400, 401, 404, 409, 422}
    assert len(process.lines) >= len(answers)
    assert [line for line in process.lines if not all(map(is_plain, line))] == []
    if log_format == "json":
        told = [json.loads(line) for line in process.lines]
        levels = {line["level"] for line in told}
        (settings_read,) = (line for line in told if line.get("event") == "settings_read")
        assert len(settings_read["config_hash"]) == 12
        assert levels <= {"DEBUG", "INFO", "WARNING"}
    else:
        assert all(line[2] == ":" for line in process.lines)  # each begins with its time


def is_plain(letter: str) -> bool:
    """Whether a terminal or an editor takes it for nothing but a letter."""
    return letter.isprintable()
