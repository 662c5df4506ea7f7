"""Stores what a phase handed back and decides which job comes next, in one fenced transaction."""

from collections.abc import Sequence

from shared.db import items, jobs, receipts, refusals, target_bases, target_parts, undos
from shared.db.jobs import Job, NextJob
from shared.db.pool import Connection, Pool, execute_long
from shared.db.transfers import Transfer
from shared.lifecycle import Phase
from shared.models import Platform
from shared.platforms.collections import Collection, collection_of
from worker.results import (
    BatchMatched,
    BatchRemoved,
    BatchWritten,
    Cancelled,
    LookAgain,
    PageRead,
    PartFilled,
    RemoveMore,
    Repair,
    TargetCreated,
    TargetRead,
    Undone,
    Verified,
    WriteFinished,
)
from worker.warnings import warn

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
    | PartFilled
    | BatchRemoved
    | RemoveMore
    | Undone
    | Cancelled
)

SOURCE_COUNT = "UPDATE transfers SET source_count = coalesce(source_count, $2) WHERE id = $1"
READ_ON = "UPDATE transfers SET is_read = $2, phase = CASE WHEN $2 THEN 'match' ELSE phase END WHERE id = $1"
CREATED = """
UPDATE transfers SET target_playlist_id = $2, target_name = coalesce($3, target_name), target_url = $4,
       target_base_count = 0, target_count = 0, is_target_claimed = true
WHERE id = $1
"""
EXISTING = "UPDATE transfers SET target_base_count = $2, target_count = $2 WHERE id = $1"
# Each row that stands there counts for one of ours.
PRESENT = """
UPDATE items SET outcome = 'already_present', reason = 'The target playlist already has it.'
FROM (
    SELECT position, target_track_id,
           row_number() OVER (PARTITION BY target_track_id ORDER BY position) AS turn
    FROM items
    WHERE transfer_id = $1 AND NOT is_written AND is_matched
) AS wanted
JOIN target_base_tracks AS base ON base.transfer_id = $1 AND base.track_id = wanted.target_track_id
WHERE items.transfer_id = $1 AND items.position = wanted.position AND wanted.turn <= base.times
"""
WRITTEN = "UPDATE items SET is_written = true WHERE transfer_id = $1 AND position = ANY($2)"
UNWRITTEN = "UPDATE items SET is_written = false WHERE transfer_id = $1 AND position = ANY($2)"
REFUSED = """
UPDATE items SET outcome = 'failed', reason = $3, is_written = false,
       refused_track_ids = CASE WHEN $4 THEN array_append(refused_track_ids, target_track_id)
                                ELSE refused_track_ids END
WHERE transfer_id = $1 AND position = ANY($2)
"""
# A track that a platform keeps once counts for all its positions, and so does its refusal.
REFUSED_WITH = """
UPDATE items SET outcome = 'failed', reason = $3
WHERE transfer_id = $1 AND outcome = 'already_present' AND reason = $4
      AND target_track_id IN (SELECT target_track_id FROM items WHERE transfer_id = $1 AND position = ANY($2))
"""
KEPT_ONCE = """
UPDATE items SET outcome = 'already_present', reason = $3
WHERE transfer_id = $1 AND position = ANY($2) AND NOT is_written
"""
COUNT = "UPDATE transfers SET target_count = $2 WHERE id = $1"
PHASE = "UPDATE transfers SET phase = $2 WHERE id = $1"
REPAIR = """
UPDATE transfers SET repair_count = repair_count + 1, target_count = target_count - $2 WHERE id = $1
"""
COMPLETE = """
UPDATE transfers SET state = 'completed', finished_at = now(), is_target_claimed = false
WHERE id = $1 AND NOT EXISTS (SELECT FROM items WHERE transfer_id = $1 AND NOT is_written AND is_matched)
RETURNING true
"""
DELETED = "UPDATE transfers SET target_playlist_id = NULL, target_url = NULL WHERE id = $1"
CANCEL = """
UPDATE transfers SET state = 'cancelled', finished_at = now(), is_target_claimed = false WHERE id = $1
"""
SKIP_ITEMS = """
UPDATE items SET outcome = 'skipped_by_user', reason = 'The transfer was cancelled before.'
WHERE transfer_id = $1 AND NOT is_written
      AND (is_matched OR outcome IN ('pending', 'deferred'))
"""
# A job that is being checkpointed right now is left to that: waiting for it here would be a deadlock.
CLOSE_JOBS = """
UPDATE jobs SET state = 'done', finished_at = now() WHERE id IN (
    SELECT id FROM jobs WHERE transfer_id = $1 AND state = 'open' FOR UPDATE SKIP LOCKED)
"""
REVISE = "UPDATE transfers SET revision = revision + 1 WHERE id = $1"
IS_READ = "SELECT is_read FROM transfers WHERE id = $1"
LAST_BATCH = "SELECT coalesce(max(batch), -1) FROM jobs WHERE transfer_id = $1 AND phase = $2"

TURNED_BATCH = 100  # items of a match job where all were read before the first of them is looked for

ONCE = "This platform keeps a track once in a playlist, and it stands there already."
VANISHED = "The platform accepted this track and does not show it; it was added again without effect."


async def save(pool: Pool, job: Job, *, transfer: Transfer, result: Storable) -> None:
    """Commit a result with the jobs that follow it. Raises LeaseLost; then nothing has changed."""
    is_settled = not isinstance(result, Cancelled) or result.is_settled
    async with jobs.checkpoint(pool, job, is_settled=is_settled) as connection:
        await jobs.add(connection, job, await _apply(connection, job, transfer, result))


async def _apply(connection: Connection, job: Job, transfer: Transfer, result: Storable) -> Sequence[NextJob]:
    match result:
        case PageRead():
            return await _page_read(connection, job, transfer, result)
        case BatchMatched():
            return await _batch_matched(connection, job, transfer, result)
        case TargetCreated() | TargetRead() | WriteFinished() | PartFilled():
            return await _target_known(connection, job, transfer, result)
        case BatchWritten() | BatchRemoved():
            return await _batch_settled(connection, job, transfer, result)
        case LookAgain() | Repair() | RemoveMore():
            return await _looked(connection, job, result)
        case Verified() | Undone() | Cancelled():
            return await _ended(connection, job, transfer, result)


async def _page_read(
    connection: Connection, job: Job, transfer: Transfer, result: PageRead
) -> Sequence[NextJob]:
    first = job.first_position
    await connection.execute(SOURCE_COUNT, job.transfer_id, result.total)
    if transfer.source_count is not None and result.total not in (None, transfer.source_count):
        await warn(connection, job, "source_edited")
    await items.insert(connection, job.transfer_id, first=first, items=result.items)
    behind = first + len(result.items)
    is_turned = collection_of(transfer.target_playlist_id) is Collection.LIKED
    following = []
    if result.items and not is_turned:
        following.append(_match(transfer, batch=job.batch, first=first, behind=behind))
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
    if is_turned:
        await items.turn(connection, job.transfer_id, count=behind)
        firsts = enumerate(range(0, behind, TURNED_BATCH))
        following += [
            _match(transfer, batch=batch, first=at, behind=min(at + TURNED_BATCH, behind))
            for batch, at in firsts
        ]
        if following:
            return following
    if not result.items and not await jobs.has_open(connection, job.transfer_id, phase=Phase.MATCH):
        following.append(await _turned(connection, job, Phase.WRITE, platform=transfer.target_platform))
    return following


def _match(transfer: Transfer, *, batch: int, first: int, behind: int) -> NextJob:
    return NextJob(
        platform=transfer.target_platform,
        phase=Phase.MATCH,
        batch=batch,
        first_position=first,
        last_position=behind - 1,
    )


async def _batch_matched(
    connection: Connection, job: Job, transfer: Transfer, result: BatchMatched
) -> Sequence[NextJob]:
    await items.settle(connection, job.transfer_id, result.settled)
    if (
        transfer.target_base_count or transfer.part > 1
    ):  # tried again: the target has been read before, and it held something
        positions = [one.position for one in result.settled]
        await refusals.find_present(connection, job.transfer_id, positions=positions)
    is_read = await connection.fetchval(IS_READ, job.transfer_id)
    if not is_read or await jobs.has_open(connection, job.transfer_id, phase=Phase.MATCH):
        return ()
    return (await _turned(connection, job, Phase.WRITE, platform=transfer.target_platform),)


async def _target_known(
    connection: Connection,
    job: Job,
    transfer: Transfer,
    result: TargetCreated | TargetRead | WriteFinished | PartFilled,
) -> Sequence[NextJob]:
    match result:
        case TargetCreated():
            playlist = result.playlist
            name = playlist.name if transfer.part == 1 else None  # the transfer is called as its first one
            await connection.execute(CREATED, transfer.id, playlist.id, name, playlist.url)
            if transfer.part > 1:
                await target_parts.made(connection, transfer.id, part=transfer.part, playlist=playlist)
        case TargetRead():
            await connection.execute(EXISTING, transfer.id, result.track_count)
            await target_bases.put(connection, transfer.id, tail=result.tail)
            if transfer.on_duplicate == "skip":
                await execute_long(connection, PRESENT, transfer.id)
        case WriteFinished():
            return await _turn_to(connection, job, Phase.VERIFY)
        case PartFilled():
            return await _part_filled(connection, job, transfer, result)
    return (NextJob(platform=job.platform, phase=Phase.WRITE, batch=job.batch + 1),)


async def _batch_settled(
    connection: Connection, job: Job, transfer: Transfer, result: BatchWritten | BatchRemoved
) -> Sequence[NextJob]:
    match result:
        case BatchWritten():
            await _batch_written(connection, job, transfer, result)
        case BatchRemoved():
            await undos.settle(connection, job.transfer_id, result.settled)
    return (
        NextJob(
            platform=job.platform,
            phase=job.phase,
            batch=job.batch + 1,
            batch_limit=result.batch_limit,
            failure_count=result.failure_count,
            delay_s=result.delay_s,
        ),
    )


async def _batch_written(connection: Connection, job: Job, transfer: Transfer, result: BatchWritten) -> None:
    await connection.execute(WRITTEN, job.transfer_id, list(result.positions))
    await connection.execute(COUNT, job.transfer_id, result.target_count)
    if result.is_proved:
        await receipts.add(connection, transfer.id, part=transfer.part, count=len(result.positions))
    if transfer.part > 1 and result.positions:
        await target_parts.put(connection, transfer.id, part=transfer.part, positions=result.positions)
        if await target_parts.is_out_of_place(
            connection, transfer.id, part=transfer.part, positions=result.positions
        ):
            await warn(connection, job, "added_to_last_part")
    if result.refused:
        await _refuse(connection, job, result.refused, reason=result.refusal, is_denied=result.is_denied)
    if result.present:
        await connection.execute(KEPT_ONCE, job.transfer_id, list(result.present), ONCE)
    if result.chosen:
        await _chosen(connection, job, result)
    if result.warning is not None:
        await warn(connection, job, result.warning)


async def _refuse(
    connection: Connection, job: Job, positions: Sequence[int], *, reason: str, is_denied: bool
) -> None:
    await connection.execute(REFUSED, job.transfer_id, list(positions), reason, is_denied)
    if positions:
        await connection.execute(REFUSED_WITH, job.transfer_id, list(positions), reason, ONCE)


async def _chosen(connection: Connection, job: Job, result: BatchWritten) -> None:
    positions = [one.position for one in result.chosen]
    await refusals.note(connection, job.transfer_id, positions=positions)
    await items.settle(connection, job.transfer_id, result.chosen)
    await refusals.find_present(connection, job.transfer_id, positions=positions)


async def _looked(
    connection: Connection, job: Job, result: LookAgain | Repair | RemoveMore
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
            return await _turn_to(connection, job, Phase.WRITE)
        case RemoveMore():
            return await _turn_to(connection, job, Phase.UNDO)


async def _turn_to(connection: Connection, job: Job, phase: Phase) -> Sequence[NextJob]:
    """Go on in another phase at the same platform."""
    return (await _turned(connection, job, phase, platform=job.platform),)


async def _turned(connection: Connection, job: Job, phase: Phase, *, platform: Platform) -> NextJob:
    """Return the first job of a phase, which may have been reached before."""
    await connection.execute(PHASE, job.transfer_id, phase)
    batch = await connection.fetchval(LAST_BATCH, job.transfer_id, phase) + 1
    return NextJob(platform=platform, phase=phase, batch=batch)


async def _ended(
    connection: Connection, job: Job, transfer: Transfer, result: Verified | Undone | Cancelled
) -> Sequence[NextJob]:
    for warning in result.warnings:
        await warn(connection, job, warning)
    match result:
        case Verified():
            return await _verified(connection, job, result)
        case Undone():
            return await _undone(connection, job, transfer, result)
        case Cancelled():
            await connection.execute(CANCEL, job.transfer_id)
            await execute_long(connection, SKIP_ITEMS, job.transfer_id)
            await connection.execute(CLOSE_JOBS, job.transfer_id)
            return ()


async def _verified(connection: Connection, job: Job, result: Verified) -> Sequence[NextJob]:
    """Complete a transfer, unless its user has decided something meanwhile that is to be written."""
    await _refuse(connection, job, result.vanished, reason=VANISHED, is_denied=True)
    if await connection.fetchval(COMPLETE, job.transfer_id):
        return ()
    return await _turn_to(connection, job, Phase.WRITE)


async def _part_filled(
    connection: Connection, job: Job, transfer: Transfer, result: PartFilled
) -> Sequence[NextJob]:
    for warning in (*result.warnings, "target_split"):
        await warn(connection, job, warning)
    if result.vanished:
        await _refuse(connection, job, result.vanished, reason=VANISHED, is_denied=True)
    await target_parts.go_on(connection, transfer.id, part=transfer.part, name=transfer.target_name)
    return await _turn_to(connection, job, Phase.WRITE)


async def _undone(connection: Connection, job: Job, transfer: Transfer, result: Undone) -> Sequence[NextJob]:
    """Complete an undo, or let it go on with the playlist before."""
    await undos.settle(connection, job.transfer_id, result.settled)
    if result.is_playlist_deleted:
        await connection.execute(DELETED, job.transfer_id)
    is_deleted = result.is_playlist_deleted
    if transfer.part > 1 and await target_parts.go_back(
        connection, transfer.id, part=transfer.part, is_deleted=is_deleted
    ):
        return await _turn_to(connection, job, Phase.UNDO)
    await connection.execute(COMPLETE, job.transfer_id)
    return ()


async def warn_late_write(pool: Pool, job: Job) -> None:
    """Tell of a write that left when the job was somebody else's, also after the transfer's end."""
    async with pool.acquire() as connection, connection.transaction():
        await warn(connection, job, "late_write" if job.phase is Phase.WRITE else "late_removal")
        await connection.execute(REVISE, job.transfer_id)


async def defer(pool: Pool, job: Job, *, result: BatchMatched) -> None:
    """Keep what a half-answered batch has decided; the job stays open. Raises LeaseLost."""
    async with jobs.fenced(pool, job) as connection:
        await connection.execute(REVISE, job.transfer_id)
        await items.settle(connection, job.transfer_id, result.settled)
