"""Counts the requests that 1,000 tracks with ISRCs cost: `python -m tests.bench.requests [--tracks N]`."""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from deploy.dev.fiction import MAX_TRACK_COUNT, write_world
from tests.e2e.stack import Stack
from tests.e2e.users import Json, User

SOURCE, TARGET = "spotify", "apple_music"
NAME = "Every Track Has An ISRC"
LOOKUPS = ("lookup_isrc", "search")
PATIENCE_S = 300.0


def write_playlist(directory: Path, *, track_count: int) -> list[Path]:
    """Write a world and a playlist whose rows all have an ISRC; return the paths for the sandboxes."""
    world = write_world(directory, track_count=min(MAX_TRACK_COUNT, 2 * track_count), seed=3)
    rows: list[Json] = msgspec.json.decode(world.playlist_path.read_bytes())["tracks"]
    known = {
        row["isrc"]: row
        for row, item in zip(rows, world.expected, strict=True)
        if row.get("isrc") and item.outcome is None
    }
    path = directory / "isrcs.json"
    tracks = list(known.values())[:track_count]
    path.write_bytes(
        msgspec.json.encode({"source_platform": SOURCE, "playlist_name": NAME, "tracks": tracks})
    )
    return [world.catalog_path, path]


async def measure(track_count: int) -> str:
    """Move the list for two users, one after the other; return the figures."""
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as made:
        directory = Path(made)
        paths = write_playlist(directory, track_count=track_count)
        async with (
            Stack.run(directory / "data", worlds=paths, environ={}) as stack,
            stack.new_user("second") as second,
        ):
            lines = [
                await figures(stack, user, who=who)
                for who, user in (("first", stack.user), ("second", second))
            ]
    return "\n".join(lines)


async def figures(stack: Stack, user: User, *, who: str) -> str:
    await stack.refresh()
    started_s = time.monotonic()
    status = await user.end(await user.start(SOURCE, NAME, TARGET), patience_s=PATIENCE_S)
    duration_s = time.monotonic() - started_s
    total = await stack.total_request_count()
    lookup_count = await stack.request_count(TARGET, *LOOKUPS)
    counts = status["counts"]
    lines = [
        f"{who} user: {status['state']}, {counts['written']} of {counts['total']} written",
        f"  {total} requests, {lookup_count} of them look-ups, {duration_s:.1f} s",
    ]
    for platform in (SOURCE, TARGET):
        operations = (await stack.control(platform, "requests"))["by_operation"]
        detail = ", ".join(f"{name} {sum(statuses.values())}" for name, statuses in operations.items())
        lines.append(f"  {platform}: {detail}")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.requests", description=__doc__)
    parser.add_argument("--tracks", type=int, default=1000, metavar="N", help="1 to 1000")
    options = parser.parse_args(arguments)
    sys.stdout.write(asyncio.run(measure(options.tracks)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
