"""The verb `connect` in front of a scripted gateway: by page, by this machine's own address, by pasting."""

import asyncio
import io
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from deploy.cli.exits import Exit
from tests.fakes.gateway import FakeGateway
from tests.unit.deploy.cli.conftest import Crossplay
from tests.waiting import until_answered

CONNECTED = {"status": "connected", "connection": {"id": "c-1", "label": "Mara"}}


@pytest.fixture(autouse=True)
def connected(gateway: FakeGateway) -> None:
    gateway.session_states = [CONNECTED]


async def test_connect_waits_for_the_consent_given_elsewhere(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.session_states = [{"status": "pending"}, CONNECTED]

    code = await crossplay("connect", "spotify", "--no-browser")

    printed = capsys.readouterr()
    assert code == Exit.FULL
    assert f"{gateway.url}/connect/sessions/s-1/page" in printed.err
    assert printed.out == "Connected spotify: Mara\n"
    assert gateway.consents == 0


async def test_connect_follows_the_address_itself_without_showing_the_api_key_to_it(
    gateway: FakeGateway, crossplay: Crossplay
) -> None:
    code = await crossplay("connect", "spotify", "--follow")

    (visit,) = [
        headers
        for path, headers in zip(gateway.received.paths, gateway.received.headers, strict=True)
        if path == "GET /consent"
    ]
    assert code == Exit.FULL
    assert "Authorization" not in visit
    assert gateway.received.bodies == [
        {"hand_in": True},
        {"address": f"{gateway.redirect_uri}?code=x&state=s"},
    ]


async def test_connect_to_a_far_server_takes_the_answer_at_this_machine(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.redirect_uri = f"http://127.0.0.1:{unused_port()}/connect/spotify/callback"
    gateway.is_hand_in_asked = True

    async def comes_back(browser: aiohttp.ClientSession) -> bool:
        try:
            async with browser.get(f"{gateway.redirect_uri}?code=a%2Bb&state=s") as page:
                return "Go back to the terminal" in await page.text()
        except aiohttp.ClientConnectionError:
            return False

    running = asyncio.ensure_future(crossplay("connect", "spotify", "--no-browser"))
    async with aiohttp.ClientSession() as browser:
        await until_answered(lambda: comes_back(browser), patience_s=20, every_s=0.05)
    code = await running

    assert code == Exit.FULL
    assert gateway.received.bodies[-1] == {"address": f"{gateway.redirect_uri}?code=a%2Bb&state=s"}
    assert f"{gateway.url}/consent" in capsys.readouterr().err


@pytest.mark.parametrize("is_taken", [True, False])
async def test_connect_lets_the_address_be_pasted(
    gateway: FakeGateway, crossplay: Crossplay, monkeypatch: pytest.MonkeyPatch, *, is_taken: bool
) -> None:
    gateway.redirect_uri = f"{gateway.url}/connect/spotify/callback"  # where something listens already
    gateway.is_hand_in_asked = True
    monkeypatch.setattr("sys.stdin", io.StringIO(" http://127.0.0.1:9/?code=x&state=s \n"))

    code = await crossplay("connect", "spotify", "--no-browser", *([] if is_taken else ["--paste"]))

    assert code == Exit.FULL
    assert gateway.received.bodies[-1] == {"address": "http://127.0.0.1:9/?code=x&state=s"}


async def test_connect_renews_the_connection_that_is_named(
    gateway: FakeGateway, crossplay: Crossplay
) -> None:
    await crossplay("connect", "spotify", "--connection", "c-7", "--follow")

    assert gateway.received.queries[0] == {"connection": "c-7"}


@pytest.mark.parametrize(
    ("session", "code"),
    [
        ({"status": "denied"}, Exit.SIGN_IN),
        ({"status": "expired"}, Exit.SIGN_IN),
        ({"status": "failed", "failure": "Spotify answered 403."}, Exit.FAILED),
    ],
)
async def test_refused_connection_says_why(
    session: dict[str, Any],
    code: Exit,
    gateway: FakeGateway,
    crossplay: Crossplay,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gateway.session_states = [session]

    assert await crossplay("connect", "spotify", "--no-browser") == code
    assert (session.get("failure") or session["status"]) in capsys.readouterr().err


async def test_a_token_for_apple_music_comes_from_standard_input(
    gateway: FakeGateway,
    crossplay: Crossplay,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("user-token\n"))

    code = await crossplay("connect", "apple_music", "--music-user-token-stdin")

    printed = capsys.readouterr()
    assert code == Exit.FULL
    assert gateway.received.bodies == [{"music_user_token": "user-token"}]
    assert "user-token" not in printed.out + printed.err


async def test_nothing_from_standard_input_is_told(
    crossplay: Crossplay, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))

    code = await crossplay("connect", "apple_music", "--music-user-token-stdin")

    assert code == Exit.USAGE_OR_CANCELLED
    assert "standard input" in capsys.readouterr().err
