"""How long the choice of what enters the streams takes with many jobs waiting, in a real Postgres."""

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import msgspec

from deploy.dev.embedded import EmbeddedServers
from shared.db import jobs
from shared.db.migrate import migrate
from shared.models import Platform

# Each user has twenty transfers, and of each one job waits, as while a playlist is read, written or verified.
WINDOW, USER_CAP = 128, 96  # of a fleet of 14 workers
_REPEAT_COUNT = 5

_FILL = (
    """
    INSERT INTO users (id, name) SELECT gen_random_uuid(), 'user ' || n FROM generate_series(1, $1 / 20 + 1) n
    """,
    """
    INSERT INTO connections (id, user_id, platform, account_id, label, market, sealed_tokens, authorized_at)
    SELECT gen_random_uuid(), id, 'spotify', 'a', 'a', 'DE', '', now() FROM users
    """,
    """
    INSERT INTO transfers (id, user_id, request_sha256, source_connection_id, source_platform,
                           source_playlist_id, source_name, target_connection_id, target_platform,
                           target_name, target_is_new, policy, on_duplicate, state, created_at)
    SELECT gen_random_uuid(), owner.user_id, '', owner.id, 'spotify', n::text, 'name', owner.id, 'spotify',
           'name', true, 'same_recording', 'keep', 'running', now() - make_interval(secs => $1 - n)
    FROM generate_series(1, $1) n
    JOIN (SELECT id, user_id, row_number() OVER () AS number FROM connections) owner
    ON owner.number = n / 20 + 1
    """,
    """
    INSERT INTO jobs (id, transfer_id, user_id, platform, phase, batch, created_at)
    SELECT gen_random_uuid(), id, user_id, 'spotify', 'match', 0, created_at FROM transfers
    """,
)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """With so many jobs waiting: the milliseconds of one choice, and of one look for what was lost."""

    job_count: int
    choose_ms: float
    stale_ms: float


async def measure(job_counts: Sequence[int]) -> list[Waiting]:
    with tempfile.TemporaryDirectory(prefix="crossplay-bench-") as made:
        async with EmbeddedServers(Path(made), fsync=False) as servers:
            await migrate(servers.database_url)
            async with asyncpg.create_pool(servers.database_url, min_size=1, max_size=1) as pool:
                return [await _measure(pool, count) for count in job_counts]


async def _measure(pool: "asyncpg.Pool[asyncpg.Record]", job_count: int) -> Waiting:
    await pool.execute("TRUNCATE users, workers CASCADE")
    for statement in _FILL:
        arguments = [job_count] if "$1" in statement else []
        await pool.execute(statement, *arguments, timeout=600)
    await pool.execute("VACUUM ANALYZE", timeout=600)
    await jobs.choose(pool, Platform.SPOTIFY, window=WINDOW - 1, user_cap=USER_CAP)
    choose_s, stale_s = [], []
    for _ in range(_REPEAT_COUNT):  # as after the end of a job: one place is free
        began_s = time.perf_counter()
        chosen = await jobs.choose(pool, Platform.SPOTIFY, window=WINDOW, user_cap=USER_CAP)
        choose_s.append(time.perf_counter() - began_s)
        if len(chosen) != 1:
            raise RuntimeError(f"{len(chosen)} were chosen: the measurement says nothing")
        began_s = time.perf_counter()
        await jobs.stale(pool, Platform.SPOTIFY, queued_for_s=0)
        stale_s.append(time.perf_counter() - began_s)
        await jobs.unqueue(pool, [job.id for job in chosen])
    return Waiting(
        job_count=job_count,
        choose_ms=sorted(choose_s)[_REPEAT_COUNT // 2] * 1000,
        stale_ms=sorted(stale_s)[_REPEAT_COUNT // 2] * 1000,
    )
