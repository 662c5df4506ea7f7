"""A little balancer, as a Service is one: new connections go to gateways that call themselves ready."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self
from urllib.parse import urlsplit

from tests.waiting import until

PROBE_EVERY_S = 0.2
PROBE_TIMEOUT_S = 2.0
_PROBE = b"GET /readyz HTTP/1.1\r\nHost: probe\r\nConnection: close\r\n\r\n"


class Balancer:
    """Passes bytes on. Knows of HTTP only what it asks /readyz."""

    def __init__(self) -> None:
        self._ready: dict[tuple[str, int], bool] = {}
        self._turns = itertools.count()
        self._pipes: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def run(cls) -> AsyncIterator[Self]:
        one = cls()
        server = await asyncio.start_server(one._accept, "127.0.0.1", 0)
        one.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        probing = asyncio.create_task(one._probe())
        try:
            yield one
        finally:
            server.close()
            probing.cancel()
            for writer in one._pipes.values():
                writer.close()
            await asyncio.gather(probing, *one._pipes, return_exceptions=True)

    async def add(self, url: str) -> None:
        """Take a gateway in, and wait until it is ready."""
        place = _place(url)
        self._ready[place] = False
        await until(lambda: self._ready[place])

    async def unready(self, url: str) -> None:
        """Wait until a gateway has said that it leaves."""
        place = _place(url)
        await until(lambda: not self._ready[place])

    def remove(self, url: str) -> None:
        """Send nothing new there, as when a pod is deleted."""
        del self._ready[_place(url)]

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pipes[task] = writer
        try:
            ready = [place for place, is_ready in self._ready.items() if is_ready]
            if ready:
                await _pass_on(reader, writer, place=ready[next(self._turns) % len(ready)])
        finally:
            await _close(writer)
            del self._pipes[task]

    async def _probe(self) -> None:
        while True:
            for place in list(self._ready):
                is_ready = await _is_ready(place)
                if place in self._ready:
                    self._ready[place] = is_ready
            await asyncio.sleep(PROBE_EVERY_S)


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, place: tuple[str, int]
) -> None:
    try:
        there, back = await asyncio.open_connection(*place)
    except ConnectionError:
        return
    try:
        await asyncio.gather(_pump(reader, back), _pump(there, writer))
    finally:
        await _close(back)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while content := await source.read(65536):
            sink.write(content)
            await sink.drain()
    sink.close()  # at once: a gateway that closes a connection means it


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def _is_ready(place: tuple[str, int]) -> bool:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            reader, writer = await asyncio.open_connection(*place)
            try:
                writer.write(_PROBE)
                answer = await reader.read(64)
            finally:
                await _close(writer)
    except (OSError, TimeoutError):
        return False
    return answer.startswith(b"HTTP/1.1 200")


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 0)
