"""Connecting: by redirect with every way it can end, and with a browser's token."""

from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from shared.db.pool import Pool
from shared.errors import ConnectFailed, PlatformDenied, ReconnectRequired
from shared.models import Account, Platform
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Serve, new_caller, sign_in, state_of

pytestmark = pytest.mark.integration

HTML = {"Accept": "text/html,application/xhtml+xml"}


async def test_a_redirect_flow_ends_with_a_connection_and_a_clean_address(
    call: Caller, platforms: FakePlatforms
) -> None:
    started = await call("POST", "/connect/spotify")
    pending = await call("GET", started.headers["Location"])
    platforms.sign_in.codes.add("good")

    back = await call("GET", f"/connect/spotify/callback?code=good&state={state_of(started)}")
    page = await call("GET", back.headers["Location"], headers=HTML)
    session = await call("GET", started.headers["Location"])

    assert started.status == 201
    assert started.json["flow"] == "redirect"
    assert started.json["redirect_uri"] == "https://crossplay.example/connect/spotify/callback"
    assert pending.json["status"] == "pending"
    assert back.status == 303
    assert back.headers["Location"] == f"/connect/sessions/{started.json['session']}/done"
    assert back.headers["Referrer-Policy"] == "no-referrer"
    assert page.status == 200
    assert "Spotify is connected as Mira Holt" in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert session.json["status"] == "connected"
    assert session.json["connection"]["label"] == "Mira Holt"


async def test_state_and_verifier_are_fresh_and_stored_unreadable(call: Caller, pool: Pool) -> None:
    first = await call("POST", "/connect/spotify", json={})
    second = await call("POST", "/connect/spotify", data=b"  ")

    stored = await pool.fetch("SELECT * FROM connect_sessions")
    texts = " ".join(str(dict(row)) for row in stored)
    states = [parse_qs(urlsplit(one.json["authorize_url"]).query)["state"][0] for one in (first, second)]
    assert states[0] != states[1]
    assert not any(state in texts for state in states)
    assert all(row["sealed_verifier"].startswith("v1.k1.") for row in stored)


async def test_tokens_are_stored_sealed(connected: Caller, pool: Pool) -> None:
    stored = await pool.fetch("SELECT * FROM connections")

    text = " ".join(str(dict(row)) for row in stored)
    assert len(stored) == 2
    assert "access-first" not in text
    assert "user-token" not in text


async def test_a_denial_is_shown_as_one(call: Caller) -> None:
    started = await call("POST", "/connect/spotify")

    back = await call("GET", f"/connect/spotify/callback?error=access_denied&state={state_of(started)}")
    page = await call("GET", back.headers["Location"], headers=HTML)
    session = await call("GET", started.headers["Location"])

    assert back.status == 303
    assert "You did not allow it" in page.text
    assert (session.json["status"], session.json["connection"]) == ("denied", None)


@pytest.mark.parametrize("query", ["error=server_error", "code=", "unrelated=1"])
async def test_a_broken_sign_in_is_a_failure_that_says_to_start_again(call: Caller, query: str) -> None:
    started = await call("POST", "/connect/spotify")

    back = await call("GET", f"/connect/spotify/callback?{query}&state={state_of(started)}")
    session = await call("GET", started.headers["Location"])

    assert back.status == 303
    assert session.json["status"] == "failed"
    assert "start" in session.json["failure"]


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
    call: Caller, platforms: FakePlatforms, error: Exception, words: str
) -> None:
    platforms.sign_in.error = error
    started = await call("POST", "/connect/spotify")

    await call("GET", f"/connect/spotify/callback?code=good&state={state_of(started)}")
    session = await call("GET", started.headers["Location"])

    assert session.json["status"] == "failed"
    assert words in session.json["failure"]


async def test_an_account_that_does_not_answer_is_not_connected(
    call: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[Platform.SPOTIFY].error = PlatformDenied(
        "This account is not on the app's list.", platform="spotify", operation="account", status=403
    )

    await sign_in(call, platforms, code="good")
    listed = await call("GET", "/connections")

    assert listed.json["items"] == []


async def test_an_unexpected_fault_fails_the_session_without_its_text(
    call: Caller, platforms: FakePlatforms
) -> None:
    platforms.sign_in.error = ValueError("canary-secret")
    started = await call("POST", "/connect/spotify")

    back = await call("GET", f"/connect/spotify/callback?code=good&state={state_of(started)}")
    session = await call("GET", started.headers["Location"])

    assert back.problem() == (500, "internal")
    assert session.json["status"] == "failed"
    assert "canary" not in session.text


async def test_less_than_all_scopes_is_not_enough(call: Caller, platforms: FakePlatforms) -> None:
    platforms.sign_in.granted_scopes = ("read",)

    await sign_in(call, platforms, code="good")
    listed = await call("GET", "/connections")

    assert listed.json["items"] == []


async def test_a_replayed_answer_is_refused_and_changes_nothing(
    call: Caller, platforms: FakePlatforms
) -> None:
    started = await call("POST", "/connect/spotify")
    platforms.sign_in.codes.update({"good", "evil"})
    path = f"/connect/spotify/callback?state={state_of(started)}"
    await call("GET", f"{path}&code=good")

    replay = await call("GET", f"{path}&code=evil")
    page = await call("GET", f"{path}&code=evil", headers=HTML)

    assert replay.problem() == (422, "connect-failed")
    assert "used already" in replay.json["detail"]
    assert page.kind == "text/html"
    assert "used already" in page.text
    assert platforms.sign_in.codes == {"evil"}


@pytest.mark.parametrize("query", ["code=good&state=guessed", "code=good", "", "state=%ff%00&code=x"])
async def test_a_foreign_state_is_refused(call: Caller, query: str) -> None:
    reply = await call("GET", f"/connect/spotify/callback?{query}")

    assert reply.problem() == (422, "connect-failed")


async def test_a_state_of_another_platform_is_a_foreign_one(call: Caller) -> None:
    started = await call("POST", "/connect/spotify")

    reply = await call("GET", f"/connect/apple_music/callback?code=good&state={state_of(started)}")

    assert reply.problem() == (422, "connect-failed")


async def test_a_late_answer_is_refused_as_late(call: Caller, pool: Pool) -> None:
    started = await call("POST", "/connect/spotify")
    await pool.execute("UPDATE connect_sessions SET expires_at = now()")

    reply = await call("GET", f"/connect/spotify/callback?code=good&state={state_of(started)}")
    session = await call("GET", started.headers["Location"])
    page = await call("GET", f"{started.headers['Location']}/done", headers=HTML)

    assert reply.problem() == (422, "connect-failed")
    assert "ten minutes" in reply.json["detail"]
    assert session.json["status"] == "expired"
    assert "Too late" in page.text


async def test_sessions_are_their_users_own(call: Caller, stranger: Caller) -> None:
    started = await call("POST", "/connect/spotify")

    foreign = await stranger("GET", started.headers["Location"])
    malformed = await stranger("GET", "/connect/sessions/1")
    no_page = await stranger("GET", "/connect/sessions/1/done")

    assert foreign.problem() == malformed.problem() == no_page.problem() == (404, "not-found")


async def test_the_same_account_keeps_its_connection(call: Caller, platforms: FakePlatforms) -> None:
    await sign_in(call, platforms, code="first")
    before = await call("GET", "/connections")

    await sign_in(call, platforms, code="second")
    after = await call("GET", "/connections")

    assert len(after.json["items"]) == 1
    assert after.json["items"][0]["id"] == before.json["items"][0]["id"]
    assert after.json["items"][0]["authorized_at"] > before.json["items"][0]["authorized_at"]


async def test_another_account_is_another_connection(call: Caller, platforms: FakePlatforms) -> None:
    await sign_in(call, platforms, code="first")
    platforms.accounts[Platform.SPOTIFY].account = Account(id="acc-2", label="Second", market="FR")

    await sign_in(call, platforms, code="second")
    listed = await call("GET", "/connections")

    assert [one["label"] for one in listed.json["items"]] == ["Mira Holt", "Second"]


async def test_a_platform_without_account_ids_has_one_connection_per_user(call: Caller) -> None:
    first = await call.connect_apple_music()

    second = await call.connect_apple_music()

    assert first == second


async def test_a_browser_token_is_tried_before_it_is_kept(call: Caller, platforms: FakePlatforms) -> None:
    platforms.accounts[Platform.APPLE_MUSIC].error = ReconnectRequired("No.")

    refused = await call("POST", "/connect/apple_music", json={"music_user_token": "bad-token"})
    listed = await call("GET", "/connections")

    assert refused.problem() == (422, "connect-failed")
    assert "bad-token" not in refused.text
    assert listed.json["items"] == []


async def test_a_good_browser_token_is_a_connection_at_once(call: Caller) -> None:
    reply = await call("POST", "/v1/connect/apple_music", json={"music_user_token": "good"})

    assert reply.status == 201
    assert reply.json["flow"] == "browser_token"
    assert reply.json["connection"]["platform"] == "apple_music"
    assert "good" not in reply.text


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/connect/apple_music", {}, "/music_user_token"),
        ("/connect/apple_music", {"music_user_token": ""}, "/music_user_token"),
        ("/connect/apple_music", {"music_user_token": 7}, "/music_user_token"),
        ("/connect/apple_music", {"token": "x"}, "/token"),
        ("/connect/spotify", {"music_user_token": "x"}, "/music_user_token"),
        ("/connect/spotify", [], ""),
    ],
)
async def test_a_connect_body_of_another_form_is_refused(
    call: Caller, path: str, body: object, pointer: str
) -> None:
    reply = await call("POST", path, json=body)

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == [pointer]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/connect/gramophone"), ("GET", "/connect/gramophone/callback?state=x")]
)
async def test_an_unknown_platform_is_a_404(call: Caller, method: str, path: str) -> None:
    reply = await call(method, path)

    assert reply.problem() == (404, "unknown-platform")


async def test_a_platform_that_is_not_set_up_is_a_409(call: Caller, platforms: FakePlatforms) -> None:
    platforms.unconfigured.add(Platform.SPOTIFY)

    reply = await call("POST", "/connect/spotify")

    assert reply.problem() == (409, "platform-not-configured")


@pytest.mark.parametrize("public_url", ["http://192.168.1.5:8080", "http://music.example"])
async def test_an_address_that_platforms_refuse_is_told_with_the_ways_out(
    serve: Serve, settings: Settings, pool: Pool, public_url: str
) -> None:
    client = await serve(msgspec.structs.replace(settings, public_url=public_url))
    call = await new_caller(client, pool, name="far")

    reply = await call("POST", "/connect/spotify")

    assert reply.problem() == (409, "redirect-uri-impossible")
    assert reply.json["redirect_uri"].startswith(public_url)
    assert len(reply.json["routes"]) == 2


async def test_localhost_becomes_the_number_that_platforms_take(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    client = await serve(msgspec.structs.replace(settings, public_url="http://localhost:8080/"))
    call = await new_caller(client, pool, name="near")

    reply = await call("POST", "/connect/spotify")

    assert reply.json["redirect_uri"] == "http://127.0.0.1:8080/connect/spotify/callback"
