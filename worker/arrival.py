"""Which tracks of a lost write have arrived: compares what was meant with what the target shows. Pure."""

from collections import Counter
from collections.abc import Sequence

import msgspec

from shared.models import TrackId
from shared.platforms.base import TargetView


class Meant(msgspec.Struct, frozen=True, kw_only=True):
    """A write whose answer was lost.

    anchor: tracks that we know to stand right before it. expected_count: the target's length before it.
    """

    positions: tuple[int, ...]
    track_ids: tuple[TrackId, ...]
    anchor: tuple[TrackId, ...]
    expected_count: int


def by_place(meant: Meant, view: TargetView) -> tuple[int, ...] | None:
    """Return the positions that arrived, judged by their place; None where the place says nothing.

    view starts at the anchor. Places count only if the anchor stands where we left it and the length is
    one that our write alone explains; else somebody has edited the playlist and `by_count` must decide.
    A batch may have arrived in part, or in another order; rows without a name count for what was sent there.
    """
    ids = [row.track_id for row in view.rows]
    tail = ids[len(meant.anchor) :]
    arrived_count = view.total - meant.expected_count
    if tuple(ids[: len(meant.anchor)]) != meant.anchor or not 0 <= arrived_count <= len(meant.positions):
        return None
    there = Counter(tail[: len(meant.positions)])
    if arrived_count == 0:
        return ()
    if _is_prefix(tail[:arrived_count], meant.track_ids[:arrived_count]):
        return meant.positions[:arrived_count]
    found = _take(meant, there)
    return found if len(found) == arrived_count else None


def _is_prefix(seen: Sequence[TrackId | None], sent: Sequence[TrackId]) -> bool:
    return len(seen) == len(sent) and all(
        row is None or row == track_id for row, track_id in zip(seen, sent, strict=True)
    )


def by_count(meant: Meant, rows: Sequence[TrackId | None], *, before: Counter[TrackId]) -> tuple[int, ...]:
    """Return the positions that arrived, judged by how often each track stands in the whole playlist.

    before: how often each stood there without this write. Finds the right number of each track; which of
    several equal ones arrived does not matter.
    """
    there = Counter(row for row in rows if row is not None)
    there.subtract(before)
    return _take(meant, there)


def _take(meant: Meant, there: Counter[TrackId] | Counter[TrackId | None]) -> tuple[int, ...]:
    left: Counter[TrackId | None] = Counter(dict(there))
    found = []
    for position, track_id in zip(meant.positions, meant.track_ids, strict=True):
        if left[track_id] > 0:
            left[track_id] -= 1
            found.append(position)
    return tuple(found)
