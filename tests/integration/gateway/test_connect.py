"""Connecting as a program sees it: sessions, handed-in answers, browsers' tokens, renewals."""

import msgspec
import pytest

from shared.db.pool import Pool
from shared.errors import PlatformDenied, ReconnectRequired
from shared.models import Account, Platform
from shared.settings import Settings
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Reply, Serve, new_caller, sign_in, state_of

pytestmark = pytest.mark.integration

SPOTIFY, APPLE_MUSIC = Platform.SPOTIFY, Platform.APPLE_MUSIC


async def start_handed_in(call: Caller, path: str = "/connect/spotify") -> Reply:
    started = await call("POST", path, json={"hand_in": True})
    assert started.status == 201, started.text
    return started


async def hand_in(call: Caller, started: Reply, query: str) -> Reply:
    address = f"{started.json['redirect_uri']}?{query}&state={state_of(started.json['authorize_url'])}"
    return await call("POST", f"{started.headers['Location']}/answer", json={"address": address})


async def test_a_session_says_what_to_open_and_then_how_it_stands(call: Caller) -> None:
    started = await call("POST", "/connect/spotify")
    shown = await call("GET", started.headers["Location"])

    session = started.json
    assert started.status == 201
    assert started.headers["Location"] == f"/connect/sessions/{session['id']}"
    assert session == shown.json
    assert session["flow"] == "redirect"
    assert session["status"] == "pending"
    assert session["page_url"] == f"https://crossplay.example/connect/sessions/{session['id']}/page"
    assert session["redirect_uri"] == "https://crossplay.example/connect/spotify/callback"
    assert (session["hand_in"], session["authorize_url"], session["connection"]) == (False, None, None)


async def test_an_answer_that_is_handed_in_ends_the_session(call: Caller, platforms: FakePlatforms) -> None:
    platforms.sign_in.codes.add("good")
    started = await start_handed_in(call)

    answered = await hand_in(call, started, "code=good")

    assert started.json["redirect_uri"] == "http://127.0.0.1:8080/connect/spotify/callback"
    assert answered.status == 200
    assert answered.json["status"] == "connected"
    assert answered.json["connection"]["label"] == "Mira Holt"


async def test_a_server_without_tls_asks_to_hand_the_answer_in(
    serve: Serve, settings: Settings, pool: Pool, platforms: FakePlatforms
) -> None:
    client = await serve(msgspec.structs.replace(settings, public_url="http://192.168.1.5:9090"))
    call = await new_caller(client, pool, name="far")
    platforms.sign_in.codes.add("good")

    started = await call("POST", "/connect/spotify")
    answered = await hand_in(call, started, "code=good")

    assert started.json["hand_in"] is True
    assert started.json["redirect_uri"] == "http://127.0.0.1:9090/connect/spotify/callback"
    assert started.json["page_url"].startswith("http://192.168.1.5:9090/connect/sessions/")
    assert answered.json["status"] == "connected"


async def test_a_script_cannot_sign_in_on_a_server_without_tls(
    serve: Serve, settings: Settings, pool: Pool
) -> None:
    client = await serve(msgspec.structs.replace(settings, public_url="http://192.168.1.5:9090"))
    call = await new_caller(client, pool, name="far")

    reply = await call("POST", "/connect/apple_music")

    assert reply.problem() == (409, "redirect-uri-impossible")
    assert len(reply.json["routes"]) == 2


@pytest.mark.parametrize(
    "address",
    [
        "https://accounts.example/",
        "good",
        "http://127.0.0.1:8080/?code=good&state=guessed",
        "http://[",
        "?&" * 30,
    ],
)
async def test_an_address_that_is_no_answer_can_be_corrected(
    call: Caller, platforms: FakePlatforms, address: str
) -> None:
    platforms.sign_in.codes.add("good")
    started = await start_handed_in(call)

    refused = await call("POST", f"{started.headers['Location']}/answer", json={"address": address})
    answered = await hand_in(call, started, "code=good")

    assert refused.problem() == (422, "validation")
    assert refused.pointers() == ["/address"]
    assert answered.json["status"] == "connected"


async def test_a_handed_in_answer_works_once(call: Caller, platforms: FakePlatforms) -> None:
    platforms.sign_in.codes.update({"good", "evil"})
    started = await start_handed_in(call)
    await hand_in(call, started, "code=good")

    replay = await hand_in(call, started, "code=evil")

    assert replay.problem() == (422, "connect-failed")
    assert "used already" in replay.json["detail"]
    assert platforms.sign_in.codes == {"evil"}


async def test_nobody_else_hands_an_answer_in(
    call: Caller, stranger: Caller, platforms: FakePlatforms
) -> None:
    platforms.sign_in.codes.add("good")
    started = await start_handed_in(call)

    foreign = await hand_in(stranger, started, "code=good")

    assert foreign.problem() == (404, "not-found")
    assert platforms.sign_in.codes == {"good"}


async def test_a_late_answer_is_refused_as_late(call: Caller, pool: Pool) -> None:
    started = await start_handed_in(call)
    await pool.execute("UPDATE connect_sessions SET expires_at = now()")

    reply = await hand_in(call, started, "code=good")
    session = await call("GET", started.headers["Location"])

    assert reply.problem() == (422, "connect-failed")
    assert "ten minutes" in reply.json["detail"]
    assert session.json["status"] == "expired"


async def test_sessions_that_ended_long_ago_are_forgotten(call: Caller, pool: Pool) -> None:
    await call("POST", "/connect/spotify")
    await pool.execute("UPDATE connect_sessions SET expires_at = now() - interval '2 days'")

    await call("POST", "/connect/spotify")

    assert await pool.fetchval("SELECT count(*) FROM connect_sessions") == 1


async def test_state_and_verifier_are_fresh_and_stored_unreadable(call: Caller, pool: Pool) -> None:
    first, second = await start_handed_in(call), await start_handed_in(call)

    stored = await pool.fetch("SELECT * FROM connect_sessions")
    texts = " ".join(str(dict(row)) for row in stored)
    states = [state_of(one.json["authorize_url"]) for one in (first, second)]
    assert states[0] != states[1]
    assert not any(state in texts for state in states)
    assert all(row["sealed_verifier"].startswith("v1.k1.") for row in stored)


async def test_tokens_are_stored_sealed(connected: Caller, pool: Pool) -> None:
    stored = await pool.fetch("SELECT * FROM connections")

    text = " ".join(str(dict(row)) for row in stored)
    assert len(stored) == 2
    assert "access-first" not in text
    assert "user-token" not in text


async def test_an_account_that_does_not_answer_is_not_connected(
    call: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[SPOTIFY].error = PlatformDenied(
        "This account is not on the app's list.", platform="spotify", operation="account", status=403
    )

    ended = await sign_in(call, platforms, code="good")
    listed = await call("GET", "/connections")

    assert (ended.json["status"], ended.json["failure_code"]) == ("failed", "platform-denied")
    assert "list" in ended.json["failure"]
    assert listed.json["items"] == []


async def test_less_than_all_scopes_is_not_enough(call: Caller, platforms: FakePlatforms) -> None:
    platforms.sign_in.granted_scopes = ("read",)

    await sign_in(call, platforms, code="good")
    listed = await call("GET", "/connections")

    assert listed.json["items"] == []


async def test_sessions_are_their_users_own(call: Caller, stranger: Caller) -> None:
    started = await call("POST", "/connect/spotify")

    foreign = await stranger("GET", started.headers["Location"])
    malformed = await stranger("GET", "/connect/sessions/1")

    assert foreign.problem() == malformed.problem() == (404, "not-found")


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


async def test_a_renewal_takes_the_same_account_alone(call: Caller, platforms: FakePlatforms) -> None:
    connection = (await sign_in(call, platforms, code="first")).json["connection"]["id"]
    platforms.accounts[SPOTIFY].account = Account(id="acc-2", label="Second", market="FR")
    platforms.sign_in.codes.update({"second", "third"})

    other = await hand_in(
        call, await start_handed_in(call, f"/connect/spotify?connection={connection}"), "code=second"
    )
    platforms.accounts[SPOTIFY].account = Account(id="acc-1", label="Mira H.", market="DE")
    same = await hand_in(
        call, await start_handed_in(call, f"/connect/spotify?connection={connection}"), "code=third"
    )
    listed = await call("GET", "/connections")

    assert (other.json["status"], other.json["failure_code"]) == ("failed", "account-mismatch")
    assert "Second" in other.json["failure"]
    assert "Mira Holt" in other.json["failure"]
    assert same.json["connection"]["id"] == connection
    assert [one["label"] for one in listed.json["items"]] == ["Mira H."]


async def test_only_ones_own_connection_of_that_platform_is_renewed(
    connected: Caller, stranger: Caller
) -> None:
    apple, spotify = await ids_of(connected)

    replies = [
        await connected("POST", f"/connect/spotify?connection={apple}"),
        await stranger("POST", f"/connect/spotify?connection={spotify}"),
        await connected("POST", "/connect/spotify?connection=x"),
    ]

    assert {reply.problem() for reply in replies} == {(409, "connection-missing")}


async def test_an_account_without_a_name_renews_the_only_connection(call: Caller) -> None:
    first = await call.connect_apple_music()

    second = await call.connect_apple_music()

    assert first == second


async def test_several_accounts_without_names_are_told_apart_by_their_connections(call: Caller) -> None:
    token = {"music_user_token": "user-token"}
    first = await call.connect_apple_music()

    second = (await call("POST", "/connect/apple_music", json={**token, "another": True})).json["connection"]
    renewed = await call("POST", f"/connect/apple_music?connection={first}", json=token)
    listed = await call("GET", "/connections")

    assert second["id"] != first
    assert renewed.json["connection"]["id"] == first
    assert [one["label"] for one in listed.json["items"]] == ["Apple Music (de)", "Apple Music (de) 2"]


async def test_a_browser_token_is_tried_before_it_is_kept(call: Caller, platforms: FakePlatforms) -> None:
    platforms.accounts[APPLE_MUSIC].error = ReconnectRequired("No.")

    refused = await call("POST", "/connect/apple_music", json={"music_user_token": "bad-token"})
    listed = await call("GET", "/connections")

    assert refused.problem() == (422, "connect-failed")
    assert "bad-token" not in refused.text
    assert listed.json["items"] == []


async def test_a_good_browser_token_is_a_connection_at_once(call: Caller) -> None:
    reply = await call("POST", "/v1/connect/apple_music", json={"music_user_token": "good"})

    assert reply.status == 201
    assert (reply.json["flow"], reply.json["status"]) == ("browser_token", "connected")
    assert reply.json["connection"]["platform"] == "apple_music"
    assert "good" not in reply.text


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/connect/apple_music", {"music_user_token": ""}, "/music_user_token"),
        ("/connect/apple_music", {"music_user_token": 7}, "/music_user_token"),
        ("/connect/apple_music", {"token": "x"}, "/token"),
        ("/connect/spotify", {"music_user_token": "x"}, "/music_user_token"),
        ("/connect/spotify", {"hand_in": "maybe"}, "/hand_in"),
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


async def ids_of(call: Caller) -> tuple[str, str]:
    """Return the ids of the connections to Apple Music and to Spotify."""
    listed = await call("GET", "/connections")
    ids = {one["platform"]: one["id"] for one in listed.json["items"]}
    return ids["apple_music"], ids["spotify"]
