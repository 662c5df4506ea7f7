"""What telemetry costs a worker: `python -m tests.bench.telemetry [--tracks N] [--rounds N]`.

Moves the same playlist by a fresh worker again and again, in turns: without telemetry, with traces and
metrics to a real collector and to a scraper, with a collector that is down, and with one that accepts and
never answers; and once more without, which tells how much of a difference is the machine's alone. The
platforms have no limits, so the worker works as fast as it can; what is told are medians, and ratios in a
round, because another minute of the machine is another machine. Processor time is the worker's own, its
last flush included.
"""

import argparse
import asyncio
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import msgspec

from deploy.dev.processes import Process
from deploy.dev.servers import free_port
from shared.settings import PREFIX
from tests.bench.fairness import write_playlist
from tests.e2e.stack import Stack
from tests.e2e.users import ENDED
from tests.fakes.otlp import HangingReceiver
from tests.fakes.rotel import collector
from tests.waiting import until_answered

OFF, ON, REFUSED, HANGING, CONTROL = "off", "on", "refused", "hanging", "off again"
MODES = (OFF, ON, REFUSED, HANGING, CONTROL)
MOST_COST = 0.05
PATIENCE_S = 600.0
FIRST_SCRAPE_S, SCRAPE_EVERY_S = 2.0, 15.0  # a short run is scraped, too; it sends its metrics at its end
ENVIRON = {
    f"{PREFIX}SPOTIFY_REQUESTS_PER_S": "5000",
    f"{PREFIX}APPLE_MUSIC_REQUESTS_PER_S": "5000",
    f"{PREFIX}LEASE_S": "30",
    f"{PREFIX}SEND_TIMEOUT_S": "10",
    "OTEL_SDK_DISABLED": "true",  # of the gateway, whose work is not measured
}
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What one transfer took. cpu_s: of its worker, from the first job on."""

    duration_s: float
    cpu_s: float


Round = Mapping[str, Figures]


async def measure(*, way: tuple[str, str], track_count: int, round_count: int) -> list[Round]:
    """Measure so many rounds; a first transfer, which fills the caches of the machine, does not count."""
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as made, HangingReceiver() as hanging:
        directory = Path(made)
        world = write_playlist(directory, "music", numbers=range(track_count), platform=way[0])
        async with (
            collector(directory) as collector_url,
            Stack.run(directory / "data", worlds=[world], environ=ENVIRON, worker_count=1) as stack,
        ):
            for worker in list(stack.workers):
                await stack.terminate(worker)
            urls = {
                ON: collector_url,
                REFUSED: f"http://127.0.0.1:{free_port()}",
                HANGING: hanging.url,
            }
            settings = dict(stack.system.settings)
            rounds: list[Round] = []
            for number in range(round_count + 1):
                figures = {}
                turn = number % len(MODES)
                for mode in (*MODES[turn:], *MODES[:turn]) if number else (OFF,):
                    stack.system.settings = environment(settings, url=urls.get(mode))
                    figures[mode] = await moved(stack, way)
                rounds += [figures] if number else []
            return rounds


def environment(settings: Mapping[str, str], *, url: str | None) -> dict[str, str]:
    """Return a worker's environment: without telemetry, or with all of it."""
    if url is None:
        return {**settings, "OTEL_SDK_DISABLED": "true", f"{PREFIX}METRICS_PORT": ""}
    return {
        **settings,
        "OTEL_SDK_DISABLED": "false",
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
    }


async def moved(stack: Stack, way: tuple[str, str]) -> Figures:
    """Move the playlist by a worker that has done nothing before. Raises SystemExit where it is not whole."""
    await stack.forget_answers()
    ended_before_s = children_cpu_s()
    worker = await stack.system.add_worker()
    cpu_before_s, started_s = cpu_s(worker), time.monotonic()
    async with scraped(stack.system.probe_urls[worker.name]):
        transfer_id = await stack.user.start(way[0], "music", way[1])

        async def has_ended() -> bool:
            return (await stack.user.status(transfer_id))["state"] in ENDED

        await until_answered(has_ended, patience_s=PATIENCE_S, every_s=0.1)
        duration_s = time.monotonic() - started_s
    status = await stack.user.status(transfer_id)
    if status["outcome"] != "full":
        raise SystemExit(status["summary"])
    await stack.terminate(worker)
    return Figures(duration_s=duration_s, cpu_s=children_cpu_s() - ended_before_s - cpu_before_s)


@asynccontextmanager
async def scraped(url: str) -> AsyncIterator[None]:
    """Scrape a worker meanwhile, as a Prometheus server does; url: "None" where it has no port."""

    async def scrape() -> None:
        async with aiohttp.ClientSession() as http:
            wait_s = FIRST_SCRAPE_S
            while url != "None":
                await asyncio.sleep(wait_s)
                wait_s = SCRAPE_EVERY_S
                async with http.get(f"{url}/metrics") as response:
                    response.raise_for_status()
                    await response.read()

    task = asyncio.create_task(scrape())
    try:
        yield
    finally:
        if task.done():
            task.result()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def cpu_s(process: Process) -> float:
    """Return the processor time of a process until now."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def children_cpu_s() -> float:
    """Return the processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(rounds: Sequence[Round], *, track_count: int) -> str:
    """Return the medians, and how much each mode costs against none in the same round."""
    lines = [f"{'telemetry':10} {'tracks/s':>9} {'cost':>7}   {'CPU s':>6} {'cost':>7}   rounds: s, CPU s"]
    for mode in MODES:
        each = " ".join(f"{one[mode].duration_s:.1f},{one[mode].cpu_s:.2f}" for one in rounds)
        speed = track_count / statistics.median(one[mode].duration_s for one in rounds)
        cpu = statistics.median(one[mode].cpu_s for one in rounds)
        costs = f"{speed:9.0f} {lost(rounds, mode):7.1%}   {cpu:6.2f} {burnt(rounds, mode):7.1%}"
        lines.append(f"{mode:10} {costs}   {each}")
    return "\n".join(lines)


def lost(rounds: Sequence[Round], mode: str) -> float:
    """Return the share of throughput that a mode costs: the median of all rounds."""
    return 1 - statistics.median(one[OFF].duration_s / one[mode].duration_s for one in rounds)


def burnt(rounds: Sequence[Round], mode: str) -> float:
    """Return how much more processor time it takes: the median of all rounds."""
    return statistics.median(one[mode].cpu_s / one[OFF].cpu_s for one in rounds) - 1


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.telemetry", description=__doc__)
    parser.add_argument("--tracks", type=int, default=2000, metavar="N")
    parser.add_argument("--rounds", type=int, default=7, metavar="N")
    parser.add_argument("--from", dest="source", default="spotify", choices=("spotify", "apple_music"))
    options = parser.parse_args(arguments)
    target = "apple_music" if options.source == "spotify" else "spotify"
    way = (options.source, target)
    rounds = asyncio.run(measure(way=way, track_count=options.tracks, round_count=options.rounds))
    costs = {mode: lost(rounds, mode) for mode in MODES}
    sys.stdout.write(f"{options.tracks} tracks from {way[0]} to {way[1]}, {options.rounds} rounds\n")
    sys.stdout.write(table(rounds, track_count=options.tracks) + "\n")
    sys.stdout.write(
        f"at most {MOST_COST:.0%} of the throughput may be lost, and no more to a dead collector\n"
    )
    return os.EX_OK if max(costs.values()) <= MOST_COST else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
