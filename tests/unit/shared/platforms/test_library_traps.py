"""What the HTTP path guards against: should a library change its ways, a test here says so."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp_retry import ExponentialRetry, RetryClient
from aioresponses import aioresponses

from tests.unit.shared.platforms.conftest import raw_server


@asynccontextmanager
async def server_that_answers(status: int) -> AsyncIterator[tuple[str, list[str]]]:
    seen: list[str] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(request.method)
        return web.Response(status=status)

    app = web.Application()
    app.router.add_route("*", "/", handle)
    async with TestServer(app) as server:
        yield str(server.make_url("/")), seen


@asynccontextmanager
async def server_that_hangs_up_on_the_second_request() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Reads each request to its end, answers a connection's first one and cuts it at the second."""
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (head := await _head(reader)) is not None:
            seen.append(head.split(b" ", 1)[0])
            if len(seen) == 2:
                break
            writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
            await writer.drain()

    async with raw_server(serve) as url:
        yield url, seen


async def _head(reader: asyncio.StreamReader) -> bytes | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = next(
        (int(row.split(b":")[1]) for row in head.split(b"\r\n") if row.startswith(b"Content-Length")), 0
    )
    await reader.readexactly(length)
    return head


async def test_aiohttp_retry_would_repeat_a_post_on_a_server_fault() -> None:
    async with server_that_answers(502) as (url, seen), aiohttp.ClientSession() as client:
        retrying = RetryClient(client, retry_options=ExponentialRetry(attempts=3, start_timeout=0.001))

        async with retrying.post(url):
            pass

    assert seen == ["POST"] * 3


async def test_aiohttp_retry_would_repeat_no_exception_unasked(mocked: aioresponses) -> None:
    mocked.get("http://platform.example.org/", exception=aiohttp.ServerDisconnectedError())
    mocked.get("http://platform.example.org/")

    async with aiohttp.ClientSession() as client:
        retrying = RetryClient(client, retry_options=ExponentialRetry(attempts=3, start_timeout=0.001))
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await retrying.get("http://platform.example.org/")


async def test_aiohttp_would_send_a_put_again_on_a_stale_connection() -> None:
    async with (
        server_that_hangs_up_on_the_second_request() as (url, seen),
        aiohttp.ClientSession() as client,
    ):
        await client.put(url, data=b"one")

        await client.put(url, data=b"two")

    assert seen == [b"PUT"] * 3


async def test_aiohttp_would_send_a_put_again_even_without_keep_alive() -> None:
    """A session of its own with force_close is not enough; the HTTP path refuses the second attempt."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with (
        server_that_hangs_up_on_the_second_request() as (url, seen),
        aiohttp.ClientSession(connector=connector) as client,
    ):
        await client.put(url, data=b"one")

        await client.put(url, data=b"two")

    assert seen == [b"PUT"] * 3


async def test_aioresponses_needs_its_shim() -> None:
    with aioresponses() as mock:
        mock.get("http://platform.example.org/")
        async with aiohttp.ClientSession() as client:
            with pytest.raises(TypeError, match="stream_writer"):
                await client.get("http://platform.example.org/")
