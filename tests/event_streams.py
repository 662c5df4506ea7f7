"""A reader of event streams that trusts only whole events."""

import contextlib
from typing import Any

import msgspec
from aiohttp import ClientResponse

from tests.waiting import within

CHUNK_BYTES = 65_536


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """revision: the id of the event, None where it has none."""

    name: str
    revision: int | None
    data: dict[str, Any]


class EventStream:
    """Reads a stream as browsers do: what has not come whole has not come."""

    def __init__(self, response: ClientResponse) -> None:
        self.response = response
        self.comment_count = 0
        self._content = b""
        self._events: list[Event] = []

    async def next(self) -> Event:
        """Raises EOFError where the stream has ended."""
        while not self._events:
            await self._read(CHUNK_BYTES)
        return self._events.pop(0)

    async def until_comments(self, count: int) -> None:
        while self.comment_count < count:
            await self._read(CHUNK_BYTES)

    async def read(self, byte_count: int) -> list[Event]:
        """Return the events that lie whole in the next bytes, or in what comes before the end."""
        with contextlib.suppress(EOFError):
            while byte_count > 0:
                byte_count -= await self._read(byte_count)
        found, self._events = self._events, []
        return found

    async def to_the_end(self) -> list[Event]:
        found = []
        try:
            while True:
                found.append(await self.next())
        except EOFError:
            return found

    def cut(self) -> None:
        self.response.close()

    async def _read(self, byte_count: int) -> int:
        content = await within(self.response.content.read(byte_count))
        if not content:
            raise EOFError
        *blocks, self._content = (self._content + content).split(b"\n\n")
        for block in blocks:
            self._take(block.decode())
        return len(content)

    def _take(self, block: str) -> None:
        fields: dict[str, str] = {}
        for line in block.split("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
        self.comment_count += "" in fields
        if "data" in fields:
            own_id = int(fields["id"]) if "id" in fields else None
            data = msgspec.json.decode(fields["data"])
            self._events.append(Event(name=fields["event"], revision=own_id, data=data))
