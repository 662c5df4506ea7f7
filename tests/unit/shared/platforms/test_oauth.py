import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from yarl import URL

from shared.errors import (
    ConnectFailed,
    CrossplayError,
    PlatformDenied,
    PlatformRejected,
    PlatformUnavailable,
    RateLimited,
    ReconnectRequired,
)
from shared.models import TokenSet
from shared.platforms.call import NO_PROOF
from shared.platforms.oauth import (
    TOKEN_REFUSALS,
    OAuthApp,
    OAuthClient,
    Verifier,
    challenge_of,
    new_verifier,
    query_signer,
    signer,
)
from shared.secret import NO_SECRET, Secret
from tests.unit.shared.platforms.conftest import Answerer, opened

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OLD = TokenSet(access_token="old-access", refresh_token="old-refresh", scopes=("a", "b"))
REDIRECT_URI = "http://127.0.0.1:8080/connect/spotify/callback?x=1"


class StoppedClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0

    async def sleep(self, delay_s: float) -> None:
        raise AssertionError(delay_s)


@asynccontextmanager
async def client(
    url: str, *, secret: Secret = NO_SECRET, proves_by_form: bool = False
) -> AsyncIterator[OAuthClient]:
    app = OAuthApp(
        client_id="client/1",
        client_secret=secret,
        base_url=url,
        authorize_url=f"{url.rstrip('/')}/authorize",
        token_route="/api/token",
        scopes=("playlist-read-private", "user-read-private"),
        proves_by_form=proves_by_form,
    )
    async with opened(url, can_refresh=False, refusals=TOKEN_REFUSALS) as path:
        yield OAuthClient(path.http, app=app, clock=StoppedClock())


def form(answerer: Answerer) -> dict[str, str]:
    return dict(parse_qsl(answerer.bodies[-1].decode()))


def test_challenge_is_the_one_of_rfc_7636() -> None:
    verifier = Verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")

    assert challenge_of(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_verifiers_have_the_allowed_length_and_differ() -> None:
    first, second = new_verifier(), new_verifier()

    assert 43 <= len(first) <= 128
    assert first != second


async def test_authorize_address_asks_for_everything_and_shows_no_secret() -> None:
    async with client("https://accounts.example.org/", secret=Secret("hush-hush")) as oauth:
        address = oauth.authorize_url(state="st&ate", verifier=Verifier("v" * 43), redirect_uri=REDIRECT_URI)

    url = URL(address)
    assert str(url.with_query(None)) == "https://accounts.example.org/authorize"
    assert dict(url.query) == {
        "client_id": "client/1",
        "response_type": "code",
        "redirect_uri": REDIRECT_URI,
        "scope": "playlist-read-private user-read-private",
        "state": "st&ate",
        "code_challenge_method": "S256",
        "code_challenge": challenge_of(Verifier("v" * 43)),
    }
    assert "hush-hush" not in address


async def test_code_is_exchanged_with_its_verifier(answerer: Answerer) -> None:
    answerer.answers = [
        {"text": '{"access_token": "at", "refresh_token": "rt", "expires_in": 3600, "scope": "a b"}'}
    ]

    async with client(answerer.url) as oauth:
        tokens = await oauth.exchange(code="co/de", verifier=Verifier("v" * 43), redirect_uri=REDIRECT_URI)

    assert tokens == TokenSet(
        access_token="at", refresh_token="rt", expires_at=NOW + timedelta(hours=1), scopes=("a", "b")
    )
    assert form(answerer) == {
        "grant_type": "authorization_code",
        "code": "co/de",
        "redirect_uri": REDIRECT_URI,
        "code_verifier": "v" * 43,
        "client_id": "client/1",
    }
    assert answerer.requests[0].path == "/v1/api/token"
    assert "Authorization" not in answerer.requests[0].headers


async def test_app_with_a_secret_proves_itself_by_basic(answerer: Answerer) -> None:
    answerer.answers = [{"text": '{"access_token": "at"}'}]

    async with client(answerer.url, secret=Secret("hush-hush")) as oauth:
        tokens = await oauth.refresh(OLD)

    sent = answerer.requests[0].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent) == b"client/1:hush-hush"
    assert form(answerer) == {"grant_type": "refresh_token", "refresh_token": "old-refresh"}
    assert tokens.expires_at is None


async def test_app_proves_itself_in_the_form_where_the_platform_looks_there(answerer: Answerer) -> None:
    answerer.answers = [{"text": '{"access_token": "at"}'}]

    async with client(answerer.url, secret=Secret("hush-hush"), proves_by_form=True) as oauth:
        await oauth.refresh(OLD)

    assert "Authorization" not in answerer.requests[0].headers
    assert form(answerer) == {
        "grant_type": "refresh_token",
        "refresh_token": "old-refresh",
        "client_id": "client/1",
        "client_secret": "hush-hush",
    }


def test_signer_names_its_scheme_and_signs_nothing_without_a_token() -> None:
    sign = signer("OAuth")

    assert sign(OLD).headers == {"Authorization": "OAuth old-access"}
    assert sign(None) == NO_PROOF


@pytest.mark.parametrize("omitted", ["{}", '{"refresh_token": ""}', '{"refresh_token": null, "scope": ""}'])
async def test_refresh_token_and_scopes_that_are_not_replaced_stay(answerer: Answerer, omitted: str) -> None:
    answerer.answers = [{"text": omitted.replace("{", '{"access_token": "at", ').replace(", }", "}")}]

    async with client(answerer.url) as oauth:
        tokens = await oauth.refresh(OLD)

    assert tokens == TokenSet(access_token="at", refresh_token="old-refresh", scopes=("a", "b"))


async def test_refresh_token_that_is_replaced_is_the_new_one(answerer: Answerer) -> None:
    answerer.answers = [{"text": '{"access_token": "at", "refresh_token": "new-refresh"}'}]

    async with client(answerer.url) as oauth:
        tokens = await oauth.refresh(OLD)

    assert tokens.refresh_token == "new-refresh"


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (400, '{"error": "invalid_grant", "error_description": "Refresh token expired"}', ReconnectRequired),
        (400, '{"error":"invalid_client"}', PlatformDenied),
        (401, '{"error":"invalid_client"}', PlatformDenied),
        (400, '{"error":"unsupported_grant_type"}', PlatformRejected),
        (429, "Too many requests", RateLimited),
        (500, "<html>", PlatformUnavailable),
        (503, "", PlatformUnavailable),
        (200, "<html>", PlatformUnavailable),
    ],
)
async def test_refusal_says_whether_the_user_has_to_act(
    answerer: Answerer, status: int, text: str, kind: type[CrossplayError]
) -> None:
    answerer.answers = [{"status": status, "text": text}]

    async with client(answerer.url) as oauth:
        with pytest.raises(kind) as caught:
            await oauth.refresh(OLD)

    assert type(caught.value) is kind
    assert "old-refresh" not in str(caught.value)
    assert len(answerer.requests) == 1


async def test_code_that_is_refused_is_a_failed_connect(answerer: Answerer) -> None:
    answerer.answers = [{"status": 400, "text": '{"error": "invalid_grant"}'}]

    async with client(answerer.url) as oauth:
        with pytest.raises(ConnectFailed):
            await oauth.exchange(code="c", verifier=new_verifier(), redirect_uri=REDIRECT_URI)


async def test_connection_without_a_refresh_token_asks_to_reconnect(answerer: Answerer) -> None:
    async with client(answerer.url) as oauth:
        with pytest.raises(ReconnectRequired):
            await oauth.refresh(TokenSet(access_token="at"))

    assert answerer.requests == []


async def test_an_app_asks_for_tokens_of_its_own(answerer: Answerer) -> None:
    answerer.answers = [{"text": '{"access_token": "app-access", "expires_in": 3600}'}]

    async with client(answerer.url, secret=Secret("hush-hush")) as oauth:
        tokens = await oauth.app_tokens()

    assert form(answerer) == {"grant_type": "client_credentials"}
    assert answerer.requests[0].headers["Authorization"].startswith("Basic ")
    assert tokens == TokenSet(access_token="app-access", expires_at=NOW + timedelta(hours=1))


def test_access_token_may_stand_in_the_query() -> None:
    sign = query_signer("token")

    assert sign(TokenSet(access_token="any")).query == {"token": "any"}
    assert sign(None) == NO_PROOF
