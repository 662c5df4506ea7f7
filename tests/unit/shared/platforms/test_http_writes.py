import asyncio
import contextlib

import msgspec
import pytest
from aiohttp import web
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.errors import (
    LeaseLost,
    PlatformRejected,
    PlatformUnavailable,
    RateLimited,
    TransferCancelled,
)
from shared.models import TokenSet
from shared.platforms.call import Call
from shared.platforms.profile import REQUESTS
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer, Handler, opened, raw_server

CALL = Call(
    operation="add_tracks",
    method="POST",
    route="/playlists/{playlist_id}/items",
    path={"playlist_id": "p1"},
    body={"uris": ["a", "b"], "position": 0},
)


class Made(msgspec.Struct):
    id: str


def session() -> FakeSession:
    async def refresh(_: TokenSet) -> TokenSet:
        return TokenSet(access_token="fresh-token")

    return FakeSession(TokenSet(access_token="stale-token"), refresh=refresh)


def open_gate() -> None:
    """The lease is ours."""


async def hang_up(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.close()
    return web.Response()


async def never_answer(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError


async def test_write_sends_its_body_in_one_piece_with_its_length(answerer: Answerer) -> None:
    answerer.answers = [{"status": 201, "text": '{"id": "x"}'}]

    async with opened(answerer.url) as path:
        made = await path.http.write(CALL, session=session(), gate=open_gate, into=Made)

    (request,) = answerer.requests
    assert made.id == "x"
    assert answerer.bodies == [b'{"uris":["a","b"],"position":0}']
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Content-Length"] == "31"
    assert "Transfer-Encoding" not in request.headers
    assert request.headers["Authorization"] == "Bearer stale-token"


async def test_form_is_sent_as_a_form(answerer: Answerer) -> None:
    answerer.answers = [{"status": 200}]
    call = Call(operation="refresh", method="POST", route="/token", form={"a": "ü &", "b": "c"})

    async with opened(answerer.url) as path:
        await path.http.write(call, session=None, gate=open_gate)

    assert answerer.bodies == [b"a=%C3%BC+%26&b=c"]
    assert answerer.requests[0].headers["Content-Type"] == "application/x-www-form-urlencoded"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("body", [None, {"name": "x"}])
async def test_connection_that_breaks_without_an_answer_is_unknown_and_sent_once(
    answerer: Answerer, method: str, body: object
) -> None:
    answerer.answers = [hang_up]
    call = Call(operation="change", method=method, route="/change", body=body)

    async with opened(answerer.url) as path:
        with pytest.raises(PlatformUnavailable):
            await path.http.write(call, session=session(), gate=open_gate)

    assert len(answerer.requests) == 1
    assert path.budget.granted_count == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408])
async def test_server_fault_is_unknown_and_sent_once(answerer: Answerer, status: int) -> None:
    answerer.answers = [{"status": status, "text": "<html>"}]

    async with opened(answerer.url) as path:
        with pytest.raises(PlatformUnavailable) as caught:
            await path.http.write(CALL, session=session(), gate=open_gate)

    assert caught.value.status == status
    assert len(answerer.requests) == 1


@pytest.mark.parametrize("answer", [never_answer])
async def test_write_is_over_after_its_time(answerer: Answerer, answer: Handler) -> None:
    answerer.answers = [answer]

    async with opened(answerer.url, timeout_s=0.1) as path:
        with pytest.raises(PlatformUnavailable):
            await path.http.write(CALL, session=session(), gate=open_gate)

    assert len(answerer.requests) == 1


@pytest.mark.parametrize("text", ["", "<html>", '{"id":', '{"name": "x"}'])
async def test_accepted_write_with_an_unreadable_answer_is_unknown(answerer: Answerer, text: str) -> None:
    answerer.answers = [{"status": 201, "text": text}]

    async with opened(answerer.url) as path:
        with pytest.raises(PlatformUnavailable) as caught:
            await path.http.write(CALL, session=session(), gate=open_gate, into=Made)

    assert caught.value.status == 201


async def test_answer_that_nobody_asked_for_is_not_read(answerer: Answerer) -> None:
    answerer.answers = [{"status": 204}, {"status": 201, "text": "<html>"}]

    async with opened(answerer.url) as path:
        await path.http.write(CALL, session=session(), gate=open_gate)
        await path.http.write(CALL, session=session(), gate=open_gate)

    assert len(answerer.requests) == 2


@pytest.mark.parametrize("refusal", [LeaseLost("taken over"), TransferCancelled("by the user")])
async def test_what_the_gate_raises_comes_out_and_no_byte_arrives(refusal: Exception) -> None:
    received: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionResetError):  # what is unsent dies with the socket
            received.append(await reader.read())

    def gate() -> None:
        raise refusal

    async with raw_server(listen) as url, opened(url) as path:
        with pytest.raises(type(refusal)) as caught:
            await path.http.write(CALL, session=session(), gate=gate)

    assert caught.value is refusal
    assert received in ([], [b""])


async def test_gate_is_asked_after_the_budget_and_the_tokens(answerer: Answerer) -> None:
    answerer.answers = [{"status": 204}]
    granted: list[int] = []

    async with opened(answerer.url) as path:
        await path.http.write(CALL, session=session(), gate=lambda: granted.append(path.budget.granted_count))

    assert granted == [1]


async def test_dead_token_is_refreshed_and_the_whole_body_sent_again(answerer: Answerer) -> None:
    answerer.answers = [{"status": 401}, {"status": 204}]
    gates: list[None] = []

    async with opened(answerer.url) as path:
        await path.http.write(CALL, session=session(), gate=lambda: gates.append(None))

    assert len(gates) == 2
    assert answerer.bodies == [answerer.bodies[0]] * 2
    assert answerer.requests[1].headers["Authorization"] == "Bearer fresh-token"


async def test_refusals_say_that_nothing_was_done(answerer: Answerer) -> None:
    answerer.answers = [{"status": 400}, {"status": 429, "headers": {"Retry-After": "3"}}]

    async with opened(answerer.url) as path:
        with pytest.raises(PlatformRejected):
            await path.http.write(CALL, session=session(), gate=open_gate)
        with pytest.raises(RateLimited):
            await path.http.write(CALL, session=session(), gate=open_gate)

    assert path.budget.cool_downs == [(REQUESTS, 3.0)]


async def test_write_is_one_span_with_its_fault(answerer: Answerer, spans: InMemorySpanExporter) -> None:
    answerer.answers = [hang_up]

    async with opened(answerer.url) as path:
        with pytest.raises(PlatformUnavailable):
            await path.http.write(CALL, session=session(), gate=open_gate)

    (span,) = spans.get_finished_spans()
    assert span.name == "POST /playlists/{playlist_id}/items"
    assert (span.attributes or {})["error.type"] == "ServerDisconnectedError"
    assert span.events == ()
