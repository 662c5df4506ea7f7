"""Match: finds the target's recording for each item of one batch."""

import asyncio
from collections.abc import Sequence

from shared.db import items
from shared.db.items import Item, Settled
from shared.errors import CrossplayError, Remedy
from shared.models import UNSETTLED, Isrc, Outcome, Track
from worker.context import Context
from worker.evidence import alternatives_of, evidence_of
from worker.lookups import Found
from worker.matching.decide import Decision, decide
from worker.matching.query import Query, text_queries
from worker.results import BatchMatched
from worker.rules import apply_rules

_RANK = {
    Outcome.EXACT: 5,
    Outcome.SAME_RECORDING: 4,
    Outcome.BEST_EFFORT: 3,
    Outcome.REVIEW: 2,
    Outcome.ONLY_OTHER_VERSION: 1,
    Outcome.NO_CANDIDATE: 0,
}
_GOOD_ENOUGH = 4  # a recording that is surely the same ends the search


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
    by_isrc = await _find_isrcs(context, open_items)
    slots = asyncio.Semaphore(context.adapter.capabilities.search_parallel)

    async def settle(item: Item) -> Settled | CrossplayError:
        async with slots:
            try:
                return await _settle(context, item, by_isrc)
            except CrossplayError as error:
                if error.remedy is Remedy.NONE:
                    return Settled(position=item.position, outcome=Outcome.FAILED, reason=str(error))
                return error

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(settle(item)) for item in open_items]
    outcomes = [task.result() for task in tasks]
    failures = [outcome for outcome in outcomes if isinstance(outcome, CrossplayError)]
    settled = [
        Settled(position=item.position, outcome=Outcome.DEFERRED, reason=outcome.code)
        if isinstance(outcome, CrossplayError)
        else outcome
        for item, outcome in zip(open_items, outcomes, strict=True)
    ]
    return BatchMatched(settled=(*by_rule, *settled), failure=failures[0] if failures else None)


async def _find_isrcs(context: Context, open_items: Sequence[Item]) -> Found:
    isrcs = [item.source.track.isrc for item in open_items if item.source.track and item.source.track.isrc]
    return await context.lookups.by_isrc(context.adapter, list(dict.fromkeys(isrcs)), market=context.market)


async def _settle(context: Context, item: Item, by_isrc: Found) -> Settled:
    source = item.source.track
    if source is None:
        raise LookupError(item.position)
    candidates = _isrc_candidates(source.isrc, by_isrc)
    policy, explicit = context.transfer.policy, context.transfer.explicit
    decision = decide(source, candidates, policy=policy, explicit=explicit)
    for query in text_queries(source):
        if not _is_worth_asking(context, query, decision):
            continue
        found = await context.lookups.by_text(context.adapter, query, market=context.market)
        known = {track.id for track in candidates}
        candidates = (*candidates, *(track for track in found if track.id not in known))
        if len(candidates) > len(known):
            again = decide(source, candidates, policy=policy, explicit=explicit, is_loose=query.loose)
            decision = max(decision, again, key=lambda one: _RANK[one.outcome])
    return _settled(item, decision, candidates)


def _is_worth_asking(context: Context, query: Query, decision: Decision) -> bool:
    """Ask on while nothing sure is found; cut-down texts only where nothing at all was."""
    if query.title is not None and not context.adapter.capabilities.has_fielded_search:
        return False
    if query.loose:
        return decision.outcome is Outcome.NO_CANDIDATE
    return _RANK[decision.outcome] < _GOOD_ENOUGH


def _isrc_candidates(isrc: Isrc | None, by_isrc: Found) -> tuple[Track, ...]:
    """Return what the ISRC named. Raises the look-up's failure where it was not answered.

    One that the platform refuses for good, maybe for another ISRC of the batch, leaves it to the text search.
    """
    if isrc is None:
        return ()
    failure = by_isrc.failure
    if isrc not in by_isrc.answers and failure is not None and failure.remedy is not Remedy.NONE:
        raise failure
    return by_isrc.answers.get(isrc, ())


def _settled(item: Item, decision: Decision, candidates: Sequence[Track]) -> Settled:
    return Settled(
        position=item.position,
        outcome=decision.outcome,
        reason=decision.reason,
        score=decision.score,
        target=None if decision.choice is None else candidates[decision.choice],
        evidence=None if decision.evidence is None else evidence_of(decision.evidence, gap=decision.gap),
        alternatives=alternatives_of(decision, candidates=candidates),
    )
