"""What becomes of tracks that the platform will not take: once, fresh answers are asked for other ones."""

from collections.abc import Sequence

import msgspec

from shared.db import refusals
from shared.db.items import Settled
from shared.db.refusals import Refused
from shared.errors import CrossplayError, Remedy
from shared.models import Outcome
from worker.candidates import settled
from worker.context import Context
from worker.kept import finder_of
from worker.results import BatchWritten

_SEARCHED = frozenset({Outcome.EXACT, Outcome.SAME_RECORDING, Outcome.BEST_EFFORT})
_NOTHING_ELSE = "Nothing else was found that is surely the same."


async def choose_again(context: Context, refused: BatchWritten) -> BatchWritten:
    """Match refused tracks anew; a cached answer may have offered one that is gone by now.

    What offered them is forgotten, for everybody. Where nothing else is found, or it is the second refusal of
    a position, the refusal stays. Raises what a look-up's failure was; the write is then settled again.
    """
    loaded = await refusals.load(context.pool, context.transfer.id, positions=refused.refused)
    sought = [one for one in loaded if _may_be_another(one)]
    if not sought:
        return refused
    for one in sought:
        await context.lookups.forget(context.adapter, one.target_track_id, market=context.market)
    chosen = await _search(context, sought)
    found = {one.position for one in chosen}
    left = tuple(position for position in refused.refused if position not in found)
    is_vain = len(sought) == len(loaded)
    return msgspec.structs.replace(
        refused,
        refused=left,
        refusal=f"{refused.refusal} {_NOTHING_ELSE}" if left and is_vain else refused.refusal if left else "",
        chosen=chosen,
    )


def _may_be_another(one: Refused) -> bool:
    return not one.refused_track_ids and one.source.track is not None and one.outcome in _SEARCHED


async def _search(context: Context, sought: Sequence[Refused]) -> tuple[Settled, ...]:
    """Return what was surely found instead."""
    finder = finder_of(context, refused_ids={one.target_track_id for one in sought})
    sources = {one.position: one.source.track for one in sought if one.source.track is not None}
    chosen = []
    for position, find in (await finder.find(sources)).items():
        if isinstance(find, CrossplayError):
            if find.remedy is not Remedy.NONE:
                raise find
        elif find.decision.outcome in _SEARCHED:
            chosen.append(settled(position, find))
    return tuple(chosen)
