"""Moves a large and a huge playlist, each by one fresh worker: `python -m tests.bench.memory [--tracks N M]`.

Prints the worker's peak memory, and what 1,000 tracks cost in time, processor time of all processes and
requests. Processor time says whether something is quadratic, also on a machine that has other work.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
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
# The sandboxes set the pace: what is measured is the worker.
ENVIRON = {
    "CROSSPLAY_SPOTIFY_REQUESTS_PER_S": "5000",
    "CROSSPLAY_APPLE_MUSIC_REQUESTS_PER_S": "5000",
    "CROSSPLAY_LEASE_S": "30",
    "CROSSPLAY_SEND_TIMEOUT_S": "10",
}
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one transfer cost. start_bytes: the worker's memory before its first job."""

    track_count: int
    start_bytes: int
    peak_bytes: int
    duration_s: float
    cpu_s: float
    request_count: int

    def lines(self) -> str:
        thousands = self.track_count / 1000
        return (
            f"{self.track_count:,} tracks: peak {self.peak_bytes / 2**20:.1f} MiB"
            f" (at the start {self.start_bytes / 2**20:.1f})\n"
            f"  {self.duration_s:.0f} s; for 1,000 tracks {self.duration_s / thousands:.2f} s,"
            f" {self.cpu_s / thousands:.2f} s of processor time,"
            f" {self.request_count / thousands:.1f} requests"
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
    start_bytes, requests_before = peak_bytes(worker), await stack.total_request_count()
    cpu_before_s, started_s = family_cpu_s(), time.monotonic()
    transfer_id = await stack.user.start(SOURCE, playlist, TARGET)

    async def has_ended() -> bool:
        return (await stack.user.status(transfer_id))["state"] in ENDED

    await until_answered(has_ended, patience_s=PATIENCE_S, every_s=0.5)
    figures = Figures(
        track_count=track_count,
        start_bytes=start_bytes,
        peak_bytes=peak_bytes(worker),
        duration_s=time.monotonic() - started_s,
        cpu_s=family_cpu_s() - cpu_before_s,
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
    """Return the most memory that a process ever had resident."""
    for line in Path(f"/proc/{worker.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise LookupError(worker.pid)


def family_cpu_s() -> float:
    """Return the processor time of all processes below this one, their ended children included."""
    processes = dict(_stats())
    family, ticks = {os.getpid()}, 0
    while family:
        family = {pid for pid, (parent, _) in processes.items() if parent in family}
        ticks += sum(processes[pid][1] for pid in family)
    return ticks / _TICKS_PER_S


def _stats() -> Iterator[tuple[int, tuple[int, int]]]:
    """Yield each process with its parent and its processor time in ticks."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        yield int(path.parent.name), (int(fields[1]), sum(map(int, fields[11:15])))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.memory", description=__doc__)
    parser.add_argument("--tracks", type=int, nargs="+", default=[10_000, 100_000], metavar="N")
    figures = asyncio.run(measure(parser.parse_args(arguments).tracks))
    first, last = figures[0], figures[-1]
    growth = last.peak_bytes / first.peak_bytes
    cost = (last.cpu_s / last.track_count) / (first.cpu_s / first.track_count)
    sys.stdout.write("".join(one.lines() + "\n" for one in figures))
    sys.stdout.write(
        f"peak memory grows {growth:.2f} times (less than {MOST_GROWTH} is wanted),"
        f" processor time for 1,000 tracks {cost:.2f} times\n"
    )
    return os.EX_OK if growth < MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
