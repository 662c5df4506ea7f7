"""Undo: removes one batch of what a transfer added, by intent, gate, single send and read-back."""

from collections.abc import Iterable, Sequence

from shared.db import intents, items
from shared.db.intents import Intent, Write
from shared.errors import PlatformNotFound, PlatformRejected
from shared.models import Outcome, Planned, PlaylistId, Removal
from worker.context import Context
from worker.job_spans import as_read_back
from worker.read_back import fingerprint, needs_second_look, note, set_back, share, unseen_for_s
from worker.removal import judge
from worker.results import BatchRemoved, Wait, WriteFinished
from worker.target import CLAIM_WAIT_S, claim, grown, withdraw_if_refused
from worker.undone import look

UndoResult = BatchRemoved | WriteFinished | Wait


async def undo(context: Context) -> UndoResult:
    """Do the next one of: claim the playlist, settle a lost removal, remove a batch."""
    if not context.transfer.is_target_claimed and not await claim(context):
        return Wait(delay_s=CLAIM_WAIT_S)
    intent = await intents.get(context.pool, context.job)
    if intent is not None:
        return await settle_removal(context, intent)
    return await _remove(context)


@as_read_back
async def settle_removal(context: Context, intent: Intent) -> BatchRemoved | Wait:
    """Find out what a removal did whose answer nobody heard; never sends anything itself."""
    wait_s = await unseen_for_s(context, intent)
    if wait_s > 0:
        return Wait(delay_s=wait_s)
    seen = await look(context)
    there = {row.track_id for row in seen.view.rows}
    sent = zip(intent.positions, intent.track_ids, strict=True)
    gone = [position for position, track_id in sent if track_id not in there]
    is_complete = len(gone) == len(intent.positions)
    if not is_complete and await needs_second_look(context, intent, observed=fingerprint(seen.view)):
        note(context, "undecided")
        return Wait(delay_s=context.capabilities.visibility_delay_s)
    note(context, share(len(gone), of=len(intent.positions)))
    if gone:
        return BatchRemoved(settled=_removed(gone))
    setback = set_back(context, track_count=len(set(intent.track_ids)))
    if setback is None:
        return BatchRemoved(settled=_refused(intent.positions, "The platform never answered to its removal."))
    return BatchRemoved(
        settled=(),
        batch_limit=setback.batch_limit,
        failure_count=setback.failure_count,
        delay_s=setback.delay_s,
    )


async def _remove(context: Context) -> BatchRemoved | WriteFinished:
    transfer = context.transfer
    pending = await items.of_outcome(context.pool, transfer.id, part=transfer.part, outcome=Outcome.PENDING)
    if not pending:
        return WriteFinished()
    seen = await look(context)
    judgement = judge(pending, seen.view.rows, base=seen.base)
    limit = context.capabilities.remove_batch
    batch = judgement.batch(limit=min(limit, context.job.batch_limit or limit))
    if batch:
        return await _send(context, seen.playlist_id, batch=batch, kept=judgement.kept)
    if judgement.kept:
        return BatchRemoved(settled=judgement.kept)
    return WriteFinished()  # what is left does not stand there: that is looked at once more


async def _send(
    context: Context, playlist_id: PlaylistId, *, batch: Sequence[Planned], kept: tuple[Removal, ...]
) -> BatchRemoved:
    positions = tuple(planned.position for planned in batch)
    track_ids = tuple(dict.fromkeys(planned.track_id for planned in batch))
    write = Write(positions=positions, track_ids=tuple(planned.track_id for planned in batch))
    await intents.declare_remove(context.pool, context.job, write=write)
    try:
        await context.adapter.remove_tracks(playlist_id, track_ids=track_ids, gate=context.gate)
    except (PlatformRejected, PlatformNotFound) as error:
        if len(track_ids) > 1:
            return BatchRemoved(settled=kept, batch_limit=len(track_ids) // 2)
        return BatchRemoved(settled=(*kept, *_refused(positions, str(error))))
    except Exception as error:
        await withdraw_if_refused(context, error)
        raise
    limit = grown(context, len(track_ids), limit=context.capabilities.remove_batch)
    return BatchRemoved(settled=(*kept, *_removed(positions)), batch_limit=limit)


def _removed(positions: Iterable[int]) -> tuple[Removal, ...]:
    return tuple(Removal(position=position, outcome=Outcome.REMOVED) for position in positions)


def _refused(positions: Iterable[int], reason: str) -> tuple[Removal, ...]:
    return tuple(Removal(position=position, outcome=Outcome.FAILED, reason=reason) for position in positions)
