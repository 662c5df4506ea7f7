"""A TCP proxy in front of a store: slow, deaf, stalled, cut off, or losing the one answer that matters."""

import asyncio
import socket
import struct
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

CHUNK_BYTES = 65_536
_PORTS = {"redis": 6379, "postgresql": 5432}
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: closing sends RST


class Proxy:
    """Forwards to the server of `url` while it is entered; its own `url` names the proxy.

    latency_s: added to each chunk, in both directions.
    is_refusing: new connections are reset at once, as by a server that is not there.
    """

    def __init__(self, url: str) -> None:
        self._upstream = urlsplit(url)
        self._marker: bytes | None = None
        self._links: set[_Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self._may_pass = asyncio.Event()
        self._may_pass.set()
        self._is_deaf = False
        self.latency_s = 0.0
        self.is_refusing = False
        self.swallowed_count = 0

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        credentials, _, _ = self._upstream.netloc.rpartition("@")
        netloc = f"{credentials}@127.0.0.1:{port}" if credentials else f"127.0.0.1:{port}"
        return urlunsplit(self._upstream._replace(netloc=netloc))

    def swallow(self, marker: bytes) -> None:
        """Lose the answer to the next request in which the marker stands, and reset its connection."""
        self._marker = marker

    def cut(self) -> None:
        """Reset every connection that is open now."""
        for link in set(self._links):
            link.reset()

    def stall(self) -> None:
        """Let nothing pass and close nothing, as a dead router does; `heal` delivers what has waited."""
        self._may_pass.clear()

    def go_deaf(self) -> None:
        """Lose whatever is sent on from now and keep the connections open, as when the far end is gone.

        Connections that were open meanwhile stay dead; after `heal` new ones work.
        """
        self._is_deaf = True
        for link in self._links:
            link.is_dead = True

    def heal(self) -> None:
        """End every trouble but the loss of single answers."""
        self.latency_s = 0.0
        self.is_refusing = False
        self._is_deaf = False
        self._may_pass.set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        link = _Link(writer)
        link.is_dead = self._is_deaf
        self._links.add(link)
        try:
            if not self.is_refusing:
                await self._join(link, reader)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            link.reset()
            self._links.discard(link)
            self._tasks.discard(task)

    async def _join(self, link: "_Link", reader: asyncio.StreamReader) -> None:
        """Pump both ways until either side hangs up."""
        port = self._upstream.port or _PORTS.get(self._upstream.scheme, 80)
        far_reader, link.far = await asyncio.open_connection(self._upstream.hostname or "127.0.0.1", port)
        pumps = [
            asyncio.create_task(self._pump(link, reader, link.far, is_question=True)),
            asyncio.create_task(self._pump(link, far_reader, link.near, is_question=False)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(
        self, link: "_Link", source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, is_question: bool
    ) -> None:
        while data := await source.read(CHUNK_BYTES):
            if self.latency_s:
                await asyncio.sleep(self.latency_s)
            await self._may_pass.wait()
            if link.is_dead:
                continue
            if is_question and self._marker is not None and self._marker in data:
                self._marker = None
                link.loses_answer = True
            elif not is_question and link.loses_answer:
                self.swallowed_count += 1
                return
            sink.write(data)
            await sink.drain()


class _Link:
    """One connection through the proxy, both its ends."""

    def __init__(self, near: asyncio.StreamWriter) -> None:
        self.near = near
        self.far: asyncio.StreamWriter | None = None
        self.is_dead = False
        self.loses_answer = False

    def reset(self) -> None:
        for end in (self.near, self.far):
            if end is not None and not end.transport.is_closing():
                end.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                end.transport.abort()
