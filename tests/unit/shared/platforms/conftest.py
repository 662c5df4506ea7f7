"""What the tests of the HTTP path share: a platform of few lines, mocked answers, recorded spans."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestServer
from aioresponses import aioresponses
from opentelemetry import metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.models import Platform
from shared.platforms.answers import Refusal
from shared.platforms.call import Call
from shared.platforms.http import Endpoint, PlatformHttp
from shared.platforms.oauth import bearer
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, Price
from tests.fakes.budget import FakeBudget
from tests.fakes.spans import recorded_spans

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PROFILE = PlatformProfile(
    platform=Platform.SPOTIFY,
    scope="app",
    counted_by="spotify_client_id",
    pools={REQUESTS: Pool(limit=100, window_s=1.0), "covers": Pool(limit=10, window_s=1.0, burst=3)},
    prices={"change_cover": Price(pool="covers", cost=3)},
    concurrency=4,
    backoff_s=5.0,
    quota_word="QUOTA_EXCEEDED",
    source="a test",
    read_on="2026-11-22",
)


class Answerer:
    """A platform that gives the answers it was told, the last one for ever, and remembers the requests."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: list[Handler | Mapping[str, Any]] = []
        self.requests: list[web.Request] = []
        self.bodies: list[bytes] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.bodies.append(await request.read())
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            return await answer(request)
        return web.Response(**answer)


class Path(msgspec.Struct, frozen=True, kw_only=True):
    """An open HTTP path to the answerer."""

    http: PlatformHttp
    budget: FakeBudget


@contextlib.asynccontextmanager
async def opened(
    url: str,
    *,
    timeout_s: float = 10.0,
    can_refresh: bool = True,
    refusals: tuple[Refusal, ...] = (),
    probe: Call | None = None,
    **changes: Any,
) -> AsyncIterator[Path]:
    """changes: other fields of the endpoint."""
    endpoint = Endpoint(
        label="Spotify",
        profile=PROFILE,
        base_url=url,
        read_timeout_s=timeout_s,
        send_timeout_s=timeout_s,
        sign=bearer,
        can_refresh=can_refresh,
        refusals=refusals,
        probe=probe,
    )
    budget = FakeBudget()
    async with PlatformHttp(msgspec.structs.replace(endpoint, **changes), budget=budget) as http:
        yield Path(http=http, budget=budget)


@contextlib.asynccontextmanager
async def raw_server(serve: Serve) -> AsyncIterator[str]:
    """A server of bare connections; it is over when its clients have gone and all are closed."""
    tasks: list[asyncio.Task[None]] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(reader, writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.get_running_loop().create_task(connected(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"
    await asyncio.wait_for(asyncio.gather(*tasks), timeout=10)


@pytest.fixture
async def answerer() -> AsyncIterator[Answerer]:
    """A real server on the loopback interface."""
    wanted = Answerer()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", wanted.handle)
    async with TestServer(app) as server:
        wanted.url = str(server.make_url("/v1"))
        yield wanted


class Shimmed(ClientResponse):
    """aioresponses 0.7.9 does not know the argument that aiohttp 3.14 asks for (aioresponses#289)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **kwargs)


@pytest.fixture
def mocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[aioresponses]:
    """Mocked answers in place of a server. The one place that mends aioresponses."""
    monkeypatch.setattr("aioresponses.core.ClientResponse", Shimmed)
    with aioresponses() as mock:
        yield mock


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans of this test."""
    with recorded_spans() as exporter:
        yield exporter


@pytest.fixture(scope="session")
def metric_reader() -> InMemoryMetricReader:
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader], shutdown_on_exit=False))
    return reader
