"""The whole system as processes, with what a test needs to disturb it and to judge the result."""

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import aiohttp
import asyncpg
import redis.asyncio

from deploy.dev.places import ALL_HERE, Places
from deploy.dev.processes import Process
from deploy.dev.sandboxes import FIRST, USES
from deploy.dev.system import Options, System
from tests.e2e.users import ENDED, User
from tests.e2e.worlds import Cut
from tests.waiting import until_answered

# Leases that end soon, so that a killed worker's work is taken over within seconds.
FAST = {
    "CROSSPLAY_LEASE_S": "3",
    "CROSSPLAY_SEND_TIMEOUT_S": "1",
    "CROSSPLAY_SWEEP_S": "0.2",
    "CROSSPLAY_WEBHOOK_TIMEOUT_S": "2",
    **{f"CROSSPLAY_{platform.upper()}_VISIBILITY_S": "0.3" for platform in USES},
}
PATIENCE_S = 30.0
POLL_S = 0.01

AT_WORK = """
SELECT lease_owner FROM jobs
WHERE transfer_id = $1 AND state = 'open' AND lease_until > clock_timestamp() LIMIT 1
"""
HELD = """
SELECT count(*) FROM jobs
WHERE split_part(lease_owner, ':', 2) = $1 AND state = 'open' AND lease_until > clock_timestamp()
"""

Json = dict[str, Any]


def clean_environ() -> dict[str, str]:
    """Return our environment without settings that somebody made for a system of their own."""
    kept = ("CROSSPLAY_PG_BIN", "CROSSPLAY_REDIS_BIN")
    unwanted = ("CROSSPLAY_", "OTEL_")
    return {
        name: value for name, value in os.environ.items() if name in kept or not name.startswith(unwanted)
    }


class Stack:
    """A running system. user: whose API key it was made with; both accounts are connected."""

    def __init__(self, system: System, *, data_dir: Path, user: User, http: aiohttp.ClientSession) -> None:
        self.system = system
        self.data_dir = data_dir
        self.user = user
        self._http = http

    @classmethod
    @asynccontextmanager
    async def run(
        cls,
        data_dir: Path,
        *,
        worlds: Sequence[Path],
        environ: Mapping[str, str] = FAST,
        latency_ms: int = 0,
        worker_count: int = 2,
        platforms: Sequence[str] = FIRST,
        sandbox_arguments: Sequence[str] = (),
        places: Places = ALL_HERE,
    ) -> AsyncIterator[Self]:
        """Run a system; environ is added to a clean environment. sandbox_arguments go to all sandboxes."""
        options = Options(
            data_dir=data_dir,
            worlds=tuple(worlds),
            worker_count=worker_count,
            platforms=tuple(platforms),
            sandbox_arguments=("--latency-ms", str(latency_ms), *sandbox_arguments),
            is_healing=False,
            places=places,
        )
        async with (
            System(options, environ={**clean_environ(), **environ}) as system,
            User.open(system.gateway_url, key=system.api_key) as user,
            aiohttp.ClientSession() as http,
        ):
            yield cls(system, data_dir=data_dir, user=user, http=http)

    @property
    def workers(self) -> list[Process]:
        return self.system.workers

    @property
    def processes(self) -> list[Process]:
        """The gateway and the workers."""
        return [self.system._gateway_process, *self.workers]

    def told_count(self, text: str) -> int:
        """Return how often the workers have logged a text."""
        logs = (self.data_dir / "logs").glob("worker-*.log")
        return sum(log.read_text().count(text) for log in logs)

    async def answers_at(self, path: str) -> int:
        """Return the status of a page that needs no key."""
        async with self._http.get(f"{self.system.gateway_url}{path}") as response:
            return response.status

    async def readiness(self) -> dict[str, bool]:
        """Return which parts the gateway finds well."""
        async with self._http.get(f"{self.system.gateway_url}/readyz") as response:
            answer = await response.json()
        return {name: check["ok"] for name, check in answer["checks"].items()}

    async def is_ready(self) -> bool:
        return all((await self.readiness()).values())

    async def refresh(self) -> None:
        """Bring back two workers, no faults, and counters at zero."""
        for worker in [worker for worker in self.workers if worker.returncode is not None]:
            await self._bury(worker)
        while len(self.workers) < 2:
            await self.system.add_worker()
        for platform in self.system.sandbox_urls:
            await self.control(platform, "faults", method="DELETE")
            await self.control(platform, "requests", method="DELETE")

    async def control(self, platform: str, path: str, *, method: str = "GET", body: Any = None) -> Any:
        """Call a control route of a sandbox."""
        url = f"{self.system.sandbox_urls[platform]}/_sandbox/{path}"
        async with self._http.request(method, url, json=body) as response:
            assert response.ok, await response.text()
            return await response.json() if response.content_length else None

    async def arm(self, platform: str, *faults: Mapping[str, Any]) -> None:
        await self.control(platform, "faults", method="POST", body=list(faults))

    async def struck_count(self, platform: str) -> int:
        """Return how often the armed faults have struck."""
        return sum(fault["struck_count"] for fault in await self.control(platform, "faults"))

    async def request_count(self, platform: str, *operations: str) -> int:
        """Return how many calls of these operations, of all if none is named, were counted."""
        counts: Mapping[str, Mapping[str, int]] = (await self.control(platform, "requests"))["by_operation"]
        return sum(
            sum(by_status.values())
            for name, by_status in counts.items()
            if not operations or name in operations
        )

    async def looked_up(self, platform: str) -> Counter[str]:
        """Return how often each catalog question was put to a platform: an ISRC, a text, an album."""
        calls = (await self.control(platform, "requests?calls=1"))["calls"]
        asked: Counter[str] = Counter()
        for call in calls:
            query = parse_qs(urlsplit(call["path"]).query)
            if call["operation"] == "lookup_isrc":
                asked.update(query["filter[isrc]"][0].split(","))
            elif call["operation"] == "search":
                asked.update([str([query.get("q") or query["term"], query.get("type") or query["types"]])])
            elif call["operation"] == "get_album_tracks":
                asked.update([call["path"]])
        return asked

    async def total_request_count(self) -> int:
        return sum([await self.request_count(platform) for platform in self.system.sandbox_urls])

    async def rows(self, platform: str, playlist_id: str) -> list[tuple[str, str | None]]:
        """Return title and ISRC of what stands in a playlist, by the sandbox's own account."""
        playlist = await self.control(platform, f"playlists/{playlist_id}")
        return [(row["title"], row["isrc"]) for row in playlist["tracks"]]

    async def start(self, cut: Cut) -> str:
        """Start a transfer of the playlist to the other platform; return its id."""
        return await self.user.start(cut.platform, cut.name, cut.target)

    async def flaws(self, cut: Cut, status: Json, *, user: User | None = None) -> list[str]:
        """Compare a transfer with a perfect one; return what is wrong with it."""
        if status["state"] != "completed":
            return [f"{status['id']} is {status['state']}: {status['summary']} {status['error']}"]
        items = await (user or self.user).tracks(status["id"])
        named = {item["position"]: item["outcome"] for item in items if not item["written"]}
        targets = status["targets"]
        rows = [row for target in targets for row in await self.rows(cut.target, target["id"])]
        told = ["target_split"] * (len(targets) > 1)
        counts = dict(status["counts"])
        total, written = counts.pop("total"), counts["written"]
        names = [playlist["name"] for playlist in await self.control(cut.target, "playlists")]
        promises = {
            "the target is not the source, in order": rows == cut.written,
            f"the rest is named {named}": named == cut.named,
            f"counts are {status['counts']}": total == len(cut.expected) == sum(counts.values()),
            f"{written} are said to be written": written == len(cut.written),
            "there is not exactly one target": all(names.count(target["name"]) == 1 for target in targets),
            f"there are warnings: {status['warnings']}": [one["code"] for one in status["warnings"]] == told,
        }
        return [flaw for flaw, is_kept in promises.items() if not is_kept]

    async def reached(self, transfer_id: str, *, request_count: int) -> None:
        """Wait until the sandboxes have counted so many requests, or the transfer has ended."""

        async def is_there() -> bool:
            if await self.total_request_count() >= request_count:
                return True
            return (await self.user.status(transfer_id))["state"] in ENDED

        await wait_until(is_there)

    async def writes_begin(self, platform: str) -> None:
        """Wait until an armed fault has met a write."""
        await self.struck(platform, count=1)

    async def struck(self, platform: str, *, count: int) -> None:
        """Wait until armed faults have struck so often."""

        async def is_struck() -> bool:
            return await self.struck_count(platform) >= count

        await wait_until(is_struck)

    async def is_resting(self, transfer_id: str, *, reason: str) -> bool:
        """Say whether a transfer is paused for this reason and nobody is at it any more."""
        status = await self.user.status(transfer_id)
        is_paused = status["state"] == "paused" and status["paused"]["reason"] == reason
        return is_paused and await self.fetch(AT_WORK, transfer_id) is None

    async def at_work(self, transfer_id: str) -> Process | None:
        """Return a worker that holds a job of the transfer."""
        owner = await self.fetch(AT_WORK, transfer_id)
        pid = int(owner.split(":")[1]) if owner else None
        return next((worker for worker in self.workers if worker.pid == pid), None)

    async def held_count(self, worker: Process) -> int:
        """Return how many jobs a worker holds just now."""
        return int(await self.fetch(HELD, str(worker.pid)))

    async def next_at_work(self, transfer_id: str) -> Process:
        """Wait until a worker holds a job of the transfer, if none does just now; return it."""
        found: list[Process] = []

        async def is_held() -> bool:
            worker = await self.at_work(transfer_id)
            found.extend([worker] if worker else [])
            return bool(found)

        await wait_until(is_held)
        return found[0]

    async def kill(self, worker: Process) -> None:
        """Pull the plug of a worker."""
        await worker.kill()
        await self._bury(worker)

    async def kill_any(self, transfer_id: str, *, rng: random.Random) -> None:
        """Kill a worker: mostly one that is at it, sometimes whichever."""
        busy = await self.at_work(transfer_id) if rng.random() < 0.7 else None
        await self.kill(busy or rng.choice(self.workers))

    async def terminate(self, worker: Process, *, patience_s: float = PATIENCE_S) -> int:
        """Ask a worker to leave and wait until it has; return its exit status."""
        worker.send_signal(signal.SIGTERM)
        async with asyncio.timeout(patience_s):
            status = await worker.wait()
        await self._bury(worker)
        return status

    async def forget_answers(self) -> None:
        """Make the system ask again what it has asked before."""
        await self.fetch("DELETE FROM lookups")
        await self.flush()

    async def age_answers(self) -> None:
        """Make what platforms have answered an hour older."""
        await self.fetch("UPDATE lookups SET asked_at = asked_at - interval '1 hour'")

    async def pass_time(self, seconds: float, *, platform: str) -> None:
        """Move the clocks of a sandbox, of what waits in Postgres and of the platform's budgets in Redis."""
        await self.control(platform, "clock", method="POST", body={"advance_s": seconds})
        async with redis.asyncio.Redis.from_url(self.system.settings["CROSSPLAY_REDIS_URL"]) as client:
            async for key in client.scan_iter(f"{{crossplay:{platform}}}:budget:*"):
                for field in await client.hkeys(key):
                    await client.hincrby(key, field, -int(seconds * 1_000_000))
        await self.fetch(
            "UPDATE jobs SET run_at = run_at - make_interval(secs => $1) WHERE state = 'open'", seconds
        )
        await self.fetch("UPDATE transfers SET resume_at = resume_at - make_interval(secs => $1)", seconds)

    async def flush(self) -> None:
        """Make Redis lose everything."""
        async with redis.asyncio.Redis.from_url(self.system.settings["CROSSPLAY_REDIS_URL"]) as client:
            await client.flushall()

    @asynccontextmanager
    async def new_user(self, name: str) -> AsyncIterator[User]:
        """Make a user by the operator's command and connect both accounts."""
        code, key, told = await crossplay("add-user", name, environ=self.system.settings)
        assert code == 0, told
        async with User.open(self.system.gateway_url, key=key.strip()) as user:
            await user.connect(self.system.sandbox_urls)
            yield user

    def cli_environ(self) -> dict[str, str]:
        """Return the environment of somebody who uses the command against this system."""
        return {
            **clean_environ(),
            "CROSSPLAY_URL": self.system.gateway_url,
            "CROSSPLAY_API_KEY": self.system.api_key,
        }

    async def _bury(self, worker: Process) -> None:
        await worker.stop()
        self.workers.remove(worker)

    async def fetch(self, statement: str, *arguments: str | float) -> Any:
        """Ask the system's Postgres for one value."""
        connection = await asyncpg.connect(self.system.settings["CROSSPLAY_DATABASE_URL"])
        try:
            return await connection.fetchval(statement, *arguments)
        finally:
            await connection.close()


async def wait_until(condition: Callable[[], Awaitable[bool]], *, patience_s: float = PATIENCE_S) -> None:
    """Ask until the answer is yes. Raises TimeoutError."""
    await until_answered(condition, patience_s=patience_s, every_s=POLL_S)


async def crossplay(*arguments: str, environ: Mapping[str, str]) -> tuple[int, str, str]:
    """Run the command to its end; return its exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.cli.main", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environ),
    )
    try:
        async with asyncio.timeout(2 * PATIENCE_S):
            out, told = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), told.decode()
