"""Verify: reads the target and proves it, or says what to repair, or what cannot be."""

from collections import Counter
from collections.abc import Sequence

from shared.db import items, target_bases
from shared.models import Planned, PlaylistId
from shared.platforms.base import TargetView
from worker.context import Context
from worker.proof import Proof, identify, prove
from worker.results import LookAgain, Repair, Verified

MAX_REPAIRS = 2
LOOK_COUNT = 3  # looks before a track counts as gone
LAGGING_LOOK_COUNT = 14  # some four minutes, for adding again what is only late would double it
MAX_LOOK_DELAY_S = 30.0

VerifyResult = LookAgain | Repair | Verified


async def verify(context: Context) -> VerifyResult:
    transfer = context.transfer
    if transfer.target_playlist_id is None:
        raise LookupError(transfer.id)
    written = await items.written(context.pool, transfer.id)
    proof = await _proof(context, transfer.target_playlist_id, written)
    missing = tuple(written[index].position for index in proof.missing)
    if not missing:
        return Verified(warnings=_warnings(proof))
    look_count = LAGGING_LOOK_COUNT if context.adapter.capabilities.reads_lag else LOOK_COUNT
    if context.job.failure_count + 1 < look_count:
        return LookAgain(delay_s=min(MAX_LOOK_DELAY_S, 0.5 * 2.0**context.job.failure_count))
    if transfer.repair_count < MAX_REPAIRS:
        return Repair(positions=missing)
    return Verified(warnings=_warnings(proof), vanished=missing)


async def _proof(context: Context, playlist_id: PlaylistId, written: Sequence[Planned]) -> Proof:
    """Compare from where our tracks begin; or the whole playlist where others moved them up.

    As long as what was there before stands untouched, nobody has: its copies of our tracks are not ours.
    """
    base_count = context.transfer.target_base_count or 0
    proof = _compare(await context.adapter.read_target(playlist_id, offset=base_count), written)
    if not proof.missing or not base_count:
        return proof
    view = await context.adapter.read_target(playlist_id, offset=0)
    base = await target_bases.get(context.pool, context.transfer.id)
    if Counter(row.track_id for row in view.rows[:base_count] if row.track_id) == Counter(base.counts):
        return proof
    whole = _compare(view, written)
    return min(proof, whole, key=lambda one: len(one.missing))


def _compare(view: TargetView, written: Sequence[Planned]) -> Proof:
    return prove([planned.track_id for planned in written], identify(view.rows, written))


def _warnings(proof: Proof) -> tuple[str, ...]:
    found = []
    if proof.foreign_count:
        found.append("target_edited")
    if not proof.is_in_order:
        found.append("order_differs")
    return tuple(found)
