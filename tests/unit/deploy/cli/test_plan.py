"""The verb `plan`: the figures of a dry run, for people and for programs."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deploy.cli.exits import Exit
from deploy.cli.plan import length
from tests.fakes.gateway import FakeGateway

Crossplay = Callable[..., Awaitable[int]]


def span(least: float, expected: float, most: float) -> dict[str, float]:
    return {"least": least, "expected": expected, "most": most}


PLAN: dict[str, Any] = {
    "source": {"platform": "spotify", "connection": "c-1", "playlist": "id-road", "name": "Road Trip"},
    "target": {"platform": "youtube", "connection": "c-2", "playlist": None, "name": "On Tour"},
    "tracks": 1_200,
    "with_isrc": 1_180,
    "requests": span(1_249, 2_449, 7_300),
    "phases": [
        {"phase": "read", "platform": "spotify", "requests": span(24, 24, 25)},
        {"phase": "match", "platform": "youtube", "requests": span(0, 1_200, 3_600)},
    ],
    "pools": [
        {
            "platform": "spotify",
            "name": "requests",
            "limit": 75,
            "window_s": 30,
            "day_zone": None,
            "wait_s": 12.0,
            "units": span(24, 24, 25),
            "seconds": span(21.3, 21.3, 21.7),
            "days": span(0, 0, 0),
        },
        {
            "platform": "youtube",
            "name": "units",
            "limit": 10_000,
            "window_s": 86_400,
            "day_zone": "America/Los_Angeles",
            "wait_s": 0,
            "units": span(61_000, 62_000, 70_000),
            "seconds": span(0, 0, 0),
            "days": span(6, 6, 7),
        },
    ],
    "seconds": span(500_000, 500_000, 600_000),
    "ends_at": span("2026-12-04T08:00:21Z", "2026-12-04T08:00:21Z", "2026-12-05T08:00:22Z"),  # type: ignore[arg-type]  # moments here
    "warnings": [{"code": "no_isrc", "detail": "YouTube finds nothing by ISRC."}],
}


async def test_a_plan_is_asked_for_without_a_key_and_told_in_figures(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.plan = PLAN

    code = await crossplay("plan", "spotify:Road Trip", "youtube:On Tour", "--policy", "exact")

    told = capsys.readouterr().out
    assert code == Exit.FULL
    assert gateway.received.bodies == [
        {
            "source": {"platform": "spotify", "playlist": "Road Trip"},
            "target": {"platform": "youtube", "name": "On Tour"},
            "dry_run": True,
            "policy": "exact",
        }
    ]
    assert "Idempotency-Key" not in gateway.received.headers[0]
    assert "Road Trip: 1,200 tracks, 1,180 with ISRC, spotify -> youtube (On Tour)" in told
    assert "match\tyoutube\t0\t1,200\t3,600" in told
    assert "all\t\t1,249\t2,449\t7,300" in told
    assert "spotify requests: 24 units (at most 25): 21 s (at most 22 s), now 12 s to wait" in told
    assert "10,000 a day, counted in America/Los_Angeles: over 6 midnights (at most 7)" in told
    assert "warning: YouTube finds nothing by ISRC." in told


async def test_programs_get_the_plan_as_it_came(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.plan = PLAN

    await crossplay("plan", "https://open.spotify.com/playlist/x", "youtube", "-o", "json")

    assert json.loads(capsys.readouterr().out) == PLAN
    assert gateway.received.bodies[0]["source"] == {"playlist": "https://open.spotify.com/playlist/x"}


async def test_a_refusal_ends_a_plan_as_it_ends_a_transfer(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.problem = {"status": 409, "code": "connection-missing", "detail": "No account is connected."}

    code = await crossplay("plan", "spotify:Road Trip", "youtube")

    assert code == Exit.SIGN_IN
    assert "No account is connected." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (3_725, "1 h 2 min"),
        (180_000, "2 d 2 h"),
        (86_401, "1 d 1 s"),
    ],
)
def test_a_length_of_time_is_told_in_two_units(seconds: float, words: str) -> None:
    assert length(seconds) == words
