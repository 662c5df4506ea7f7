"""Which candidate is the recording that stood in the source, and the reason in one sentence."""

from collections.abc import Callable, Sequence
from enum import IntEnum

import msgspec

from shared.models import Explicit, Outcome, Policy, Track
from worker.matching.conflicts import CLOSE_MS
from worker.matching.normalize import fold
from worker.matching.score import Score, score
from worker.matching.versions import COMPILATIONS

_ALTERNATIVES = 5
_GAP = 0.02  # a runner-up of another recording within it makes the choice ambiguous


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate that was not chosen but is worth a person's look. index: its place among the candidates."""

    index: int
    reason: str
    evidence: Score


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What was decided about one item.

    choice: index of the accepted candidate, None unless outcome is one of MATCHED. score (0..1), evidence: of
    the choice, else of the nearest candidate. gap: by how much the choice's score leads the next candidate's,
    None where nothing was chosen or no other is worth a look. alternatives: up to five others, best first.
    """

    outcome: Outcome
    reason: str
    choice: int | None = None
    score: float = 0.0
    evidence: Score | None = None
    gap: float | None = None
    alternatives: tuple[Alternative, ...] = ()


class Level(IntEnum):
    """How sure it is that a candidate is the recording, the surest highest."""

    OTHER = 0
    OTHER_VERSION = 1
    DOUBTFUL = 2
    PROBABLE = 3
    SAME = 4
    EXACT = 5


class _Rated(msgspec.Struct, frozen=True):
    index: int
    track: Track
    evidence: Score
    level: Level


def decide(
    source: Track,
    candidates: Sequence[Track],
    *,
    policy: Policy,
    explicit: Explicit = Explicit.AS_SOURCE,
    is_loose: bool = False,
) -> Decision:
    """Choose the candidate that is the source's recording, or say why there is none.

    Independent of the order of the candidates; never raises, whatever the texts are. A weaker candidate than
    the policy takes makes the outcome `review`. explicit: which of a clean and an explicit release of one
    recording is wanted. is_loose: the candidates were found by a loose query, so that without an equal ISRC
    none rates above `best_effort`.
    """
    ceiling = Level.PROBABLE if is_loose else Level.SAME
    judged = [_judge(source, index, candidate, ceiling=ceiling) for index, candidate in enumerate(candidates)]
    wanted = _wanted_flag(source, explicit)
    rated = sorted((one for one in judged if one.level > Level.OTHER), key=_preference(wanted=wanted))
    if not rated:
        nearest = max((one.evidence for one in judged), key=_nearness, default=None)
        return Decision(
            outcome=Outcome.NO_CANDIDATE,
            reason="The search found nothing." if nearest is None else "What was found are other songs.",
            score=nearest.total if nearest else 0.0,
            evidence=nearest,
        )
    best = rated[0]
    outcome = _outcome(best, rated[1:], policy=policy)
    chosen = outcome in {Outcome.EXACT, Outcome.SAME_RECORDING, Outcome.BEST_EFFORT}
    others = rated[1:] if chosen else rated
    return Decision(
        outcome=outcome,
        reason=_reason(best, outcome=outcome),
        choice=best.index if chosen else None,
        score=best.evidence.total,
        evidence=best.evidence,
        gap=best.evidence.total - rated[1].evidence.total if chosen and len(rated) > 1 else None,
        alternatives=tuple(
            Alternative(index=one.index, reason=_reason(one), evidence=one.evidence)
            for one in others[:_ALTERNATIVES]
        ),
    )


def rate(evidence: Score) -> Level:
    """Say how sure the evidence makes it that two tracks are one recording."""
    if evidence.isrc == 1.0:
        return _rate_equal_isrc(evidence)
    if evidence.conflicts:
        near = evidence.title >= 0.9 and (evidence.artist is None or evidence.artist >= 0.7)
        return Level.OTHER_VERSION if near else Level.OTHER
    if _is_same(evidence):
        return Level.SAME
    artist = 0.65 if evidence.artist is None else evidence.artist
    if (
        evidence.title >= 0.75
        and artist >= 0.6
        and (evidence.apart_ms is None or evidence.apart_ms <= 15_000)
    ):
        return Level.PROBABLE
    if evidence.title >= 0.9 and artist >= 0.45:
        return Level.DOUBTFUL
    return Level.OTHER


def _rate_equal_isrc(evidence: Score) -> Level:
    """An equal ISRC is strong evidence, not proof: catalogs carry wrong ones."""
    artist = evidence.artist or 0.0
    if evidence.title < 0.6 and artist < 0.7:
        return Level.DOUBTFUL
    if evidence.apart_ms is not None and evidence.apart_ms <= CLOSE_MS:
        return Level.EXACT
    if evidence.conflicts and (evidence.contradicts or evidence.title < 0.93 or artist < 0.8):
        return Level.DOUBTFUL
    is_near = evidence.apart_ms is None or evidence.apart_share <= 0.1
    return Level.EXACT if is_near else Level.DOUBTFUL


def _is_same(evidence: Score) -> bool:
    """The nearer the durations, the looser title and artist may be."""
    if evidence.is_identical:
        return True
    apart_ms = evidence.apart_ms
    artist = 0.7 if evidence.artist is None else evidence.artist
    if apart_ms is None and evidence.artist is None:
        return evidence.title == 1.0 and not evidence.doubts
    if apart_ms is None:
        return evidence.title >= 0.93 and artist >= 0.8 and (not evidence.doubts or evidence.own_album)
    if apart_ms <= 1_000 and evidence.own_album:
        return evidence.title >= 0.97 or (evidence.title >= 0.7 and artist >= 0.6)
    if apart_ms <= 1_000 and (evidence.album or 0.0) >= 0.9:
        if (evidence.title >= 0.97 and artist >= 0.66) or (evidence.title >= 0.7 and artist >= 0.95):
            return True
    if apart_ms <= CLOSE_MS:
        return evidence.title >= 0.8 and artist >= 0.68
    if apart_ms <= 8_000:
        return evidence.title >= 0.93 and artist >= 0.8
    return apart_ms <= 10_500 and evidence.own_album and evidence.title >= 0.97 and artist >= 0.95


def _judge(source: Track, index: int, candidate: Track, *, ceiling: Level) -> _Rated:
    evidence = score(source, candidate)
    level = rate(evidence)
    return _Rated(index, candidate, evidence, min(level, ceiling) if level is Level.SAME else level)


def _nearness(evidence: Score) -> tuple[float, float, float, tuple[str, ...]]:
    return evidence.total, evidence.title, evidence.artist or 0.0, evidence.conflicts


def _wanted_flag(source: Track, explicit: Explicit) -> bool | None:
    """Say whether the explicit release is wanted, None where the source does not tell."""
    return source.explicit if explicit is Explicit.AS_SOURCE else explicit is Explicit.PREFER


def _preference(*, wanted: bool | None) -> Callable[[_Rated], tuple[object, ...]]:
    """Order by certainty; among equals by album, explicit flag, original release and, at last, id."""

    def key(one: _Rated) -> tuple[object, ...]:
        evidence, track = one.evidence, one.track
        near = evidence.title >= 0.93 and (evidence.apart_ms or 0) <= CLOSE_MS
        return (
            -one.level,
            evidence.has_differences,
            not near if one.level >= Level.SAME else -evidence.total,
            not (evidence.album or 0.0) >= 0.9,
            wanted is not None and track.explicit is not None and wanted != track.explicit,
            _is_compilation(track),
            track.release_date or "9999",
            -evidence.total,
            track.id,
        )

    return key


def _is_compilation(track: Track) -> bool:
    padded = f" {fold(track.album)} " if track.album else ""
    return any(f" {phrase} " in padded for phrase in COMPILATIONS)


def _outcome(best: _Rated, others: Sequence[_Rated], *, policy: Policy) -> Outcome:
    if best.level is Level.OTHER_VERSION:
        return Outcome.ONLY_OTHER_VERSION
    if best.level is Level.EXACT:
        return Outcome.EXACT
    if policy is Policy.EXACT or best.level is Level.DOUBTFUL:
        return Outcome.REVIEW
    if best.level is Level.SAME and not _is_ambiguous(best, others):
        return Outcome.SAME_RECORDING
    return Outcome.BEST_EFFORT if policy is Policy.BEST_EFFORT else Outcome.REVIEW


def _is_ambiguous(best: _Rated, others: Sequence[_Rated]) -> bool:
    """Say whether another recording fits as well; a second pressing of the best one does not count."""
    for other in others:
        is_weaker = other.evidence.has_differences and not best.evidence.has_differences
        rivals = other.level is Level.SAME and other.evidence.total > best.evidence.total - _GAP
        if rivals and not is_weaker and rate(score(best.track, other.track)) < Level.PROBABLE:
            return True
    return False


def _reason(one: _Rated, *, outcome: Outcome | None = None) -> str:
    """Say in a sentence what was decided; without an outcome, what speaks for and against a candidate."""
    evidence = one.evidence
    if outcome is Outcome.ONLY_OTHER_VERSION:
        return f"Only another version was found: {'; '.join(evidence.conflicts)}."
    agreed = _agreement(evidence)
    if one.level is Level.EXACT:
        return f"The ISRC is the same, and {agreed}."
    if outcome is Outcome.REVIEW:
        return f"Not certain enough: {agreed}{_doubts(evidence)}."
    return f"{agreed[0].upper()}{agreed[1:]}{_doubts(evidence)}."


def _agreement(evidence: Score) -> str:
    title = "the title agrees" if evidence.title >= 0.93 else "the title is similar"
    if evidence.title < 0.6:
        title = "the title differs"
    if evidence.artist is None:
        artist = "the artist cannot be compared"
    else:
        artist = "the artist agrees" if evidence.artist >= 0.8 else "the artist differs"
    if evidence.apart_ms is None:
        return f"{title}, {artist}, a duration is unknown"
    return f"{title}, {artist}, the durations are {evidence.apart_ms / 1_000:.1f} s apart"


def _doubts(evidence: Score) -> str:
    return "".join(f"; {doubt}" for doubt in (*evidence.conflicts, *evidence.doubts, *evidence.notes))
