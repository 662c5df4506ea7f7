"""Who sends slowly, or nothing: the connection ends, others are served, and long answers are not cut."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from gateway.actions.follow_transfer import STREAM_LIMITS
from gateway.app import build_app
from gateway.server import Times
from shared.settings import Settings
from tests.event_streams import EventStream
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller
from tests.integration.gateway.event_streams import ask
from tests.integration.gateway.real_server import RealServer, connected_to, dripping
from tests.integration.gateway.test_status import start

pytestmark = pytest.mark.integration

SHORT = Times(head_s=0.3, body_s=0.3, idle_s=0.6, linger_s=0.2)
PING_S = 0.2
PING_COUNT = 6
"""So many of them that each limit has passed."""
WHOLE = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest_asyncio.fixture
async def client(settings: Settings, platforms: FakePlatforms) -> AsyncIterator["TestClient[Any, Any]"]:
    app = build_app(
        settings,
        open_platforms=lambda *parts: platforms.on(parts[-1]),
        stream_limits=msgspec.structs.replace(STREAM_LIMITS, ping_s=PING_S),
    )
    async with TestClient(RealServer(app, times=SHORT)) as one:
        yield one


def port_of(client: "TestClient[Any, Any]") -> int:
    assert client.port
    return client.port


async def test_a_head_that_drips_is_cut_and_others_are_served_meanwhile(call: Caller) -> None:
    slow = b"GET /version HTTP/1.1\r\nX: " + b"a" * 4_000
    async with connected_to(port_of(call.client)) as line, dripping(line, slow, every_s=0.02):
        others = [await call("GET", "/version") for _ in range(3)]
        content = await line.rest()

    assert {reply.status for reply in others} == {200}
    assert content == b""


async def test_many_slow_heads_keep_nobody_out(call: Caller) -> None:
    async with contextlib.AsyncExitStack() as stack:
        lines = [await stack.enter_async_context(connected_to(port_of(call.client))) for _ in range(200)]
        for line in lines:
            await line.send(b"POST /transfer HTTP/1.1\r\nHost")
        reply = await call("GET", "/connections")
        ends = await asyncio.gather(*(line.rest() for line in lines))

    assert reply.status == 200
    assert set(ends) == {b""}


async def test_a_second_head_that_drips_is_cut_too(client: "TestClient[Any, Any]") -> None:
    async with connected_to(port_of(client)) as line:
        await line.send(WHOLE)
        async with dripping(line, b"GET /version HTTP/1.1\r\nX: " + b"a" * 4_000, every_s=0.02):
            content = await line.rest()

    assert content.count(b"HTTP/1.1 200") == 1


async def test_a_head_that_comes_in_parts_but_in_time_is_answered(client: "TestClient[Any, Any]") -> None:
    async with connected_to(port_of(client)) as line:
        for part in (WHOLE[:5], WHOLE[5:20], WHOLE[20:-1], WHOLE[-1:]):
            await line.send(part)
            await asyncio.sleep(0)  # the server, in the same loop, takes it as it is
        content = await line.rest()

    assert content.startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("begun", [b"", WHOLE], ids=["new", "after a request"])
async def test_a_connection_without_a_request_is_closed(client: "TestClient[Any, Any]", begun: bytes) -> None:
    async with connected_to(port_of(client)) as line:
        await line.send(begun)
        content = await line.rest()

    assert content.count(b"HTTP/1.1") == bool(begun)


async def test_a_long_poll_outlives_every_limit(connected: Caller) -> None:
    transfer_id = await start(connected)
    tag = (await connected("GET", f"/status/{transfer_id}")).headers["ETag"]

    reply = await connected(
        "GET", f"/status/{transfer_id}", headers={"If-None-Match": tag, "Prefer": "wait=2"}
    )

    assert reply.status == 304
    assert reply.headers["Preference-Applied"] == "wait=2"


async def test_an_event_stream_outlives_every_limit(connected: Caller) -> None:
    transfer_id = await start(connected)
    response = await ask(connected, transfer_id)
    events = EventStream(response)
    first = await events.next()
    await events.until_comments(PING_COUNT)

    paused = await connected("POST", f"/status/{transfer_id}/pause")
    last = await events.next()

    assert paused.status == 202
    assert (first.name, last.name) == ("snapshot", "paused")
    events.cut()
