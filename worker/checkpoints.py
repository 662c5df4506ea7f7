"""Stores what a phase handed back and decides which job comes next, in one fenced transaction."""

from collections.abc import Sequence

from shared.db import items, jobs, target_bases
from shared.db.jobs import Job, NextJob
from shared.db.pool import Connection, Pool, execute_long
from shared.db.transfers import Transfer
from shared.lifecycle import Phase
from shared.models import Platform
from worker.results import (
    BatchMatched,
    BatchWritten,
    Cancelled,
    LookAgain,
    PageRead,
    Repair,
    TargetCreated,
    TargetRead,
    Verified,
    WriteFinished,
)

Storable = (
    PageRead
    | BatchMatched
    | TargetCreated
    | TargetRead
    | BatchWritten
    | WriteFinished
    | LookAgain
    | Repair
    | Verified
    | Cancelled
)

SOURCE_COUNT = "UPDATE transfers SET source_count = coalesce(source_count, $2) WHERE id = $1"
READ_ON = "UPDATE transfers SET is_read = $2, phase = CASE WHEN $2 THEN 'match' ELSE phase END WHERE id = $1"
CREATED = """
UPDATE transfers SET target_playlist_id = $2, target_name = $3, target_url = $4, target_base_count = 0,
       target_count = 0, is_target_claimed = true
WHERE id = $1
"""
EXISTING = "UPDATE transfers SET target_base_count = $2, target_count = $2 WHERE id = $1"
PRESENT = """
UPDATE items SET outcome = 'already_present', reason = 'The target playlist already has it.'
WHERE transfer_id = $1 AND position = ANY($2)
"""
WRITTEN = "UPDATE items SET is_written = true WHERE transfer_id = $1 AND position = ANY($2)"
UNWRITTEN = "UPDATE items SET is_written = false WHERE transfer_id = $1 AND position = ANY($2)"
REFUSED = """
UPDATE items SET outcome = 'failed', reason = $3, is_written = false
WHERE transfer_id = $1 AND position = ANY($2)
"""
COUNT = "UPDATE transfers SET target_count = $2 WHERE id = $1"
PHASE = "UPDATE transfers SET phase = $2 WHERE id = $1"
REPAIR = """
UPDATE transfers SET repair_count = repair_count + 1, phase = 'write', target_count = target_count - $2
WHERE id = $1
"""
WARN = """
UPDATE transfers SET warnings = warnings || $2::jsonb
WHERE id = $1 AND NOT warnings @> jsonb_build_array(jsonb_build_object('code', $3::text))
"""
COMPLETE = """
UPDATE transfers SET state = 'completed', finished_at = now(), is_target_claimed = false WHERE id = $1
"""
CANCEL = """
UPDATE transfers SET state = 'cancelled', finished_at = now(), is_target_claimed = false WHERE id = $1
"""
SKIP_ITEMS = """
UPDATE items SET outcome = 'skipped_by_user', reason = 'The transfer was cancelled before.'
WHERE transfer_id = $1 AND NOT is_written
      AND outcome IN ('pending', 'deferred', 'exact', 'same_recording', 'best_effort')
"""
# A job that is being checkpointed right now is left to that: waiting for it here would be a deadlock.
CLOSE_JOBS = """
UPDATE jobs SET state = 'done', finished_at = now() WHERE id IN (
    SELECT id FROM jobs WHERE transfer_id = $1 AND state = 'open' FOR UPDATE SKIP LOCKED)
"""
IS_READ = "SELECT is_read FROM transfers WHERE id = $1"
LAST_BATCH = "SELECT coalesce(max(batch), -1) FROM jobs WHERE transfer_id = $1 AND phase = $2"

WARNINGS = {
    "source_edited": "Somebody changed the source playlist while it was read: a track may be missing or "
    "stand twice. Transfer it again to be sure.",
    "target_edited": "Somebody changed the target playlist meanwhile; what was not ours has been left alone.",
    "order_differs": "The platform shows the tracks in another order than they were added in.",
    "target_limit": "The target playlist is full; the tracks that did not fit are named.",
}
VANISHED = "The platform accepted this track and does not show it; it was added again without effect."


async def save(pool: Pool, job: Job, *, transfer: Transfer, result: Storable) -> None:
    """Commit a result with the jobs that follow it. Raises LeaseLost; then nothing has changed."""
    async with jobs.checkpoint(pool, job) as connection:
        await jobs.add(connection, job, await _apply(connection, job, transfer, result))


async def _apply(connection: Connection, job: Job, transfer: Transfer, result: Storable) -> Sequence[NextJob]:
    match result:
        case PageRead():
            return await _page_read(connection, job, transfer, result)
        case BatchMatched():
            return await _batch_matched(connection, job, transfer, result)
        case TargetCreated() | TargetRead() | WriteFinished():
            return await _target_known(connection, job, transfer, result)
        case BatchWritten():
            return await _batch_written(connection, job, result)
        case LookAgain() | Repair() | Verified():
            return await _looked(connection, job, result)
        case Cancelled():
            return await _cancelled(connection, job)


async def _page_read(
    connection: Connection, job: Job, transfer: Transfer, result: PageRead
) -> Sequence[NextJob]:
    first = job.first_position
    await connection.execute(SOURCE_COUNT, job.transfer_id, result.total)
    if transfer.source_count is not None and result.total not in (None, transfer.source_count):
        await _warn(connection, job, "source_edited")
    await items.insert(connection, job.transfer_id, first=first, items=result.items)
    behind = first + len(result.items)
    following = []
    if result.items:
        following.append(
            NextJob(
                platform=transfer.target_platform,
                phase=Phase.MATCH,
                batch=job.batch,
                first_position=first,
                last_position=behind - 1,
            )
        )
    if result.next_cursor is not None:
        following.append(
            NextJob(
                platform=job.platform,
                phase=Phase.READ,
                batch=job.batch + 1,
                cursor=result.next_cursor,
                first_position=behind,
            )
        )
        return following
    await connection.execute(READ_ON, job.transfer_id, True)
    if not result.items and not await jobs.open_count(connection, job.transfer_id, phase=Phase.MATCH):
        following.append(await _first_write(connection, job, transfer.target_platform))
    return following


async def _batch_matched(
    connection: Connection, job: Job, transfer: Transfer, result: BatchMatched
) -> Sequence[NextJob]:
    await items.settle(connection, job.transfer_id, result.settled)
    is_read = await connection.fetchval(IS_READ, job.transfer_id)
    if not is_read or await jobs.open_count(connection, job.transfer_id, phase=Phase.MATCH):
        return ()
    return (await _first_write(connection, job, transfer.target_platform),)


async def _first_write(connection: Connection, job: Job, platform: Platform) -> NextJob:
    await connection.execute(PHASE, job.transfer_id, Phase.WRITE)
    return NextJob(platform=platform, phase=Phase.WRITE, batch=0)


async def _target_known(
    connection: Connection, job: Job, transfer: Transfer, result: TargetCreated | TargetRead | WriteFinished
) -> Sequence[NextJob]:
    match result:
        case TargetCreated():
            playlist = result.playlist
            await connection.execute(CREATED, transfer.id, playlist.id, playlist.name, playlist.url)
        case TargetRead():
            await connection.execute(EXISTING, transfer.id, result.track_count)
            await execute_long(connection, PRESENT, transfer.id, list(result.present_positions))
            await target_bases.put(connection, transfer.id, tail=result.tail, counts=result.counts)
        case WriteFinished():
            await connection.execute(PHASE, transfer.id, Phase.VERIFY)
            batch = await connection.fetchval(LAST_BATCH, transfer.id, Phase.VERIFY) + 1
            return (NextJob(platform=job.platform, phase=Phase.VERIFY, batch=batch),)
    return (NextJob(platform=job.platform, phase=Phase.WRITE, batch=job.batch + 1),)


async def _batch_written(connection: Connection, job: Job, result: BatchWritten) -> Sequence[NextJob]:
    await connection.execute(WRITTEN, job.transfer_id, list(result.positions))
    await connection.execute(COUNT, job.transfer_id, result.target_count)
    if result.refused:
        await connection.execute(REFUSED, job.transfer_id, list(result.refused), result.refusal)
    if result.warning is not None:
        await _warn(connection, job, result.warning)
    return (
        NextJob(
            platform=job.platform,
            phase=Phase.WRITE,
            batch=job.batch + 1,
            batch_limit=result.batch_limit,
            failure_count=result.failure_count,
            delay_s=result.delay_s,
        ),
    )


async def _looked(
    connection: Connection, job: Job, result: LookAgain | Repair | Verified
) -> Sequence[NextJob]:
    match result:
        case LookAgain():
            again = NextJob(
                platform=job.platform,
                phase=Phase.VERIFY,
                batch=job.batch + 1,
                failure_count=job.failure_count + 1,
                delay_s=result.delay_s,
            )
            return (again,)
        case Repair():
            await execute_long(connection, UNWRITTEN, job.transfer_id, list(result.positions))
            await connection.execute(REPAIR, job.transfer_id, len(result.positions))
            batch = await connection.fetchval(LAST_BATCH, job.transfer_id, Phase.WRITE) + 1
            return (NextJob(platform=job.platform, phase=Phase.WRITE, batch=batch),)
        case Verified():
            await connection.execute(REFUSED, job.transfer_id, list(result.vanished), VANISHED)
            for warning in result.warnings:
                await _warn(connection, job, warning)
            await connection.execute(COMPLETE, job.transfer_id)
            return ()


async def _cancelled(connection: Connection, job: Job) -> Sequence[NextJob]:
    await connection.execute(CANCEL, job.transfer_id)
    await execute_long(connection, SKIP_ITEMS, job.transfer_id)
    await connection.execute(CLOSE_JOBS, job.transfer_id)
    return ()


async def _warn(connection: Connection, job: Job, code: str) -> None:
    await connection.execute(WARN, job.transfer_id, [{"code": code, "detail": WARNINGS[code]}], code)


async def defer(pool: Pool, job: Job, *, result: BatchMatched) -> None:
    """Keep what a half-answered batch has decided; the job stays open. Raises LeaseLost."""
    async with jobs.fenced(pool, job) as connection:
        await items.settle(connection, job.transfer_id, result.settled)
        await connection.execute(
            "UPDATE transfers SET revision = revision + 1 WHERE id = $1", job.transfer_id
        )
