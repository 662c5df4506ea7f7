"""What becomes of a track that the platform will not take: once, fresh answers are asked for another one."""

import msgspec

from shared.db import refusals
from shared.errors import CrossplayError, Remedy
from shared.models import Outcome
from worker.candidates import Finder, settled
from worker.context import Context
from worker.results import BatchWritten

_SEARCHED = frozenset({Outcome.EXACT, Outcome.SAME_RECORDING, Outcome.BEST_EFFORT})
_NOTHING_ELSE = "Nothing else was found that is surely the same."


async def choose_again(context: Context, refused: BatchWritten) -> BatchWritten:
    """Match a single refused track anew; a cached answer may have offered one that is gone by now.

    What offered it is forgotten, for everybody. Where nothing else is found, or it is the second refusal of
    the position, the refusal stays. Raises what a look-up's failure was; the write is then settled again.
    """
    (position,) = refused.refused
    item = await refusals.load(context.pool, context.transfer.id, position=position)
    if item.refused_track_ids or item.source.track is None or item.outcome not in _SEARCHED:
        return refused
    await context.lookups.forget(context.adapter, item.target_track_id, market=context.market)
    finder = Finder(context, refused_ids={item.target_track_id})
    find = (await finder.find({position: item.source.track}))[position]
    if isinstance(find, CrossplayError):
        if find.remedy is not Remedy.NONE:
            raise find
        return refused
    if find.decision.outcome not in _SEARCHED:
        return msgspec.structs.replace(refused, refusal=f"{refused.refusal} {_NOTHING_ELSE}")
    return msgspec.structs.replace(refused, refused=(), refusal="", chosen=(settled(position, find),))
