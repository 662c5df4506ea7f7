"""A TCP proxy that loses what a test wants to have lost."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit, urlunsplit

CHUNK_BYTES = 65_536


class Proxy:
    """Forwards to the server of `url` while it is entered; its own `url` names the proxy.

    swallow(): the next answer that holds the marker is dropped and its connection reset.
    may_forward: while it is cleared nothing passes in either direction, as behind a dead router.
    """

    def __init__(self, url: str) -> None:
        self._upstream = urlsplit(url)
        self._marker: bytes | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.swallowed_count = 0
        self.may_forward = asyncio.Event()
        self.may_forward.set()

    @property
    def url(self) -> str:
        assert self._server is not None
        port = self._server.sockets[0].getsockname()[1]
        credentials, _, _ = self._upstream.netloc.rpartition("@")
        netloc = f"{credentials}@127.0.0.1:{port}" if credentials else f"127.0.0.1:{port}"
        return urlunsplit(self._upstream._replace(netloc=netloc))

    def swallow(self, marker: bytes) -> None:
        """Lose the answer to the next request in which the marker stands."""
        self._marker = marker

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        host, port = self._upstream.hostname or "127.0.0.1", self._upstream.port or 6379
        try:
            far_reader, far_writer = await asyncio.open_connection(host, port)
            await self._exchange(reader, writer, far_reader, far_writer)
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _exchange(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        far_reader: asyncio.StreamReader,
        far_writer: asyncio.StreamWriter,
    ) -> None:
        """Pass requests and answers one after the other until either side hangs up."""
        try:
            while data := await reader.read(CHUNK_BYTES):
                await self.may_forward.wait()
                is_lost = self._marker is not None and self._marker in data
                far_writer.write(data)
                answer = await far_reader.read(CHUNK_BYTES)
                if is_lost:
                    self._marker = None
                    self.swallowed_count += 1
                    return
                writer.write(answer)
        finally:
            for one in (writer, far_writer):
                one.close()
                with contextlib.suppress(ConnectionError):
                    await one.wait_closed()
