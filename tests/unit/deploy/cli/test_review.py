"""The verbs `decide`, `rules` and `rule` against a gateway on a real socket."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deploy.cli.exits import Exit
from tests.fakes.gateway import TRANSFER_ID, FakeGateway, item

Crossplay = Callable[..., Awaitable[int]]
MATCH = f"/status/{TRANSFER_ID}/tracks/11/match"
TARGET = {"id": "t1", "title": "Lantern", "artists": ["The Paper Boats"], "album": "Tides"}


def rule(rule_id: str, *, target: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": rule_id,
        "source": {"platform": "spotify", "track": {"id": "s1", "title": "Lantern 1", "artists": ["Ada"]}},
        "target": {"platform": "apple_music", "track": target, "absent": target is None},
    }


@pytest.mark.parametrize(
    ("options", "body"),
    [
        (("--candidate", "2"), {"candidate": 2, "remember": False}),
        (("--track", "1440000001", "--remember"), {"track": "1440000001", "remember": True}),
        (("--skip",), {"skip": True, "remember": False}),
    ],
)
async def test_a_decision_reaches_the_gateway_at_the_position_that_was_shown(
    gateway: FakeGateway, crossplay: Crossplay, options: tuple[str, ...], body: dict[str, Any]
) -> None:
    gateway.stored[MATCH] = item(11, "chosen_by_user")

    code = await crossplay("decide", TRANSFER_ID, "12", *options)

    assert code == Exit.FULL
    assert gateway.received.paths == [f"PUT {MATCH}"]
    assert gateway.received.bodies == [body]


async def test_a_decision_tells_the_track_and_where_to_watch_it(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.stored[MATCH] = item(11, "chosen_by_user", reason="You chose this track.", target=TARGET)

    await crossplay("decide", TRANSFER_ID, "12", "--candidate", "1")

    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "12  Lantern 11 — The Paper Boats  [chosen_by_user] You chose this track.",
        "  → Lantern — The Paper Boats (Tides)",
    ]
    assert f"crossplay status {TRANSFER_ID} --follow" in printed.err


@pytest.mark.parametrize(
    "options", [(), ("--candidate", "1", "--skip"), ("--track", "x", "--candidate", "1"), ("--remember",)]
)
async def test_a_decision_takes_exactly_one_way(
    gateway: FakeGateway,
    crossplay: Crossplay,
    capsys: pytest.CaptureFixture[str],
    options: tuple[str, ...],
) -> None:
    code = await crossplay("decide", TRANSFER_ID, "12", *options)

    assert code == Exit.USAGE_OR_CANCELLED
    assert "--candidate N, --track TRACK and --skip" in capsys.readouterr().err
    assert gateway.received.paths == []


async def test_a_decision_that_comes_too_late_says_what_helps(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.problem = {"status": 409, "code": "state-conflict", "detail": "It stands there.", "help": "Wait."}

    code = await crossplay("decide", TRANSFER_ID, "12", "--skip")

    assert code == Exit.FAILED
    assert "It stands there." in capsys.readouterr().err


async def test_tracks_to_decide_are_followed_by_the_command_that_does_it(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.pages[f"/status/{TRANSFER_ID}/tracks"] = [item(0, "review"), item(1, "no_candidate")]

    await crossplay("status", TRANSFER_ID, "--tracks")

    assert f"crossplay decide {TRANSFER_ID} POSITION" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "target", "body"),
    [
        (
            "spotify:track:4iV5W9uYEdYUVa79Axb7Rh",
            "apple-music:1440000001",
            {
                "source": {"platform": "spotify", "track": "spotify:track:4iV5W9uYEdYUVa79Axb7Rh"},
                "target": {"platform": "apple_music", "track": "1440000001"},
            },
        ),
        (
            "apple_music:https://music.apple.com/us/song/x/1",
            "5d3c1f0e-8a88-4a70-b6f6-0d5a3f6b2c11:4iV5W9uYEdYUVa79Axb7Rh",
            {
                "source": {"platform": "apple_music", "track": "https://music.apple.com/us/song/x/1"},
                "target": {
                    "connection": "5d3c1f0e-8a88-4a70-b6f6-0d5a3f6b2c11",
                    "track": "4iV5W9uYEdYUVa79Axb7Rh",
                },
            },
        ),
    ],
)
async def test_a_pinned_pair_reaches_the_gateway(
    gateway: FakeGateway, crossplay: Crossplay, source: str, target: str, body: dict[str, Any]
) -> None:
    gateway.stored["/rules"] = rule("r-1", target=TARGET)

    code = await crossplay("rule", "pin", source, target)

    assert code == Exit.FULL
    assert gateway.received.bodies == [body]


async def test_what_is_not_there_reaches_the_gateway_and_is_told(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.stored["/rules"] = rule("r-1", target=None)

    await crossplay("rule", "absent", "spotify:s1", "--on", "apple_music")

    assert gateway.received.bodies == [
        {
            "source": {"platform": "spotify", "track": "s1"},
            "target": {"platform": "apple_music", "absent": True},
        }
    ]
    assert capsys.readouterr().out == "r-1  spotify: Lantern 1 — Ada  apple_music: not there\n"


@pytest.mark.parametrize("text", ["spotify", "spotify:", ":s1", "https://open.spotify.com/track/x"])
async def test_what_names_no_track_is_not_sent(gateway: FakeGateway, crossplay: Crossplay, text: str) -> None:
    code = await crossplay("rule", "absent", text, "--on", "apple_music")

    assert code == Exit.USAGE_OR_CANCELLED
    assert gateway.received.paths == []


async def test_rules_are_listed_over_all_pages(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.pages["/rules"] = [rule(f"r-{number}", target=TARGET) for number in range(3)]

    await crossplay("rules", "--from", "spotify", "--to", "apple-music")

    lines = capsys.readouterr().out.splitlines()
    assert [line.split("\t")[0] for line in lines] == ["r-0", "r-1", "r-2"]
    assert lines[0].split("\t")[1:] == [
        "spotify: Lantern 1 — Ada",
        "apple_music: Lantern — The Paper Boats (Tides)",
    ]
    query = gateway.received.queries[0]
    assert (query["source_platform"], query["target_platform"]) == ("spotify", "apple_music")


async def test_rules_as_json_are_one_line(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.pages["/rules"] = [rule("r-1", target=None)]

    await crossplay("rules", "-o", "json")

    assert json.loads(capsys.readouterr().out) == {"items": gateway.pages["/rules"]}


async def test_a_rule_is_removed_by_its_id(
    gateway: FakeGateway, crossplay: Crossplay, capsys: pytest.CaptureFixture[str]
) -> None:
    code = await crossplay("rule", "remove", "r-1")

    assert code == Exit.FULL
    assert gateway.received.paths == ["DELETE /rules/r-1"]
    assert capsys.readouterr().out == ""
