"""Write: makes the target playlist and adds one batch, by intent, gate, single send and read-back."""

from collections import deque
from itertools import takewhile

from shared.db import doubts, intents, items, jobs, target_bases
from shared.db.intents import Intent
from shared.errors import PlatformRejected
from shared.models import Planned, PlaylistId, TrackId
from worker.context import Context
from worker.read_back import ANCHOR_COUNT, find_created, marker_of, settle_lost
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
    if intent is not None:
        result = await settle_lost(context, intent, playlist_id=context.transfer.target_playlist_id)
        if isinstance(result, BatchWritten) and result.refused:
            return await choose_again(context, result)
        return result
    if context.transfer.is_target_doubtful and (wait := await doubt(context)) is not None:
        return wait
    return await _add(context, context.transfer.target_playlist_id)


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
        write=intents.Write(
            expected_count=count,
            target_offset=count,
            positions=tuple(planned.position for planned in rest),
            track_ids=tuple(planned.track_id for planned in rest),
        ),
    )
    return Wait(delay_s=0)


async def _create(context: Context, intent: Intent | None) -> TargetCreated | Wait:
    if intent is None and context.transfer.is_target_doubtful:
        await intents.declare_create(context.pool, context.job)
        return Wait(delay_s=0)
    if intent is not None:
        found = await find_created(context, intent)
        if found is not None:
            return found
        await intents.withdraw(context.pool, context.job)
    await intents.declare_create(context.pool, context.job)
    description = f"Copied from {context.transfer.source_platform} by Crossplay [{marker_of(context)}]"
    try:
        playlist = await context.adapter.create_playlist(
            context.transfer.target_name, description=description, key=_key(context), gate=context.gate
        )
    except Exception as error:
        await withdraw_if_refused(context, error)
        raise
    return TargetCreated(playlist=playlist)


def _key(context: Context) -> str:
    """Name a write of this attempt; a successor sends another one, after it has read back."""
    return f"{context.job.id.replace('-', '')}x{context.job.epoch}"


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
    batch, offset = await _next_batch(context)
    if not batch:
        return WriteFinished()
    count = context.transfer.target_count or 0
    limit = context.adapter.capabilities.playlist_limit
    if limit is not None and count + len(batch) > limit:
        return _over_limit(context, batch, count=count, limit=limit)
    positions = tuple(planned.position for planned in batch)
    track_ids = tuple(planned.track_id for planned in batch)
    await intents.declare_add(
        context.pool,
        context.job,
        write=intents.Write(
            expected_count=count, target_offset=offset, positions=positions, track_ids=track_ids
        ),
    )
    try:
        await context.adapter.add_tracks(
            playlist_id, track_ids=track_ids, position=offset, key=_key(context), gate=context.gate
        )
    except PlatformRejected as error:
        return await _rejected(context, playlist_id, positions, error)
    except Exception as error:
        await withdraw_if_refused(context, error)
        raise
    return BatchWritten(
        positions=positions,
        target_count=count + len(batch),
        batch_limit=grown(context, len(batch), limit=context.adapter.capabilities.add_batch),
    )


async def _next_batch(context: Context) -> tuple[list[Planned], int]:
    """Return the next tracks to add and where: behind all written ones of smaller positions.

    Usually that is the end. A batch stops before a position that is written already, so that one insert
    keeps the order.
    """
    limit = context.adapter.capabilities.add_batch
    batch = await items.unwritten(
        context.pool, context.transfer.id, limit=min(limit, context.job.batch_limit or limit)
    )
    if not batch:
        return [], 0
    first = batch[0].position
    following = await items.next_written(context.pool, context.transfer.id, position=first)
    if following is None:
        return batch, context.transfer.target_count or 0
    before = await items.count_before(context.pool, context.transfer.id, position=first)
    # Somebody may have removed rows before it: there is no place behind the end.
    place = min((context.transfer.target_base_count or 0) + before, context.transfer.target_count or 0)
    return [planned for planned in batch if planned.position < following], place


async def _rejected(
    context: Context, playlist_id: PlaylistId, positions: tuple[int, ...], error: PlatformRejected
) -> BatchWritten | Wait:
    """Halve a batch that the platform refuses as a whole, down to the one track that it means."""
    count = context.transfer.target_count or 0
    view = await context.adapter.read_target(playlist_id, offset=count)
    if view.total > count:  # it may have said no to what it did: the read-back finds out
        return Wait(delay_s=0)
    if context.adapter.capabilities.write_class.has_places and view.total < count:
        return _beyond_the_end(context, count=count, seen_count=view.total)
    if len(positions) > 1:
        return BatchWritten(positions=(), target_count=count, batch_limit=len(positions) // 2)
    refused = BatchWritten(
        positions=(), target_count=count, refused=positions, refusal=str(error), is_denied=True
    )
    return await choose_again(context, refused)


def _beyond_the_end(context: Context, *, count: int, seen_count: int) -> BatchWritten:
    """Go back to the end of a playlist from which somebody removed rows; our own may only be unseen yet."""
    if context.job.failure_count == 0:
        return BatchWritten(
            positions=(),
            target_count=count,
            batch_limit=context.job.batch_limit,
            failure_count=1,
            delay_s=context.adapter.capabilities.visibility_delay_s,
        )
    return BatchWritten(
        positions=(),
        target_count=seen_count,
        batch_limit=context.job.batch_limit,
        warning="target_edited",
    )


def _over_limit(context: Context, batch: list[Planned], *, count: int, limit: int) -> BatchWritten:
    """Fill the playlist to its limit; what does not fit is named."""
    room = limit - count
    if room > 0:
        return BatchWritten(positions=(), target_count=count, batch_limit=room)
    reason = f"A {context.adapter.platform} playlist holds at most {limit:,} tracks."
    return BatchWritten(
        positions=(),
        target_count=count,
        refused=tuple(planned.position for planned in batch),
        refusal=reason,
        warning="target_limit",
    )
