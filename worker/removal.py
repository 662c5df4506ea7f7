"""Which tracks of an undo may be removed: never more than was added. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from shared.models import Outcome, Planned, Removal, TrackId
from shared.platforms.base import TargetRow

STOOD_BEFORE = (
    "The playlist held this track before the transfer, and all its copies could only be removed together: "
    "remove the one you do not want by hand."
)
ADDED_SINCE = (
    "The playlist holds this track more often than it was added, and all its copies could only be removed "
    "together: remove the one you do not want by hand."
)


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """Positions by what can be done. removable: to be removed. absent: not there. kept: not to be touched."""

    removable: tuple[Planned, ...]
    absent: tuple[Planned, ...]
    kept: tuple[Removal, ...]

    def batch(self, *, limit: int) -> tuple[Planned, ...]:
        """Return all positions of the first `limit` tracks: a track's copies go together."""
        track_ids = set(list(dict.fromkeys(planned.track_id for planned in self.removable))[:limit])
        return tuple(planned for planned in self.removable if planned.track_id in track_ids)


def judge(planned: Sequence[Planned], rows: Sequence[TargetRow], *, base: Mapping[TrackId, int]) -> Judgement:
    """Compare what was added with what stands there now.

    planned: every position that still is to be removed. base: how often each track stood there before the
    transfer. A platform removes a track wherever it stands, so a track goes only if all its copies are ours:
    none stood there before, and there are no more than were added.
    """
    ours = Counter(one.track_id for one in planned)
    there = Counter(row.track_id for row in rows)
    removable, absent, kept = [], [], []
    for one in planned:
        count, before = there[one.track_id], base.get(one.track_id, 0)
        if count > (before or ours[one.track_id]):
            kept.append(_keep(one, STOOD_BEFORE if before else ADDED_SINCE))
        # A row that the platform does not name may be this track: to remove it is harmless if it is not.
        elif not before and (count or there[None]):
            removable.append(one)
        else:
            absent.append(one)
    return Judgement(removable=tuple(removable), absent=tuple(absent), kept=tuple(kept))


def lingering(
    planned: Sequence[Planned], rows: Sequence[TargetRow], *, base: Mapping[TrackId, int]
) -> tuple[Planned, ...]:
    """Return removed positions whose track stands there all the same."""
    there = {row.track_id for row in rows}
    return tuple(one for one in planned if one.track_id in there and not base.get(one.track_id, 0))


def _keep(planned: Planned, reason: str) -> Removal:
    return Removal(position=planned.position, outcome=Outcome.FAILED, reason=reason)
