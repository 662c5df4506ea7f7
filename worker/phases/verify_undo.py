"""Verify an undo: reads the target once more, settles what did not stand there, deletes what it emptied."""

from collections.abc import Iterable

from shared import telemetry
from shared.db import items
from shared.errors import AccountError, PlatformError, Remedy
from shared.models import Outcome, Planned, PlaylistId, Removal
from worker.context import Context
from worker.job_spans import result_name
from worker.removal import judge, lingering
from worker.results import LookAgain, RemoveMore, Undone
from worker.retry import look_delay_s
from worker.undone import Seen, look

LOOK_COUNT = 3  # looks before a track that shows after its removal counts as somebody's
LAGGING_LOOK_COUNT = 14
ABSENT_LOOK_COUNT = 2  # looks before a track counts as gone: the last ones added may show late
ABSENT = "It did not stand in the playlist any more."
LINGERS = (
    "The platform took its removal and shows it all the same, or somebody has added it again: "
    "remove it by hand."
)

VerifyUndoResult = LookAgain | RemoveMore | Undone


async def verify_undo(context: Context) -> VerifyUndoResult:
    with telemetry.step("verify target", {"crossplay.verify.look": context.job.failure_count + 1}) as span:
        result = await _verify_undo(context)
        span.set_attribute("crossplay.result", result_name(result))
        return result


async def _verify_undo(context: Context) -> VerifyUndoResult:
    pending, failed, removed = [
        await items.of_outcome(context.pool, context.transfer.id, part=context.transfer.part, outcome=outcome)
        for outcome in (Outcome.PENDING, Outcome.FAILED, Outcome.REMOVED)
    ]
    seen = await look(context)
    judgement = judge(pending, seen.view.rows, base=seen.base)
    if judgement.removable or judgement.kept:
        return RemoveMore()
    gone = (*pending, *judge(failed, seen.view.rows, base=seen.base).absent)
    stubborn = lingering(removed, seen.view.rows, base=seen.base)
    if context.job.failure_count + 1 < _look_count(context, has_gone=bool(gone), has_stubborn=bool(stubborn)):
        visibility_s = context.capabilities.visibility_delay_s
        return LookAgain(delay_s=max(visibility_s, look_delay_s(context.job.failure_count)))
    absent = _settled(gone, outcome=Outcome.REMOVED, reason=ABSENT)
    named = _settled(stubborn, outcome=Outcome.FAILED, reason=LINGERS)
    return await _end(context, seen, settled=(*absent, *named))


def _look_count(context: Context, *, has_gone: bool, has_stubborn: bool) -> int:
    """Return how many looks it takes to believe what is seen."""
    if has_stubborn:
        return LAGGING_LOOK_COUNT if context.capabilities.reads_lag else LOOK_COUNT
    return ABSENT_LOOK_COUNT if has_gone else 1


async def _end(context: Context, seen: Seen, *, settled: tuple[Removal, ...]) -> Undone:
    """Delete the playlist that the undone transfer had made, if it is empty. To repeat that is harmless."""
    if not context.transfer.target_is_new:
        return Undone(settled=settled)
    if seen.view.total:
        return Undone(settled=settled, warnings=("playlist_kept",))
    is_deleted = seen.is_gone or await _delete(context, seen.playlist_id)
    warnings = () if is_deleted else ("playlist_not_deleted",)
    return Undone(settled=settled, warnings=warnings, is_playlist_deleted=is_deleted)


async def _delete(context: Context, playlist_id: PlaylistId) -> bool:
    """Return whether the playlist is gone; a refusal for good is told, since all else is done."""
    try:
        await context.adapter.delete_playlist(playlist_id, gate=context.gate)
    except (AccountError, PlatformError) as error:
        if error.remedy in (Remedy.USER, Remedy.NONE):
            return False
        raise
    return True


def _settled(planned: Iterable[Planned], *, outcome: Outcome, reason: str) -> tuple[Removal, ...]:
    return tuple(Removal(position=one.position, outcome=outcome, reason=reason) for one in planned)
