"""Write: makes the target playlist and adds one batch, by intent, gate, single send and read-back."""

from collections import deque
from itertools import takewhile

import msgspec

from shared.db import doubts, intents, items, jobs, target_bases, target_parts
from shared.db.intents import Intent, Write
from shared.errors import PlatformRejected
from shared.models import PlaylistId, TrackId
from worker.context import Context
from worker.next_batch import next_batch
from worker.read_back import ANCHOR_COUNT, find_created, is_repeatable, marker_of, note, settle_lost
from worker.results import BatchWritten, TargetCreated, TargetRead, Wait, WriteFinished
from worker.second_choice import choose_again
from worker.target import CLAIM_WAIT_S, claim, grown, withdraw_if_refused
from worker.target_pages import MOST_READINGS, Reading

WriteResult = TargetCreated | TargetRead | BatchWritten | WriteFinished | Wait


async def write(context: Context) -> WriteResult:
    """Do the next one of: create the target, read an existing one, settle a lost write, add a batch."""
    intent = await intents.get(context.pool, context.job)
    if context.transfer.target_playlist_id is None:
        return await _create(context, intent)
    if context.transfer.target_count is None:
        return await _read_existing(context, context.transfer.target_playlist_id)
    result = await _write_on(context, context.transfer.target_playlist_id, intent)
    if isinstance(result, BatchWritten) and result.refused:
        return await choose_again(context, result)
    return result


async def _write_on(
    context: Context, playlist_id: PlaylistId, intent: Intent | None
) -> BatchWritten | WriteFinished | Wait:
    if intent is not None and is_repeatable(context, intent):
        return await _send_again(context, playlist_id, intent)
    if intent is not None:
        return await settle_lost(context, intent, playlist_id=playlist_id)
    if context.transfer.is_target_doubtful and (wait := await doubt(context)) is not None:
        return wait
    return await _add(context, playlist_id)


async def settle(context: Context, intent: Intent) -> TargetCreated | BatchWritten | Wait | None:
    """Find out what a lost write did and start nothing new; None where it did nothing."""
    if context.transfer.target_playlist_id is None:
        return await find_created(context, intent)
    return await settle_lost(context, intent, playlist_id=context.transfer.target_playlist_id)


async def doubt(context: Context) -> Wait | None:
    """Take everything that is still to be added for a write that may have happened; None where nothing is.

    The rows of a restored transfer are older than its target. What they do not know of is found like what a
    lost answer leaves open, by reading back, before anything is sent.
    """
    rest = await items.unwritten(context.pool, context.transfer.id, limit=None)
    if not rest:
        return None
    count = context.transfer.target_count or 0
    await doubts.declare_add(
        context.pool,
        context.job,
        write=Write(
            expected_count=count,
            target_offset=count,
            positions=tuple(planned.position for planned in rest),
            track_ids=tuple(planned.track_id for planned in rest),
        ),
        part=context.transfer.part,
    )
    return Wait(delay_s=0)


async def _create(context: Context, intent: Intent | None) -> TargetCreated | Wait:
    if intent is None and context.transfer.is_target_doubtful:
        await intents.declare_create(context.pool, context.job)
        return Wait(delay_s=0)
    if intent is not None and is_repeatable(context, intent):
        return await _make(context, epoch=intent.epoch)
    if intent is not None:
        found = await find_created(context, intent)
        if found is not None:
            return found
        await intents.withdraw(context.pool, context.job)
    await intents.declare_create(context.pool, context.job)
    return await _make(context, epoch=context.job.epoch)


async def _make(context: Context, *, epoch: int) -> TargetCreated:
    description = f"Copied from {context.transfer.source_platform} by Crossplay [{marker_of(context)}]"
    try:
        playlist = await context.adapter.create_playlist(
            target_parts.name_of(context.transfer.target_name, part=context.transfer.part),
            description=description,
            key=_key(context, epoch),
            gate=context.gate,
        )
    except Exception as error:
        await _withdraw(context, error, epoch=epoch)
        raise
    return TargetCreated(playlist=playlist)


async def _withdraw(context: Context, error: Exception, *, epoch: int) -> None:
    """Drop the intent of a refused write; what refuses a second send says nothing about the first."""
    if epoch == context.job.epoch:
        await withdraw_if_refused(context, error)


def _key(context: Context, epoch: int) -> str:
    """Name a write by the attempt that declared it: whoever sends that one again names it the same."""
    return f"{context.job.id.replace('-', '')}x{epoch}"


async def _read_existing(context: Context, playlist_id: PlaylistId) -> TargetRead | Wait:
    if not await claim(context):
        return Wait(delay_s=CLAIM_WAIT_S)
    for _ in range(MOST_READINGS):
        reading = Reading(context.adapter, playlist_id)
        tail = await _count_base(context, reading)
        if not reading.has_changed:
            break
    return TargetRead(track_count=reading.length, tail=tail)


async def _count_base(context: Context, reading: Reading) -> tuple[TrackId, ...]:
    """Store how often each track stands in a target, page by page; return its last tracks."""
    async with jobs.fenced(context.pool, context.job) as connection:
        await target_bases.clear(connection, context.transfer.id)
    last: deque[TrackId | None] = deque(maxlen=ANCHOR_COUNT)
    async for page in reading.pages():
        ids = [row.track_id for row in page.rows]
        async with jobs.fenced(context.pool, context.job) as connection:
            await target_bases.add(connection, context.transfer.id, track_ids=list(filter(None, ids)))
        last.extend(ids)
    tail = tuple(track_id for track_id in takewhile(bool, reversed(last)) if track_id)
    return tail[::-1]


async def _add(context: Context, playlist_id: PlaylistId) -> BatchWritten | WriteFinished | Wait:
    batch = await next_batch(context)
    count = context.transfer.target_count or 0
    if not batch.tracks and not batch.present:
        return WriteFinished()  # of this playlist: when it is proved, the next one is begun
    if not batch.tracks:
        return BatchWritten(
            positions=(), target_count=count, present=batch.present, batch_limit=context.job.batch_limit
        )
    limit = context.capabilities.playlist_limit
    if limit is not None and count + len(batch.tracks) > limit:
        return BatchWritten(positions=(), target_count=count, batch_limit=limit - count)
    write = Write(
        expected_count=count,
        target_offset=batch.offset,
        positions=tuple(planned.position for planned in batch.tracks),
        track_ids=tuple(planned.track_id for planned in batch.tracks),
    )
    await intents.declare_add(context.pool, context.job, write=write)
    written = await _send(context, playlist_id, write=write, epoch=context.job.epoch)
    if isinstance(written, Wait):
        return written
    return msgspec.structs.replace(written, present=batch.present)


async def _send(
    context: Context, playlist_id: PlaylistId, *, write: Write, epoch: int
) -> BatchWritten | Wait:
    """Send a declared batch. epoch: of the attempt that declared it."""
    try:
        added = await context.adapter.add_tracks(
            playlist_id,
            track_ids=write.track_ids,
            position=write.target_offset,
            key=_key(context, epoch),
            gate=context.gate,
        )
    except PlatformRejected as error:
        return await _rejected(context, playlist_id, write.positions, error)
    except Exception as error:
        await _withdraw(context, error, epoch=epoch)
        raise
    skipped = {write.positions[index] for index in added.left_out}
    positions = tuple(position for position in write.positions if position not in skipped)
    return BatchWritten(
        positions=positions,
        target_count=write.expected_count + len(positions),
        refused=tuple(sorted(skipped)),
        refusal=f"{context.adapter.platform} has left this track out." if skipped else "",
        is_denied=bool(skipped),
        is_proved=added.is_proved,
        batch_limit=grown(context, len(write.positions), limit=context.capabilities.add_batch),
        delay_s=context.capabilities.apart_s,
    )


async def _send_again(context: Context, playlist_id: PlaylistId, intent: Intent) -> BatchWritten | Wait:
    """Send the very same batch under the very same key: the platform says once more what it did."""
    write = Write(
        expected_count=intent.expected_count,
        target_offset=intent.target_offset,
        positions=intent.positions,
        track_ids=intent.track_ids,
    )
    written = await _send(context, playlist_id, write=write, epoch=intent.epoch)
    note(context, "repeated")
    return written


async def _rejected(
    context: Context, playlist_id: PlaylistId, positions: tuple[int, ...], error: PlatformRejected
) -> BatchWritten | Wait:
    """Halve a batch that the platform refuses as a whole, down to the one track that it means."""
    count = context.transfer.target_count or 0
    view = await context.adapter.read_target(playlist_id, offset=count)
    if view.total > count:  # it may have said no to what it did: the read-back finds out
        return Wait(delay_s=0)
    if context.capabilities.write_class.has_places and view.total < count:
        return _beyond_the_end(context, count=count, seen_count=view.total)
    if len(positions) > 1:
        return BatchWritten(positions=(), target_count=count, batch_limit=len(positions) // 2)
    return BatchWritten(
        positions=(), target_count=count, refused=positions, refusal=str(error), is_denied=True
    )


def _beyond_the_end(context: Context, *, count: int, seen_count: int) -> BatchWritten:
    """Go back to the end of a playlist from which somebody removed rows; our own may only be unseen yet."""
    if context.job.failure_count == 0:
        return BatchWritten(
            positions=(),
            target_count=count,
            batch_limit=context.job.batch_limit,
            failure_count=1,
            delay_s=context.capabilities.visibility_delay_s,
        )
    return BatchWritten(
        positions=(),
        target_count=seen_count,
        batch_limit=context.job.batch_limit,
        warning="target_edited",
    )
