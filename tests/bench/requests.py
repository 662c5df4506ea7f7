"""Counts the requests that 1,000 tracks cost: `python -m tests.bench.requests [--tracks N]`.

First a list whose tracks all have an ISRC; then, in both directions, a library of whole albums without any,
by texts alone and by the whole plan.
"""

import argparse
import asyncio
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from deploy.dev.fiction import MAX_TRACK_COUNT, write_world
from shared.environment import load
from tests.bench import album_library
from tests.e2e.stack import Stack
from tests.e2e.users import Json, User
from worker.bootstrap import serve
from worker.matching import albums

SOURCE, TARGET = "spotify", "apple_music"
NAME = "Every Track Has An ISRC"
LOOKUPS = ("lookup_isrc", "search", "get_album_tracks")
NEVER = 1_000_000
PATIENCE_S = 300.0


def write_playlist(directory: Path, *, track_count: int, target: str = TARGET) -> list[Path]:
    """Write a world and a playlist whose rows all have an ISRC; return the paths for the sandboxes.

    target: the platform that has a release of each of them.
    """
    world = write_world(directory, track_count=min(MAX_TRACK_COUNT, 2 * track_count), seed=3)
    rows: list[Json] = msgspec.json.decode(world.playlist_path.read_bytes())["tracks"]
    known = {
        row["isrc"]: row
        for row, item in zip(rows, world.expected, strict=True)
        if row.get("isrc") and item.outcome is None
    }
    catalog = list(map(msgspec.json.decode, world.catalog_path.read_bytes().splitlines()))
    moved = [{**one, "platform": target} if one.get("platform") == TARGET else one for one in catalog]
    world.catalog_path.write_bytes(b"\n".join(map(msgspec.json.encode, moved)))
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


async def compare(track_count: int, *, source: str, target: str) -> str:
    """Move the library by texts alone and by the whole plan; return how many look-ups each took."""
    by_text = await count_lookups(track_count, source=source, target=target, least_sharing=NEVER)
    by_plan = await count_lookups(
        track_count, source=source, target=target, least_sharing=albums.LEAST_SHARING
    )
    lines = [f"albums without ISRCs, {source} → {target}:"]
    for words, figures_ in (("texts alone", by_text), ("albums, then texts", by_plan)):
        first, second, written = figures_
        lines.append(
            f"  {words}: {1000 * first / track_count:.0f} look-ups per 1,000 tracks, {second} for a second"
            f" user; {written} of {track_count} written"
        )
    lines.append(f"  ratio {by_plan[0] / by_text[0]:.2f}")
    return "\n".join(lines)


async def count_lookups(
    track_count: int, *, source: str, target: str, least_sharing: int
) -> tuple[int, int, int]:
    """Return the look-ups of a first and of a second user, and how many tracks were written."""
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as made:
        directory = Path(made)
        paths = album_library.write_library(directory, source=source, target=target, track_count=track_count)
        async with (
            Stack.run(directory / "data", worlds=paths, environ={}, worker_count=0) as stack,
            stack.new_user("second") as second,
        ):
            worker = multiprocessing.get_context("spawn").Process(
                target=_work, args=(dict(stack.system.settings), least_sharing), daemon=True
            )
            worker.start()
            counts = []
            for user in (stack.user, second):
                started = await user.start(source, album_library.NAME, target)
                status = await user.end(started, patience_s=PATIENCE_S)
                counts.append(await stack.request_count(target, *LOOKUPS))
            worker.terminate()
            await asyncio.to_thread(worker.join)
    return counts[0], counts[1] - counts[0], status["counts"]["written"]


def _work(environ: dict[str, str], least_sharing: int) -> None:
    """Run a worker; what it logs is of no interest here."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    albums.LEAST_SHARING = least_sharing
    asyncio.run(serve(load(environ)))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.requests", description=__doc__)
    parser.add_argument("--tracks", type=int, default=1000, metavar="N", help="1 to 1000")
    options = parser.parse_args(arguments)
    sys.stdout.write(asyncio.run(measure(options.tracks)) + "\n")
    for source, target in ((SOURCE, TARGET), (TARGET, SOURCE)):
        figures_ = asyncio.run(compare(options.tracks, source=source, target=target))
        sys.stdout.write(figures_ + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
