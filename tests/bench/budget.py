"""Measures the shared budget with real workers against a limited sandbox: `python -m tests.bench.budget`.

Each row is one run: how much of the limit was used, how many requests were refused with 429, and how many
calls to Redis a request cost. In the runs marked with kills, workers die by SIGKILL and others are started.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec
import redis.asyncio

from tests.bench.fairness import SOURCE, TARGET, write_playlist
from tests.e2e.stack import Stack
from tests.waiting import until_answered

SIGN_IN = ("authorize", "token")  # another host in reality, with a limit of its own
SETTLE_S = 3.0
KILL_EVERY_S = 10.0
LEAST_USED, MOST_REFUSED, MOST_CALLS = 0.96, 0.001, 1.5


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """What the sandboxes allow in any window of so many seconds."""

    request_count: int
    window_s: float

    @property
    def requests_per_s(self) -> float:
        return self.request_count / self.window_s


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Counters at one moment. call_count: runs of the budgets' script, which alone uses HMGET, once a run."""

    at_s: float
    request_count: int
    refused_count: int
    call_count: int


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What happened between two readings."""

    worker_count: int
    kill_count: int
    used: float
    refused: float
    calls: float
    request_count: int

    @property
    def is_good(self) -> bool:
        return self.used >= LEAST_USED and self.refused <= MOST_REFUSED and self.calls <= MOST_CALLS

    def __str__(self) -> str:
        workers = f"{self.worker_count} workers" if self.worker_count > 1 else "1 worker"
        disturbed = f", {self.kill_count} killed and replaced" if self.kill_count else ""
        return (
            f"{workers}{disturbed}: {self.used:.3f} of the limit, {self.refused:.2%} of "
            f"{self.request_count} requests refused, {self.calls:.2f} Redis calls per request"
            f"{'' if self.is_good else '  <- misses a bar'}"
        )


async def measure(limit: Limit, *, seconds: float, worker_counts: Sequence[int]) -> list[Run]:
    """Let one giant transfer saturate the target's limit; run by run with more workers, then with kills."""
    plans = [(count, False) for count in worker_counts]
    plans += [
        (count, True) for count in worker_counts if count > 1
    ]  # without its only worker it is a restart
    track_count = int(len(plans) * (seconds + 3 * SETTLE_S + 10) * limit.requests_per_s)
    arguments = ("--limit", f"{limit.request_count}/{limit.window_s:g}")
    pace = str(limit.requests_per_s)
    environ = {"CROSSPLAY_SPOTIFY_REQUESTS_PER_S": pace, "CROSSPLAY_APPLE_MUSIC_REQUESTS_PER_S": pace}
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as made:
        directory = Path(made)
        giant = write_playlist(directory, "giant", numbers=range(track_count))
        async with Stack.run(
            directory / "data", worlds=[giant], environ=environ, worker_count=1, sandbox_arguments=arguments
        ) as stack:
            transfer_id = await stack.user.start(SOURCE, "giant", TARGET)
            await until_answered(partial(_is_searching, stack), every_s=0.1)
            runs = []
            for worker_count, kills_any in plans:
                await resize(stack, worker_count)
                await asyncio.sleep(SETTLE_S)
                runs.append(await one_run(stack, limit, seconds=seconds, kills_any=kills_any))
                sys.stdout.write(f"{runs[-1]}\n")
                sys.stdout.flush()
            state = (await stack.user.status(transfer_id))["state"]
    if state != "running":
        raise RuntimeError(f"the transfer is {state}: it was too short to saturate the limit")
    return runs


async def resize(stack: Stack, worker_count: int) -> None:
    while len(stack.workers) < worker_count:
        await stack.system.add_worker()
    while len(stack.workers) > worker_count:
        await stack.terminate(stack.workers[0])


async def _is_searching(stack: Stack) -> bool:
    return await stack.request_count(TARGET, "search") > 0


async def one_run(stack: Stack, limit: Limit, *, seconds: float, kills_any: bool) -> Run:
    worker_count = len(stack.workers)
    killer = asyncio.create_task(disturb(stack, seconds=seconds)) if kills_any else None
    before = await read(stack)
    await asyncio.sleep(seconds)
    after = await read(stack)
    request_count = after.request_count - before.request_count
    refused_count = after.refused_count - before.refused_count
    return Run(
        worker_count=worker_count,
        kill_count=await killer if killer else 0,
        used=(request_count - refused_count) / (after.at_s - before.at_s) / limit.requests_per_s,
        refused=refused_count / request_count,
        calls=(after.call_count - before.call_count) / request_count,
        request_count=request_count,
    )


async def disturb(stack: Stack, *, seconds: float) -> int:
    """Kill a worker now and then; the one that replaces it comes first, so that somebody is always there."""
    rng = random.Random(1)
    kill_count = 0
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                await asyncio.sleep(min(KILL_EVERY_S, seconds / 3))
                victim = rng.choice(stack.workers)
                await stack.system.add_worker()
                await stack.kill(victim)
                kill_count += 1
    return kill_count


async def read(stack: Stack) -> Reading:
    operations = (await stack.control(TARGET, "requests"))["by_operation"]
    statuses = [counts for name, counts in operations.items() if name not in SIGN_IN]
    async with redis.asyncio.Redis.from_url(stack.system.settings["CROSSPLAY_REDIS_URL"]) as client:
        commands = await client.info("commandstats")
    return Reading(
        at_s=time.monotonic(),
        request_count=sum(sum(counts.values()) for counts in statuses),
        refused_count=sum(counts.get("429", 0) for counts in statuses),
        call_count=commands["cmdstat_hmget"]["calls"],
    )


def limit_of(text: str) -> Limit:
    count, _, window = text.partition("/")
    return Limit(request_count=int(count), window_s=float(window))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.budget", description=__doc__)
    parser.add_argument("--limit", type=limit_of, default=limit_of("600/30"), metavar="N/SECONDS")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each run is")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4], metavar="N")
    options = parser.parse_args(arguments)
    runs = asyncio.run(measure(options.limit, seconds=options.seconds, worker_counts=options.workers))
    return 0 if all(run.is_good for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
