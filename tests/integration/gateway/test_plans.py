"""POST /transfer with dry_run: what a transfer would cost and how long, and nothing of it stored."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from shared.db import platform_pauses
from shared.db.pool import Pool
from shared.models import Platform
from shared.platforms.profile import Pool as PlatformPool
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Json, Reply, sign_in, transfer_body

pytestmark = pytest.mark.integration


async def planned(call: Caller, **changes: object) -> Reply:
    return await call("POST", "/transfer", json=transfer_body(dry_run=True, **changes))


def requests(reply: Reply) -> dict[str, int]:
    """Return the expected requests by phase."""
    return {one["phase"]: one["requests"]["expected"] for one in reply.json["phases"]}


def codes(reply: Reply) -> list[str]:
    return [warning["code"] for warning in reply.json["warnings"]]


async def test_a_plan_tells_the_cost_and_stores_nothing(
    connected: Caller, platforms: FakePlatforms, pool: Pool
) -> None:
    platforms.accounts[Platform.SPOTIFY].fill("id-road", isrc_count=100, other_count=20, odd_count=5)
    platforms.playlist_limit = None

    reply = await planned(connected)

    assert reply.status == 200, reply.text
    assert "Location" not in reply.headers
    # The first of three pages has ISRCs only; that is what the plan goes by.
    assert (reply.json["tracks"], reply.json["with_isrc"]) == (125, 125)
    assert requests(reply) == {"read": 3, "match": 5, "write": 3, "verify": 3}
    assert reply.json["requests"]["expected"] == 14
    assert reply.json["source"]["name"] == reply.json["target"]["name"] == "Road Trip"
    assert await pool.fetchval("SELECT count(*) FROM transfers") == 0
    assert await pool.fetchval("SELECT count(*) FROM jobs") == 0


async def test_a_plan_needs_no_key_and_does_not_use_one_up(connected: Caller) -> None:
    headers = {"Idempotency-Key": "once"}

    plan = await connected("POST", "/transfer", json=transfer_body(dry_run=True), headers=headers)
    started = await connected("POST", "/transfer", json=transfer_body(), headers=headers)
    again = await connected("POST", "/transfer", json=transfer_body(dry_run=True), headers=headers)

    assert [plan.status, started.status, again.status] == [200, 202, 200]
    assert "Idempotent-Replayed" not in started.headers


async def test_what_is_read_of_a_short_list_is_counted_exactly(
    connected: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[Platform.SPOTIFY].fill("id-road", isrc_count=10, other_count=6, odd_count=4)

    reply = await planned(connected)

    assert (reply.json["tracks"], reply.json["with_isrc"]) == (20, 10)
    match = next(one for one in reply.json["phases"] if one["phase"] == "match")
    # One batch of ISRCs, and a text for each of the six without.
    assert match["requests"] == {"least": 0, "expected": 7, "most": 1 + 20 * 3}
    assert match["platform"] == "apple_music"


async def test_bounds_are_in_order_and_times_follow_from_the_pace(
    connected: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[Platform.SPOTIFY].fill("id-road", isrc_count=40, other_count=10)

    before = datetime.now(UTC)
    reply = await planned(connected)

    for given in (reply.json["requests"], reply.json["seconds"], *(p["units"] for p in reply.json["pools"])):
        assert given["least"] <= given["expected"] <= given["most"]
    pools = {one["platform"]: one for one in reply.json["pools"]}
    pace_s = PlatformPool(limit=75, window_s=30.0).unit_s
    assert pools["apple_music"]["seconds"]["expected"] == pytest.approx(
        (pools["apple_music"]["units"]["expected"] - 1) * pace_s, abs=0.1
    )
    ends_at = msgspec.convert(reply.json["ends_at"]["expected"], datetime, strict=False)
    seconds = reply.json["seconds"]["expected"]
    assert ends_at - before == pytest.approx(timedelta(seconds=seconds), abs=timedelta(seconds=3))


async def test_a_length_that_nobody_tells_is_counted_as_far_as_a_plan_goes(
    connected: Caller, platforms: FakePlatforms
) -> None:
    source = platforms.accounts[Platform.SPOTIFY]
    source.add("id-endless", "Endless")
    source.tells_length = False
    source.fill("id-endless", isrc_count=1_200)
    platforms.playlist_limit = None

    reply = await planned(connected, source={"platform": "spotify", "playlist": "id-endless"})

    assert source.calls.count("read_items") == 20
    assert reply.json["tracks"] == 1_000
    assert codes(reply) == ["length_unknown"]


async def test_a_public_source_and_a_paused_platform_are_told(
    call: Caller, platforms: FakePlatforms, pool: Pool
) -> None:
    await sign_in(call, platforms, code="first")
    platforms.accounts[Platform.APPLE_MUSIC].add("id-public", "Songs of Summer", track_count=3)
    await platform_pauses.pause(pool, Platform.SPOTIFY, reason="Maintenance")

    body: Json = {"playlist": "https://apple_music.example/playlist/id-public"}
    reply = await planned(call, source=body, target={"platform": "spotify"})

    assert reply.json["source"]["connection"] is None
    assert codes(reply) == ["public_source", "platform_paused"]


async def test_what_would_be_refused_is_refused_and_a_split_is_told(
    connected: Caller, platforms: FakePlatforms
) -> None:
    source = platforms.accounts[Platform.SPOTIFY]
    source.add("id-long", "Long", track_count=250)
    source.fill("id-long", isrc_count=250)

    unreadable = await planned(connected, source={"platform": "spotify", "playlist": "id-chart"})
    too_long = await planned(connected, source={"platform": "spotify", "playlist": "id-long"})

    assert unreadable.problem() == (422, "playlist-not-readable")
    assert codes(too_long) == ["target_split"]
    # Three playlists of at most 100 tracks, each with one batch.
    assert requests(too_long)["write"] == 3 + 3
