"""The proof of a transfer: does the target hold each written track, once per intention, in order? Pure.

`Agreement` follows both lists page by page and needs no more than that while they agree. From where they part
on `Rest` compares them as a whole.
"""

import unicodedata
from array import array
from collections import Counter
from collections.abc import Callable, Container, Iterable, Sequence
from itertools import islice, takewhile

import msgspec

from shared.models import Planned, TrackId
from shared.platforms.base import TargetRow

BEFORE_ALL = -1
"""The position before the first one."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """missing: the expected tracks that are not there. foreign_count: rows that are not ours.

    A missing track is named by its index in what was expected, by `Rest` by its position in the source.
    """

    missing: tuple[int, ...]
    foreign_count: int
    is_in_order: bool

    @property
    def is_perfect(self) -> bool:
        return not self.missing and not self.foreign_count and self.is_in_order


class Agreement:
    """Follows both lists for as long as the rows show the written tracks one by one, in order.

    reached: the position of the last track that was found. is_sure: each row so far was a written track
    under its own id.
    """

    def __init__(self) -> None:
        self.reached = BEFORE_ALL
        self.foreign_count = 0
        self.is_sure = True

    def follow(
        self, expected: Sequence[Planned], rows: Sequence[TargetRow], *, ours: Container[TrackId]
    ) -> bool:
        """Find the next written tracks in the next rows; False, and nothing done, where they part.

        expected: as many as there are rows, or all that are left. ours: those ids of the rows that stand
        for a written track, wherever it was written.
        """
        found_count = own_count = 0
        for row in rows:
            if found_count == len(expected):
                break  # all the others are strangers
            if row.track_id == expected[found_count].track_id:
                own_count += 1
                found_count += 1
            elif row.track_id in ours:
                return False
            elif _may_show(row, expected[found_count]):
                found_count += 1
        self.reached = expected[found_count - 1].position if found_count else self.reached
        self.foreign_count += len(rows) - found_count
        self.is_sure = self.is_sure and own_count == len(rows)
        return True

    def proof(self) -> Proof:
        """Return what is proved where both lists have come to their end."""
        return Proof(missing=(), foreign_count=self.foreign_count, is_in_order=True)


def _may_show(row: TargetRow, planned: Planned) -> bool:
    """Whether a row whose id is not ours may show a track: by its title, or by having neither."""
    return _fold(row.title) == _fold(planned.title) or (row.track_id is None and not row.title)


class Rest:
    """Both lists from where they part, held as ids: either may have a hundred thousand rows."""

    def __init__(self) -> None:
        self._positions = array("i")
        self._expected: list[TrackId] = []
        self._own: dict[TrackId, TrackId] = {}  # each id as one object, however often it stands there
        self._shown: list[TrackId | None] = []
        self._titles: dict[int, str] = {}  # of the rows that are not known by their id, by index
        self._wanted: set[str] = set()  # the same, folded

    @property
    def ids(self) -> Container[TrackId]:
        """The expected ids."""
        return self._own.keys()

    def expect(self, written: Iterable[Planned]) -> None:
        """Take the next written tracks."""
        for planned in written:
            self._positions.append(planned.position)
            self._expected.append(self._own.setdefault(planned.track_id, planned.track_id))

    def show(self, rows: Iterable[TargetRow], *, ours: Container[TrackId]) -> None:
        """Take the next rows. ours: as for `Agreement.follow`."""
        for row in rows:
            if row.track_id not in ours:
                self._titles[len(self._shown)] = row.title
                self._wanted.add(_fold(row.title))
            self._shown.append(self._own.get(row.track_id, row.track_id) if row.track_id else None)

    def unseen(self) -> tuple[int, ...]:
        """Return the positions of tracks that no row shows by their own id, where a title may show them."""
        if not self._titles:
            return ()
        return tuple(self._positions[index] for index in _missing(self._expected, self._shown))

    def has_title(self, planned: Planned) -> bool:
        """Whether a row that is not known by its id bears the track's title."""
        return _fold(planned.title) in self._wanted

    def prove(self, namesakes: Sequence[Planned]) -> Proof:
        """Compare. namesakes: those unseen tracks whose title some row bears, in order."""
        unseen = _Unseen(namesakes)
        for index, title in self._titles.items():
            self._shown[index] = unseen.take(title) or self._shown[index]
        proof = prove(self._expected, self._shown)
        missing = tuple(self._positions[index] for index in proof.missing)
        return msgspec.structs.replace(proof, missing=missing)


def identify(
    rows: Sequence[TargetRow], known: Sequence[Planned], *, others: Container[TrackId] = ()
) -> tuple[TargetRow, ...]:
    """Give rows that the platform shows under another id, or none, the id that we know them by.

    Platforms swap a track for an equal one of the user's market. Such a row is known by its title; read as
    somebody else's it would make us add the track again. others: ids of rows that are surely not meant.
    """
    ids = [planned.track_id for planned in known]
    unseen = _Unseen([known[index] for index in _missing(ids, [row.track_id for row in rows])])
    own = {*ids}
    return tuple(
        row
        if row.track_id in own or row.track_id in others
        else TargetRow(track_id=unseen.take(row.title) or row.track_id, title=row.title)
        for row in rows
    )


def spotter(known: Sequence[Planned]) -> Callable[[TargetRow], bool]:
    """Return the question whether a row may show one of these tracks, by its id or its title."""
    ids = {planned.track_id for planned in known}
    titles = {_fold(planned.title) for planned in known}
    return lambda row: row.track_id in ids or _fold(row.title) in titles


class _Unseen:
    """Tracks that no row shows by their own id, by title."""

    def __init__(self, tracks: Sequence[Planned]) -> None:
        self._waiting: dict[str, list[TrackId]] = {}
        for planned in tracks:
            self._waiting.setdefault(_fold(planned.title), []).append(planned.track_id)

    def take(self, title: str) -> TrackId | None:
        """Take the next track of a title; the last one stands for all others."""
        waiting = self._waiting.get(_fold(title))
        if not waiting:
            return None
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


def _fold(title: str) -> str:
    return unicodedata.normalize("NFKC", title).casefold().strip()


def prove(expected: Sequence[TrackId], shown: Sequence[TrackId | None]) -> Proof:
    """Compare what was written with what stands there.

    A row that the platform cannot name counts for the next expected track that stands nowhere else. Rows of
    others may stand between ours without disturbing the order.
    """
    observed = _named(expected, shown)
    missing = _missing(expected, observed)
    left_out = set(missing)
    kept = [track_id for index, track_id in enumerate(expected) if index not in left_out]
    return Proof(
        missing=missing,
        foreign_count=len(observed) - len(kept),
        is_in_order=_is_subsequence(kept, observed),
    )


def _named(expected: Sequence[TrackId], shown: Sequence[TrackId | None]) -> list[TrackId]:
    unnamed = iter([expected[index] for index in _missing(expected, shown)])
    return [track_id or next(unnamed, TrackId("")) for track_id in shown]


def _missing(expected: Sequence[TrackId], shown: Sequence[TrackId | None]) -> tuple[int, ...]:
    """Return the indexes of what is not there; of equal tracks, none that stands at the common end."""
    end_count = _common_end(expected, shown)
    there = Counter(islice(shown, len(shown) - end_count))
    missing = []
    for index, track_id in enumerate(islice(expected, len(expected) - end_count)):
        if there[track_id] > 0:
            there[track_id] -= 1
        else:
            missing.append(index)
    return tuple(missing)


def _common_end(expected: Sequence[TrackId], shown: Sequence[TrackId | None]) -> int:
    """Return how many tracks both have in common at their ends."""
    pairs = zip(reversed(expected), reversed(shown), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _is_subsequence(short: Sequence[TrackId], long: Sequence[TrackId]) -> bool:
    rest = iter(long)
    return all(track_id in rest for track_id in short)
