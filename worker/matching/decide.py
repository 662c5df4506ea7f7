"""Which candidate is the recording that stood in the source, and the reason in one sentence."""

from collections.abc import Callable, Sequence

import msgspec

from shared.models import Explicit, Outcome, Policy, Track
from worker.matching.conflicts import CLOSE_MS
from worker.matching.levels import Level, rate
from worker.matching.normalize import fold
from worker.matching.reasons import say_other_release, say_why
from worker.matching.score import Score, score
from worker.matching.titles import read_title
from worker.matching.vocabulary import COMPILATIONS

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
    best = _best(rated, policy=policy)
    others = [one for one in rated if one is not best]
    outcome = _outcome(best, others, policy=policy)
    chosen = outcome in {Outcome.EXACT, Outcome.SAME_RECORDING, Outcome.BEST_EFFORT}
    reason = say_why(best.evidence, level=best.level, outcome=outcome)
    if chosen and _is_other_release(best.track, wanted=wanted):
        reason += say_other_release(is_explicit=not wanted)
    return Decision(
        outcome=outcome,
        reason=reason,
        choice=best.index if chosen else None,
        score=best.evidence.total,
        evidence=best.evidence,
        gap=best.evidence.total - others[0].evidence.total if chosen and others else None,
        alternatives=tuple(
            Alternative(index=one.index, reason=say_why(one.evidence, level=one.level), evidence=one.evidence)
            for one in (others if chosen else rated)[:_ALTERNATIVES]
        ),
    )


def _judge(source: Track, index: int, candidate: Track, *, ceiling: Level) -> _Rated:
    evidence = score(source, candidate)
    level = rate(evidence)
    return _Rated(index, candidate, evidence, min(level, ceiling) if level is Level.SAME else level)


def _nearness(evidence: Score) -> tuple[float, float, float, tuple[str, ...]]:
    return evidence.total, evidence.title, evidence.artist or 0.0, evidence.conflicts


def _flag(track: Track) -> bool | None:
    """Say whether a track is the explicit release, by its title or else by its flag."""
    said = read_title(track.title).explicit
    return track.explicit if said is None else said


def _wanted_flag(source: Track, explicit: Explicit) -> bool | None:
    """Say whether the explicit release is wanted, None where the source does not tell."""
    return _flag(source) if explicit is Explicit.AS_SOURCE else explicit is Explicit.PREFER


def _is_other_release(track: Track, *, wanted: bool | None) -> bool:
    flag = _flag(track)
    return wanted is not None and flag is not None and wanted != flag


def _preference(*, wanted: bool | None) -> Callable[[_Rated], tuple[object, ...]]:
    """Order by certainty; among equals by explicit flag, album, original release and, at last, id."""

    def key(one: _Rated) -> tuple[object, ...]:
        evidence, track = one.evidence, one.track
        near = evidence.title >= 0.93 and (evidence.apart_ms or 0) <= CLOSE_MS
        return (
            -one.level,
            _is_other_release(track, wanted=wanted),
            not evidence.is_identical,
            evidence.has_differences,
            not near if one.level >= Level.SAME else -evidence.total,
            not (evidence.album or 0.0) >= 0.9,
            _is_compilation(track),
            track.release_date or "9999",
            -evidence.total,
            track.id,
        )

    return key


def _is_compilation(track: Track) -> bool:
    padded = f" {fold(track.album)} " if track.album else ""
    return any(f" {phrase} " in padded for phrase in COMPILATIONS)


def _best(rated: Sequence[_Rated], *, policy: Policy) -> _Rated:
    """Return the surest one; for best effort rather another take than one that only a person can judge."""
    if policy is Policy.BEST_EFFORT and rated[0].level is Level.DOUBTFUL:
        return next((one for one in rated if one.level is Level.OTHER_TAKE), rated[0])
    return rated[0]


def _outcome(best: _Rated, others: Sequence[_Rated], *, policy: Policy) -> Outcome:
    if best.level is Level.OTHER_TAKE and policy is Policy.BEST_EFFORT:
        return Outcome.BEST_EFFORT
    if best.level <= Level.OTHER_TAKE:
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
