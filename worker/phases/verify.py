"""Verify: reads the target and proves it, or says what to repair, or what cannot be."""

from shared.db import items
from worker.context import Context
from worker.proof import Proof, identify, prove
from worker.results import LookAgain, Repair, Verified

MAX_REPAIRS = 2
LOOK_COUNT = 3  # looks before a track counts as gone
LAGGING_LOOK_COUNT = 8
MAX_LOOK_DELAY_S = 30.0

VerifyResult = LookAgain | Repair | Verified


async def verify(context: Context) -> VerifyResult:
    transfer = context.transfer
    if transfer.target_playlist_id is None:
        raise LookupError(transfer.id)
    written = await items.written(context.pool, transfer.id)
    view = await context.adapter.read_target(
        transfer.target_playlist_id, offset=transfer.target_base_count or 0
    )
    proof = prove([planned.track_id for planned in written], identify(view.rows, written))
    missing = tuple(written[index].position for index in proof.missing)
    if not missing:
        return Verified(warnings=_warnings(proof))
    look_count = LAGGING_LOOK_COUNT if context.adapter.capabilities.reads_lag else LOOK_COUNT
    if context.job.failure_count + 1 < look_count:
        return LookAgain(delay_s=min(MAX_LOOK_DELAY_S, 0.5 * 2.0**context.job.failure_count))
    if transfer.repair_count < MAX_REPAIRS:
        return Repair(positions=missing)
    return Verified(warnings=_warnings(proof), vanished=missing)


def _warnings(proof: Proof) -> tuple[str, ...]:
    found = []
    if proof.foreign_count:
        found.append("target_edited")
    if not proof.is_in_order:
        found.append("order_differs")
    return tuple(found)
