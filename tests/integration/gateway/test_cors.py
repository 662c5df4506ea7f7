"""Pages of other origins: those that are named may call, and nobody else's."""

import msgspec
import pytest
import pytest_asyncio

from shared.db.pool import Pool
from shared.settings import Settings
from tests.integration.gateway.conftest import Caller, Serve, new_caller, transfer_body

pytestmark = pytest.mark.integration

ORIGIN = "https://app.example"
PREFLIGHT = {"Authorization": "", "Access-Control-Request-Method": "POST"}
EXPOSED = {
    "Location",
    "ETag",
    "Retry-After",
    "Link",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotent-Replayed",
    "traceparent",
    "X-Request-Id",
}


@pytest_asyncio.fixture
async def page(serve: Serve, settings: Settings, pool: Pool) -> Caller:
    """A page at a gateway that lets pages of two origins call."""
    changed = msgspec.structs.replace(settings, cors_origins=f"{ORIGIN}, http://127.0.0.1:5173")
    return await new_caller(await serve(changed), pool, name="mira")


def told(headers: object) -> set[str]:
    assert hasattr(headers, "keys")
    return {name for name in headers.keys() if name.lower().startswith("access-control")}  # noqa: SIM118


async def test_a_preflight_of_a_named_origin_is_answered_without_a_key(page: Caller) -> None:
    for path in ("/transfer", "/v1/transfer", "/keys/0123456789abcdef"):
        reply = await page("OPTIONS", path, headers={**PREFLIGHT, "Origin": ORIGIN})

        assert (reply.status, reply.text) == (204, "")
        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
        methods = reply.headers["Access-Control-Allow-Methods"].split(", ")
        assert set(methods) == {"GET", "PUT", "POST", "DELETE"}
        allowed = set(reply.headers["Access-Control-Allow-Headers"].split(", "))
        assert {"Authorization", "Content-Type", "Idempotency-Key", "If-None-Match"} <= allowed
        assert reply.headers["Vary"] == "Origin"
        assert "Access-Control-Allow-Credentials" not in reply.headers


async def test_every_answer_to_a_named_origin_can_be_read_by_its_page(page: Caller) -> None:
    for path in ("/connections", "/status/1", "/nothing", "/problems"):
        reply = await page("GET", path, headers={"Origin": ORIGIN})

        assert reply.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert set(reply.headers["Access-Control-Expose-Headers"].split(", ")) == EXPOSED
        assert "Origin" in reply.headers["Vary"].split(", ")
        assert "Access-Control-Allow-Credentials" not in reply.headers


async def test_refusals_can_be_read_too_and_what_varied_before_still_does(page: Caller) -> None:
    refused = await page("GET", "/connections", headers={"Origin": ORIGIN, "Authorization": ""})
    explained = await page("GET", "/problems", headers={"Origin": ORIGIN})

    assert refused.problem() == (401, "unauthenticated")
    assert refused.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert explained.headers["Vary"] == "Accept, Origin"


async def test_another_origin_is_told_nothing_but_that_answers_vary(page: Caller) -> None:
    others = (
        "https://evil.example",
        "null",
        "*",
        "http://app.example",
        f"{ORIGIN}:8443",
        f"{ORIGIN}.evil",
        "",
    )

    for origin in others:
        preflight = await page("OPTIONS", "/transfer", headers={**PREFLIGHT, "Origin": origin})
        plain = await page("GET", "/connections", headers={"Origin": origin})

        assert preflight.problem() == (405, "method-not-allowed")
        assert plain.status == 200
        assert not told(preflight.headers) | told(plain.headers)
        assert plain.headers["Vary"] == "Origin"


async def test_an_event_stream_can_be_read_by_a_page_too(page: Caller, connected: Caller) -> None:
    transfer = await connected("POST", "/transfer", json=transfer_body())
    headers = {"Authorization": f"Bearer {connected.key}", "Origin": ORIGIN}

    async with page.client.get(f"/status/{transfer.json['id']}/events", headers=headers) as stream:
        assert stream.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert stream.status == 200


async def test_by_default_no_page_of_another_origin_can_call(call: Caller) -> None:
    preflight = await call("OPTIONS", "/transfer", headers={**PREFLIGHT, "Origin": ORIGIN})
    plain = await call("GET", "/connections", headers={"Origin": ORIGIN})

    assert preflight.problem() == (405, "method-not-allowed")
    assert not told(preflight.headers) | told(plain.headers)
    assert "Vary" not in plain.headers
