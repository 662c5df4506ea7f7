"""One system that is disturbed: its processes, its stores, its sandboxes, and what is left over in them."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
import redis.asyncio

from deploy.sandbox.changes import Item
from shared.models import Platform
from shared.streams import GROUP, key
from tests.chaos.caller import Caller
from tests.chaos.crew import Crew, Member
from tests.chaos.plans import PLAYLIST_LIMIT, Pair
from tests.chaos.stores import Stores
from tests.e2e.stack import FAST, Stack
from tests.waiting import until_answered

LATENCY_MS = 25
QUIET_WITHIN_S = 20.0
ENVIRON = {**FAST, "CROSSPLAY_READ_TIMEOUT_S": "2", "CROSSPLAY_PLAYLIST_LIMIT": str(PLAYLIST_LIMIT)}

BUSY = "SELECT DISTINCT lease_owner FROM jobs WHERE state = 'open' AND lease_until > clock_timestamp()"
# What must be gone when all transfers have ended; each row is a sentence.
LEFT_IN_POSTGRES = """
SELECT 'job ' || phase || ' ' || batch || ' of ' || transfer_id || ' is open' AS text
FROM jobs WHERE state = 'open'
UNION ALL SELECT 'intent of job ' || job_id || ' is open' FROM intents
          JOIN jobs ON jobs.id = job_id JOIN transfers ON transfers.id = transfer_id
          WHERE NOT warnings @> '[{"code": "unsettled"}]'  -- it is kept for an undo
UNION ALL SELECT 'transfer ' || id || ' is ' || state FROM transfers
          WHERE state NOT IN ('completed', 'failed', 'cancelled')
UNION ALL SELECT 'transfer ' || id || ' still claims its target' FROM transfers WHERE is_target_claimed
UNION ALL SELECT 'connection to ' || platform || ' is ' || state FROM connections WHERE state <> 'connected'
UNION ALL SELECT 'a session is ' || state || ': ' || left(query, 80) FROM pg_stat_activity
          WHERE application_name = 'crossplay' AND state <> 'idle'
"""


class Arena:
    """Open it with `Arena.open`."""

    def __init__(self, stack: Stack, *, stores: Stores, caller: Caller, crew: Crew) -> None:
        self.stack = stack
        self.stores = stores
        self.caller = caller
        self.crew = crew

    @classmethod
    @asynccontextmanager
    async def open(cls, directory: Path, *, worlds: Sequence[Path], platforms: Pair) -> AsyncIterator[Self]:
        async with Stores.run(directory / "stores") as stores:
            urls = {
                "CROSSPLAY_DATABASE_URL": stores.postgres.url,
                "CROSSPLAY_REDIS_URL": stores.redis.url,
            }
            async with (
                Stack.run(
                    directory / "stack",
                    worlds=worlds,
                    environ={**ENVIRON, **urls},
                    latency_ms=LATENCY_MS,
                    worker_count=0,
                    platforms=platforms,
                ) as stack,
                aiohttp.ClientSession() as http,
            ):
                system = stack.system
                caller = Caller(http, gateway_url=system.gateway_url, api_key=system.api_key)
                crew = Crew(system.settings, directory=directory / "stack" / "logs")
                try:
                    yield cls(stack, stores=stores, caller=caller, crew=crew)
                finally:
                    await crew.leave()

    @property
    def sandbox_urls(self) -> Mapping[str, str]:
        return self.stack.system.sandbox_urls

    async def control(self, platform: str, path: str, *, method: str = "GET", body: Any = None) -> Any:
        """Call a control route of a sandbox."""
        return await self.stack.control(platform, path, method=method, body=body)

    async def rows(self, platform: str, playlist_id: str) -> list[dict[str, Any]]:
        """Return what stands in a playlist, by the sandbox's own account."""
        rows: list[dict[str, Any]] = (await self.control(platform, f"playlists/{playlist_id}"))["tracks"]
        return rows

    async def make_playlist(self, platform: str, name: str, *, rows: Sequence[Item]) -> str:
        body = {"name": name, "items": [_told(row) for row in rows]}
        return str((await self.control(platform, "playlists", method="POST", body=body))["id"])

    async def add_rows(self, platform: str, playlist_id: str, *, rows: Sequence[Item], position: int) -> None:
        """Add rows to a playlist as somebody else."""
        body = {"items": [_told(row) for row in rows], "position": position}
        await self.control(platform, f"playlists/{playlist_id}/items", method="POST", body=body)

    async def connect(self, platform: str) -> bool:
        return await self.caller.connect(platform, sandbox_url=self.sandbox_urls[platform])

    async def busy(self) -> list[Member]:
        """Return the workers that hold a job now and are not frozen."""
        owners = {row["lease_owner"] for row in await self.stores.fetch(BUSY)}
        pids = {int(owner.split(":")[1]) for owner in owners}
        return [member for member in self.crew.awake() if member.pid in pids]

    async def heal(self, *, worker_count: int) -> None:
        """Bring back everything but the platforms, whose faults are their own."""
        self.stores.heal()
        self.crew.thaw(self.crew.members)
        await self.crew.staff(worker_count)

    async def leftovers(self) -> list[str]:
        """Return what is left of work that is done; waits a while for it to go."""
        left: list[str] = []

        async def is_clean() -> bool:
            left[:] = [*await self._left_in_redis(), *(row["text"] for row in await self._left_in_postgres())]
            return not left

        with contextlib.suppress(TimeoutError):
            await until_answered(is_clean, patience_s=QUIET_WITHIN_S, every_s=0.1)
        dead = [member.name for member in self.crew.members if not member.is_alive]
        return [*left, *(f"{name} has died by itself" for name in dead)]

    async def _left_in_postgres(self) -> list[Any]:
        return await self.stores.fetch(LEFT_IN_POSTGRES)

    async def _left_in_redis(self) -> list[str]:
        async with self.stores.open_redis() as client:
            return [text for platform in self.sandbox_urls for text in await _entries_left(client, platform)]


async def _entries_left(client: "redis.asyncio.Redis", platform: str) -> list[str]:
    stream = key(Platform(platform), "jobs")
    count = await client.xlen(stream)
    pending = (await client.xpending(stream, GROUP))["pending"] if count else 0
    return [f"{count} entries of {platform} are in the stream, {pending} of them pending"] if count else []


def _told(row: Item) -> dict[str, Any]:
    names = ("kind", "track_id", "title", "artist", "album", "duration_ms")
    return {name: value for name in names if (value := getattr(row, name)) is not None}
