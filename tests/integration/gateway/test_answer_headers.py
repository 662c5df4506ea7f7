"""What every answer is sent with, whichever route gives it, and what the methods are that nobody declared."""

import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from gateway.actions.follow_transfer import STREAM_LIMITS
from gateway.app import OPERATIONS, build_app
from gateway.operations import Operation
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Reply
from tests.integration.gateway.real_server import RealServer, exchange
from tests.integration.gateway.test_status import start

pytestmark = pytest.mark.integration

VALUES = {"position": "0", "platform": "spotify", "slug": "not-found"}


@pytest_asyncio.fixture
async def client(settings: Settings, platforms: FakePlatforms) -> AsyncIterator["TestClient[Any, Any]"]:
    limits = msgspec.structs.replace(STREAM_LIMITS, life_s=0.05)
    app = build_app(settings, open_platforms=lambda *parts: platforms.on(parts[-1]), stream_limits=limits)
    async with TestClient(RealServer(app)) as one:
        yield one


def path_of(operation: Operation, *, own_id: str) -> str:
    return re.sub(r"{(\w+)}", lambda found: VALUES.get(found[1], own_id), operation.path)


async def replies(call: Caller, *, own_id: str, **headers: str) -> dict[str, Reply]:
    """Ask every operation once, those that take something away last."""
    ordered = sorted(OPERATIONS, key=lambda one: one.method != "GET")
    return {one.name: await call(one.method, path_of(one, own_id=own_id), headers=headers) for one in ordered}


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
async def test_no_answer_is_guessed_at_kept_or_framed(connected: Caller, accept: str) -> None:
    own_id = await start(connected)

    found = await replies(connected, own_id=own_id, Accept=accept)

    assert len(found) == len(OPERATIONS)
    for name, reply in found.items():
        assert reply.headers["X-Content-Type-Options"] == "nosniff", name
        assert reply.headers["Cache-Control"] in {"no-store", "no-cache"}, name
        assert reply.headers["Referrer-Policy"] == "no-referrer", name
        assert reply.headers["X-Request-Id"], name
        assert "charset=utf-8" in reply.headers.get("Content-Type", "") or reply.kind != "text/html", name
        policy = reply.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy, name
        assert "frame-ancestors 'none'" in policy, name
        assert "unsafe" not in policy, name


async def test_some_of_these_answers_are_good_ones_and_some_are_pages(connected: Caller) -> None:
    own_id = await start(connected)

    found = await replies(connected, own_id=own_id, Accept="text/html, */*;q=0.1")

    assert sum(reply.status < 300 for reply in found.values()) >= 15
    assert {"listProblems", "explainProblem", "showReference"} <= {
        name for name, reply in found.items() if reply.kind == "text/html"
    }


async def test_answers_that_came_without_a_route_have_them_too(client: "TestClient[Any, Any]") -> None:
    assert client.port
    (no_request,) = await exchange(client.port, b"nonsense\r\n\r\n")
    (no_route,) = await exchange(client.port, b"GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

    for answer in (no_request, no_route):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "PATCH", "QUERY", "PROPFIND"])
async def test_a_method_that_an_address_does_not_have_is_told(call: Caller, method: str) -> None:
    content = f"{method} /status/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    assert call.client.port

    (answer,) = await exchange(call.client.port, content)

    assert answer.status == 405
    assert answer.headers["allow"] == "GET"
    assert "python" not in answer.headers["server"].lower()


async def test_head_is_told_without_a_body(call: Caller) -> None:
    reply = await call("HEAD", "/status/x")

    assert (reply.status, reply.headers["Allow"], reply.text) == (405, "GET", "")
