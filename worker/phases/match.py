"""Match: finds the target's recording for each item of one batch."""

from shared.db import items
from shared.errors import CrossplayError, Remedy
from shared.models import UNSETTLED
from worker.candidates import Finder, settled
from worker.context import Context
from worker.results import BatchMatched
from worker.rules import apply_rules


async def match(context: Context) -> BatchMatched:
    """Decide every open item of the batch; those whose look-up failed are deferred, never "not there".

    A query that the platform will never answer fails its own item, not the transfer.
    """
    job = context.job
    batch = await items.read_range(
        context.pool, job.transfer_id, first=job.first_position, last=job.last_position
    )
    unsettled = [item for item in batch if item.outcome in UNSETTLED and item.source.track is not None]
    by_rule, open_items = await apply_rules(context, unsettled)
    sources = {item.position: item.source.track for item in open_items if item.source.track}
    finds = await Finder(context).find(sources)
    failures = (find for find in finds.values() if isinstance(find, CrossplayError))
    return BatchMatched(
        settled=(*by_rule, *(settled(position, find) for position, find in finds.items())),
        failure=next((failure for failure in failures if failure.remedy is not Remedy.NONE), None),
    )
