"""Counts what 1,000 tracks with ISRCs cost on each platform: `python -m tests.bench.platform_requests`.

Each one is moved from Spotify, first for a user who is the first to ask, then for a second one, who profits
from what is known. `--write` puts the table into docs/explanation/requests.md.
"""

import argparse
import asyncio
import math
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from deploy.dev.sandboxes import USES
from deploy.marked import between_marks
from shared.models import Platform
from shared.platforms.base import Capabilities
from shared.platforms.registry import declarations
from tests.bench.requests import NAME, SOURCE, write_playlist
from tests.e2e.stack import Stack
from tests.e2e.users import User

PAGE = Path(__file__).resolve().parents[2] / "docs/explanation/requests.md"
PATIENCE_S = 900.0
SIGN_IN = ("authorize", "token")
MARGIN = 1.05
GOALS = {"tidal": 110, "subsonic": 60}
"""Requests for 1,000 tracks; the goal of the others is the floor and a twentieth."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one user's transfer has cost on the target. by_operation: requests, those of sign-ins left out."""

    written_count: int
    by_operation: dict[str, int]

    @property
    def request_count(self) -> int:
        return sum(self.by_operation.values())


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One target. floor: requests that its batch sizes ask for at least."""

    platform: str
    track_count: int
    floor: int
    first: Cost
    second: Cost

    @property
    def goal(self) -> int:
        if self.platform in GOALS:
            return math.ceil(GOALS[self.platform] * self.track_count / 1000)
        return math.ceil(MARGIN * self.floor)

    @property
    def is_met(self) -> bool:
        return self.first.request_count <= self.goal


def floor_of(can: Capabilities, *, track_count: int) -> int:
    """Return the requests of full batches: look-ups, the playlist, its tracks, and one reading to the end."""
    look_ups = math.ceil(track_count / can.isrc_batch) if can.isrc_batch else track_count
    return look_ups + 1 + math.ceil(track_count / can.add_batch) + math.ceil(track_count / can.read_page)


async def measure(platform: str, *, track_count: int) -> Row:
    """Move the list to a platform for two users, one after the other."""
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as made:
        directory = Path(made)
        paths = write_playlist(directory, track_count=track_count, target=platform)
        pair = (SOURCE, platform)
        async with (
            Stack.run(directory / "data", worlds=paths, environ={}, platforms=pair) as stack,
            stack.new_user("second") as second,
        ):
            costs = [await _cost(stack, user, platform) for user in (stack.user, second)]
    can = declarations()[Platform(platform)].capabilities
    return Row(
        platform=platform,
        track_count=track_count,
        floor=floor_of(can, track_count=track_count),
        first=costs[0],
        second=costs[1],
    )


async def _cost(stack: Stack, user: User, platform: str) -> Cost:
    await stack.refresh()
    status = await user.end(await user.start(SOURCE, NAME, platform), patience_s=PATIENCE_S)
    told = (await stack.control(platform, "requests"))["by_operation"]
    return Cost(
        written_count=status["counts"]["written"],
        by_operation={name: sum(told[name].values()) for name in told if name not in SIGN_IN},
    )


def table(rows: Sequence[Row]) -> str:
    """Return the page's table."""
    lines = [
        "| To | Written | Requests, first user | Goal | Least by batch sizes | Second user | Of these |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        label = declarations()[Platform(row.platform)].label
        detail = ", ".join(f"{name} {count}" for name, count in row.first.by_operation.items())
        counts = (row.first.written_count, row.first.request_count, row.goal, row.floor)
        figures = " | ".join(f"{count:,}" for count in (*counts, row.second.request_count))
        lines.append(f"| {label} | {figures} | {detail} |")
    return "\n".join(lines)


async def measure_all(platforms: Sequence[str], *, track_count: int) -> list[Row]:
    return [await measure(platform, track_count=track_count) for platform in platforms]


def main(arguments: Sequence[str]) -> int:
    targets = [platform for platform in USES if platform != SOURCE]
    parser = argparse.ArgumentParser(prog="python -m tests.bench.platform_requests", description=__doc__)
    parser.add_argument("--tracks", type=int, default=1000, metavar="N", help="1 to 1000")
    parser.add_argument("--to", action="append", choices=targets, help="one target; default: all")
    parser.add_argument("--write", action="store_true", help="write the table into the page")
    options = parser.parse_args(arguments)
    rows = asyncio.run(measure_all(options.to or targets, track_count=options.tracks))
    sys.stdout.write(table(rows) + "\n")
    missed = [row.platform for row in rows if not row.is_met]
    if options.write and not options.to:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(between_marks(text, part=table(rows), name="requests"), encoding="utf-8")
    if missed:
        sys.stdout.write(f"Missed by: {', '.join(missed)}\n")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
