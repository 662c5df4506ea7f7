"""Connecting by a form, on our page and by a program: tried before it is kept, and told where it fails."""

from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp.test_utils import TestClient

from shared.db.pool import Pool
from shared.errors import (
    PlatformAnswerInvalid,
    PlatformDenied,
    PlatformNotFound,
    PlatformUnavailable,
    ReconnectRequired,
)
from shared.models import Account, Platform
from shared.settings import Settings
from tests.fakes.platforms import FORM, FakePlatforms
from tests.integration.gateway.browsing import Browser
from tests.integration.gateway.conftest import Caller, Serve, new_caller

pytestmark = pytest.mark.integration

OWN = Platform.APPLE_MUSIC
FILLED = {"address": "music.example.org/sub/", "user": "mira", "password": " canary secret "}
FACTS: dict[str, Any] = {"platform": OWN, "operation": "account"}


@pytest.fixture
def platforms() -> FakePlatforms:
    """A platform whose users have servers of their own."""
    platforms = FakePlatforms()
    platforms.forms[OWN] = FORM
    platforms.accounts[OWN].account = Account(id="mira@music.example.org", label="mira", market="")
    return platforms


@pytest.fixture
def browser(client: "TestClient[Any, Any]") -> Browser:
    return Browser(client)


async def page_of(call: Caller, query: str = "") -> str:
    return str((await call("POST", f"/connect/{OWN}{query}")).json["page_url"])


async def session_of(call: Caller, page_url: str) -> Any:
    return (await call("GET", urlsplit(page_url).path.removesuffix("/page"))).json


def sent(**changes: str) -> dict[str, str]:
    """The fields of the page's form."""
    return {f"form.{name}": value for name, value in {**FILLED, **changes}.items()}


async def test_a_filled_form_is_a_connection_at_once(
    call: Caller, platforms: FakePlatforms, pool: Pool
) -> None:
    reply = await call("POST", f"/connect/{OWN}", json={"form": FILLED})

    stored = str([dict(row) for row in await pool.fetch("SELECT * FROM connections")])
    assert reply.status == 201
    assert (reply.json["flow"], reply.json["status"]) == ("form", "connected")
    assert reply.json["connection"]["label"] == "mira"
    assert platforms.servers == ["https://music.example.org/sub"]
    assert "canary" not in reply.text + stored
    assert "music.example.org/sub" not in stored


async def test_later_calls_go_to_the_server_that_was_named(call: Caller, platforms: FakePlatforms) -> None:
    reply = await call("POST", f"/connect/{OWN}", json={"form": FILLED})
    platforms.accounts[OWN].accepted_tokens = {" canary secret "}

    tried = await call("POST", f"/connections/{reply.json['connection']['id']}/test")

    assert tried.json["health"] == "ok"
    assert platforms.servers == ["https://music.example.org/sub"] * 2


async def test_the_page_asks_for_what_the_platform_wants_to_know(call: Caller, browser: Browser) -> None:
    page = await browser.open(await page_of(call))

    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self'" in policy
    assert "script-src" not in policy
    assert "Where you listen." in page.text
    assert 'name="form.password" type="password"' in page.text
    assert page.text.count(" required") == 2
    assert "no TLS" not in page.text


async def test_what_a_browser_sends_is_tried_and_kept(
    call: Caller, browser: Browser, platforms: FakePlatforms
) -> None:
    page_url = await page_of(call)

    answered = await browser.submit(page_url, await browser.open(page_url), **sent())

    assert (answered.status, answered.headers["Location"][-5:]) == (303, "/done")
    assert (await session_of(call, page_url))["status"] == "connected"
    assert "mira" in (await browser.open(answered.headers["Location"])).text
    assert platforms.servers == ["https://music.example.org/sub"]


@pytest.mark.parametrize(
    ("error", "field", "words"),
    [
        (ReconnectRequired("No."), "password", "typed right"),
        (PlatformUnavailable("Its name cannot be found.", **FACTS), "address", "name cannot be found"),
        (PlatformDenied("It is not called from here.", **FACTS), "address", "not called from here"),
        (PlatformNotFound("No.", **FACTS), "address", "does not answer as"),
        (PlatformAnswerInvalid("No.", **FACTS), "address", "does not answer as"),
    ],
)
async def test_what_does_not_work_is_said_beside_its_field_and_can_be_corrected(
    call: Caller, browser: Browser, platforms: FakePlatforms, *, error: Exception, field: str, words: str
) -> None:
    page_url = await page_of(call)
    platforms.accounts[OWN].error = error

    refused = await browser.submit(page_url, await browser.open(page_url), **sent())
    told = await session_of(call, page_url)
    platforms.accounts[OWN].error = None
    await browser.submit(page_url, refused, **sent())

    row = refused.text[refused.text.index(f'id="f-{field}"') :].partition("</p>")[0]
    assert refused.status == 200
    assert 'aria-invalid="true"' in row
    assert words in row
    assert 'value="mira"' in refused.text
    assert "canary" not in refused.text + str(told)
    assert (told["status"], told["failure_code"]) == ("pending", "connect-failed")
    assert (await session_of(call, page_url))["status"] == "connected"


async def test_a_program_is_told_the_field_too(call: Caller, platforms: FakePlatforms) -> None:
    platforms.accounts[OWN].error = ReconnectRequired("No.")

    reply = await call("POST", f"/connect/{OWN}", json={"form": FILLED})

    assert reply.problem() == (422, "connect-failed")
    assert reply.pointers() == ["/form/password"]
    assert "canary" not in reply.text
    assert (await call("GET", "/connections")).json["items"] == []


@pytest.mark.parametrize(
    ("form", "pointers"),
    [
        ({}, ["/form/address", "/form/password"]),
        ({**FILLED, "colour": "blue"}, ["/form/colour"]),
        ({**FILLED, "address": "ftp://music.example.org"}, ["/form/address"]),
        ({**FILLED, "address": "https://mira:pw@music.example.org"}, ["/form/address"]),
        ({**FILLED, "address": "https://[music"}, ["/form/address"]),
        ({**FILLED, "user": "m" * 2001}, ["/form/user"]),
    ],
)
async def test_what_cannot_be_tried_is_refused_at_its_field(
    call: Caller, platforms: FakePlatforms, form: object, pointers: list[str]
) -> None:
    reply = await call("POST", f"/connect/{OWN}", json={"form": form})

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == pointers
    assert platforms.accounts[OWN].calls == []


async def test_an_empty_page_is_told_what_is_missing(call: Caller, browser: Browser) -> None:
    page_url = await page_of(call)

    refused = await browser.submit(page_url, await browser.open(page_url))

    assert "Address is missing." in refused.text
    assert (await session_of(call, page_url))["status"] == "pending"


@pytest.mark.parametrize(
    ("platform", "body", "pointer"),
    [
        (OWN, {"music_user_token": "token"}, "/music_user_token"),
        (Platform.SPOTIFY, {"form": FILLED}, "/form"),
    ],
)
async def test_what_another_way_needs_is_refused(
    call: Caller, platform: Platform, body: object, pointer: str
) -> None:
    reply = await call("POST", f"/connect/{platform}", json=body)

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == [pointer]


async def test_a_renewal_takes_the_same_account_alone(call: Caller, platforms: FakePlatforms) -> None:
    first = (await call("POST", f"/connect/{OWN}", json={"form": FILLED})).json["connection"]["id"]
    renew = f"/connect/{OWN}?connection={first}"

    same = await call("POST", renew, json={"form": {**FILLED, "password": "another"}})
    platforms.accounts[OWN].account = Account(id="tom@music.example.org", label="tom", market="")
    other = await call("POST", renew, json={"form": FILLED})

    assert same.json["connection"]["id"] == first
    assert other.problem() == (409, "account-mismatch")


async def test_disconnecting_wipes_what_was_filled_in(call: Caller, pool: Pool) -> None:
    first = (await call("POST", f"/connect/{OWN}", json={"form": FILLED})).json["connection"]["id"]

    await call("DELETE", f"/connections/{first}")

    assert await pool.fetchval("SELECT sealed_tokens FROM connections") == ""


async def test_a_form_of_another_site_is_refused(
    call: Caller, browser: Browser, platforms: FakePlatforms
) -> None:
    page_url = await page_of(call)
    page = await browser.open(page_url)

    guessed = await browser.send_form(page_url, {"proof": "guessed", **sent()})
    foreign = await browser.send_form(page_url, sent(), **{"Sec-Fetch-Site": "cross-site"})
    stranger = await Browser(call.client).submit(page_url, page, **sent())

    assert {guessed.status, foreign.status, stranger.status} == {422}
    assert platforms.accounts[OWN].calls == []
    assert (await session_of(call, page_url))["status"] == "pending"


async def test_a_form_that_was_used_leads_to_its_result(call: Caller, browser: Browser) -> None:
    page_url = await page_of(call)
    page = await browser.open(page_url)
    await browser.submit(page_url, page, **sent())

    again = await browser.submit(page_url, page, **sent())

    assert (again.status, again.headers["Location"][-5:]) == (303, "/done")


async def test_a_form_can_be_left(call: Caller, browser: Browser) -> None:
    page_url = await page_of(call)

    await browser.submit(page_url, await browser.open(page_url), deny="1", **sent())

    assert (await session_of(call, page_url))["status"] == "denied"


async def test_a_page_without_tls_warns(
    serve: Serve, settings: Settings, pool: Pool, platforms: FakePlatforms
) -> None:
    client = await serve(msgspec.structs.replace(settings, public_url="http://192.168.1.5:9090"))
    call, browser = await new_caller(client, pool, name="far"), Browser(client)

    page = await browser.open(await page_of(call))

    assert platforms.forms
    assert "no TLS" in page.text


async def test_platforms_say_how_they_are_connected(call: Caller) -> None:
    items = {one["platform"]: one for one in (await call("GET", "/platforms")).json["items"]}

    assert items[Platform.SPOTIFY]["connecting"] == {"flow": "redirect", "fields": []}
    own = items[OWN]["connecting"]
    assert own["flow"] == "form"
    assert [(one["name"], one["kind"], one["required"]) for one in own["fields"]] == [
        ("address", "address", True),
        ("user", "text", False),
        ("password", "secret", True),
    ]
