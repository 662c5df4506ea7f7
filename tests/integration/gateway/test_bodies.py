"""Bodies that are too large, too deep, packed, of another type, or not what they say they are."""

import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from gateway.app import build_app
from gateway.middlewares import BODY_LIMIT_BYTES
from gateway.server import Times
from shared.db.pool import Pool
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, transfer_body
from tests.integration.gateway.real_server import Answer, RealServer, connected_to, dripping, exchange

pytestmark = pytest.mark.integration

GOOD = json.dumps(transfer_body()).encode()
DEEP = b"[" * 100_000


@pytest_asyncio.fixture
async def client(settings: Settings, platforms: FakePlatforms) -> AsyncIterator["TestClient[Any, Any]"]:
    app = build_app(settings, open_platforms=lambda *parts: platforms.on(parts[-1]))
    async with TestClient(RealServer(app, times=Times(body_s=0.5, linger_s=0.2))) as one:
        yield one


def head(call: Caller, *lines: str) -> bytes:
    first = ("POST /transfer HTTP/1.1", "Host: x", f"Authorization: Bearer {call.key}", "Connection: close")
    return "\r\n".join((*first, "Content-Type: application/json", *lines, "", "")).encode()


async def send(call: Caller, content: bytes, *lines: str) -> Answer:
    """Send a body as it is over a plain socket; there must be exactly one answer."""
    length = f"Content-Length: {len(content)}"
    (answer,) = await exchange(port_of(call), head(call, length, *lines) + content)
    return answer


def port_of(call: Caller) -> int:
    port = call.client.port
    assert port
    return port


def chunked(content: bytes, *, size: int = 16_384) -> bytes:
    parts = [content[at : at + size] for at in range(0, len(content), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


async def test_a_good_body_is_taken_with_and_without_a_length(connected: Caller) -> None:
    with_length = await send(connected, GOOD)
    head_of_chunks = head(connected, "Transfer-Encoding: chunked")
    (in_chunks,) = await exchange(port_of(connected), head_of_chunks + chunked(GOOD, size=7))

    assert (with_length.status, in_chunks.status) == (202, 202)


async def test_a_body_that_is_too_large_is_refused(connected: Caller) -> None:
    answer = await send(connected, b" " * (BODY_LIMIT_BYTES + 1))

    assert (answer.status, answer.problem()) == (413, "body-too-large")


async def test_a_body_in_chunks_is_refused_as_soon_as_it_is_too_large(connected: Caller) -> None:
    async with connected_to(port_of(connected)) as line:
        await line.send(head(connected, "Transfer-Encoding: chunked"))
        await line.send(chunked(b" " * (BODY_LIMIT_BYTES + 1))[:-5])  # its end never comes
        content = await line.rest()

    assert content.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"body-too-large"' in content
    assert content.count(b"HTTP/1.1") == 1


async def test_a_length_that_is_larger_than_the_body_ends_in_408(connected: Caller) -> None:
    (answer,) = await exchange(port_of(connected), head(connected, "Content-Length: 5000") + GOOD)

    assert (answer.status, answer.problem()) == (408, "request-timeout")
    assert answer.headers["connection"] == "close"


async def test_what_stands_behind_the_length_is_no_part_of_the_body(connected: Caller) -> None:
    (answer,) = await exchange(port_of(connected), head(connected, f"Content-Length: {len(GOOD) - 1}") + GOOD)

    assert answer.status == 400


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "gzip, gzip", "x-unheard-of"])
async def test_a_packed_body_is_not_unpacked(connected: Caller, encoding: str) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < BODY_LIMIT_BYTES

    answer = await send(connected, bomb, f"Content-Encoding: {encoding}")

    assert (answer.status, answer.problem()) == (415, "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "nonsense",
        "",
    ],
)
async def test_a_body_of_another_type_is_refused(connected: Caller, content_type: str) -> None:
    reply = await connected("POST", "/transfer", data=GOOD, headers={"Content-Type": content_type})

    assert reply.problem() == (415, "unsupported-media-type")


@pytest.mark.parametrize("content_type", ["application/json; charset=UTF-8", "application/vnd.x+json"])
async def test_json_may_say_more_about_itself(connected: Caller, content_type: str) -> None:
    reply = await connected("POST", "/transfer", data=GOOD, headers={"Content-Type": content_type})

    assert reply.status == 202


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD,
        GOOD[:-1],
        GOOD + b"{}",
        b"",
        b"\xff\xfe",
        GOOD.replace(b"id-road", b"\xed\xa0\x80"),
        GOOD.replace(b"id-road", b"\x00"),
        GOOD.replace(b'"id-road"', b"NaN"),
        GOOD.replace(b'"id-road"', b"Infinity"),
        GOOD.replace(b'"id-road"', b"-"),
        GOOD.replace(b"id-road", b"\\ud800"),
    ],
    ids=range(11),
)
async def test_what_is_no_json_is_told_at_once(connected: Caller, content: bytes) -> None:
    answer = await send(connected, content)

    assert (answer.status, answer.problem()) == (400, "validation")


@pytest.mark.parametrize(
    "content",
    [
        DEEP,
        DEEP + b"]" * 100_000,
        b'{"source":' * 20_000,
        b'{"source": ' + DEEP + b"]" * 100_000 + b"}",
        GOOD.replace(b'"id-road"', DEEP + b"]" * 100_000),
        GOOD.replace(b'"id-road"', b"1e999"),
        GOOD.replace(b'"id-road"', b"9" * 5_000),
        GOOD.replace(b"id-road", b"a" * 200_000),
        GOOD.replace(b"id-road", b"\\u0000"),
        GOOD[:-1] + b', "unknown": ' + b'{"a":' * 2_000 + b"1" + b"}" * 2_000 + b"}",
        b"[]",
        b"null",
        b'"text"',
        b"1e999",
    ],
    ids=range(14),
)
async def test_json_of_another_form_is_told_by_its_fields(connected: Caller, content: bytes) -> None:
    answer = await send(connected, content)

    assert answer.problem() == "validation"
    assert answer.status in {400, 422}


async def test_of_two_fields_of_one_name_the_last_one_counts(connected: Caller) -> None:
    doubled = b'{"policy": "nonsense", ' + GOOD[1:-1] + b', "policy": "exact"}'

    first_is_bad = await send(connected, doubled)
    last_is_good = await send(connected, GOOD[:-1] + b', "policy": "best_effort", "policy": "exact"}')

    assert first_is_bad.status == 422
    assert last_is_good.status == 202
    assert json.loads(last_is_good.body)["policy"] == "exact"


async def test_a_query_that_is_odd_is_told_by_its_names(connected: Caller) -> None:
    twice = await connected("GET", "/transfers?limit=5&limit=6")
    unknown = await connected("GET", "/connections?page=2")
    null = await connected("GET", "/rules?target_platform=null")
    huge = await connected("GET", f"/transfers?limit={'9' * 400}")
    zero = await connected("GET", "/playlists?platform=spotify%00")

    assert twice.problem() == unknown.problem() == null.problem() == huge.problem() == (422, "validation")
    assert twice.pointers() == ["/query/limit"]
    assert unknown.pointers() == ["/query/page"]
    assert null.pointers() == ["/query/target_platform"]
    assert zero.problem() == (404, "unknown-platform")


async def test_a_body_that_drips_ends_in_408_and_others_are_served_meanwhile(
    connected: Caller, pool: Pool
) -> None:
    async with connected_to(port_of(connected)) as line:
        await line.send(head(connected, f"Content-Length: {len(GOOD)}"))
        async with dripping(line, GOOD[:-1], every_s=0.01):
            others = [await connected("GET", "/version") for _ in range(5)]
            content = await line.rest()

    assert {reply.status for reply in others} == {200}
    assert content.startswith(b"HTTP/1.1 408 ")
    assert content.count(b"HTTP/1.1") == 1
    assert await pool.fetchval("SELECT count(*) FROM transfers") == 0
