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
    """Give rows that the platform shows under another id than was added the id that we know them by.

    Platforms swap a track for an equal one of the user's market. Such a row is known by its title; read as
    somebody else's it would make us add the track again.
    """
    ids = {planned.track_id for planned in known}
    by_title = {_fold(planned.title): planned.track_id for planned in known}
    return tuple(
        row
        if row.track_id is None or row.track_id in ids or _fold(row.title) not in by_title
        else TargetRow(track_id=by_title[_fold(row.title)], title=row.title)
        for row in rows
    )


def _fold(title: str) -> str:
    return unicodedata.normalize("NFKC", title).casefold().strip()


def prove(expected: Sequence[TrackId], rows: Sequence[TargetRow]) -> Proof:
    """Compare what was written with what stands there.

    A row that the platform cannot name counts for the expected track at its place. Rows of others may
    stand between ours without disturbing the order.
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
    return [
        row.track_id or (expected[index] if index < len(expected) else TrackId(""))
        for index, row in enumerate(rows)
    ]


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
