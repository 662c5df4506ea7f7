"""Sessions of nobody, and the app's own tokens that some of them bear."""

import asyncio

import pytest

from shared.errors import PlatformDenied, PlatformUnavailable
from shared.models import Platform, TokenSet
from shared.platforms.oauth import TOKEN_REFUSALS, OAuthApp, OAuthClient
from shared.platforms.profile import PublicReads
from shared.platforms.public import AppTokens, PublicSession
from shared.secret import Secret
from tests.fakes.clock import FakeClock
from tests.unit.shared.platforms.conftest import Answerer, Path, opened


def app_tokens(path: Path, *, url: str, clock: FakeClock) -> AppTokens:
    app = OAuthApp(
        client_id="client-1",
        client_secret=Secret("hush-hush"),
        base_url=url,
        authorize_url=f"{url}/authorize",
        token_route="/token",
        scopes=(),
    )
    return AppTokens(OAuthClient(path.http, app=app, clock=clock), clock=clock)


def session_of(tokens: AppTokens | None) -> PublicSession:
    return PublicSession(Platform.SPOTIFY, market="DE", app_tokens=tokens)


async def test_app_tokens_are_asked_for_once_and_again_before_they_end(answerer: Answerer) -> None:
    answerer.answers = [
        {"text": '{"access_token": "first", "expires_in": 3600}'},
        {"text": '{"access_token": "second", "expires_in": 3600}'},
    ]
    clock = FakeClock()

    async with opened(answerer.url, can_refresh=False, refusals=TOKEN_REFUSALS) as path:
        session = session_of(app_tokens(path, url=answerer.url, clock=clock))
        at_once = await asyncio.gather(*(session.tokens() for _ in range(5)))
        clock.advance(3500)
        later = await session.tokens()
        clock.advance(60)
        anew = await session.tokens()

    assert {tokens.access_token for tokens in (*at_once, later) if tokens} == {"first"}
    assert anew is not None
    assert anew.access_token == "second"
    assert len(answerer.requests) == 2


async def test_app_tokens_that_were_refused_are_replaced_once(answerer: Answerer) -> None:
    answerer.answers = [{"text": f'{{"access_token": "{name}"}}'} for name in ("first", "second", "third")]

    async with opened(answerer.url, can_refresh=False, refusals=TOKEN_REFUSALS) as path:
        session = session_of(app_tokens(path, url=answerer.url, clock=FakeClock()))
        first = await session.tokens()
        assert first is not None
        replaced = [await session.refresh(rejected=first) for _ in range(3)]

    assert {tokens.access_token for tokens in replaced} == {"second"}


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status": 400, "text": '{"error": "invalid_client"}'}, PlatformDenied),
        ({"status": 503}, PlatformUnavailable),
    ],
)
async def test_an_app_that_gets_no_tokens_says_whose_fault_it_is(
    answerer: Answerer, answer: dict[str, object], kind: type[Exception]
) -> None:
    answerer.answers = [answer]

    async with opened(answerer.url, can_refresh=False, refusals=TOKEN_REFUSALS) as path:
        with pytest.raises(kind):
            await session_of(app_tokens(path, url=answerer.url, clock=FakeClock())).tokens()


async def test_a_session_of_nobody_has_no_tokens_to_refresh() -> None:
    session = session_of(None)

    assert not session.is_personal
    assert await session.tokens() is None
    with pytest.raises(PlatformDenied):
        await session.refresh(rejected=TokenSet(access_token="x"))


@pytest.mark.parametrize(("is_possible", "reason"), [(True, "Because."), (False, "")])
def test_a_reason_stands_where_nothing_is_read_and_only_there(*, is_possible: bool, reason: str) -> None:
    with pytest.raises(ValueError, match="reason"):
        PublicReads(is_possible=is_possible, reason=reason, source="a test", read_on="2026-11-28")
