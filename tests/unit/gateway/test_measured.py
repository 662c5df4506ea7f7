"""Every request is timed under the template of its path, whatever becomes of it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.middlewares import measured
from tests.unit.shared.test_meters import Meter
from tests.waiting import until, within

Counts = dict[tuple[str, str, int | None], int]


@pytest.fixture
def meter() -> Iterator[Meter]:
    made = Meter()
    yield made
    made.provider.shutdown()


@pytest_asyncio.fixture
async def server(meter: Meter) -> AsyncIterator[TestServer]:
    async def show(request: web.Request) -> web.Response:
        match request.match_info["id"]:
            case "moved":
                raise web.HTTPFound("/elsewhere")
            case "broken":
                raise RuntimeError("a fault of our own")
            case "slow":
                await asyncio.Event().wait()
        return web.Response(status=202)

    app = web.Application(middlewares=[measured(into=meter.metrics)])
    app.router.add_route("*", "/status/{id}", show)
    server = TestServer(app)  # which stops to work for a client that has gone
    await server.start_server()
    yield server
    await server.close()


def counts(meter: Meter) -> Counts:
    points = meter.points().get("http.server.request.duration", ())
    return {
        (
            point.attributes["http.request.method"],
            point.attributes["http.route"],
            point.attributes.get("http.response.status_code"),
        ): point.count
        for point in points
    }


async def test_requests_are_told_apart_by_template_method_and_status_alone(
    server: TestServer, meter: Meter
) -> None:
    asked = [
        ("GET", "a"),
        ("GET", "b"),
        ("POST", "c"),
        ("PROPFIND", "d"),
        ("GET", "moved"),
        ("GET", "broken"),
    ]

    async with aiohttp.ClientSession() as http:
        for method, name in asked:
            url = server.make_url(f"/status/{name}")
            async with http.request(method, url, allow_redirects=False):
                pass
        for path in ("/nowhere", "/status/a/b", "/.env"):
            async with http.get(server.make_url(path)):
                pass

    assert counts(meter) == {
        ("GET", "/status/{id}", 202): 2,
        ("POST", "/status/{id}", 202): 1,
        ("_OTHER", "/status/{id}", 202): 1,
        ("GET", "/status/{id}", 302): 1,
        ("GET", "/status/{id}", None): 1,  # nothing stands around it here that would make a 500 of it
        ("GET", "unmatched", 404): 3,
    }


async def test_a_request_that_nobody_waits_for_is_timed_without_a_status(
    server: TestServer, meter: Meter
) -> None:
    async with aiohttp.ClientSession() as http:
        asking = asyncio.create_task(http.get(server.make_url("/status/slow")))
        assert server.runner is not None
        server_side = server.runner.server
        await until(lambda: bool(server_side and server_side.requests_count))
        asking.cancel()
        await within(asyncio.wait([asking]))

    await until(lambda: bool(counts(meter)))
    assert counts(meter) == {("GET", "/status/{id}", None): 1}
