"""A transfer that needs more than a platform gives in a day: it goes on by itself, day by day, as it began.

Every process of the system, the stores and the simulated platforms too, goes by one clock, which the test
turns: nothing of what is stored is touched. Nobody asks the transfer to go on.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest

from tests.e2e.stack import FAST, Stack, wait_until
from tests.faults.clocks import WrongClock, tidy_up

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

TRACK_COUNT = 125
ALBUM_LENGTH = 12
DAILY_UNITS, DAILY_SEARCHES = 2_500, 25
"""A quarter of what a new project has, for a quarter of the tracks that take it three days."""
WRITE_UNITS = 50
PATIENCE_S = 120.0
LOS_ANGELES = ZoneInfo("America/Los_Angeles")

OBJECTS = "Lantern Kettle Harbour Orchard Chimney Ferry Compass Ribbon Quarry Thimble Beacon Gallery"
QUALITIES = (
    "Amber Brittle Copper Distant Early Faded Gentle Hollow Ivory Jagged Kindled Lonely Marble Narrow Olive "
    "Patient Quiet Rusty Silver Tangled Upturned Velvet Wandering Yellow Zealous Ashen Borrowed Crooked Damp "
    "Eager Frozen Golden Hidden Idle Jolly Keen Lucid Muted Noble Open Painted Restless"
)

Json = dict[str, Any]


def track(number: int) -> Json:
    """A track of one of many albums, each by somebody else."""
    album, place = divmod(number, ALBUM_LENGTH)
    quality = QUALITIES.split()[album]
    return {
        "title": f"{OBJECTS.split()[place]} of the {quality} Year",
        "artists": [f"{quality} Parade"],
        "album": f"{quality} Weather",
        "duration_ms": 150_000 + 1000 * (7 * number % 180),
        "isrc": f"QZXX7{number:07}",
        "track_number": place + 1,
    }


def write_world(directory: Path) -> Path:
    path = directory / "long.json"
    tracks = [track(number) for number in range(TRACK_COUNT)]
    path.write_bytes(
        msgspec.json.encode({"source_platform": "spotify", "playlist_name": "Long", "tracks": tracks})
    )
    return path


@asynccontextmanager
async def stack_under(clock: WrongClock, directory: Path) -> AsyncIterator[Stack]:
    """Run everything by a clock, with a daily quota."""
    quota = {
        "CROSSPLAY_YOUTUBE_REQUESTS_PER_DAY": str(DAILY_UNITS),
        "CROSSPLAY_YOUTUBE_SEARCHES_PER_DAY": str(DAILY_SEARCHES),
        "CROSSPLAY_YOUTUBE_VISIBILITY_S": "0.2",
    }
    async with Stack.run(
        directory / "data",
        worlds=[write_world(directory)],
        environ={**FAST, **quota, **clock.environ},
        platforms=("spotify", "youtube"),
        sandbox_arguments=("--daily-units", str(DAILY_UNITS), "--daily-searches", str(DAILY_SEARCHES)),
    ) as stack:
        yield stack


async def until_day_is_used_up(stack: Stack, transfer_id: str) -> Json:
    """Wait until the transfer waits for another day, or is at its end; return its status."""
    seen: list[Json] = []

    async def is_resting() -> bool:
        status = await stack.user.status(transfer_id)
        seen.append(status)
        return bool(status["state"] in {"paused", "completed", "failed"})

    await wait_until(is_resting, patience_s=PATIENCE_S)
    return seen[-1]


async def restart(stack: Stack) -> None:
    """Pull the plugs of the gateway and of all workers, and start them again."""
    for worker in list(stack.workers):
        await stack.kill(worker)
        tidy_up(worker.pid)
    await stack.system.restart_gateway(is_killed=True)
    for _ in range(2):
        await stack.system.add_worker()


async def goes_on(stack: Stack, transfer_id: str, *, written: int) -> None:
    """Wait until the next day's first track stands there."""

    async def is_at_it() -> bool:
        status = await stack.user.status(transfer_id)
        return bool(status["counts"]["written"] > written or status["state"] == "completed")

    await wait_until(is_at_it, patience_s=PATIENCE_S)


def tells_when_it_goes_on(status: Json, *, now: datetime) -> bool:
    """Say whether a paused transfer names the next midnight there; a day begins a minute late for us."""
    goes_on_at = datetime.fromisoformat(status["paused"]["resume_at"]).astimezone(LOS_ANGELES)
    tomorrow = now.astimezone(LOS_ANGELES).date() + timedelta(days=1)
    return goes_on_at.date() == tomorrow and goes_on_at.strftime("%H:%M") in {"00:00", "00:01"}


async def test_a_list_goes_to_youtube_over_three_days_by_itself_and_survives_a_restart(
    tmp_path: Path,
) -> None:
    clock = WrongClock(tmp_path / "clock")
    written: list[int] = []
    async with stack_under(clock, tmp_path) as stack:
        transfer_id = await stack.user.start("spotify", "Long", "youtube")

        while (status := await until_day_is_used_up(stack, transfer_id))["state"] == "paused":
            hours = 24 * len(written)
            written.append(status["counts"]["written"])
            assert status["paused"]["reason"] == "rate_limited"
            assert tells_when_it_goes_on(status, now=datetime.now(UTC) + timedelta(hours=hours))
            if len(written) == 1:
                await restart(stack)
            clock.turn(hours=hours + 24)
            await goes_on(stack, transfer_id, written=written[-1])

        assert (status["state"], status["counts"]["written"]) == ("completed", TRACK_COUNT)
        assert not status["warnings"]
        rows = await stack.rows("youtube", status["target_playlist"]["id"])
        assert rows == [(track(number)["title"], track(number)["isrc"]) for number in range(TRACK_COUNT)]
        # On the first two days as many inserts as a day's units pay for, the rest on the third.
        assert len(written) == 2
        counts = (await stack.control("youtube", "requests"))["by_operation"]
        assert counts["add_items"] == {"200": TRACK_COUNT}  # once each, and nobody ran against the wall
        assert counts["create_playlist"] == {"200": 1}
        assert counts["search"]["200"] <= DAILY_SEARCHES
        assert counts["search"].keys() == {"200"}
