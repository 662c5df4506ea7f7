"""Rules through the API: made with both tracks read, replaced, removed, and nobody else's business."""

from typing import Any

import pytest

from shared.errors import PlatformUnavailable
from shared.models import Platform
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Json

pytestmark = pytest.mark.integration

UNKNOWN_ID = "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"


@pytest.fixture(autouse=True)
def catalogs(platforms: FakePlatforms) -> None:
    """Two tracks at Spotify, two at Apple Music."""
    for number in (1, 2):
        platforms.accounts[Platform.SPOTIFY].know(f"t-s{number}", f"Lantern {number}")
        platforms.accounts[Platform.APPLE_MUSIC].know(f"t-a{number}", f"Lantern {number} (Remastered)")


def body(source: str = "t-s1", **target: Any) -> Json:
    return {
        "source": {"platform": "spotify", "track": source},
        "target": {"platform": "apple_music", **(target or {"track": "t-a1"})},
    }


async def test_a_rule_tells_both_tracks_and_is_listed(connected: Caller) -> None:
    made = await connected("PUT", "/rules", json=body(track="https://apple_music.example/track/t-a1"))

    listed = await connected("GET", "/rules")

    assert made.status == 201
    assert made.json["source"]["platform"] == "spotify"
    assert made.json["source"]["track"]["title"] == "Lantern 1"
    assert made.json["target"]["track"]["id"] == "t-a1"
    assert made.json["target"]["absent"] is False
    assert listed.json == {"items": [made.json], "next_cursor": None}


async def test_the_same_rule_again_is_the_same_rule(connected: Caller) -> None:
    first = await connected("PUT", "/rules", json=body())

    again = await connected("PUT", "/rules", json=body())

    assert (first.status, again.status) == (201, 200)
    assert again.json["id"] == first.json["id"]
    assert len((await connected("GET", "/rules")).json["items"]) == 1


async def test_another_target_replaces_what_was_said(connected: Caller) -> None:
    first = await connected("PUT", "/rules", json=body())

    changed = await connected("PUT", "/rules", json=body(absent=True))

    assert changed.status == 200
    assert changed.json["id"] == first.json["id"]
    assert changed.json["target"] == {"platform": "apple_music", "track": None, "absent": True}
    assert changed.json["created_at"] == first.json["created_at"]
    assert changed.json["updated_at"] > first.json["updated_at"]


async def test_what_is_not_there_asks_the_target_nothing(connected: Caller, platforms: FakePlatforms) -> None:
    apple = platforms.accounts[Platform.APPLE_MUSIC]
    apple.calls.clear()

    reply = await connected("PUT", "/rules", json=body(absent=True))

    assert reply.status == 201
    assert apple.calls == []


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        (body("t-unknown"), "/source/track"),
        (body("Lantern 1"), "/source/track"),
        (body(track="t-unknown"), "/target/track"),
        (body(track="https://spotify.example/track/t-s1"), "/target/track"),
        (body(track=""), "/target/track"),
        (body(absent=False), "/target"),
        (body(track="t-a1", absent=True), "/target"),
        (body(track="t-a1", connection="x"), "/target"),
        (body(track="t-a1", note="mine"), "/target/note"),
        ({"source": body()["source"]}, "/target"),
        ({**body(), "remember": True}, "/remember"),
        ({**body(), "source": {"platform": "minidisc", "track": "t-s1"}}, "/source/platform"),
    ],
)
async def test_what_cannot_be_a_rule_is_refused_at_its_field(
    connected: Caller, sent: Json, pointer: str
) -> None:
    reply = await connected("PUT", "/rules", json=sent)

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == [pointer]
    assert (await connected("GET", "/rules")).json["items"] == []


async def test_a_platform_without_an_account_is_named(call: Caller) -> None:
    reply = await call("PUT", "/rules", json=body())

    assert reply.problem() == (409, "connection-missing")
    assert reply.json["connect_url"] == "/connect/spotify"


async def test_a_platform_that_does_not_answer_makes_no_rule(
    connected: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[Platform.APPLE_MUSIC].error = PlatformUnavailable(
        "Silent.", platform="apple_music", operation="read_tracks"
    )

    reply = await connected("PUT", "/rules", json=body())

    assert reply.problem() == (503, "upstream-unavailable")
    assert (await connected("GET", "/rules")).json["items"] == []


async def test_rules_come_in_pages_newest_first(connected: Caller) -> None:
    made = [(await connected("PUT", "/rules", json=body(f"t-s{number}"))).json["id"] for number in (1, 2)]

    first = await connected("GET", "/rules?limit=1")
    last = await connected("GET", first.headers["Link"].split(">")[0].removeprefix("<"))

    assert [one["id"] for one in first.json["items"] + last.json["items"]] == made[::-1]
    assert last.json["next_cursor"] is None


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("source_platform=spotify", 1),
        ("target_platform=apple_music", 1),
        ("source_platform=apple_music", 0),
        ("source_platform=spotify&target_platform=spotify", 0),
    ],
)
async def test_rules_are_filtered_by_platform(connected: Caller, query: str, count: int) -> None:
    await connected("PUT", "/rules", json=body())

    reply = await connected("GET", f"/rules?{query}")

    assert len(reply.json["items"]) == count


@pytest.mark.parametrize("query", ["source_platform=minidisc", "limit=0", "cursor=bm9wZQ", "order=up"])
async def test_a_query_of_another_form_is_refused(connected: Caller, query: str) -> None:
    reply = await connected("GET", f"/rules?{query}")

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == ["/query/" + query.partition("=")[0]]


async def test_a_removed_rule_is_gone(connected: Caller) -> None:
    made = await connected("PUT", "/rules", json=body())

    removed = await connected("DELETE", f"/rules/{made.json['id']}")
    again = await connected("DELETE", f"/rules/{made.json['id']}")

    assert (removed.status, removed.text) == (204, "")
    assert again.problem() == (404, "not-found")
    assert (await connected("GET", "/rules")).json["items"] == []


async def test_nobody_sees_or_removes_rules_of_others(connected: Caller, stranger: Caller) -> None:
    made = (await connected("PUT", "/rules", json=body())).json["id"]

    seen = await stranger("GET", "/rules")
    replies = [await stranger("DELETE", f"/rules/{one}") for one in (made, UNKNOWN_ID, "1", "%00")]

    assert seen.json["items"] == []
    assert {reply.problem() for reply in replies} == {(404, "not-found")}
    assert len({reply.json["detail"] for reply in replies}) == 1
    assert len((await connected("GET", "/rules")).json["items"]) == 1
