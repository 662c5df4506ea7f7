"""Jobs: who may run one, until when, and what comes after it. Every change carries the lease's epoch."""

import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg
import msgspec

from shared.db.pool import Connection, Pool, Row
from shared.errors import LeaseLost
from shared.lifecycle import Phase
from shared.models import JobId, Platform, TransferId, UserId

OLDEST_COUNT = 500
SOME_USERS_COUNT = 100


class Abandoned(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt whose owner let the lease run out: dead, frozen or cut off. trace: its message's headers."""

    owner: str
    epoch: int
    trace: dict[str, str]
    taken_at: datetime
    lease_until: datetime


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One phase over one batch, as its owner got it. See the migration for the columns.

    abandoned: the attempt before this one, if nobody has ended it.
    """

    id: JobId
    transfer_id: TransferId
    user_id: UserId
    platform: Platform
    phase: Phase
    batch: int
    cursor: str | None
    first_position: int
    last_position: int
    batch_limit: int | None
    failure_count: int
    attempt: int
    epoch: int
    abandoned: Abandoned | None = None


class Chosen(msgspec.Struct, frozen=True, kw_only=True):
    """A job whose message is to be sent. trace: its transfer's, which began trace_age_s ago."""

    id: JobId
    transfer_id: TransferId
    user_id: UserId
    phase: Phase
    batch: int
    trace: dict[str, str]
    trace_age_s: float


class NextJob(msgspec.Struct, frozen=True, kw_only=True):
    """A job that is to follow. delay_s keeps it from running at once."""

    platform: Platform
    phase: Phase
    batch: int
    cursor: str | None = None
    first_position: int = 0
    last_position: int = -1
    batch_limit: int | None = None
    failure_count: int = 0
    delay_s: float = 0


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why a job was not given out. is_over: its entry has nothing left to say and can be acknowledged."""

    is_over: bool


ACQUIRE = """
UPDATE jobs SET epoch = jobs.epoch + 1, attempt = jobs.attempt + 1, lease_owner = $2, queued_at = NULL,
       lease_until = clock_timestamp() + make_interval(secs => $3), taken_at = clock_timestamp(),
       taken_trace = $4
FROM transfers, jobs AS before
WHERE jobs.id = $1 AND before.id = jobs.id AND transfers.id = jobs.transfer_id AND jobs.state = 'open'
      AND transfers.state IN ('queued', 'running') AND jobs.run_at <= clock_timestamp()
      AND (jobs.lease_until IS NULL OR jobs.lease_until < clock_timestamp())
      AND NOT EXISTS (SELECT FROM held_jobs WHERE held_jobs.id = jobs.id)
RETURNING jobs.*, before.lease_owner AS old_owner, before.lease_until AS old_until,
          before.taken_at AS old_taken_at, before.taken_trace AS old_trace
"""
IS_HELD = """
SELECT coalesce((SELECT lease_until > clock_timestamp() FROM jobs WHERE id = $1 AND state = 'open'), false)
"""
RENEW = """
UPDATE jobs SET lease_until = clock_timestamp() + make_interval(secs => $4)
WHERE id = $1 AND epoch = $2 AND lease_owner = $3 AND state = 'open' RETURNING true
"""
RELEASE = """
UPDATE jobs SET lease_owner = NULL, lease_until = NULL, queued_at = NULL, last_error = $4,
       run_at = clock_timestamp() + make_interval(secs => $3),
       attempt = attempt - CASE WHEN $5 THEN 0 ELSE 1 END
WHERE id = $1 AND epoch = $2 AND state = 'open' AND lease_owner IS NOT NULL RETURNING true
"""
IS_STORED = "SELECT true FROM jobs WHERE id = $1 AND epoch = $2 AND lease_owner IS NULL"
FENCE = """
UPDATE jobs SET state = $3, finished_at = clock_timestamp(), lease_owner = NULL, lease_until = NULL,
       queued_at = NULL, last_error = coalesce($4, last_error)
WHERE id = $1 AND epoch = $2 AND state = 'open' RETURNING true
"""
HOLD = """
SELECT true FROM jobs JOIN transfers ON transfers.id = jobs.transfer_id
WHERE jobs.id = $1 AND jobs.epoch = $2 AND jobs.state = 'open'
      AND transfers.state IN ('queued', 'running', 'paused')
FOR UPDATE OF jobs
"""
REVISE = """
UPDATE transfers SET revision = revision + 1
WHERE id = $1 AND state IN ('queued', 'running', 'paused') RETURNING true
"""
IS_CANCELLED = "SELECT state = 'cancelled' FROM transfers WHERE id = $1"
ADD = """
INSERT INTO jobs (id, transfer_id, user_id, platform, phase, batch, cursor, first_position, last_position,
                  batch_limit, failure_count, run_at)
VALUES (gen_random_uuid(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10,
        clock_timestamp() + make_interval(secs => $11))
ON CONFLICT DO NOTHING
"""
# Fair choice of what enters the short stream: each user's next job counts as many turns as the user has
# jobs under way, and inside a user's work each transfer takes its turn the same way. A row that somebody
# holds, maybe a frozen worker, must not keep all others waiting.
# Looked at are the oldest jobs, and where more than those wait, two of each of some users more, whose ids are
# left to chance: so the choice takes no longer however many wait, and a giant's jobs hide nobody's for long.
DISPATCH = """
WITH RECURSIVE busy AS MATERIALIZED (
    SELECT user_id, transfer_id FROM jobs
    WHERE platform = $1 AND state = 'open' AND (queued_at IS NOT NULL OR lease_until > clock_timestamp())
), room AS MATERIALIZED (
    SELECT greatest(0, $2 - count(*)) AS size FROM busy
), oldest AS MATERIALIZED (
    SELECT jobs.id FROM jobs JOIN transfers ON transfers.id = jobs.transfer_id
    WHERE (SELECT size > 0 FROM room)
          AND jobs.platform = $1 AND jobs.state = 'open' AND jobs.queued_at IS NULL
          AND jobs.run_at <= clock_timestamp() AND transfers.state IN ('queued', 'running')
    ORDER BY jobs.run_at LIMIT $4
), start AS MATERIALIZED (
    SELECT gen_random_uuid() AS user_id, gen_random_uuid() AS transfer_id
), some_users AS (
    (SELECT jobs.user_id, 1 AS number FROM jobs
     WHERE (SELECT count(*) = $4 FROM oldest) AND jobs.platform = $1 AND jobs.state = 'open'
           AND jobs.user_id >= (SELECT user_id FROM start)
     ORDER BY jobs.user_id LIMIT 1)
    UNION ALL
    SELECT following.user_id, some_users.number + 1
    FROM some_users CROSS JOIN LATERAL (
        SELECT jobs.user_id FROM jobs
        WHERE jobs.platform = $1 AND jobs.state = 'open' AND jobs.user_id > some_users.user_id
        ORDER BY jobs.user_id LIMIT 1
    ) AS following
    WHERE some_users.number < $5
), candidates AS (
    SELECT id FROM oldest
    UNION
    SELECT one.id FROM some_users CROSS JOIN LATERAL (
        (SELECT jobs.id FROM jobs
         WHERE jobs.platform = $1 AND jobs.state = 'open' AND jobs.user_id = some_users.user_id
               AND jobs.queued_at IS NULL AND jobs.transfer_id >= (SELECT transfer_id FROM start)
         ORDER BY jobs.transfer_id LIMIT 1)
        UNION ALL
        (SELECT jobs.id FROM jobs
         WHERE jobs.platform = $1 AND jobs.state = 'open' AND jobs.user_id = some_users.user_id
               AND jobs.queued_at IS NULL AND jobs.transfer_id < (SELECT transfer_id FROM start)
         ORDER BY jobs.transfer_id DESC LIMIT 1)
    ) AS one
), busy_transfers AS (
    SELECT transfer_id, count(*) AS job_count FROM busy GROUP BY 1
), busy_users AS (
    SELECT user_id, count(*) AS job_count FROM busy GROUP BY 1
), waiting AS (
    SELECT jobs.id, jobs.user_id, transfers.created_at,
           row_number() OVER (PARTITION BY jobs.transfer_id ORDER BY jobs.created_at, jobs.batch)
           + coalesce(busy_transfers.job_count, 0) AS turn_in_user
    FROM candidates JOIN jobs ON jobs.id = candidates.id JOIN transfers ON transfers.id = jobs.transfer_id
    LEFT JOIN busy_transfers ON busy_transfers.transfer_id = jobs.transfer_id
    WHERE jobs.state = 'open' AND jobs.queued_at IS NULL
          AND jobs.run_at <= clock_timestamp()
          AND (jobs.lease_until IS NULL OR jobs.lease_until < clock_timestamp())
          AND transfers.state IN ('queued', 'running')
          AND NOT (EXISTS (SELECT FROM platform_pauses WHERE platform_pauses.platform = $1) -- asked once
                   AND EXISTS (SELECT FROM held_jobs WHERE held_jobs.id = jobs.id))
), turns AS (
    SELECT id, created_at,
           row_number() OVER (PARTITION BY waiting.user_id ORDER BY turn_in_user, created_at)
           + coalesce(busy_users.job_count, 0) AS turn
    FROM waiting LEFT JOIN busy_users ON busy_users.user_id = waiting.user_id
), chosen AS (
    SELECT id FROM turns WHERE turn <= $3 ORDER BY turn, created_at LIMIT (SELECT size FROM room)
)
UPDATE jobs SET queued_at = clock_timestamp()
FROM transfers
WHERE jobs.id IN (SELECT id FROM jobs WHERE id IN (SELECT id FROM chosen) FOR UPDATE SKIP LOCKED)
      AND jobs.queued_at IS NULL AND transfers.id = jobs.transfer_id
RETURNING jobs.id, jobs.transfer_id, jobs.user_id, jobs.phase, jobs.batch, transfers.trace,
          extract(epoch FROM clock_timestamp()
                  - coalesce((transfers.trace->>'started_at')::timestamptz, transfers.created_at)
          )::float8 AS trace_age_s
"""
STALE = """
SELECT jobs.id FROM jobs
WHERE platform = $1 AND state = 'open' AND queued_at < clock_timestamp() - make_interval(secs => $2)
"""
HAS_OPEN = "SELECT EXISTS (SELECT FROM jobs WHERE transfer_id = $1 AND phase = $2 AND state = 'open')"
UNQUEUE = "UPDATE jobs SET queued_at = NULL WHERE id = ANY($1::uuid[]) AND queued_at IS NOT NULL"


def from_row(row: Row) -> Job:
    values = {name: row[name] for name in Job.__struct_fields__ if name != "abandoned"}
    return msgspec.convert(_with_texts(values), Job)


async def acquire(
    pool: Pool, job_id: JobId, *, owner: str, lease_s: float, trace: Mapping[str, str] | None = None
) -> Job | Refusal:
    """Take the lease of a job that may run now and that nobody holds; its epoch rises by one.

    trace: the headers of the message that asks for it.
    """
    async with pool.acquire() as connection:
        try:
            row = await connection.fetchrow(ACQUIRE, job_id, owner, lease_s, dict(trace or {}))
        except asyncpg.DataError:  # an id that none of our jobs can have
            return Refusal(is_over=True)
        if row is not None:
            return msgspec.structs.replace(from_row(row), abandoned=_abandoned(row))
        return Refusal(is_over=not await connection.fetchval(IS_HELD, job_id))


def _abandoned(row: Row) -> Abandoned | None:
    if row["old_owner"] is None or row["old_taken_at"] is None:  # taken by a release that did not note it
        return None
    return Abandoned(
        owner=row["old_owner"],
        epoch=row["epoch"] - 1,
        trace=row["old_trace"],
        taken_at=row["old_taken_at"],
        lease_until=row["old_until"],
    )


def _with_texts(values: dict[str, Any]) -> dict[str, Any]:
    return values | {name: str(values[name]) for name in ("id", "transfer_id", "user_id")}


async def renew(pool: Pool, job: Job, *, owner: str, lease_s: float) -> bool:
    """Prolong a lease from now on; False if it is no longer ours."""
    return bool(await pool.fetchval(RENEW, job.id, job.epoch, owner, lease_s))


async def release(
    connection: Connection, job: Job, *, delay_s: float, error: str | None, costs_attempt: bool
) -> None:
    """Give a job back to be run later. Raises LeaseLost."""
    if not await connection.fetchval(RELEASE, job.id, job.epoch, delay_s, error, costs_attempt):
        raise LeaseLost(job.id)


async def is_stored(pool: Pool, job: Job) -> bool:
    """Say whether a change that ends our ownership has been committed, where its answer got lost."""
    return bool(await pool.fetchval(IS_STORED, job.id, job.epoch))


@contextlib.asynccontextmanager
async def checkpoint(
    pool: Pool, job: Job, *, is_dead: bool = False, is_settled: bool = True, error: str | None = None
) -> AsyncIterator[Connection]:
    """Open the transaction that ends a job: what is done inside counts only if the job is still ours.

    The transfer's row is locked and its revision raised, so that two checkpoints of one transfer see each
    other's jobs. is_settled: what its intent did is known, so that it can go.
    Raises LeaseLost where the epoch has moved on or the transfer has ended meanwhile.
    """
    async with pool.acquire() as connection:
        async with connection.transaction():
            state = "dead" if is_dead else "done"
            if not await connection.fetchval(FENCE, job.id, job.epoch, state, error):
                raise LeaseLost(job.id)
            if is_settled and not is_dead:  # one that is revived still has to find out what its write did
                await connection.execute("DELETE FROM intents WHERE job_id = $1", job.id)
            is_open = await connection.fetchval(REVISE, job.transfer_id)
            if is_open:
                yield connection
            elif not await connection.fetchval(IS_CANCELLED, job.transfer_id):
                raise LeaseLost(job.id)
        if not is_open:  # whoever cancelled has left this job alone, so it is closed here
            raise LeaseLost(job.id)


@contextlib.asynccontextmanager
async def fenced(pool: Pool, job: Job) -> AsyncIterator[Connection]:
    """Open a transaction of a job that goes on. Raises LeaseLost as `checkpoint` does."""
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(HOLD, job.id, job.epoch):
            raise LeaseLost(job.id)
        yield connection


async def add(connection: Connection, job: Job, following: Sequence[NextJob]) -> None:
    """Store the jobs that follow one; a job that stands there already is left alone."""
    for new in following:
        await connection.execute(
            ADD,
            job.transfer_id,
            job.user_id,
            new.platform,
            new.phase,
            new.batch,
            new.cursor,
            new.first_position,
            new.last_position,
            new.batch_limit,
            new.failure_count,
            new.delay_s,
        )


async def has_open(connection: Connection, transfer_id: TransferId, *, phase: Phase) -> bool:
    """Say whether a phase of the transfer has a job that is not done."""
    return bool(await connection.fetchval(HAS_OPEN, transfer_id, phase))


async def choose(
    pool: Pool, platform: Platform, *, window: int, user_cap: int, oldest_count: int = OLDEST_COUNT
) -> list[Chosen]:
    """Mark runnable jobs as queued, fairly, until `window` are queued or under way; return those new.

    user_cap: how many of them may be one user's. oldest_count: of how many all users' turns are compared.
    """
    oldest_count = max(oldest_count, 4 * window)
    rows = await pool.fetch(DISPATCH, platform, window, user_cap, oldest_count, SOME_USERS_COUNT)
    return [msgspec.convert(_with_texts(dict(row)), Chosen) for row in rows]


async def stale(pool: Pool, platform: Platform, *, queued_for_s: float) -> set[JobId]:
    """Return jobs that were queued a while ago and that nobody has started."""
    return {JobId(str(row["id"])) for row in await pool.fetch(STALE, platform, queued_for_s)}


async def unqueue(pool: Pool, job_ids: Sequence[JobId]) -> None:
    """Let jobs be chosen again whose entry did not reach the stream or was lost with it."""
    await pool.execute(UNQUEUE, list(job_ids))
