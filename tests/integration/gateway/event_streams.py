"""A reader of event streams that trusts only whole events, and a gateway that serves it as in production."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from gateway.actions.follow_transfer import STREAM_LIMITS, StreamLimits
from gateway.app import build_app
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Json
from tests.waiting import within

CHUNK_BYTES = 65_536


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """revision: the id of the event, None where it has none."""

    name: str
    revision: int | None
    data: Json


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
        """Return the events that lie whole in so many bytes."""
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


class PlainServer(TestServer):
    """A server that lets handlers find out by themselves that nobody reads, as the real one does."""

    async def _make_runner(self, **_: Any) -> web.AppRunner:
        return web.AppRunner(self.app, access_log=None)


@asynccontextmanager
async def gateway(
    settings: Settings, platforms: FakePlatforms, *, limits: StreamLimits = STREAM_LIMITS
) -> AsyncIterator["TestClient[Any, Any]"]:
    app = build_app(settings, open_platforms=lambda *_: platforms, stream_limits=limits)
    client = TestClient(PlainServer(app))
    await client.start_server()
    try:
        yield client
    finally:
        await client.close()


async def ask(call: Caller, transfer_id: str, *, last: object = None) -> ClientResponse:
    """Ask for a stream as somebody who has seen the event `last`."""
    headers = {"Authorization": f"Bearer {call.key}"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    response: ClientResponse = await call.client.request(
        "GET", f"/status/{transfer_id}/events", headers=headers
    )
    return response


async def listen(call: Caller, transfer_id: str, *, last: object = None) -> EventStream:
    response = await ask(call, transfer_id, last=last)
    assert response.status == 200, await response.text()
    return EventStream(response)
