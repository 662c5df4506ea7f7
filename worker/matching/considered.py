"""What has been found for a track so far, and what is decided of it: grows with each answer."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from shared.models import Outcome, Track
from worker.matching.decide import Decision

_RANK = {
    Outcome.EXACT: 5,
    Outcome.SAME_RECORDING: 4,
    Outcome.BEST_EFFORT: 3,
    Outcome.REVIEW: 2,
    Outcome.ONLY_OTHER_VERSION: 1,
    Outcome.NO_CANDIDATE: 0,
}
_GOOD_ENOUGH = 4  # a recording that is surely the same ends the search


class Judge(Protocol):
    """`decide` with the transfer's wishes."""

    def __call__(self, source: Track, candidates: Sequence[Track], *, is_loose: bool) -> Decision: ...


class Considered(msgspec.Struct, frozen=True, kw_only=True):
    """The candidates of a track, each once, and the best that was decided; its indexes are theirs."""

    candidates: tuple[Track, ...]
    decision: Decision

    @property
    def is_sure(self) -> bool:
        return _RANK[self.decision.outcome] >= _GOOD_ENOUGH

    @property
    def is_vain(self) -> bool:
        return self.decision.outcome is Outcome.NO_CANDIDATE


def begin(source: Track, found: Sequence[Track], *, judge: Judge) -> Considered:
    return Considered(candidates=tuple(found), decision=judge(source, found, is_loose=False))


def consider(
    source: Track, before: Considered, found: Sequence[Track], *, judge: Judge, is_loose: bool = False
) -> Considered:
    """Add what one more question found. is_loose: a loose query found it.

    The lists of an album do not tell ISRCs everywhere: a track that comes again with its own is known by it
    from then on.
    """
    candidates = {track.id: track for track in before.candidates}
    for track in found:
        if track.id not in candidates or candidates[track.id].isrc is None:
            candidates[track.id] = track
    together = tuple(candidates.values())
    if together == before.candidates:
        return before
    again = judge(source, together, is_loose=is_loose)
    better = _RANK[again.outcome] >= _RANK[before.decision.outcome]
    return Considered(candidates=together, decision=again if better else before.decision)
