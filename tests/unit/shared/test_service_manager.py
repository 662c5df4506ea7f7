"""What systemd hears, at a real socket of its kind."""

import asyncio
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from shared.service_manager import ServiceManager
from tests.waiting import within


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as opened:
        opened.bind(str(tmp_path / "notify"))
        opened.setblocking(False)
        yield opened


def environment(receiver: socket.socket, **more: str) -> Mapping[str, str]:
    return {"NOTIFY_SOCKET": receiver.getsockname(), **more}


async def heard(receiver: socket.socket) -> str:
    return (await within(asyncio.get_running_loop().sock_recv(receiver, 256))).decode()


async def test_ready_and_stopping_are_told_in_their_order(receiver: socket.socket) -> None:
    async with ServiceManager.listening(environment(receiver)) as manager:
        manager.ready()
        manager.stopping()

    assert [await heard(receiver), await heard(receiver)] == ["READY=1", "STOPPING=1"]


async def test_watchdog_is_pinged_several_times_in_its_period(receiver: socket.socket) -> None:
    period_s = 0.15
    began = asyncio.get_running_loop().time()

    async with ServiceManager.listening(
        environment(receiver, WATCHDOG_USEC=str(int(period_s * 1e6)), WATCHDOG_PID=str(os.getpid()))
    ):
        pings = [await heard(receiver) for _ in range(4)]

    assert pings == ["WATCHDOG=1"] * 4
    assert asyncio.get_running_loop().time() - began >= period_s


@pytest.mark.parametrize(
    "watchdog",
    [{}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "soon"}, {"WATCHDOG_USEC": "9", "WATCHDOG_PID": "1"}],
    ids=["none", "zero", "no number", "another process"],
)
async def test_without_a_watchdog_for_us_nothing_is_pinged(
    receiver: socket.socket, watchdog: dict[str, str]
) -> None:
    async with ServiceManager.listening(environment(receiver, **watchdog)) as manager:
        await asyncio.sleep(0)
        manager.ready()

    assert await heard(receiver) == "READY=1"


async def test_abstract_address_is_understood() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(f"\0crossplay-test-{os.getpid()}")
        receiver.setblocking(False)

        async with ServiceManager.listening({"NOTIFY_SOCKET": f"@crossplay-test-{os.getpid()}"}) as manager:
            manager.ready()

        assert await heard(receiver) == "READY=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": "/nowhere/at/all", "WATCHDOG_USEC": "1000"}])
async def test_nobody_who_listens_costs_nothing(environ: dict[str, str]) -> None:
    async with ServiceManager.listening(environ) as manager:
        manager.ready()
        await asyncio.sleep(0)
        manager.stopping()
