"""Bytes that are no request, or that two servers could read as two: over a plain socket."""

import asyncio
import re
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from gateway.app import build_app
from gateway.server import ProblemRunner
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms

pytestmark = pytest.mark.integration

SMUGGLED = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
UNREADABLE = {
    "no method": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "odd version": b"GET /healthz HTTP/9x\r\nHost: x\r\n\r\n",
    "long line": b"GET /" + b"a" * 20_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "long header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 20_000 + b"\r\n\r\n",
    "many headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    "space before the colon": b"GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
    "zero byte in a header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "folded header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    "length and chunks": b"POST /transfer HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "two lengths": b"POST /transfer HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 37\r\n\r\n"
    + SMUGGLED,
    "the same length twice": b"POST /transfer HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n"
    b"Content-Length: 2\r\n\r\n{}",
    "a length with a sign": b"POST /transfer HTTP/1.1\r\nHost: x\r\nContent-Length: +2\r\n\r\n{}",
    "a length of two": b"POST /transfer HTTP/1.1\r\nHost: x\r\nContent-Length: 2, 2\r\n\r\n{}",
    "chunked is not last": b"POST /transfer HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
}


@pytest_asyncio.fixture
async def port(settings: Settings) -> AsyncIterator[int]:
    """Serve as the process does; the test client's own server would answer such bytes otherwise."""
    app = build_app(settings, open_platforms=lambda *parts: FakePlatforms().on(parts[-1]))
    runner = ProblemRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1]
    await runner.cleanup()


async def answer_to(port: int, content: bytes) -> bytes:
    """Send bytes; return everything that comes back until the server closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(content)
        async with asyncio.timeout(20):
            return await reader.read(-1)
    finally:
        writer.transport.abort()


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_is_no_request_is_one_problem_and_the_end(port: int, content: bytes) -> None:
    answer = await answer_to(port, content)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert re.match(rb"HTTP/1\.[01] 400 ", head), answer
    assert b"application/problem+json" in head
    problem = msgspec.json.decode(body)  # nothing stands behind it
    assert (problem["type"], problem["status"]) == ("/problems/request-unreadable", 400)
    assert problem["help"]
    assert f"X-Request-Id: {problem['request_id']}".encode() in head
    assert b"aaaa" not in answer


async def test_a_body_with_broken_chunks_is_a_problem_and_nothing_behind_it_is_read(port: int) -> None:
    head = b"POST /connect/spotify HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = await answer_to(port, head + b"zz\r\n{}\r\n0\r\n\r\n" + SMUGGLED)

    assert re.match(rb"HTTP/1\.[01] 4", answer), answer
    assert b"application/problem+json" in answer
    assert b"text/plain" not in answer
    assert b'"version"' not in answer


async def test_requests_that_can_be_read_are_answered_one_after_the_other(port: int) -> None:
    last = b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    answer = await answer_to(port, SMUGGLED + last)

    assert answer.count(b"HTTP/1.1 200 ") == 2
