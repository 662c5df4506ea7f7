"""Times a small transfer alone and behind a giant of another user: `python -m tests.bench.fairness`."""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.e2e.stack import Stack
from tests.e2e.users import User
from tests.waiting import until_answered

SOURCE, TARGET = "apple_music", "spotify"  # one request for each look-up: the scarcest budget there is
PATIENCE_S = 600.0


def write_playlist(directory: Path, name: str, *, numbers: range, platform: str = SOURCE) -> Path:
    """Write a world file with a playlist of fictional tracks; other numbers are other tracks."""
    tracks = [
        {
            "title": f"Lantern {number}",
            "artists": [f"The Paper Boats {number % 97}"],
            "album": f"Harbor {number // 12}",
            "duration_ms": 150_000 + 37 * (number % 4001),
            "isrc": f"QZFR7{number:07}",
        }
        for number in numbers
    ]
    path = directory / f"{name}.json"
    path.write_bytes(
        msgspec.json.encode({"source_platform": platform, "playlist_name": name, "tracks": tracks})
    )
    return path


async def measure(*, giant_count: int, dwarf_count: int, run_count: int) -> str:
    """Return the figures of `run_count` small transfers in either situation, each with tracks of its own."""
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as made:
        directory = Path(made)
        paths = [write_playlist(directory, "giant", numbers=range(giant_count))]
        for run in range(2 * run_count):
            start = 1_000_000 + run * dwarf_count
            paths.append(write_playlist(directory, f"dwarf-{run}", numbers=range(start, start + dwarf_count)))
        async with (
            Stack.run(directory / "data", worlds=paths, environ={}) as stack,
            stack.new_user("second") as second,
        ):
            alone_s = [await timed(second, f"dwarf-{run}") for run in range(run_count)]
            giant = await stack.user.start(SOURCE, "giant", TARGET)
            await until_matching(stack.user, giant)
            behind_s = [await timed(second, f"dwarf-{run}") for run in range(run_count, 2 * run_count)]
            state = (await stack.user.status(giant))["state"]
    ratio = statistics.median(behind_s) / statistics.median(alone_s)
    return "\n".join(
        (
            f"{dwarf_count} tracks alone: {shown(alone_s)}",
            f"{dwarf_count} tracks behind {giant_count}: {shown(behind_s)}; the giant was {state} at the end",
            f"median ratio {ratio:.2f}",
        )
    )


async def until_matching(user: User, transfer_id: str) -> None:
    async def is_matching() -> bool:
        return bool((await user.status(transfer_id))["counts"]["ready"] >= 500)

    await until_answered(is_matching, patience_s=PATIENCE_S, every_s=0.1)


async def timed(user: User, playlist: str) -> float:
    started_s = time.monotonic()
    status = await user.end(await user.start(SOURCE, playlist, TARGET), patience_s=PATIENCE_S)
    if status["outcome"] != "full":
        raise RuntimeError(f"{playlist}: {status['summary']}")
    return time.monotonic() - started_s


def shown(durations_s: Sequence[float]) -> str:
    return ", ".join(f"{duration_s:.2f}" for duration_s in durations_s) + " s"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.fairness", description=__doc__)
    parser.add_argument("--giant", type=int, default=10_000, metavar="N")
    parser.add_argument("--dwarf", type=int, default=20, metavar="N")
    parser.add_argument("--runs", type=int, default=3, metavar="N")
    options = parser.parse_args(arguments)
    figures = measure(giant_count=options.giant, dwarf_count=options.dwarf, run_count=options.runs)
    sys.stdout.write(asyncio.run(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
