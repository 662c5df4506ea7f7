"""The verbs below `connections` against a gateway on a real socket."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deploy.cli.exits import Exit
from tests.fakes.gateway import FakeGateway

Crossplay = Callable[..., Awaitable[int]]
RENEW = "/connect/spotify?connection=c-1"


def connection(number: int, **facts: Any) -> dict[str, Any]:
    return {
        "id": f"c-{number}",
        "platform": "spotify",
        "label": "Mira Holt",
        "market": "DE",
        "state": "connected",
        "authorized_at": "2026-11-22T10:00:00Z",
        "created_at": "2026-11-22T10:00:00Z",
        "sign_in_ends_at": None,
        "days_left": None,
        "notice": None,
        "action_url": None,
        **facts,
    }


@pytest.mark.parametrize("verb", [(), ("list",)])
async def test_accounts_are_listed_with_their_state_in_words_and_their_days(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str], verb: tuple[str, ...]
) -> None:
    gateway.pages["/connections"] = [
        connection(1, days_left=181),
        connection(2, platform="apple_music", label="Apple Music (de)", state="reconnect_required"),
        connection(3, state="disconnected"),
    ]

    code = await crossplay("connections", *verb)

    assert code == Exit.FULL
    assert capsys.readouterr().out.splitlines() == [
        "c-1\tspotify\tMira Holt\tconnected\t181",
        "c-2\tapple_music\tApple Music (de)\thas to be connected again\t",
        "c-3\tspotify\tMira Holt\tdisconnected\t",
    ]


async def test_a_sign_in_that_ends_soon_is_told_with_the_command_that_renews_it(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    notice = "The sign-in ends in 7 days, on 2026-11-29."
    gateway.pages["/connections"] = [connection(1, days_left=7, notice=notice, action_url=RENEW)]

    await crossplay("connections")

    assert capsys.readouterr().err.splitlines() == [
        f"spotify (Mira Holt): {notice}",
        "  → crossplay connect spotify --connection c-1",
    ]


async def test_disconnected_accounts_are_asked_for_by_their_state(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.pages["/connections"] = [connection(1, state="disconnected")]

    await crossplay("connections", "list", "--disconnected", "-o", "json")

    assert gateway.received.queries[0]["state"] == "disconnected"
    assert json.loads(capsys.readouterr().out)["items"][0]["id"] == "c-1"


@pytest.mark.parametrize(
    ("health", "code", "cure"),
    [
        ("ok", Exit.FULL, None),
        ("reconnect_required", Exit.SIGN_IN, "crossplay connect spotify --connection c-1"),
        ("unavailable", Exit.FAILED, None),
    ],
)
async def test_a_trial_says_what_the_platform_said_and_what_cures_it(
    gateway: FakeGateway,
    crossplay: Crossplay,
    capsys: pytest.CaptureFixture[str],
    health: str,
    code: Exit,
    cure: str | None,
) -> None:
    gateway.stored["/connections/c-1/test"] = {
        "health": health,
        "text": "So it stands.",
        "connection": connection(1, action_url=RENEW),
    }

    told = await crossplay("connections", "test", "c-1")

    printed = capsys.readouterr()
    assert told == code
    assert gateway.received.paths == ["POST /connections/c-1/test"]
    assert "So it stands." in printed.out + printed.err
    assert ("→" in printed.err) == (cure is not None)
    assert (cure or "") in printed.err


async def test_a_disconnect_tells_where_the_permission_is_ended(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.stored["/connections/c-1"] = {
        "revoked": False,
        "revoke_url": "https://spotify.example/apps",
        "text": "The tokens are deleted here.",
        "connection": connection(1, state="disconnected"),
    }

    code = await crossplay("connections", "disconnect", "c-1")

    assert code == Exit.FULL
    assert gateway.received.paths == ["DELETE /connections/c-1"]
    assert capsys.readouterr().out.splitlines() == [
        "The tokens are deleted here.",
        "  https://spotify.example/apps",
    ]


async def test_options_in_front_of_the_verb_are_refused_and_not_forgotten(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await crossplay("connections", "-o", "json", "test", "c-1")

    assert code == Exit.USAGE_OR_CANCELLED
    assert "behind the verb" in capsys.readouterr().err
    assert gateway.received.paths == []
