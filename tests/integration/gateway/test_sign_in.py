"""Connecting as a browser does it: only the one that set out brings an answer, and every end has its page."""

import re
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest
from aiohttp.test_utils import TestClient

from shared.db.pool import Pool
from shared.errors import ConnectFailed, PlatformDenied, PlatformUnavailable, ReconnectRequired
from shared.models import Account, Platform
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.browsing import Browser
from tests.integration.gateway.conftest import Caller, Serve, new_caller, sign_in, state_of

pytestmark = pytest.mark.integration

SPOTIFY, APPLE_MUSIC = Platform.SPOTIFY, Platform.APPLE_MUSIC


@pytest.fixture
def browser(client: "TestClient[Any, Any]") -> Browser:
    return Browser(client)


@pytest.fixture
def other_browser(client: "TestClient[Any, Any]") -> Browser:
    return Browser(client)


async def page_of(call: Caller, platform: str = "spotify") -> str:
    return str((await call("POST", f"/connect/{platform}")).json["page_url"])


async def status_of(call: Caller, page_url: str) -> Any:
    return (await call("GET", urlsplit(page_url).path.removesuffix("/page"))).json


async def test_a_sign_in_ends_with_a_connection_and_a_clean_address(
    call: Caller, platforms: FakePlatforms, browser: Browser
) -> None:
    platforms.sign_in.codes.add("good")
    page_url = await page_of(call)

    page = await browser.open(page_url)
    left = await browser.submit(page_url, page, go="1")
    state = state_of(left.headers["Location"])
    back = await browser.open(f"/connect/spotify/callback?code=good&state={state}")
    result = await browser.open(back.headers["Location"])

    session = await status_of(call, page_url)
    assert page.status == 200
    assert "Continue to Spotify" in page.text
    assert "the Crossplay account mira" in page.text
    assert left.status == back.status == 303
    assert left.headers["Location"].startswith("https://accounts.example/authorize?")
    assert back.headers["Location"] == page_url.replace("/page", "/done")
    assert back.headers["Referrer-Policy"] == "no-referrer"
    assert "Spotify is connected as Mira Holt" in result.text
    assert (session["status"], session["connection"]["label"]) == ("connected", "Mira Holt")


async def test_pages_may_do_what_they_need_and_nothing_else(call: Caller, browser: Browser) -> None:
    page = await browser.open(await page_of(call))
    script_page = await browser.open(await page_of(call, "apple_music"))

    policy, script_policy = (one.headers["Content-Security-Policy"] for one in (page, script_page))
    assert "default-src 'none'" in policy
    assert "form-action 'self' https://accounts.example" in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "https://scripts.example" in script_policy
    assert "unsafe" not in script_policy
    assert page.headers["Cache-Control"] == "no-store"


async def test_the_browsers_secret_is_out_of_reach_for_scripts_and_other_sites(
    call: Caller, client: "TestClient[Any, Any]"
) -> None:
    page_url = await page_of(call)

    async with client.get(urlsplit(page_url).path) as response:
        cookie = response.headers["Set-Cookie"]

    assert cookie.startswith("__Host-crossplay_browser=")
    assert {"HttpOnly", "SameSite=Lax", "Secure", "Path=/"} <= set(cookie.split("; "))


async def test_an_answer_in_another_browser_is_refused_and_uses_nothing_up(
    call: Caller, platforms: FakePlatforms, browser: Browser, other_browser: Browser
) -> None:
    platforms.sign_in.codes.add("good")
    page_url = await page_of(call)
    await other_browser.open(page_url)
    state = state_of((await browser.leave(page_url)).headers["Location"])
    path = f"/connect/spotify/callback?code=good&state={state}"

    foreign = await other_browser.open(path)
    own = await browser.open(path)

    assert foreign.status == 422
    assert "another browser" in foreign.text
    assert own.status == 303
    assert (await status_of(call, page_url))["status"] == "connected"


async def test_whoever_sets_out_again_makes_the_first_way_void(
    call: Caller, platforms: FakePlatforms, browser: Browser
) -> None:
    platforms.sign_in.codes.add("good")
    page_url = await page_of(call)
    first = state_of((await browser.leave(page_url)).headers["Location"])
    second = state_of((await browser.leave(page_url)).headers["Location"])

    void = await browser.open(f"/connect/spotify/callback?code=good&state={first}")
    valid = await browser.open(f"/connect/spotify/callback?code=good&state={second}")

    assert void.status == 422
    assert valid.status == 303


@pytest.mark.parametrize(
    "fields",
    [
        {"go": "1"},
        {"go": "1", "proof": "0" * 64},
        {"deny": "1", "proof": "0" * 64},
        {"music_user_token": "stolen", "proof": "\x00ü"},
    ],
)
async def test_a_form_of_another_site_is_refused(
    call: Caller, browser: Browser, fields: dict[str, str]
) -> None:
    page_url = await page_of(call)
    await browser.open(page_url)

    reply = await browser.send_form(page_url, fields)

    assert reply.status == 422
    assert (await status_of(call, page_url))["status"] == "pending"


async def test_a_good_form_that_a_browser_says_comes_from_elsewhere_is_refused(
    call: Caller, browser: Browser
) -> None:
    page_url = await page_of(call)
    page = await browser.open(page_url)
    found = re.search(r'name="proof" value="([^"]+)"', page.text)
    assert found

    reply = await browser.send_form(
        page_url, {"go": "1", "proof": found[1]}, **{"Sec-Fetch-Site": "cross-site"}
    )

    assert reply.status == 422


async def test_a_proof_is_good_for_its_own_session_and_browser_only(
    call: Caller, browser: Browser, other_browser: Browser
) -> None:
    page_url, other_url = await page_of(call), await page_of(call)
    page = await browser.open(page_url)
    await other_browser.open(page_url)

    elsewhere = await browser.submit(other_url, page, go="1")
    by_another = await other_browser.submit(page_url, page, go="1")

    assert elsewhere.status == by_another.status == 422


@pytest.mark.parametrize("said", ["error=access_denied", "error_reason=user_denied"])
async def test_a_denial_at_the_platform_is_shown_as_one(call: Caller, browser: Browser, said: str) -> None:
    page_url = await page_of(call)

    back = await browser.come_back(page_url, query=said)
    result = await browser.open(back.headers["Location"])

    session = await status_of(call, page_url)
    assert "You did not allow it" in result.text
    assert (session["status"], session["connection"]) == ("denied", None)


@pytest.mark.parametrize("platform", ["spotify", "apple_music"])
async def test_a_denial_on_our_page_is_one_too(call: Caller, browser: Browser, platform: str) -> None:
    page_url = await page_of(call, platform)

    reply = await browser.submit(page_url, await browser.open(page_url), deny="1")
    again = await browser.open(page_url)

    assert reply.status == again.status == 303
    assert again.headers["Location"].endswith("/done")
    assert (await status_of(call, page_url))["status"] == "denied"


@pytest.mark.parametrize("query", ["error=server_error", "code=", "unrelated=1"])
async def test_a_broken_sign_in_is_a_failure_that_says_to_start_again(
    call: Caller, browser: Browser, query: str
) -> None:
    page_url = await page_of(call)

    back = await browser.come_back(page_url, query=query)

    session = await status_of(call, page_url)
    assert back.status == 303
    assert session["status"] == "failed"
    assert "start" in session["failure"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectFailed("The sign-in is too old."), "too old"),
        (
            PlatformDenied("Not on the list of users.", platform="spotify", operation="account"),
            "list of users",
        ),
    ],
)
async def test_a_refused_exchange_tells_why(
    call: Caller, platforms: FakePlatforms, browser: Browser, error: Exception, words: str
) -> None:
    platforms.sign_in.error = error
    page_url = await page_of(call)

    await browser.come_back(page_url, query="code=good")

    session = await status_of(call, page_url)
    assert session["status"] == "failed"
    assert words in session["failure"]


async def test_an_unexpected_fault_fails_the_session_without_its_text(
    call: Caller, platforms: FakePlatforms, browser: Browser
) -> None:
    platforms.sign_in.error = ValueError("canary-secret")
    page_url = await page_of(call)

    back = await browser.come_back(page_url, query="code=good")

    session = await status_of(call, page_url)
    assert back.status == 500
    assert session["status"] == "failed"
    assert "canary" not in str(session) + back.text


async def test_the_wrong_account_is_named_with_the_right_one(
    call: Caller, platforms: FakePlatforms, browser: Browser
) -> None:
    connection = (await sign_in(call, platforms, code="first")).json["connection"]["id"]
    platforms.accounts[SPOTIFY].account = Account(id="acc-2", label="Second", market="FR")
    platforms.sign_in.codes.add("good")
    page_url = await page_of(call, f"spotify?connection={connection}")

    page = await browser.open(page_url)
    back = await browser.come_back(page_url, query="code=good")
    result = await browser.open(back.headers["Location"])

    assert "Sign in as Mira Holt again" in page.text
    assert "You signed in as Second" in result.text
    assert (await status_of(call, page_url))["failure_code"] == "account-mismatch"


async def test_a_replayed_answer_is_refused_and_changes_nothing(
    call: Caller, platforms: FakePlatforms, browser: Browser
) -> None:
    platforms.sign_in.codes.update({"good", "evil"})
    page_url = await page_of(call)
    state = state_of((await browser.leave(page_url)).headers["Location"])
    await browser.open(f"/connect/spotify/callback?code=good&state={state}")

    replay = await browser.open(f"/connect/spotify/callback?code=evil&state={state}")

    assert replay.status == 422
    assert "used already" in replay.text
    assert platforms.sign_in.codes == {"evil"}


@pytest.mark.parametrize("query", ["code=good&state=guessed", "code=good", "", "state=%ff%00&code=x"])
async def test_a_foreign_state_is_refused(call: Caller, query: str) -> None:
    reply = await call("GET", f"/connect/spotify/callback?{query}")

    assert reply.problem() == (422, "connect-failed")


async def test_a_state_of_another_platform_is_a_foreign_one(call: Caller, browser: Browser) -> None:
    state = state_of((await browser.leave(await page_of(call))).headers["Location"])

    reply = await browser.open(f"/connect/apple_music/callback?code=good&state={state}")

    assert reply.status == 422


async def test_a_page_that_is_too_old_says_so(call: Caller, pool: Pool, browser: Browser) -> None:
    page_url = await page_of(call)
    page = await browser.open(page_url)
    await pool.execute("UPDATE connect_sessions SET expires_at = now()")

    sent = await browser.submit(page_url, page, go="1")
    opened = await browser.open(page_url)
    result = await browser.open(opened.headers["Location"])

    assert sent.status == 422
    assert "over" in sent.text
    assert "Too late" in result.text


async def test_an_unknown_page_is_told_as_a_page(browser: Browser) -> None:
    for part in ("page", "done"):
        reply = await browser.open(f"/connect/sessions/1/{part}")

        assert (reply.status, reply.kind) == (404, "text/html")


async def test_a_scripts_token_makes_a_connection(call: Caller, browser: Browser) -> None:
    page_url = await page_of(call, "apple_music")

    page = await browser.open(page_url)
    sent = await browser.submit(page_url, page, music_user_token="user-token")

    assert 'data-token="page-token-for-https://crossplay.example"' in page.text
    assert 'data-script="https://scripts.example/sign-in.js"' in page.text
    assert sent.headers["Location"].endswith("/done")
    assert (await status_of(call, page_url))["status"] == "connected"


@pytest.mark.parametrize(
    ("error", "is_fresh"),
    [
        (ReconnectRequired("No."), True),
        (PlatformUnavailable("Away.", platform="apple_music", operation="account"), False),
    ],
)
async def test_a_token_that_is_not_taken_can_be_tried_again(
    call: Caller, platforms: FakePlatforms, browser: Browser, error: Exception, *, is_fresh: bool
) -> None:
    page_url = await page_of(call, "apple_music")
    platforms.accounts[APPLE_MUSIC].error = error

    sent = await browser.submit(page_url, await browser.open(page_url), music_user_token="dead-token")
    page = await browser.open(sent.headers["Location"])
    platforms.accounts[APPLE_MUSIC].error = None
    await browser.submit(page_url, page, music_user_token="live-token")

    assert sent.headers["Location"] == page_url
    assert 'role="alert"' in page.text
    assert ('data-fresh="1"' in page.text) is is_fresh
    assert "dead-token" not in page.text
    assert (await status_of(call, page_url))["status"] == "connected"


async def test_a_token_for_a_session_that_leads_elsewhere_is_refused(call: Caller, browser: Browser) -> None:
    page_url = await page_of(call)

    await browser.submit(page_url, await browser.open(page_url), music_user_token="user-token")

    assert (await status_of(call, page_url))["status"] == "pending"


async def test_a_browser_hands_its_answer_in_on_our_page(
    serve: Serve, settings: Settings, pool: Pool, platforms: FakePlatforms
) -> None:
    client = await serve(msgspec.structs.replace(settings, public_url="http://192.168.1.5:9090"))
    call, browser = await new_caller(client, pool, name="far"), Browser(client)
    platforms.sign_in.codes.add("good")
    page_url = await page_of(call)

    page = await browser.open(page_url)
    left = await browser.submit(page_url, page, go="1")
    state = state_of(left.headers["Location"])
    address = f"http://127.0.0.1:9090/connect/spotify/callback?code=good&state={state}"
    wrong = await browser.submit(page_url, page, address="http://192.168.1.5:9090/")
    told = await browser.open(page_url)
    sent = await browser.submit(page_url, page, address=f" {address} ")

    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https://accounts.example http://127.0.0.1:9090;" in f"{policy};"
    assert "http://127.0.0.1:9090/connect/spotify/callback" in page.text
    assert wrong.headers["Location"].endswith("/page")
    assert "not where a sign-in ends" in told.text
    assert sent.headers["Location"].endswith("/done")
    assert (await status_of(call, page_url))["status"] == "connected"


async def test_an_answer_that_comes_here_where_it_is_to_be_handed_in_says_so(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    client = await serve(msgspec.structs.replace(settings, public_url="http://192.168.1.5:9090"))
    call, browser = await new_caller(client, pool, name="far"), Browser(client)

    reply = await browser.come_back(await page_of(call), query="code=good")

    assert reply.status == 422
    assert "Copy this page" in reply.text


async def test_localhost_is_led_to_the_number_that_platforms_take(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    client = await serve(msgspec.structs.replace(settings, public_url="http://localhost:8080/"))
    call = await new_caller(client, pool, name="near")
    page_url = await page_of(call)

    async with client.get(
        urlsplit(page_url).path, headers={"Host": "localhost:8080"}, allow_redirects=False
    ) as response:
        location = response.headers["Location"]

    assert page_url.startswith("http://127.0.0.1:8080/connect/sessions/")
    assert location == page_url
