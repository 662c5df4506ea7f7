"""Evidence as people and programs get to see it."""

import pytest

from shared.models import IsrcAgreement, Policy
from tests.unit.worker.matching.build import source, track
from worker.evidence import alternatives_of, evidence_of
from worker.matching.decide import decide
from worker.matching.score import Score


@pytest.mark.parametrize(
    ("isrc", "said"),
    [(None, IsrcAgreement.UNKNOWN), (1.0, IsrcAgreement.SAME), (0.0, IsrcAgreement.OTHER)],
)
def test_isrc_is_told_as_a_word(isrc: float | None, said: IsrcAgreement) -> None:
    assert evidence_of(Score(total=0.5, title=0.5, isrc=isrc)).isrc is said


def test_evidence_says_what_agreed_and_by_how_much_it_leads() -> None:
    score = Score(total=0.9, title=0.123456, artist=1.0, apart_ms=700, conflicts=("one is live",))

    evidence = evidence_of(score, gap=0.25)

    assert (evidence.title, evidence.artist, evidence.album, evidence.apart_ms) == (0.1235, 1.0, None, 700)
    assert (evidence.conflicts, evidence.gap) == (("one is live",), 0.25)


def test_alternatives_carry_their_track_score_reason_and_evidence() -> None:
    candidates = [track("live", title="Harbour Lights (Live)"), track("near", duration_ms=203_000)]
    decision = decide(source(isrc=None), candidates, policy=Policy.EXACT)

    alternatives = alternatives_of(decision, candidates=candidates)

    assert [one.track.id for one in alternatives] == ["near", "live"]
    assert alternatives[0].score > alternatives[1].score
    assert all(one.reason for one in alternatives)
    assert alternatives[0].evidence.apart_ms == 3_000
    assert alternatives[1].evidence.conflicts
