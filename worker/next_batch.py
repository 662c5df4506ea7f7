"""Which tracks are added next, and where: a batch that one call can take and that keeps the order."""

from collections.abc import Sequence

import msgspec

from shared.db import items
from shared.models import Planned
from worker.context import Context
from worker.read_back import standing
from worker.target import is_full


class NextBatch(msgspec.Struct, frozen=True, kw_only=True):
    """Tracks to add at offset. present: positions whose track stands there, where none may stand twice."""

    tracks: tuple[Planned, ...] = ()
    offset: int = 0
    present: tuple[int, ...] = ()


async def next_batch(context: Context) -> NextBatch:
    """Return the next tracks to add and where: behind all written ones of smaller positions.

    Usually that is the end. A batch stops before a position that is written already, so that one insert
    keeps the order. A full playlist takes none.
    """
    limit = context.capabilities.add_batch
    waiting = await items.unwritten(
        context.pool, context.transfer.id, limit=min(limit, context.job.batch_limit or limit)
    )
    batch, present = await _that_may_stand(context, waiting)
    if is_full(context):
        return NextBatch(present=await _passed_by(context, present))
    if not batch:
        return NextBatch(present=present)
    first = batch[0].position
    following = await items.next_written(
        context.pool, context.transfer.id, part=context.transfer.part, position=first
    )
    if following is None:
        return NextBatch(tracks=batch, offset=context.transfer.target_count or 0, present=present)
    before = await items.count_before(
        context.pool, context.transfer.id, part=context.transfer.part, position=first
    )
    # Somebody may have removed rows before it: there is no place behind the end.
    place = min((context.transfer.target_base_count or 0) + before, context.transfer.target_count or 0)
    tracks = tuple(planned for planned in batch if planned.position < following)
    return NextBatch(tracks=tracks, offset=place, present=present)


async def _passed_by(context: Context, present: Sequence[int]) -> tuple[int, ...]:
    """Return those positions behind which something is written, so that no next playlist takes them."""
    if not present:
        return ()
    last = await items.last_written(context.pool, context.transfer.id, part=context.transfer.part)
    return tuple(position for position in present if last is not None and position < last)


async def _that_may_stand(
    context: Context, waiting: Sequence[Planned]
) -> tuple[tuple[Planned, ...], tuple[int, ...]]:
    """Tell tracks that may be added from those that stand there, where the platform keeps each once.

    A second copy inside the batch is neither: what becomes of it is seen when the first one is written.
    """
    if context.capabilities.keeps_repeats:
        return tuple(waiting), ()
    there = await standing(context, {planned.track_id for planned in waiting})
    fresh = {planned.track_id: planned for planned in reversed(waiting) if not there[planned.track_id]}
    present = tuple(planned.position for planned in waiting if there[planned.track_id])
    return tuple(planned for planned in waiting if fresh.get(planned.track_id) is planned), present
