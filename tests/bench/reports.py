"""Reads a small and a huge report from a fresh gateway each: `python -m tests.bench.reports [--rows N M]`.

Prints the gateway's memory before, its peak while a report of each form is read, and the time it takes.
"""

import argparse
import asyncio
import base64
import os
import secrets
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec

from deploy.dev.embedded import EmbeddedServers
from shared.db import api_keys, users
from shared.db.migrate import migrate
from shared.db.pool import Pool, open_pool
from shared.secret import Secret

FORMS = ("csv", "json", "md")
MOST_GROWTH = 1.3
TRANSFER = """
WITH link AS (
    INSERT INTO connections (id, user_id, platform, label, market, sealed_tokens, authorized_at)
    VALUES (gen_random_uuid(), $1, 'spotify', 'bench', 'DE', '', now())
    ON CONFLICT (user_id, platform, account_id) DO UPDATE SET label = excluded.label RETURNING id)
INSERT INTO transfers (
    id, user_id, request_sha256, source_connection_id, source_platform, source_playlist_id, source_name,
    target_connection_id, target_platform, target_name, target_is_new, policy, on_duplicate, state)
SELECT gen_random_uuid(), $1, '', id, 'spotify', 'p', 'Bench', id, 'apple_music', 'Bench', true,
       'same_recording', 'skip', 'completed' FROM link
RETURNING id::text
"""
ITEMS = """
INSERT INTO items (transfer_id, position, source, outcome, target, target_track_id, is_written)
SELECT $1, n, jsonb_build_object('track', track || '{"platform": "spotify"}'), 'exact',
       track || '{"platform": "apple_music"}', 'a' || n, true
FROM generate_series($2::int, $3::int - 1) AS n,
     LATERAL (SELECT jsonb_build_object(
         'id', 'a' || n, 'title', 'Lantern number ' || n, 'artists', jsonb_build_array('The Paper Boats'),
         'album', 'Harbour Lights', 'duration_ms', 180000,
         'url', 'https://example.org/track/' || n)) AS one (track)
"""
_STEP = 5_000


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What the reports of one transfer cost."""

    row_count: int
    start_bytes: int
    peak_bytes: int
    sent_bytes: int
    duration_s: float

    def line(self) -> str:
        return (
            f"{self.row_count:,} rows: peak {self.peak_bytes / 2**20:.1f} MiB"
            f" (at the start {self.start_bytes / 2**20:.1f}), {self.sent_bytes / 2**20:.1f} MiB sent,"
            f" {self.duration_s / self.row_count * 1000 / len(FORMS):.3f} s for 1,000 rows\n"
        )


async def measure(sizes: Sequence[int]) -> list[Figures]:
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as made:
        async with EmbeddedServers(Path(made), fsync=False) as servers:
            await migrate(servers.database_url)
            async with await open_pool(Secret(servers.database_url), size=2) as pool:
                return [await _measure(pool, servers, row_count=size) for size in sizes]


async def _measure(pool: Pool, servers: EmbeddedServers, *, row_count: int) -> Figures:
    user_id = await users.ensure(pool, name="bench")
    key = (await api_keys.create(pool, user_id)).secret.reveal()
    transfer_id: str = await pool.fetchval(TRANSFER, user_id)
    for first in range(0, row_count, _STEP):
        await pool.execute(ITEMS, transfer_id, first, min(row_count, first + _STEP))
    async with _gateway(servers) as (url, pid), aiohttp.ClientSession(url) as session:
        headers, sent_bytes = {"Authorization": f"Bearer {key}"}, 0
        async with session.get("/connections", headers=headers) as response:
            response.raise_for_status()
        start_bytes, started_s = _peak_bytes(pid), time.monotonic()
        for form in FORMS:
            async with session.get(f"/status/{transfer_id}/report.{form}", headers=headers) as response:
                response.raise_for_status()
                sent_bytes += sum([len(piece) async for piece in response.content.iter_any()])
        return Figures(
            row_count=row_count,
            start_bytes=start_bytes,
            peak_bytes=_peak_bytes(pid),
            sent_bytes=sent_bytes,
            duration_s=time.monotonic() - started_s,
        )


@asynccontextmanager
async def _gateway(servers: EmbeddedServers) -> AsyncIterator[tuple[str, int]]:
    environ = {
        **os.environ,
        "CROSSPLAY_DATABASE_URL": servers.database_url,
        "CROSSPLAY_REDIS_URL": servers.redis_url,
        "CROSSPLAY_SECRET_KEYS": "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        "CROSSPLAY_PORT": "0",
        "CROSSPLAY_GATEWAY_DRAIN_S": "0",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "gateway",
        "--json",
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        yield msgspec.json.decode(await process.stdout.readline())["gateway"], process.pid
    finally:
        process.terminate()
        await process.wait()


def _peak_bytes(pid: int) -> int:
    """Return the most memory that a process ever had resident."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.reports", description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 100_000], metavar="N")
    figures = asyncio.run(measure(parser.parse_args(arguments).rows))
    growth = figures[-1].peak_bytes / figures[0].peak_bytes
    sys.stdout.write("".join(one.line() for one in figures))
    sys.stdout.write(f"peak memory grows {growth:.2f} times (less than {MOST_GROWTH} is wanted)\n")
    return os.EX_OK if growth < MOST_GROWTH else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
