"""Measures what transfers cost, tells what more of them need: `python -m tests.bench.scale [--record]`.

--record keeps the figures beside this file and writes the tables of docs/explanation/scale.md anew from them.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.bench import scale_dispatch
from tests.bench.fairness import write_playlist
from tests.bench.memory import ENVIRON
from tests.bench.scale_costs import Meter, cpu_s, resident_bytes
from tests.bench.scale_document import (
    RECORDED,
    RUN_TRANSFER_COUNT,
    Run,
    Scale,
    recorded,
    tables,
    write_document,
)
from tests.bench.scale_model import Cost, Measured
from tests.e2e.stack import Stack
from tests.e2e.users import ENDED
from tests.waiting import until_answered

SOURCE, TARGET = "apple_music", "spotify"
"""The dear way: Spotify is asked for each track."""
TRACK_COUNTS = {25: 4, 100: 3, 1000: 1}
"""Sizes of playlists, and how many of each are moved."""
RUN_TRACK_COUNT = 25
LIMIT_PER_S = 10.0
WAITING = (1_000, 10_000, 100_000, 1_000_000)
PATIENCE_S = 600.0


async def measure(directory: Path, *, job_counts: Sequence[int]) -> Measured:
    """Move playlists one by one on a system with one worker whose platforms have no limits."""
    names = [(size, f"{size} no {n}") for size, count in TRACK_COUNTS.items() for n in range(count)]
    paths = [
        write_playlist(directory, name, numbers=range(at * 10_000, at * 10_000 + size), platform=SOURCE)
        for at, (size, name) in enumerate(names)
    ]
    paths.append(write_playlist(directory, "home", numbers=range(900_000, 900_100), platform=TARGET))
    async with (
        Stack.run(directory / "data", worlds=paths, environ=ENVIRON, worker_count=1) as stack,
        Meter.open(stack) as meter,
    ):
        await meter.transfer(names.pop(0)[1], source=SOURCE, target=TARGET)  # opens all connections
        idle = await meter.learn_idle(seconds=10.0)
        redis_base_bytes = await meter.redis_memory_bytes()
        costs: dict[int, list[Cost]] = {}
        for size, name in names:
            costs.setdefault(size, []).append(await meter.transfer(name, source=SOURCE, target=TARGET))
        answer_bytes = (await meter.redis_memory_bytes() - redis_base_bytes) / sum(size for size, _ in names)
        return Measured(
            measured_on=f"{datetime.now(UTC):%Y-%m-%d}",
            machine="2 cores, shared with other work; Postgres 18, Valkey 9 on the same machine",
            by_tracks={size: _mean(some) for size, some in costs.items()},
            known=await meter.transfer("100 no 0", source=SOURCE, target=TARGET),
            back=await meter.transfer("home", source=TARGET, target=SOURCE),
            idle=idle,
            worker_bytes=resident_bytes(stack.workers[0]),
            gateway_bytes=resident_bytes(stack.system._gateway_process),
            redis_base_bytes=redis_base_bytes,
            answer_bytes=answer_bytes,
            events_statements_per_s=await meter.watching(
                playlist="25 no 1", source=SOURCE, target=TARGET, seconds=8.0
            ),
            choose_ms={one.job_count: one.choose_ms for one in await scale_dispatch.measure(job_counts)}
            or recorded().measured.choose_ms,
        )


async def run_fleets(directory: Path) -> list[Run]:
    """Move many small playlists at once by 1, 2 and 4 workers, without limits and with one that binds."""
    runs = []
    for limit_per_s in (None, LIMIT_PER_S):
        pace = {"CROSSPLAY_SPOTIFY_REQUESTS_PER_S": str(limit_per_s)} if limit_per_s else {}
        for worker_count in (1, 2, 4):
            place = directory / f"{limit_per_s}-{worker_count}"
            place.mkdir()
            paths = [
                write_playlist(
                    place, f"p{n}", numbers=range(n * 100, n * 100 + RUN_TRACK_COUNT), platform=SOURCE
                )
                for n in range(RUN_TRANSFER_COUNT)
            ]
            async with Stack.run(
                place / "data", worlds=paths, environ={**ENVIRON, **pace}, worker_count=worker_count
            ) as stack:
                runs.append(await _run(stack, limit_per_s=limit_per_s))
    return runs


async def _run(stack: Stack, *, limit_per_s: float | None) -> Run:
    """Move all playlists at once. Raises SystemExit where one is not complete."""
    cpu_before_s = sum(cpu_s(worker.pid) for worker in stack.workers)
    began_s = time.monotonic()
    left = [await stack.user.start(SOURCE, f"p{n}", TARGET) for n in range(RUN_TRANSFER_COUNT)]

    async def have_ended() -> bool:
        while left:
            status = await stack.user.status(left[-1])
            if status["state"] not in ENDED:
                return False
            if status["outcome"] != "full":
                raise SystemExit(status["summary"])
            left.pop()
        return True

    await until_answered(have_ended, patience_s=PATIENCE_S, every_s=0.2)
    elapsed_s = time.monotonic() - began_s
    return Run(
        worker_count=len(stack.workers),
        limit_per_s=limit_per_s,
        per_minute=60 * RUN_TRANSFER_COUNT / elapsed_s,
        worker_cpu_s=(sum(cpu_s(worker.pid) for worker in stack.workers) - cpu_before_s) / RUN_TRANSFER_COUNT,
        elapsed_s=elapsed_s,
    )


def _mean(costs: Sequence[Cost]) -> Cost:
    total = Cost()
    for cost in costs:
        total = total.plus(cost, times=1 / len(costs))
    return total


async def everything(*, job_counts: Sequence[int]) -> Scale:
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as made:
        measured = await measure(Path(made), job_counts=job_counts)
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as made:
        return Scale(measured=measured, runs=tuple(await run_fleets(Path(made))))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--record", action="store_true", help="keep the figures and write the tables")
    parser.add_argument(
        "--waiting",
        type=int,
        nargs="*",
        default=WAITING,
        metavar="N",
        help="jobs that wait; none: as recorded",
    )
    options = parser.parse_args(arguments)
    scale = asyncio.run(everything(job_counts=options.waiting))
    if options.record:
        RECORDED.write_bytes(msgspec.json.format(msgspec.json.encode(scale), indent=1) + b"\n")
        write_document(scale)
    for title, table in tables(scale).items():
        sys.stdout.write(f"## {title}\n{table}\n\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
