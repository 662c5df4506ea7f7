"""Spotify's accounts host: consent, codes, refresh, scopes, clocks."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.integration.sandbox.harness import REDIRECT, Caller, Json, Starter

DAY_S = 86400
ASKED = {"client_id": "app", "response_type": "code", "redirect_uri": REDIRECT, "state": "s1"}


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"redirect_uri": "http://localhost:9876/callback"}, "INVALID_CLIENT: Invalid redirect URI"),
        ({"redirect_uri": "http://example.org/callback"}, "INVALID_CLIENT: Invalid redirect URI"),
        ({"redirect_uri": "http://127.0.0.1/other"}, "INVALID_CLIENT: Invalid redirect URI"),
        ({"client_id": "stranger"}, "INVALID_CLIENT: Invalid client"),
    ],
)
async def test_a_bad_client_or_address_is_told_on_the_page(
    starter: Starter, changed: dict[str, str], text: str
) -> None:
    knobs: Json = {"clients": {"app": ""}, "redirect_uris": ("http://127.0.0.1/callback",)}
    spotify = await starter("spotify", **knobs)

    params = {**ASKED, **changed}
    async with await spotify.send("GET", "/authorize", params=params, allow_redirects=False) as answer:
        told = (answer.status, await answer.text())

    assert told == (400, text)


@pytest.mark.parametrize("how", ["query", "fault"])
async def test_a_refused_consent_goes_back_with_access_denied(starter: Starter, how: str) -> None:
    spotify = await starter("spotify")
    if how == "fault":
        await spotify.fault(operation="authorize", kind="deny", count=1)
    params = {**ASKED, "sandbox_deny": "1"} if how == "query" else ASKED

    async with await spotify.send("GET", "/authorize", params=params, allow_redirects=False) as answer:
        back = urlsplit(answer.headers["Location"])

    assert parse_qs(back.query) == {"error": ["access_denied"], "state": ["s1"]}


async def asked_page(spotify: Caller, **changed: str) -> str:
    async with await spotify.send("GET", "/authorize", params={**ASKED, **changed}) as answer:
        assert answer.status == 200
        return await answer.text()


async def sent_back(spotify: Caller, **changed: str) -> Json:
    params = {**ASKED, **changed}
    async with await spotify.send("GET", "/authorize", params=params, allow_redirects=False) as answer:
        return parse_qs(urlsplit(answer.headers["Location"]).query)


async def test_without_auto_approval_a_page_asks_and_keeps_what_was_asked(starter: Starter) -> None:
    spotify = await starter("spotify", is_signed_in=False, auto_approve=False)

    page = await asked_page(spotify, scope="<b> user-read-private")
    hidden = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page)
    kept = {name: unescape(value) for name, value in hidden}
    backs = [
        await sent_back(spotify, **kept, **{button: "1"}) for button in ("sandbox_allow", "sandbox_deny")
    ]

    assert kept == {**ASKED, "scope": "<b> user-read-private"}
    assert "<b> user" not in page
    assert [set(back) for back in backs] == [{"code", "state"}, {"error", "state"}]


async def test_who_agreed_is_not_asked_again_until_the_consent_ends(starter: Starter) -> None:
    spotify = await starter("spotify", is_signed_in=False, auto_approve=False)
    await spotify.log_in(sandbox_user="ada", sandbox_allow="1")
    scope = {"sandbox_user": "ada", "scope": "user-read-private"}

    again = await sent_back(spotify, **scope)
    pages = [
        await asked_page(spotify, **{**scope, "show_dialog": "true"}),
        await asked_page(spotify, **{**scope, "scope": "user-read-private streaming"}),
        await asked_page(spotify, **{**scope, "client_id": "other"}),
        await asked_page(spotify, **{**scope, "sandbox_user": "ben"}),
    ]
    await spotify.advance(183 * DAY_S)
    pages.append(await asked_page(spotify, **scope))

    assert set(again) == {"code", "state"}
    assert all("Agree" in page for page in pages)


async def test_a_revoked_consent_is_asked_for_again(starter: Starter) -> None:
    spotify = await starter("spotify", is_signed_in=False, auto_approve=False)
    await spotify.log_in(sandbox_user="ada", sandbox_allow="1")
    await spotify.json("POST", "/_sandbox/tokens/revoke", headers={}, json={"user": "ada"})

    page = await asked_page(spotify, sandbox_user="ada", scope="user-read-private")

    assert "Agree" in page


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:9876/other"}, "invalid_grant"),
        ({"client_id": "other"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_a_code_is_only_good_for_who_asked_for_it(
    starter: Starter, changed: dict[str, str], error: str
) -> None:
    spotify = await starter("spotify")
    challenge = "W2yRr47kVnvnT6gDu1ljMFTLWQEa-YOHtAQMRjIQT5s"
    asked = {**ASKED, "code_challenge": challenge, "code_challenge_method": "S256"}
    async with await spotify.send("GET", "/authorize", params=asked, allow_redirects=False) as answer:
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "client_id": "app"}

    refused = await spotify.json("POST", "/api/token", status=400, data={**form, **changed}, headers={})

    assert refused["error"] == error


@pytest.mark.parametrize(("knob", "has_token"), [("keep", False), ("empty", True), ("rotate", True)])
async def test_a_refresh_answers_as_the_knob_says(starter: Starter, knob: str, *, has_token: bool) -> None:
    spotify = await starter("spotify", refresh_tokens=knob)
    tokens = await spotify.log_in()

    refreshed = await spotify.refresh(tokens["refresh_token"])

    assert ("refresh_token" in refreshed) == has_token
    if knob == "rotate":
        again = await spotify.refresh(tokens["refresh_token"], status=400)
        assert again == {"error": "invalid_grant", "error_description": "Refresh token revoked"}
        await spotify.refresh(refreshed["refresh_token"])


async def test_refresh_tokens_die_six_months_after_the_consent(starter: Starter) -> None:
    spotify = await starter("spotify")
    tokens = await spotify.log_in()

    await spotify.advance(150 * DAY_S)
    await spotify.refresh(tokens["refresh_token"])
    await spotify.advance(40 * DAY_S)
    dead = await spotify.refresh(tokens["refresh_token"], status=400)

    assert dead == {"error": "invalid_grant", "error_description": "Refresh token expired"}


async def test_dead_access_tokens_are_told_apart(starter: Starter) -> None:
    spotify = await starter("spotify")

    nobody = await spotify.json("GET", "/v1/me", status=401, headers={})
    await spotify.advance(3601)
    expired = await spotify.json("GET", "/v1/me", status=401)
    tokens = await spotify.log_in()
    await spotify.json("POST", "/_sandbox/tokens/revoke", json={"kind": "access"})
    revoked = await spotify.json("GET", "/v1/me", status=401)
    await spotify.json("POST", "/_sandbox/tokens/revoke", json={})
    refused = await spotify.refresh(tokens["refresh_token"], status=400)

    assert nobody == {"error": {"status": 401, "message": "No token provided"}}
    assert expired == {"error": {"status": 401, "message": "The access token expired"}}
    assert revoked == {"error": {"status": 401, "message": "Invalid access token"}}
    assert refused["error_description"] == "Refresh token revoked"


@pytest.mark.parametrize(
    ("scope", "method", "path", "body"),
    [
        ("user-read-private", "GET", "/v1/me/playlists", None),
        ("playlist-modify-private", "POST", "/v1/me/playlists", {"name": "x"}),
        ("playlist-modify-public", "POST", "/v1/me/playlists", {"name": "x", "public": False}),
        ("playlist-read-private", "GET", "/v1/me/tracks", None),
    ],
)
async def test_a_missing_scope_is_refused(
    starter: Starter, scope: str, method: str, path: str, body: Json | None
) -> None:
    spotify = await starter("spotify")
    tokens = await spotify.log_in(scope=scope)

    refused = await spotify.json(method, path, status=403, json=body)

    assert refused == {"error": {"status": 403, "message": "Insufficient client scope"}}
    assert tokens["scope"] == scope
