"""The proof of a transfer: does the target hold each written track, once per intention, in order? Pure."""

import unicodedata
from collections import Counter
from collections.abc import Sequence

import msgspec

from shared.models import Planned, TrackId
from shared.platforms.base import TargetRow


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """missing: indexes of expected tracks that are not there. foreign_count: rows that are not ours."""

    missing: tuple[int, ...]
    foreign_count: int
    is_in_order: bool

    @property
    def is_perfect(self) -> bool:
        return not self.missing and not self.foreign_count and self.is_in_order


def identify(rows: Sequence[TargetRow], known: Sequence[Planned]) -> tuple[TargetRow, ...]:
    """Give rows that the platform shows under another id, or none, the id that we know them by.

    Platforms swap a track for an equal one of the user's market. Such a row is known by its title; read as
    somebody else's it would make us add the track again.
    """
    ids = {planned.track_id for planned in known}
    shown = Counter(row.track_id for row in rows if row.track_id in ids)
    unseen: dict[str, list[TrackId]] = {}
    for planned in known:
        if shown[planned.track_id] > 0:
            shown[planned.track_id] -= 1
        else:
            unseen.setdefault(_fold(planned.title), []).append(planned.track_id)
    return tuple(row if row.track_id in ids else _renamed(row, unseen) for row in rows)


def _renamed(row: TargetRow, unseen: dict[str, list[TrackId]]) -> TargetRow:
    """Take the next track of the row's title that has not been seen; the last one stands for all others."""
    waiting = unseen.get(_fold(row.title))
    if not waiting:
        return row
    return TargetRow(track_id=waiting.pop(0) if len(waiting) > 1 else waiting[0], title=row.title)


def _fold(title: str) -> str:
    return unicodedata.normalize("NFKC", title).casefold().strip()


def prove(expected: Sequence[TrackId], rows: Sequence[TargetRow]) -> Proof:
    """Compare what was written with what stands there.

    A row that the platform cannot name counts for the next expected track that stands nowhere else. Rows of
    others may stand between ours without disturbing the order.
    """
    observed = _named(expected, rows)
    missing = _missing(expected, observed)
    left_out = set(missing)
    kept = [track_id for index, track_id in enumerate(expected) if index not in left_out]
    return Proof(
        missing=missing,
        foreign_count=len(observed) - len(kept),
        is_in_order=_is_subsequence(kept, observed),
    )


def _named(expected: Sequence[TrackId], rows: Sequence[TargetRow]) -> list[TrackId]:
    absent = _missing(expected, [row.track_id for row in rows if row.track_id])
    unnamed = iter([expected[index] for index in absent])
    return [row.track_id or next(unnamed, TrackId("")) for row in rows]


def _missing(expected: Sequence[TrackId], observed: Sequence[TrackId]) -> tuple[int, ...]:
    there = Counter(observed)
    missing = []
    for index, track_id in enumerate(expected):
        if there[track_id] > 0:
            there[track_id] -= 1
        else:
            missing.append(index)
    return tuple(missing)


def _is_subsequence(short: Sequence[TrackId], long: Sequence[TrackId]) -> bool:
    rest = iter(long)
    return all(track_id in rest for track_id in short)
