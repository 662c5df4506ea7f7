"""The demonstration: a playlist of fictional music moves between two platforms while a worker is killed."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import msgspec
from rich.console import Console
from rich.table import Table

from deploy.dev.fiction import FictionalWorld, write_world
from deploy.dev.processes import Process
from deploy.dev.system import Options, System
from shared.settings import PREFIX

TRACK_COUNT = 320
TIMEOUT_S = 120.0
KILL_AFTER = 0.35  # the share of the playlist that is written when the plug is pulled

# Slow enough to watch; a platform that needs a moment for each answer.
PACE = {"SPOTIFY_REQUESTS_PER_S": "20", "APPLE_MUSIC_REQUESTS_PER_S": "12"}
SANDBOX_ARGUMENTS = ("--latency-ms", "40")

AT_WORK = """
SELECT lease_owner FROM jobs JOIN intents ON intents.job_id = jobs.id
WHERE jobs.transfer_id = $1 AND jobs.lease_until > clock_timestamp()
"""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence of the proof and whether it is true."""

    text: str
    is_true: bool


class Show(msgspec.Struct, frozen=True, kw_only=True):
    """How the transfer went: its last status, the items that were not written, whose plug was pulled."""

    status: Mapping[str, Any]
    unmoved: tuple[Mapping[str, Any], ...]
    killed_pid: int | None
    duration_s: float


async def run_demo(data_dir: Path, *, console: Console, environ: Mapping[str, str]) -> bool:
    """Run the demonstration and print its proof; False where something was not as promised."""
    world = write_world(data_dir / "world", track_count=TRACK_COUNT)
    console.print(
        f"[bold]Crossplay[/] moves [bold]{world.playlist_name}[/], {len(world.expected)} rows, "
        "from Spotify to Apple Music (both simulated)."
    )
    pace = {f"{PREFIX}{name}": value for name, value in PACE.items()}
    options = Options(
        data_dir=data_dir,
        worlds=world.paths,
        sandbox_arguments=SANDBOX_ARGUMENTS,
        is_healing=False,
    )
    async with System(options, environ={**environ, **pace}) as system:
        console.print(
            f"Gateway {system.gateway_url}, workers {', '.join(_pids(system))}, both stores are up."
        )
        headers = {"Authorization": f"Bearer {system.api_key}"}
        async with aiohttp.ClientSession(system.gateway_url, headers=headers) as session:
            for url in system.sandbox_urls.values():
                await (await session.delete(f"{url}/_sandbox/requests")).read()
            show = await _transfer(system, session, world=world, console=console)
            claims = await _prove(system, session, world=world, show=show)
            requests = {
                platform: (await _get(session, f"{url}/_sandbox/requests"))["by_operation"]
                for platform, url in system.sandbox_urls.items()
            }
    _print_proof(console, show=show, claims=claims, requests=requests)
    return all(claim.is_true for claim in claims)


async def _transfer(
    system: System, session: aiohttp.ClientSession, *, world: FictionalWorld, console: Console
) -> Show:
    started_at = time.monotonic()
    body = {
        "source": {"platform": "spotify", "playlist": world.playlist_name},
        "target": {"platform": "apple_music"},
    }
    async with session.post("/transfer", json=body) as response:
        status = await response.json()
        response.raise_for_status()
    transfer_id = status["id"]
    killer = asyncio.create_task(_pull_the_plug(system, transfer_id, console=console))
    try:
        async with asyncio.timeout(TIMEOUT_S):
            status = await _follow(session, status, console=console)
    finally:
        killer.cancel()
        killed = (await asyncio.gather(killer, return_exceptions=True))[0]
    duration_s = time.monotonic() - started_at
    unmoved = [item async for item in _tracks(session, transfer_id) if not item["written"]]
    return Show(
        status=status,
        unmoved=tuple(unmoved),
        killed_pid=killed if isinstance(killed, int) else None,
        duration_s=duration_s,
    )


async def _follow(
    session: aiohttp.ClientSession, status: Mapping[str, Any], *, console: Console
) -> Mapping[str, Any]:
    """Show the transfer until it ends; one changing line on a terminal, a line per phase elsewhere."""
    etag, shown = "", ""
    with console.status("") as live:
        while status["state"] not in ("completed", "failed", "cancelled"):
            line = f"{status['phase']:>6}  {_bar(status['counts'])}  {status['summary']}"
            live.update(line)
            if not console.is_terminal and status["phase"] != shown:
                shown = status["phase"]
                console.print(line)
            headers = {"Prefer": "wait=2", "If-None-Match": etag}
            async with session.get(f"/status/{status['id']}", headers=headers) as response:
                etag = response.headers.get("ETag", etag)
                if response.status == 200:
                    status = await response.json()
            await asyncio.sleep(0.1)
    return status


async def _pull_the_plug(system: System, transfer_id: str, *, console: Console) -> int:
    """Kill the worker that is writing, between its intent and its checkpoint. Returns its process id."""
    connection = await asyncpg.connect(system.settings[f"{PREFIX}DATABASE_URL"])
    try:
        while True:
            written = await connection.fetchval(
                "SELECT count(*) FILTER (WHERE is_written)::float / greatest(1, count(*)) FROM items "
                "WHERE transfer_id = $1",
                transfer_id,
            )
            owner = await connection.fetchval(AT_WORK, transfer_id)
            victim = _worker_of(system.workers, owner) if owner and written >= KILL_AFTER else None
            if victim:
                await victim.kill()
                console.print(
                    f"[bold red]kill -9[/] worker {victim.pid} in the middle of a write, {written:.0%} done"
                )
                return victim.pid
            await asyncio.sleep(0.005)
    finally:
        await connection.close()


def _worker_of(workers: Sequence[Process], owner: str) -> Process | None:
    pid = int(owner.split(":")[1])
    return next((worker for worker in workers if worker.pid == pid), None)


async def _prove(
    system: System, session: aiohttp.ClientSession, *, world: FictionalWorld, show: Show
) -> tuple[Claim, ...]:
    counts = show.status["counts"]
    target = show.status["target_playlist"] or {"id": "none"}
    url = f"{system.sandbox_urls['apple_music']}/_sandbox/playlists/{target['id']}"
    got = [row["title"] for row in (await _get(session, url)).get("tracks", [])]
    want = [item.title for item in world.written]
    named = {item["position"]: item["outcome"] for item in show.unmoved}
    rest = counts["total"] - counts["written"]
    repeats = sum(count - 1 for count in Counter(want).values())
    return (
        Claim(
            text=f"source = written + named rest: {counts['total']} = {counts['written']} + {rest}",
            is_true=counts["total"] == len(world.expected) and rest == len(show.unmoved),
        ),
        Claim(text=f"the target holds {len(got)} tracks in the order of the source", is_true=got == want),
        Claim(
            text=f"each intended track exactly once, {repeats} intended repeats kept",
            is_true=Counter(got) == Counter(want),
        ),
        Claim(
            text=f"{len(named)} rows that cannot be moved are named with their reason",
            is_true=named == {position: str(outcome) for position, outcome in world.named.items()},
        ),
        Claim(
            text=f"worker {show.killed_pid} was killed on the way, the transfer is {show.status['state']}",
            is_true=show.killed_pid is not None and show.status["state"] == "completed",
        ),
    )


def _print_proof(
    console: Console,
    *,
    show: Show,
    claims: Sequence[Claim],
    requests: Mapping[str, Mapping[str, Mapping[str, int]]],
) -> None:
    table = Table(title="Not moved, by name", title_justify="left")
    for column in ("row", "track", "outcome", "reason"):
        table.add_column(column)
    for item in show.unmoved:
        title = (item.get("source") or {}).get("title") or "(unnamed)"
        table.add_row(str(item["position"] + 1), title, item["outcome"], item["reason"])
    console.print(table)
    for platform, operations in requests.items():
        total = sum(sum(statuses.values()) for statuses in operations.values())
        detail = ", ".join(f"{name} {sum(statuses.values())}" for name, statuses in operations.items())
        console.print(f"{platform}: {total} requests ({detail})")
    console.print(f"{show.duration_s:.1f} s, trace {show.status['trace_id']}")
    for claim in claims:
        console.print(
            f"[{'green' if claim.is_true else 'red'}]{'✓' if claim.is_true else '✗'}[/] {claim.text}"
        )


async def _tracks(session: aiohttp.ClientSession, transfer_id: str) -> Any:
    cursor = ""
    while True:
        suffix = f"&cursor={cursor}" if cursor else ""
        page = await _get(session, f"/status/{transfer_id}/tracks?limit=200{suffix}")
        for item in page["items"]:
            yield item
        cursor = page.get("next_cursor") or ""
        if not cursor:
            return


async def _get(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with session.get(url) as response:
        answer: dict[str, Any] = await response.json()
        return answer


def _bar(counts: Mapping[str, int], *, width: int = 24) -> str:
    total = max(1, counts["total"])
    done = round(width * counts["written"] / total)
    ready = round(width * (counts["written"] + counts["ready"]) / total) - done
    return f"[green]{'━' * done}[/][cyan]{'━' * ready}[/][dim]{'━' * (width - done - ready)}[/]"


def _pids(system: System) -> list[str]:
    return [str(worker.pid) for worker in system.workers]
