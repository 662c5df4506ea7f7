import asyncio
import random
from typing import Any, cast

import aiohttp
import msgspec
import pytest
import yarl
from aiohttp import web
from aioresponses import aioresponses
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from shared.clock import SystemClock
from shared.errors import (
    PlatformAnswerInvalid,
    PlatformDenied,
    PlatformError,
    PlatformNotFound,
    PlatformUnavailable,
    RateLimited,
    ReconnectRequired,
)
from shared.models import TokenSet
from shared.platforms.answers import Refusal
from shared.platforms.backoff import Backoff
from shared.platforms.call import Call
from shared.platforms.profile import REQUESTS, Price
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer, opened

URL = "https://api.example.org/v1/playlists/a%2Fb/items?offset=0"
CALL = Call(
    operation="read_items",
    route="/playlists/{playlist_id}/items",
    path={"playlist_id": "a/b"},
    query={"offset": 0},
)


class HandClock(SystemClock):
    now_s = 1000.0

    def monotonic(self) -> float:
        return self.now_s


class Answer(msgspec.Struct):
    total: int


def session() -> FakeSession:
    async def refresh(_: TokenSet) -> TokenSet:
        return TokenSet(access_token="fresh-token")

    return FakeSession(TokenSet(access_token="stale-token"), refresh=refresh)


async def test_answer_is_decoded_and_the_call_is_signed(answerer: Answerer) -> None:
    answerer.answers = [{"text": '{"total": 3, "more": true}'}]

    async with opened(answerer.url) as path:
        answer = await path.http.read(CALL, session=session(), into=Answer)

    (request,) = answerer.requests
    assert answer.total == 3
    assert (request.method, request.raw_path) == ("GET", "/v1/playlists/a%2Fb/items?offset=0")
    assert request.headers["Authorization"] == "Bearer stale-token"
    assert path.budget.granted_count == 1


async def test_call_without_a_user_carries_no_token(mocked: aioresponses) -> None:
    mocked.get(URL, payload={"total": 3})

    async with opened("https://api.example.org/v1/") as path:
        answer = await path.http.read(CALL, session=None, into=Answer)

    ((request,),) = mocked.requests.values()
    assert answer.total == 3
    assert dict(request.kwargs["headers"]) == {"User-Agent": "crossplay"}


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_server_fault_is_asked_again(mocked: aioresponses, status: int) -> None:
    mocked.get(URL, status=status, body="<html>")
    mocked.get(URL, payload={"total": 3})

    async with opened("https://api.example.org/v1") as path:
        answer = await path.http.read(CALL, session=None, into=Answer)

    assert answer.total == 3


@pytest.mark.parametrize(
    "fault",
    [TimeoutError(), aiohttp.ServerDisconnectedError(), aiohttp.ClientPayloadError("cut"), ConnectionError()],
)
async def test_broken_answer_is_asked_for_again(mocked: aioresponses, fault: Exception) -> None:
    broken = aiohttp.ClientOSError() if isinstance(fault, ConnectionError) else fault
    mocked.get(URL, exception=broken)
    mocked.get(URL, payload={"total": 3})

    async with opened("https://api.example.org/v1") as path:
        answer = await path.http.read(CALL, session=None, into=Answer)

    assert answer.total == 3


@pytest.mark.parametrize("status", [501, 505, 429, 400, 404])
async def test_other_refusals_are_not_asked_again(mocked: aioresponses, status: int) -> None:
    mocked.get(URL, status=status)
    mocked.get(URL, payload={"total": 3})

    async with opened("https://api.example.org/v1") as path:
        with pytest.raises(PlatformError):
            await path.http.read(CALL, session=None, into=Answer)

    ((request,),) = mocked.requests.values()
    assert request.kwargs["allow_redirects"] is False


async def test_each_attempt_passes_the_budget_and_has_its_own_span(
    answerer: Answerer, spans: InMemorySpanExporter
) -> None:
    answerer.answers = [{"status": 502}, {"text": '{"total": 3}'}]

    async with opened(answerer.url) as path:
        path.budget.wait_s = 0.02
        await path.http.read(CALL, session=session(), into=Answer)

    failed, done = spans.get_finished_spans()
    assert path.budget.granted_count == 2
    assert (done.name, done.kind) == ("GET /playlists/{playlist_id}/items", SpanKind.CLIENT)
    attributes = dict(done.attributes or {})
    assert 0.02 <= cast("float", attributes.pop("crossplay.ratelimit.wait_s")) < 5
    assert attributes == {
        "server.address": "127.0.0.1",
        "server.port": yarl.URL(answerer.url).port,
        "http.request.method": "GET",
        "http.request.resend_count": 1,
        "http.response.status_code": 200,
        "url.template": "/playlists/{playlist_id}/items",
        "crossplay.platform": "spotify",
        "crossplay.operation": "read_items",
    }
    assert (done.status.status_code, failed.status.status_code) == (StatusCode.UNSET, StatusCode.ERROR)
    assert dict(failed.attributes or {})["error.type"] == "502"


async def test_a_span_says_how_long_the_platform_wants_to_be_left_alone(
    answerer: Answerer, spans: InMemorySpanExporter
) -> None:
    answerer.answers = [{"status": 429, "headers": {"Retry-After": "7"}}]

    async with opened(answerer.url) as path:
        with pytest.raises(RateLimited):
            await path.http.read(CALL, session=session(), into=Answer)

    (refused,) = spans.get_finished_spans()
    assert dict(refused.attributes or {})["http.response.header.retry-after"] == ("7",)
    assert refused.status.status_code is StatusCode.ERROR


async def test_spans_never_hold_query_values_tokens_or_bodies(
    answerer: Answerer, spans: InMemorySpanExporter
) -> None:
    answerer.answers = [{"status": 404, "text": "body-secret"}]
    call = Call(operation="search", route="/search", query={"q": "query-secret"})

    async with opened(answerer.url) as path:
        with pytest.raises(PlatformNotFound):
            await path.http.read(call, session=session(), into=Answer)

    text = "".join(span.to_json() for span in spans.get_finished_spans())
    assert "/search" in text
    assert not [word for word in ("query-secret", "stale-token", "body-secret") if word in text]


async def test_requests_are_counted_by_operation_and_status(
    answerer: Answerer, metric_reader: InMemoryMetricReader
) -> None:
    answerer.answers = [{"status": 503}, {"text": '{"total": 3}'}]
    call = Call(operation="counted", route="/counted")

    async with opened(answerer.url) as path:
        await path.http.read(call, session=None, into=Answer)

    counts = _counts(metric_reader.get_metrics_data(), operation="counted")
    assert counts == {"503": 1, "200": 1}


async def test_waiting_for_the_budget_does_not_count_as_waiting_for_the_platform(answerer: Answerer) -> None:
    answerer.answers = [{"text": '{"total": 3}'}]

    async with opened(answerer.url, timeout_s=0.2) as path:
        path.budget.wait_s = 0.3
        answer = await path.http.read(CALL, session=None, into=Answer)

    assert answer.total == 3


async def test_platform_that_does_not_answer_in_time_is_unavailable(answerer: Answerer) -> None:
    async def never(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    answerer.answers = [never]

    async with opened(answerer.url, timeout_s=0.1) as path:
        with pytest.raises(PlatformUnavailable) as caught:
            await path.http.read(CALL, session=session(), into=Answer)

    assert caught.value.status is None
    assert len(answerer.requests) == 3


async def test_body_that_stops_half_way_is_unavailable(answerer: Answerer) -> None:
    async def cut(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b'{"total"')
        assert request.transport is not None
        request.transport.close()
        return response

    answerer.answers = [cut]

    async with opened(answerer.url) as path:
        with pytest.raises(PlatformUnavailable):
            await path.http.read(CALL, session=session(), into=Answer)


async def test_refusing_budget_sends_nothing(answerer: Answerer) -> None:
    answerer.answers = [{"text": "{}"}]

    async with opened(answerer.url) as path:
        path.budget.refusal = RateLimited("later", platform="spotify", operation="", retry_after_s=3600)
        with pytest.raises(RateLimited):
            await path.http.read(CALL, session=session(), into=Answer)

    assert answerer.requests == []


@pytest.mark.parametrize("body", ["", "<html></html>", '{"total": "three"}', '{"tot', "[]", "\udce9"])
async def test_success_that_cannot_be_read_is_an_invalid_answer(mocked: aioresponses, body: str) -> None:
    mocked.get(URL, body=body.encode(errors="surrogateescape"))

    async with opened("https://api.example.org/v1") as path:
        with pytest.raises(PlatformAnswerInvalid) as caught:
            await path.http.read(CALL, session=None, into=Answer)

    assert caught.value.operation == "read_items"


async def test_rate_limit_cools_the_budget_down(mocked: aioresponses) -> None:
    mocked.get(URL, status=429, body="Too many requests", headers={"Retry-After": "11"})

    async with opened("https://api.example.org/v1") as path:
        with pytest.raises(RateLimited) as caught:
            await path.http.read(CALL, session=None, into=Answer)

    assert caught.value.retry_after_s == 11.0
    assert path.budget.cool_downs == [(REQUESTS, 11.0)]


async def test_each_call_is_paid_from_the_pool_that_the_profile_names(answerer: Answerer) -> None:
    answerer.answers = [{"text": '{"total": 3}'}]
    cover = Call(operation="change_cover", route="/cover")

    async with opened(answerer.url) as path:
        await path.http.read(CALL, session=None, into=Answer)
        await path.http.read(cover, session=None, into=Answer)

    assert path.budget.prices == [Price(), Price(pool="covers", cost=3)]


async def test_rate_limit_cools_only_the_pool_of_its_call_down(answerer: Answerer) -> None:
    answerer.answers = [{"status": 429, "headers": {"Retry-After": "7"}}]
    cover = Call(operation="change_cover", route="/cover")

    async with opened(answerer.url) as path:
        with pytest.raises(RateLimited):
            await path.http.read(cover, session=None, into=Answer)

    assert path.budget.cool_downs == [("covers", 7.0)]


async def test_used_up_quota_that_names_no_end_lasts_as_long_as_the_budget_says(answerer: Answerer) -> None:
    answerer.answers = [{"status": 429, "text": '{"error": {"status": 429, "reason": "QUOTA_EXCEEDED"}}'}]

    async with opened(answerer.url) as path:
        with pytest.raises(RateLimited) as caught:
            await path.http.read(CALL, session=None, into=Answer)

    assert caught.value.retry_after_s == path.budget.renewed_in_s
    assert (path.budget.used_up, path.budget.cool_downs) == ([REQUESTS], [])


def test_wait_without_retry_after_doubles_with_jitter_up_to_a_ceiling_until_a_success() -> None:
    clock = HandClock()
    backoff = Backoff(first_s=5.0, clock=clock, rng=random.Random(1), most_s=64.0)

    waits_s = []
    for _ in range(6):
        waits_s.append(backoff.next_s())
        clock.now_s += 64.0
    backoff.reset()

    ceilings_s = [5.0, 10.0, 20.0, 40.0, 64.0, 64.0]
    assert all(top / 2 <= wait <= top for wait, top in zip(waits_s, ceilings_s, strict=True))
    assert 2.5 <= backoff.next_s() <= 5.0


def test_refusals_of_requests_under_way_together_count_once() -> None:
    clock = HandClock()
    backoff = Backoff(first_s=4.0, clock=clock, rng=random.Random(1))

    first_s = backoff.next_s()
    clock.now_s += 1.0

    assert backoff.next_s() == pytest.approx(first_s - 1.0)


async def test_dead_token_is_refreshed_once_and_the_call_repeated_once(answerer: Answerer) -> None:
    answerer.answers = [{"status": 401}, {"text": '{"total": 3}'}]
    connection = session()

    async with opened(answerer.url) as path:
        answer = await path.http.read(CALL, session=connection, into=Answer)

    assert answer.total == 3
    assert [tokens.access_token for tokens in connection.rejected] == ["stale-token"]
    assert [r.headers["Authorization"] for r in answerer.requests] == [
        "Bearer stale-token",
        "Bearer fresh-token",
    ]


async def test_tokens_that_are_refused_when_fresh_are_replaced_once_more_and_then_ask_to_reconnect(
    answerer: Answerer,
) -> None:
    answerer.answers = [{"status": 401}]
    connection = session()

    async with opened(answerer.url) as path:
        with pytest.raises(ReconnectRequired):
            await path.http.read(CALL, session=connection, into=Answer)

    assert [tokens.access_token for tokens in connection.rejected] == ["stale-token", "fresh-token"]
    assert len(answerer.requests) == 3


async def test_user_call_that_is_refused_probes_the_app_itself(answerer: Answerer) -> None:
    denied = Refusal(status=401, is_personal=False, kind=PlatformDenied, message="The app is refused.")
    probe = Call(operation="probe", route="/probe")
    answerer.answers = [{"status": 401}]

    async with opened(answerer.url, can_refresh=False, refusals=(denied,), probe=probe) as path:
        with pytest.raises(PlatformDenied):
            await path.http.read(CALL, session=session(), into=Answer)
        answerer.answers = [{"status": 401}, {"text": "{}"}] * 3
        with pytest.raises(ReconnectRequired):
            await path.http.read(CALL, session=session(), into=Answer)
        answerer.answers = [{"status": 401}, {"status": 429}]
        with pytest.raises(RateLimited):
            await path.http.read(CALL, session=session(), into=Answer)


async def test_connection_that_was_renewed_elsewhere_is_found_where_tokens_cannot_be_refreshed(
    answerer: Answerer,
) -> None:
    probe = Call(operation="probe", route="/probe")
    answerer.answers = [{"status": 401}, {"text": "{}"}, {"text": '{"total": 3}'}]
    connection = session()

    async with opened(answerer.url, can_refresh=False, probe=probe) as path:
        answer = await path.http.read(CALL, session=connection, into=Answer)

    assert answer.total == 3
    assert [tokens.access_token for tokens in connection.rejected] == ["stale-token"]


async def test_redirect_is_not_followed_with_the_token(answerer: Answerer) -> None:
    answerer.answers = [{"status": 302, "headers": {"Location": "/elsewhere"}}]

    async with opened(answerer.url) as path:
        with pytest.raises(PlatformUnavailable):
            await path.http.read(CALL, session=session(), into=Answer)

    assert len(answerer.requests) == 1


async def test_404_that_means_nothing_is_an_answer(answerer: Answerer) -> None:
    answerer.answers = [{"status": 404, "text": '{"errors": [{"code": "40403"}]}'}]
    empty = msgspec.structs.replace(CALL, nothing=("40403", b'{"total": 0}'))
    other = msgspec.structs.replace(CALL, nothing=("40400", b'{"total": 0}'))

    async with opened(answerer.url) as path:
        answer = await path.http.read(empty, session=session(), into=Answer)
        with pytest.raises(PlatformNotFound):
            await path.http.read(other, session=session(), into=Answer)

    assert answer.total == 0


def _counts(data: Any, *, operation: str) -> dict[str, int]:
    points = [
        point
        for resource in data.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
        if metric.name == "crossplay.upstream.requests"
        for point in metric.data.data_points
        if point.attributes["crossplay.operation"] == operation
    ]
    return {point.attributes["crossplay.status"]: point.value for point in points}
