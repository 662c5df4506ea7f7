"""Intents: what is about to be written to a platform, committed before the call."""

from datetime import datetime

import msgspec

from shared.db import jobs
from shared.db.jobs import Job
from shared.db.pool import Connection, Pool
from shared.models import TrackId


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """A write that may have happened.

    epoch: of the attempt that declared it. expected_count: the target's length before the call.
    target_offset: where the first track should stand.
    observed: None until somebody finds the intent open, then what the last read-back saw, "" before one.
    age_s: since it was declared or found; looked_s: since that read-back; both by the database's clock.
    """

    kind: str
    epoch: int
    sent_at: datetime
    age_s: float
    expected_count: int
    target_offset: int
    positions: tuple[int, ...]
    track_ids: tuple[TrackId, ...]
    observed: str | None
    looked_s: float | None


class Write(msgspec.Struct, frozen=True, kw_only=True):
    """Tracks about to be added or removed; the counts mean what they mean in Intent."""

    expected_count: int = 0
    target_offset: int = 0
    positions: tuple[int, ...]
    track_ids: tuple[TrackId, ...]


GET = """
SELECT *, extract(epoch FROM clock_timestamp() - sent_at)::float8 AS age_s,
       extract(epoch FROM clock_timestamp() - observed_at)::float8 AS looked_s
FROM intents WHERE job_id = $1
"""
DECLARE = """
INSERT INTO intents (
    job_id, kind, epoch, sent_at, expected_count, target_offset, positions, track_ids, observed)
VALUES ($1, $2, $3, clock_timestamp(), $4, $5, $6, $7, $8)
"""
FOUND = "UPDATE intents SET observed = '', sent_at = clock_timestamp() WHERE job_id = $1"
OBSERVE = "UPDATE intents SET observed = $2, observed_at = clock_timestamp() WHERE job_id = $1"


async def get(pool: Pool, job: Job) -> Intent | None:
    row = await pool.fetchrow(GET, job.id)
    if row is None:
        return None
    return msgspec.convert({name: row[name] for name in Intent.__struct_fields__}, Intent)


async def declare_create(pool: Pool, job: Job) -> None:
    """Commit that a playlist is about to be created. Raises LeaseLost."""
    async with jobs.fenced(pool, job) as connection:
        await connection.execute(DECLARE, job.id, "create", job.epoch, 0, 0, [], [], None)


async def declare_add(pool: Pool, job: Job, *, write: Write) -> None:
    """Commit which tracks are about to be added, and where. Raises LeaseLost."""
    await _declare(pool, job, kind="add", write=write)


async def declare_remove(pool: Pool, job: Job, *, write: Write) -> None:
    """Commit which tracks are about to be removed. Raises LeaseLost."""
    await _declare(pool, job, kind="remove", write=write)


async def declare(
    connection: Connection, job: Job, *, kind: str, write: Write, is_found: bool = False
) -> None:
    """Note in the caller's transaction what is about to be written. is_found: or what may have been."""
    await connection.execute(
        DECLARE,
        job.id,
        kind,
        job.epoch,
        write.expected_count,
        write.target_offset,
        list(write.positions),
        list(write.track_ids),
        "" if is_found else None,
    )


async def _declare(pool: Pool, job: Job, *, kind: str, write: Write) -> None:
    async with jobs.fenced(pool, job) as connection:
        await declare(connection, job, kind=kind, write=write)


async def withdraw(pool: Pool, job: Job) -> None:
    """Drop an intent of which it is known that nothing was done. Raises LeaseLost."""
    async with jobs.fenced(pool, job) as connection:
        await connection.execute("DELETE FROM intents WHERE job_id = $1", job.id)


async def found(pool: Pool, job: Job) -> None:
    """Note that an intent was found open: from now on nothing of it can be under way. Raises LeaseLost."""
    async with jobs.fenced(pool, job) as connection:
        await connection.execute(FOUND, job.id)


async def observe(pool: Pool, job: Job, *, observed: str) -> None:
    """Keep what a read-back saw, to be compared with the next one. Raises LeaseLost."""
    async with jobs.fenced(pool, job) as connection:
        await connection.execute(OBSERVE, job.id, observed)
