"""Gateway and worker as systemd starts them: what they tell at its socket, from start to end."""

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.cli.keys import new_entry
from deploy.dev.processes import Process, ProcessSpec
from tests.conftest import TestServers
from tests.waiting import within

pytestmark = pytest.mark.integration
WATCHDOG_S = 0.3


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "notify"))
        opened.setblocking(False)
        yield opened


async def heard(receiver: socket.socket) -> str:
    return (await within(asyncio.get_running_loop().sock_recv(receiver, 256))).decode()


async def heard_until(receiver: socket.socket, last: str) -> list[str]:
    told = [await heard(receiver)]
    while told[-1] != last:
        told.append(await heard(receiver))
    return told


@pytest.mark.parametrize("role", ["gateway", "worker"])
async def test_role_tells_that_it_is_ready_lives_and_stops(
    role: str, receiver: socket.socket, tmp_path: Path, servers: TestServers, database_url: str
) -> None:
    environment = {
        "CROSSPLAY_DATABASE_URL": database_url,
        "CROSSPLAY_REDIS_URL": servers.redis_url,
        "CROSSPLAY_SECRET_KEYS": new_entry(),
        "CROSSPLAY_PORT": "0",
        "NOTIFY_SOCKET": receiver.getsockname(),
        "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)),
    }
    spec = ProcessSpec(
        name=role, command=(sys.executable, "-m", role), log_path=tmp_path / "log", environment=environment
    )

    process = await Process.start(spec)
    try:
        before = await heard_until(receiver, "READY=1")
        pings = [await heard(receiver) for _ in range(3)]
        process.send_signal(signal.SIGTERM)
        at_end = await heard_until(receiver, "STOPPING=1")
        status = await within(process.wait())
    finally:
        await process.stop()

    assert set(before) <= {"WATCHDOG=1", "READY=1"}
    assert pings == ["WATCHDOG=1"] * 3
    assert set(at_end) <= {"WATCHDOG=1", "STOPPING=1"}
    assert status == 0
