"""What matching found out, as it is kept and shown: pure."""

from collections.abc import Sequence

from shared.models import Candidate, Evidence, IsrcAgreement, Track
from worker.matching.decide import Decision
from worker.matching.score import Score

_ISRCS = {None: IsrcAgreement.UNKNOWN, 1.0: IsrcAgreement.SAME}


def evidence_of(score: Score, *, gap: float | None = None) -> Evidence:
    """Return the evidence of one comparison. gap: by how much it leads the next one."""
    return Evidence(
        title=round(score.title, 4),
        artist=_rounded(score.artist),
        album=_rounded(score.album),
        duration=_rounded(score.duration),
        apart_ms=score.apart_ms,
        isrc=_ISRCS.get(score.isrc, IsrcAgreement.OTHER),
        conflicts=score.conflicts,
        doubts=score.doubts,
        notes=score.notes,
        gap=_rounded(gap),
    )


def alternatives_of(decision: Decision, *, candidates: Sequence[Track]) -> tuple[Candidate, ...]:
    """Return the decision's alternatives with their tracks."""
    return tuple(
        Candidate(
            track=candidates[one.index],
            score=round(one.evidence.total, 4),
            reason=one.reason,
            evidence=evidence_of(one.evidence),
        )
        for one in decision.alternatives
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 4)
