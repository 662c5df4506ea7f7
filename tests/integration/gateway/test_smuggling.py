"""What two servers could read as different requests: one answer or the end, never two answers for one."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient

from gateway.app import build_app
from gateway.server import Times
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import PUBLIC_URL, Caller
from tests.integration.gateway.real_server import Answer, RealServer, exchange

pytestmark = pytest.mark.integration

HIDDEN = b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
POST = b"POST /transfer HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n"

REFUSED = {
    "chunked under another name": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + HIDDEN,
    "chunked with a tab": POST + b"Transfer-Encoding:\tchunked\x0b\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "chunked in two headers": POST
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n"
    + HIDDEN,
    "length before chunks": POST
    + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    + HIDDEN,
    "chunks before length": POST
    + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n"
    + HIDDEN,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 33\r\n\r\n" + HIDDEN,
    "a negative length": POST + b"Content-Length: -1\r\n\r\n" + HIDDEN,
    "a length in hex": POST + b"Content-Length: 0x5\r\n\r\n" + HIDDEN,
    "a length with an underscore": POST + b"Content-Length: 3_3\r\n\r\n" + HIDDEN,
    "a huge length": POST + b"Content-Length: " + b"9" * 40 + b"\r\n\r\n" + HIDDEN,
    "an empty length": POST + b"Content-Length: \r\n\r\n" + HIDDEN,
    "a bare line feed": b"GET /healthz HTTP/1.1\nHost: x\n\n" + HIDDEN,
    "a bare line feed in a header": GET + b"X: a\nY: b\r\n\r\n" + HIDDEN,
    "a bare carriage return": GET + b"X: a\rY: b\r\n\r\n" + HIDDEN,
    "a folded header": GET + b"X: a\r\n b\r\n\r\n" + HIDDEN,
    "a header that begins with a space": b"GET /healthz HTTP/1.1\r\n Host: x\r\n\r\n" + HIDDEN,
    "a zero byte": GET + b"X: a\x00b\r\n\r\n" + HIDDEN,
    "a space before the colon": GET + b"Content-Length : 33\r\n\r\n" + HIDDEN,
    "no name": GET + b": x\r\n\r\n" + HIDDEN,
    "no colon": GET + b"Nothing\r\n\r\n" + HIDDEN,
    "two hosts": GET + b"Host: y\r\n\r\n" + HIDDEN,
    "too many headers": GET + b"X: y\r\n" * 1_000 + b"\r\n" + HIDDEN,
    "a huge header": GET + b"X: " + b"y" * 100_000 + b"\r\n\r\n" + HIDDEN,
    "a huge line": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
    "another version": b"GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n" + HIDDEN,
    "a tab in the first line": b"GET\t/healthz\tHTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
    "a control character in the address": b"GET /health\x01z HTTP/1.1\r\nHost: x\r\n\r\n" + HIDDEN,
}
"""Each is one 400 and the end; what stands behind is not read."""


@pytest_asyncio.fixture
async def client(settings: Settings, platforms: FakePlatforms) -> AsyncIterator["TestClient[Any, Any]"]:
    app = build_app(settings, open_platforms=lambda *parts: platforms.on(parts[-1]))
    times = Times(head_s=0.5, body_s=0.5, idle_s=0.5, linger_s=0.2)
    async with TestClient(RealServer(app, times=times)) as one:
        yield one


async def answers(client: "TestClient[Any, Any]", content: bytes) -> list[Answer]:
    assert client.port
    return await exchange(client.port, content)


async def test_what_can_be_read_in_two_ways_is_one_400_and_the_end(client: "TestClient[Any, Any]") -> None:
    found = {name: await answers(client, content) for name, content in REFUSED.items()}

    statuses = {name: [one.status for one in got] for name, got in found.items()}
    assert statuses == {name: [400] for name in REFUSED}
    assert {got[0].problem() for got in found.values()} == {"request-unreadable"}


@pytest.mark.parametrize("chunks", [b"5;x=y\r\nhello\r\n0\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n"])
async def test_odd_but_lawful_chunks_belong_to_one_request(
    client: "TestClient[Any, Any]", chunks: bytes
) -> None:
    found = await answers(client, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + LAST)

    assert [one.status for one in found] == [401, 200]


@pytest.mark.parametrize(
    "chunks", [b"-1\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n"]
)
async def test_chunks_that_are_none_end_the_connection(client: "TestClient[Any, Any]", chunks: bytes) -> None:
    found = await answers(client, POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + HIDDEN)

    assert len(found) == 1
    assert found[0].status in {400, 401}


async def test_a_request_in_the_body_of_another_is_no_request(client: "TestClient[Any, Any]") -> None:
    body = b"Content-Length: %d\r\n\r\n" % len(HIDDEN) + HIDDEN

    found = await answers(client, POST + body + LAST)

    assert [one.status for one in found] == [401, 200]
    assert msgspec.json.decode(found[1].body) == {"status": "ok"}


async def test_pipelined_requests_are_answered_in_their_order(client: "TestClient[Any, Any]") -> None:
    found = await answers(client, HIDDEN * 40 + LAST)

    assert [one.status for one in found] == [200] * 41
    assert [b"version" in one.body for one in found] == [True] * 40 + [False]


async def test_http_1_0_gets_one_answer_and_the_end(client: "TestClient[Any, Any]") -> None:
    alone = await answers(client, b"GET /healthz HTTP/1.0\r\n\r\n")
    with_more = await answers(client, b"GET /healthz HTTP/1.0\r\n\r\n" + HIDDEN)

    assert [one.status for one in alone] == [200]
    assert [one.status for one in with_more] == [400]  # what comes after the end is no request


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "evil.example:80", "[::1]"])
async def test_an_absolute_address_is_read_by_its_path_alone(
    client: "TestClient[Any, Any]", host: str
) -> None:
    line = f"GET http://{host}/healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()

    found = await answers(client, line)

    assert [one.status for one in found] == [200]
    assert host.encode() not in found[0].body


@pytest.mark.parametrize(
    "line", [b"CONNECT evil.example:443 HTTP/1.1", b"OPTIONS * HTTP/1.1", b"TRACE / HTTP/1.1"]
)
async def test_a_proxy_is_not_what_this_is(client: "TestClient[Any, Any]", line: bytes) -> None:
    found = await answers(client, line + b"\r\nHost: x\r\nConnection: close\r\n\r\n")

    assert len(found) == 1
    assert 400 <= found[0].status < 500


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c"])
async def test_an_upgrade_is_not_taken(client: "TestClient[Any, Any]", upgrade: bytes) -> None:
    head = GET + b"Connection: Upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n"

    found = await answers(client, head + LAST)

    assert [one.status for one in found][:1] == [200]
    assert len(found) <= 2


FORGED = {
    "Host": "evil.example",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "gopher",
    "X-Forwarded-For": "evil.example",
    "X-Forwarded-Prefix": "//evil.example",
    "Forwarded": "host=evil.example;proto=gopher",
    "X-Original-URL": "//evil.example/",
    "Referer": "https://evil.example/",
}


async def test_no_answer_is_built_from_what_a_request_calls_the_server(
    connected: Caller, platforms: FakePlatforms
) -> None:
    started = await connected("POST", "/connect/spotify", headers=FORGED)
    moved = await connected(
        "POST",
        "/transfer",
        headers=FORGED,
        json={
            "source": {"platform": "spotify", "playlist": "id-road"},
            "target": {"platform": "apple_music"},
        },
    )
    others = [
        await connected("GET", path, headers={**FORGED, "Accept": accept})
        for path in ("/openapi.json", "/problems", "/transfers?limit=1", "/platforms", "/nothing", "/docs")
        for accept in ("text/html", "application/json")
    ]

    assert started.json["redirect_uri"].startswith(PUBLIC_URL)
    assert moved.headers["Location"].startswith("/status/")
    for reply in (started, moved, *others):
        assert "evil.example" not in reply.text
        assert "gopher" not in reply.text
        assert "evil.example" not in "".join(reply.headers.values())


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "//evil.example/%2f..",
        "/\\evil.example",
        "/%5cevil.example",
        "/%09/evil.example",
        "/http://evil.example",
        "/v1//evil.example",
        "//evil.example/status/1",
        "/%0d%0aLocation:%20https://evil.example",
        "/healthz%0d%0aSet-Cookie:%20a=b",
        "/transfers?next=https://evil.example",
        "/connect/spotify/callback?state=x&return_to=//evil.example",
        "/connect/spotify/callback?state=%0d%0aLocation:%20https://evil.example",
        "/connect/..%2f..%2fevil.example/callback?state=x",
        "/problems/%0d%0aX-Evil:%20evil.example",
    ],
)
async def test_nobody_is_led_anywhere_else(client: "TestClient[Any, Any]", path: str) -> None:
    line = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()

    (answer,) = await answers(client, line)

    assert "evil.example" not in "".join((*answer.headers, *answer.headers.values()))
    assert "set-cookie" not in answer.headers or "a=b" not in answer.headers["set-cookie"]
    assert "x-evil" not in answer.headers
    assert answer.status >= 400 or "location" not in answer.headers
