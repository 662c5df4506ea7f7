"""Match: finds the target's recording for each item of one batch."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import msgspec

from shared.db import items
from shared.db.items import Item, Settled
from shared.errors import CrossplayError, Remedy
from shared.models import UNSETTLED, Outcome
from shared.platforms.base import Adopter
from worker.candidates import Finds, settled
from worker.context import Context
from worker.kept import finder_of, named_only
from worker.matching.considered import Considered
from worker.results import BatchMatched
from worker.rules import apply_choices, apply_rules

BELIEVED_BEFORE = timedelta(minutes=10)
"""How old an answer may be when a retry is asked for that still believes it."""

_AS_IT_IS = "It was taken as it is."
_NOTHING_ELSE = "Nothing else was found than what the platform would not take."


async def match(context: Context) -> BatchMatched:
    """Decide every open item of the batch; those whose look-up failed are deferred, never "not there".

    A query that the platform will never answer fails its own item, not the transfer.
    """
    job = context.job
    batch = await items.read_range(
        context.pool, job.transfer_id, first=job.first_position, last=job.last_position
    )
    left = [item for item in batch if item.outcome in UNSETTLED]
    by_rule: list[Settled] = []
    if named_only(context) is None:  # rules are about tracks
        by_rule, left = await apply_rules(context, left)
    by_choice, left = apply_choices(left)
    if isinstance(context.adapter, Adopter):
        return BatchMatched(settled=(*by_rule, *by_choice, *await _adopt(context.adapter, left)))
    sought = {item.position: item for item in left if item.source.track is not None}
    finds = await _find(context, sought)
    failures = (find for find in finds.values() if isinstance(find, CrossplayError))
    return BatchMatched(
        settled=(*by_rule, *by_choice, *(_settled(sought[at], find) for at, find in finds.items())),
        failure=next((failure for failure in failures if failure.remedy is not Remedy.NONE), None),
    )


async def _adopt(adapter: Adopter, left: Sequence[Item]) -> list[Settled]:
    """Settle items for a target that has no catalog: each track is taken with its source's own words."""
    tracks = {item.position: item.source.track for item in left if item.source.track is not None}
    adopted = await adapter.adopt(list(tracks.values()))
    return [
        Settled(position=position, outcome=Outcome.EXACT, reason=_AS_IT_IS, score=1.0, target=track)
        for position, track in zip(tracks, adopted, strict=True)
    ]


async def _find(context: Context, sought: Mapping[int, Item]) -> Finds:
    """Look items up; what is tried again and not found by what is known is asked for again.

    Then older answers are not believed, and neither is what the platform has refused.
    """
    sources = {position: item.source.track for position, item in sought.items() if item.source.track}
    refused_ids = {track_id for item in sought.values() for track_id in item.refused_track_ids}
    finds = await finder_of(context, refused_ids=refused_ids).find(sources)
    reopened_at = context.transfer.reopened_at
    if reopened_at is None:
        return finds
    unsure = {
        position: sources[position]
        for position, find in finds.items()
        if isinstance(find, Considered) and not find.is_sure
    }
    again = finder_of(context, refused_ids=refused_ids, since=reopened_at - BELIEVED_BEFORE)
    return {**finds, **await again.find(unsure)}


def _settled(item: Item, find: Considered | CrossplayError) -> Settled:
    """Say what becomes of an item; one for which there is only what was refused has failed."""
    found = settled(item.position, find)
    if item.refused_track_ids and found.outcome is Outcome.NO_CANDIDATE:
        return msgspec.structs.replace(found, outcome=Outcome.FAILED, reason=_NOTHING_ELSE)
    return found
