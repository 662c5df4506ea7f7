"""A gateway on the very server that the process runs, and plain sockets to talk to it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.server import TIMES, ProblemRunner, Times

PATIENCE_S = 20.0
_HEAD = re.compile(rb"HTTP/1\.[01] ([0-9]{3}) [^\r\n]*\r\n(.*?)\r\n\r\n", re.DOTALL)


class RealServer(TestServer):
    """A TestServer whose connections are served as the process serves them."""

    def __init__(self, app: web.Application, *, times: Times = TIMES) -> None:
        super().__init__(app)
        self._times = times

    async def _make_runner(self, **_: Any) -> web.AppRunner:
        return ProblemRunner(self.app, access_log=None, shutdown_timeout=1.0, times=self._times)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One answer as it stood on the wire. headers: names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    def problem(self) -> str:
        """Return the slug of a problem."""
        assert self.headers["content-type"].startswith("application/problem+json"), self
        problem = msgspec.json.decode(self.body)
        assert problem["status"] == self.status
        return str(problem["code"])


class Line:
    """A plain connection to a server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, content: bytes) -> None:
        """Raises ConnectionError where the server has closed."""
        self._writer.write(content)
        await self._writer.drain()

    async def rest(self) -> bytes:
        """Return everything that comes until the server closes; a reset is an end, too."""
        parts = []
        async with asyncio.timeout(PATIENCE_S):
            try:
                while part := await self._reader.read(65536):
                    parts.append(part)
            except ConnectionResetError:
                pass
        return b"".join(parts)


@asynccontextmanager
async def connected_to(port: int) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


@asynccontextmanager
async def dripping(line: Line, content: bytes, *, every_s: float) -> AsyncIterator[None]:
    """Be a slow client: send byte by byte, at this pace, for as long as the server takes them."""

    async def drip() -> None:
        with suppress(ConnectionError):
            for at in range(len(content)):
                await line.send(content[at : at + 1])
                await asyncio.sleep(every_s)

    task = asyncio.create_task(drip())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def exchange(port: int, content: bytes) -> list[Answer]:
    """Send bytes; return every answer that comes until the server closes."""
    async with connected_to(port) as line:
        await line.send(content)
        return answers_in(await line.rest())


def answers_in(content: bytes) -> list[Answer]:
    """Split what came into answers; each has to say how long it is."""
    answers = []
    while content:
        found = _HEAD.match(content)
        assert found, content[:200]
        fields = (line.partition(":") for line in found[2].decode().split("\r\n"))
        headers = {name.lower(): value.strip() for name, _, value in fields}
        length = int(headers.get("content-length", "0"))
        body = content[found.end() : found.end() + length]
        assert len(body) == length, content[:200]
        answers.append(Answer(status=int(found[1]), headers=headers, body=body))
        content = content[found.end() + length :]
    return answers
