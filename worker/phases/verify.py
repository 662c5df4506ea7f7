"""Verify: reads the target and proves it, or says what to repair, or what cannot be."""

from collections import Counter

import msgspec
from opentelemetry.trace import Span

from shared import telemetry
from shared.db import items, receipts, target_bases, target_parts
from shared.models import PlaylistId
from worker.comparison import compare, compare_as_a_whole
from worker.context import Context
from worker.job_spans import result_name
from worker.proof import Proof
from worker.results import LookAgain, PartFilled, Repair, Verified, Wait
from worker.retry import look_delay_s
from worker.target import is_full
from worker.target_pages import TargetChanged

MAX_REPAIRS = 2
LOOK_COUNT = 3  # looks before a track counts as gone
PATIENT_LOOK_COUNT = 14  # some four minutes, where it may be only late, or missed: adding it would double it

UPGRADE_WAIT_S = 5.0  # until the next look whether a worker of an older release is still there

VerifyResult = LookAgain | Repair | Verified | PartFilled | Wait


async def verify(context: Context) -> VerifyResult:
    """Prove the playlist that was written; one that is full is proved before the next one is begun."""
    if await _goes_on(context) and await target_parts.must_wait(context.pool):
        return Wait(delay_s=UPGRADE_WAIT_S)
    with telemetry.step("verify target", {"crossplay.verify.look": context.job.failure_count + 1}) as span:
        is_receipted = await _is_receipted(context)
        span.set_attribute("crossplay.verify.is_receipted", is_receipted)
        result = Verified() if is_receipted else await _verify(context, span)
        if isinstance(result, Verified) and await _goes_on(context):
            result = PartFilled(warnings=result.warnings, vanished=result.vanished)
        span.set_attribute("crossplay.result", result_name(result))
        return result


async def _goes_on(context: Context) -> bool:
    """Say whether there is more than the playlist takes."""
    return is_full(context) and bool(await items.unwritten(context.pool, context.transfer.id, limit=1))


async def _verify(context: Context, span: Span) -> VerifyResult:
    transfer = context.transfer
    if transfer.target_playlist_id is None:
        raise LookupError(transfer.id)
    if transfer.reopened_at is not None and not await items.is_added(context.pool, transfer.id):
        return Verified()  # all else was proved before
    try:
        proof = await _proof(context, transfer.target_playlist_id)
    except TargetChanged:
        return _next_look(context, PATIENT_LOOK_COUNT) or Verified(warnings=("target_unchecked",))
    _tell(span, proof)
    missing = await _owed(context, proof)
    warnings = _warnings(context, proof, owed_count=len(missing))
    if not missing:
        return Verified(warnings=warnings)
    look_count = PATIENT_LOOK_COUNT if context.capabilities.reads_lag else LOOK_COUNT
    if (again := _next_look(context, look_count)) is not None:
        return again
    if transfer.repair_count < MAX_REPAIRS:
        return Repair(positions=missing)
    return Verified(warnings=warnings, vanished=missing)


async def _is_receipted(context: Context) -> bool:
    """Say whether the platform has named every track of a playlist of ours, and still counts as many.

    Its answers told what it added, in which order; so only what others did since could differ (ADR 0017). A
    single page is read: that costs no more than to ask for the count, and proves more.
    """
    transfer, can = context.transfer, context.capabilities
    count, playlist_id = transfer.target_count or 0, transfer.target_playlist_id
    is_whole = transfer.target_is_new and not transfer.target_base_count and transfer.reopened_at is None
    if not can.proves_adds or not is_whole or count <= can.read_page or playlist_id is None:
        return False
    if await receipts.proved_count(context.pool, transfer.id, part=transfer.part) != count:
        return False
    return (await context.adapter.get_playlist(playlist_id)).track_count == count


def _tell(span: Span, proof: Proof) -> None:
    span.set_attributes(
        {
            "crossplay.verify.missing_count": len(proof.missing),
            "crossplay.verify.foreign_count": proof.foreign_count,
            "crossplay.verify.is_in_order": proof.is_in_order,
            "crossplay.verify.is_perfect": proof.is_perfect,
        }
    )


def _next_look(context: Context, look_count: int) -> LookAgain | None:
    if context.job.failure_count + 1 >= look_count:
        return None
    return LookAgain(delay_s=look_delay_s(context.job.failure_count))


async def _proof(context: Context, playlist_id: PlaylistId) -> Proof:
    """Compare from where our tracks begin; or the whole playlist where others moved them up.

    As long as what was there before stands untouched, nobody has: its copies of our tracks are not ours.
    """
    base_count = context.transfer.target_base_count or 0
    if not context.capabilities.keeps_order:
        whole = await compare_as_a_whole(context, playlist_id, offset=0)
        foreign_count = max(0, whole.foreign_count - base_count)
        return msgspec.structs.replace(whole, foreign_count=foreign_count, is_in_order=True)
    proof = await compare(context, playlist_id, offset=base_count)
    if not proof.missing or not base_count:
        return proof
    view = await context.adapter.read_target(playlist_id, offset=0)
    first = Counter(row.track_id for row in view.rows[:base_count] if row.track_id)
    if first == await target_bases.counts(context.pool, context.transfer.id, part=context.transfer.part):
        return proof
    whole = await compare_as_a_whole(context, playlist_id, offset=0)
    return min(proof, whole, key=lambda one: len(one.missing))


async def _owed(context: Context, proof: Proof) -> tuple[int, ...]:
    """Return what is missing and has to be there.

    Of a transfer that was completed before, only what was decided or found since: all else was proved then,
    and who has removed it wants it so.
    """
    if context.transfer.reopened_at is None or not proof.missing:
        return proof.missing
    return await items.added_of(context.pool, context.transfer.id, positions=proof.missing)


def _warnings(context: Context, proof: Proof, *, owed_count: int) -> tuple[str, ...]:
    found = []
    if proof.foreign_count or owed_count < len(proof.missing):
        found.append("target_edited")
    if not proof.is_in_order:
        can_insert = context.capabilities.write_class.has_places
        is_late = context.transfer.reopened_at is not None and not can_insert
        found.append("added_at_end" if is_late else "order_differs")
    return tuple(found)
