"""Gateway and worker as processes without their stores: what their private port says, and how they refuse."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
import pytest

from gateway.__main__ import EXIT_CONFIG
from shared.models import Platform
from tests.waiting import within

pytestmark = pytest.mark.integration

KEY = "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
AWAY = {
    "CROSSPLAY_DATABASE_URL": "postgresql://crossplay:canary@127.0.0.1:1/crossplay",
    "CROSSPLAY_REDIS_URL": "redis://127.0.0.1:1/0",
    "CROSSPLAY_SECRET_KEYS": KEY,
    "CROSSPLAY_PORT": "0",
    "CROSSPLAY_METRICS_PORT": "0",
}


@asynccontextmanager
async def process(role: str, **changes: str) -> AsyncIterator[asyncio.subprocess.Process]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CROSSPLAY_", "OTEL_"))}
    started = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", role, "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**kept, **AWAY, **changes},
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def asked(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        return response.status, await response.json()


@pytest.mark.parametrize(
    ("role", "lacking"),
    [
        ("gateway", {"postgres", "redis", "schema"}),
        ("worker", {"postgres", "redis", "schema", *(f"{platform} jobs" for platform in Platform)}),
    ],
)
async def test_a_process_without_its_stores_lives_says_what_it_lacks_and_counts_it(
    role: str, lacking: set[str]
) -> None:
    async with process(role) as started:
        assert started.stdout is not None
        ready_line = msgspec.json.decode(await within(started.stdout.readline()))
        url = ready_line["probes"]

        live = await asked(f"{url}/healthz")
        ready = await within(asked(f"{url}/readyz"))
        async with aiohttp.ClientSession() as http, http.get(f"{url}/metrics") as response:
            text = await response.text()
        started.send_signal(signal.SIGTERM)
        status = await within(started.wait())

    counts = dict(line.rsplit(" ", 1) for line in text.splitlines() if "store_errors_total{" in line)
    assert live == (200, {"status": "ok", "checks": {}})
    assert ready[0] == 503
    assert {name for name, check in ready[1]["checks"].items() if not check["ok"]} == lacking
    assert float(counts['crossplay_store_errors_total{crossplay_store="postgres"}']) > 0
    assert float(counts['crossplay_store_errors_total{crossplay_store="redis"}']) > 0
    assert "canary" not in text
    assert status == 0


@pytest.mark.parametrize("role", ["gateway", "worker"])
async def test_a_private_port_that_is_taken_is_a_fault_of_the_settings(role: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with process(role, CROSSPLAY_METRICS_PORT=str(port)) as started:
            out, told = await within(started.communicate())

    last = told.decode().splitlines()[-1]
    assert started.returncode == EXIT_CONFIG
    assert f"CROSSPLAY_METRICS_PORT: nobody can listen on 127.0.0.1, port {port}: " in last
    assert "Traceback" not in told.decode()
    assert out == b""


async def test_without_the_setting_there_is_no_private_port() -> None:
    async with process("worker", CROSSPLAY_METRICS_PORT="") as started:
        assert started.stdout is not None
        ready_line = msgspec.json.decode(await within(started.stdout.readline()))

    assert ready_line["probes"] is None
