"""Compares a target with what was written, reading both piece by piece."""

from collections.abc import AsyncIterator, Container, Sequence

from shared.db import items
from shared.models import Planned, PlaylistId, TrackId
from shared.platforms.base import TargetPage, TargetRow
from worker.context import Context
from worker.proof import BEFORE_ALL, Agreement, Proof, Rest
from worker.target_pages import Reading

BATCH = 1000


async def compare(context: Context, playlist_id: PlaylistId, *, offset: int) -> Proof:
    """Compare the target, from offset on, with every written track. Raises TargetChanged.

    Holds one page while both agree, and ids of the rest from where they part.
    """
    agreement = Agreement()
    pages = Reading(context.adapter, playlist_id, offset=offset).steady_pages()
    left: tuple[TargetRow, ...] = ()
    async for page in pages:
        if not await _agrees(context, agreement, page.rows):
            left = page.rows
            break
    else:
        if not await _written(context, after=agreement.reached, limit=1):
            return agreement.proof()
    if agreement.is_sure:
        return await _compared(context, left, pages, after=agreement.reached)
    return await compare_as_a_whole(context, playlist_id, offset=offset)


async def compare_as_a_whole(context: Context, playlist_id: PlaylistId, *, offset: int) -> Proof:
    """Do the same where it is known that they part: holds the ids of both. Raises TargetChanged."""
    pages = Reading(context.adapter, playlist_id, offset=offset).steady_pages()
    return await _compared(context, (), pages, after=BEFORE_ALL)


async def _agrees(context: Context, agreement: Agreement, rows: Sequence[TargetRow]) -> bool:
    expected = await _written(context, after=agreement.reached, limit=len(rows))
    ours = await _ours(context, rows, known={planned.track_id for planned in expected})
    return agreement.follow(expected, rows, ours=ours)


async def _compared(
    context: Context, rows: Sequence[TargetRow], pages: AsyncIterator[TargetPage], *, after: int
) -> Proof:
    """Compare rows and all further pages with the tracks that were written behind a position."""
    rest = Rest()
    while batch := await _written(context, after=after, limit=BATCH):
        rest.expect(batch)
        after = batch[-1].position
    rest.show(rows, ours=await _ours(context, rows, known=rest.ids))
    async for page in pages:
        rest.show(page.rows, ours=await _ours(context, page.rows, known=rest.ids))
    return rest.prove(await _namesakes(context, rest))


async def _written(context: Context, *, after: int, limit: int) -> list[Planned]:
    return await items.written(
        context.pool, context.transfer.id, part=context.transfer.part, after=after, limit=limit
    )


async def _ours(
    context: Context, rows: Sequence[TargetRow], *, known: Container[TrackId]
) -> Container[TrackId]:
    """Return those ids of the rows that stand for a written track; known: ids of some written tracks."""
    unsure = {row.track_id for row in rows if row.track_id and row.track_id not in known}
    part = context.transfer.part
    found = (
        await items.standing(context.pool, context.transfer.id, part=part, track_ids=unsure) if unsure else {}
    )
    return {row.track_id for row in rows if row.track_id and (row.track_id in known or row.track_id in found)}


async def _namesakes(context: Context, rest: Rest) -> list[Planned]:
    """Return the unseen tracks whose title some row bears."""
    unseen = rest.unseen()
    found: list[Planned] = []
    for start in range(0, len(unseen), BATCH):
        positions = unseen[start : start + BATCH]
        batch = await items.at(context.pool, context.transfer.id, positions=positions)
        found += filter(rest.has_title, batch)
    return found
