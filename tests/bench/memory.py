"""Moves a large and a huge playlist, each by one fresh worker: `python -m tests.bench.memory [--tracks N M]`.

Prints each worker's peak memory, time and requests for 1,000 tracks, and by how much they grow.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from deploy.dev.processes import Process
from tests.bench.fairness import write_playlist
from tests.e2e.stack import Stack
from tests.e2e.users import ENDED
from tests.waiting import until_answered

SOURCE, TARGET = "spotify", "apple_music"
MOST_GROWTH = 1.3
PATIENCE_S = 3600.0
# The sandboxes' own pace is the limit: what is measured is the worker.
ENVIRON = {
    "CROSSPLAY_SPOTIFY_REQUESTS_PER_S": "5000",
    "CROSSPLAY_APPLE_MUSIC_REQUESTS_PER_S": "5000",
    "CROSSPLAY_LEASE_S": "30",
    "CROSSPLAY_SEND_TIMEOUT_S": "10",
}


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one transfer cost its worker. start_bytes: when it had not worked yet."""

    track_count: int
    start_bytes: int
    peak_bytes: int
    duration_s: float
    phases_s: dict[str, float]
    request_count: int

    @property
    def s_per_thousand(self) -> float:
        return 1000 * self.duration_s / self.track_count

    def lines(self) -> str:
        phases = ", ".join(f"{phase} {duration_s:.0f}" for phase, duration_s in self.phases_s.items())
        return (
            f"{self.track_count:,} tracks: peak {self.peak_bytes / 2**20:.1f} MiB"
            f" (at the start {self.start_bytes / 2**20:.1f})\n"
            f"  {self.duration_s:.0f} s (seen in {phases}), {self.s_per_thousand:.2f} s for 1,000 tracks,"
            f" {self.request_count:,} requests"
        )


async def measure(sizes: Sequence[int]) -> list[Figures]:
    """Move one playlist of each size, all of other tracks, on one system."""
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as made:
        directory = Path(made)
        names = {f"of {size}": range(1_000_000 * at, 1_000_000 * at + size) for at, size in enumerate(sizes)}
        paths = [
            write_playlist(directory, name, numbers=numbers, platform=SOURCE)
            for name, numbers in names.items()
        ]
        async with Stack.run(directory / "data", worlds=paths, environ=ENVIRON, worker_count=1) as stack:
            return [await moved(stack, name, track_count=len(numbers)) for name, numbers in names.items()]


async def moved(stack: Stack, playlist: str, *, track_count: int) -> Figures:
    """Move a playlist by a worker that has done nothing before. Raises SystemExit where it is not perfect."""
    for old in list(stack.workers):
        await stack.terminate(old)
    worker = await stack.system.add_worker()
    start_bytes = peak_bytes(worker)
    requests_before = await stack.total_request_count()
    phases_s: dict[str, float] = {}
    started_s = seen_s = time.monotonic()
    transfer_id = await stack.user.start(SOURCE, playlist, TARGET)

    async def has_ended() -> bool:
        nonlocal seen_s
        status = await stack.user.status(transfer_id)
        now_s = time.monotonic()
        phases_s[status["phase"]] = phases_s.get(status["phase"], 0.0) + now_s - seen_s
        seen_s = now_s
        return status["state"] in ENDED

    await until_answered(has_ended, patience_s=PATIENCE_S, every_s=0.5)
    duration_s = time.monotonic() - started_s
    figures = Figures(
        track_count=track_count,
        start_bytes=start_bytes,
        peak_bytes=peak_bytes(worker),
        duration_s=duration_s,
        phases_s=phases_s,
        request_count=await stack.total_request_count() - requests_before,
    )
    await require_perfect(stack, transfer_id, playlist=playlist)
    return figures


async def require_perfect(stack: Stack, transfer_id: str, *, playlist: str) -> None:
    status = await stack.user.status(transfer_id)
    if status["outcome"] != "full" or status["warnings"]:
        raise SystemExit(f"{playlist}: {status['summary']} {status['warnings']}")
    playlists = await stack.control(SOURCE, "playlists")
    source_id = next(one["id"] for one in playlists if one["name"] == playlist)
    if await stack.rows(SOURCE, source_id) != await stack.rows(TARGET, status["target_playlist"]["id"]):
        raise SystemExit(f"{playlist}: the target is not the source, in order")


def peak_bytes(worker: Process) -> int:
    """Return the most memory that a process ever had resident (Linux)."""
    for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError(worker.pid)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument("--tracks", type=int, nargs="+", default=[10_000, 100_000], metavar="N")
    figures = asyncio.run(measure(parser.parse_args(arguments).tracks))
    first, last = figures[0], figures[-1]
    growth = last.peak_bytes / first.peak_bytes
    sys.stdout.write("".join(one.lines() + "\n" for one in figures))
    sys.stdout.write(
        f"peak memory grows {growth:.2f} times (less than {MOST_GROWTH} is wanted),"
        f" time for 1,000 tracks {last.s_per_thousand / first.s_per_thousand:.2f} times\n"
    )
    return os.EX_OK if growth < MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
