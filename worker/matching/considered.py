"""What has been found for a track so far, and what is decided of it: grows with each answer."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from shared.models import MATCHED, NotTransferable, Outcome, Track
from worker.matching.decide import Decision

_RANK = {
    Outcome.EXACT: 5,
    Outcome.SAME_RECORDING: 4,
    Outcome.BEST_EFFORT: 3,
    Outcome.REVIEW: 2,
    Outcome.ONLY_OTHER_VERSION: 1,
    Outcome.NO_CANDIDATE: 0,
    Outcome.NOT_TRANSFERABLE: 0,
}
_NOT_THERE = frozenset({Outcome.NO_CANDIDATE, Outcome.ONLY_OTHER_VERSION})
_GOOD_ENOUGH = 4  # a recording that is surely the same ends the search


class Judge(Protocol):
    """`decide` with the transfer's wishes."""

    def __call__(self, source: Track, candidates: Sequence[Track], *, is_loose: bool) -> Decision: ...


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """The candidates of a track, each once, and the best that was decided; its indexes are theirs.

    unplayable: what the market does not play, which is no candidate.
    """

    candidates: tuple[Track, ...]
    decision: Decision
    unplayable: tuple[Track, ...] = ()

    @property
    def is_sure(self) -> bool:
        return _RANK[self.decision.outcome] >= _GOOD_ENOUGH

    @property
    def is_vain(self) -> bool:
        return self.decision.outcome is Outcome.NO_CANDIDATE


def begin(source: Track, found: Sequence[Track], *, judge: Judge) -> Considered:
    playable, unplayable = _apart(found)
    decision = judge(source, playable, is_loose=False)
    return Considered(candidates=playable, decision=decision, unplayable=unplayable)


def consider(
    source: Track, before: Considered, found: Sequence[Track], *, judge: Judge, is_loose: bool = False
) -> Considered:
    """Add what one more question found. is_loose: a loose query found it.

    The lists of an album do not tell ISRCs everywhere: a track that comes again with its own is known by it
    from then on.
    """
    playable, unplayable = _apart(found)
    together, locked = _joined(before.candidates, playable), _joined(before.unplayable, unplayable)
    if together == before.candidates and locked == before.unplayable:
        return before
    decision = before.decision
    if together != before.candidates:
        again = judge(source, together, is_loose=is_loose)
        decision = again if _RANK[again.outcome] >= _RANK[decision.outcome] else decision
    return Considered(candidates=together, decision=decision, unplayable=locked)


def conclude(source: Track, known: Considered, *, judge: Judge) -> Considered:
    """Tell a track that is not there from one that is there and is not played in this market."""
    if known.decision.outcome not in _NOT_THERE or not known.unplayable:
        return known
    if judge(source, known.unplayable, is_loose=False).outcome not in MATCHED:
        return known
    told = msgspec.structs.replace(
        known.decision, outcome=Outcome.NOT_TRANSFERABLE, reason=NotTransferable.REGION
    )
    return msgspec.structs.replace(known, decision=told)


def _apart(found: Sequence[Track]) -> tuple[tuple[Track, ...], tuple[Track, ...]]:
    """Tell what can be played from what cannot."""
    unplayable = tuple(track for track in found if track.is_playable is False)
    return tuple(track for track in found if track.is_playable is not False), unplayable


def _joined(known: Sequence[Track], found: Sequence[Track]) -> tuple[Track, ...]:
    together = {track.id: track for track in known}
    for track in found:
        if track.id not in together or together[track.id].isrc is None:
            together[track.id] = track
    return tuple(together.values())
