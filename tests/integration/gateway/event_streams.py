"""A gateway that serves event streams as the real one does, and who asks it for them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from gateway.actions.follow_transfer import STREAM_LIMITS, StreamLimits
from gateway.app import build_app
from shared.db.pool import Pool
from shared.settings import Settings
from tests.event_streams import EventStream
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, transfer_body


class PlainServer(TestServer):
    """A server that lets handlers find out by themselves that nobody reads, as the real one does."""

    async def _make_runner(self, **_: Any) -> web.AppRunner:
        return web.AppRunner(self.app, access_log=None)


@asynccontextmanager
async def gateway(
    settings: Settings, platforms: FakePlatforms, *, limits: StreamLimits = STREAM_LIMITS
) -> AsyncIterator["TestClient[Any, Any]"]:
    app = build_app(settings, open_platforms=lambda *parts: platforms.on(parts[-1]), stream_limits=limits)
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


async def start(call: Caller) -> str:
    reply = await call("POST", "/transfer", json=transfer_body())
    assert reply.status == 202, reply.text
    return str(reply.json["id"])


async def change(pool: Pool, transfer_id: str, **values: Any) -> int:
    """Change a transfer's row as a worker would, and return its revision, which rises."""
    assignments = "".join(f"{name} = ${place}, " for place, name in enumerate(values, start=2))
    revision: int = await pool.fetchval(
        f"UPDATE transfers SET {assignments} revision = revision + 1 WHERE id = $1 RETURNING revision",
        transfer_id,
        *values.values(),
    )
    return revision
