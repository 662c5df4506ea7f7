"""What has been found so far, answer by answer."""

from functools import partial

import msgspec

from shared.models import Isrc, NotTransferable, Outcome, Policy
from tests.unit.worker.matching.build import source, track
from worker.matching.considered import Considered, begin, conclude, consider
from worker.matching.decide import decide

JUDGE = partial(decide, policy=Policy.SAME_RECORDING)
WANTED = source(isrc=None)
OTHER = track("other", title="Quite Another Song", artists=("Somebody",), duration_ms=90_000)
DOUBTFUL = track("doubtful", duration_ms=260_000)


def nothing() -> Considered:
    return begin(WANTED, (), judge=JUDGE)


def test_nothing_found_is_vain_and_not_sure() -> None:
    assert (nothing().is_vain, nothing().is_sure) == (True, False)


def test_sure_candidate_is_kept_whatever_comes_after() -> None:
    sure = consider(WANTED, nothing(), [track("right")], judge=JUDGE)

    later = consider(WANTED, sure, [OTHER, DOUBTFUL], judge=JUDGE, is_loose=True)

    assert sure.is_sure
    assert later.decision == sure.decision
    assert [one.id for one in later.candidates] == ["right", "other", "doubtful"]


def test_choice_names_its_candidate_among_all() -> None:
    before = consider(WANTED, nothing(), [OTHER, DOUBTFUL], judge=JUDGE)

    after = consider(WANTED, before, [DOUBTFUL, track("right")], judge=JUDGE)

    assert after.decision.choice is not None
    assert after.candidates[after.decision.choice].id == "right"
    assert [one.id for one in after.candidates] == ["other", "doubtful", "right"]


def test_later_answer_says_what_was_found_where_it_is_not_it_either() -> None:
    after = consider(WANTED, nothing(), [OTHER], judge=JUDGE)

    assert after.decision.outcome is Outcome.NO_CANDIDATE
    assert after.decision.reason != nothing().decision.reason


def test_answer_that_brings_nothing_new_changes_nothing() -> None:
    before = consider(WANTED, nothing(), [OTHER], judge=JUDGE)

    assert consider(WANTED, before, [OTHER], judge=JUDGE) is before


def test_track_that_comes_again_with_its_isrc_is_known_by_it() -> None:
    wanted = source(isrc=Isrc("XXAAA2600001"))
    bare = begin(wanted, [track("right")], judge=JUDGE)

    after = consider(wanted, bare, [track("right", isrc=wanted.isrc)], judge=JUDGE)

    assert [one.isrc for one in after.candidates] == [wanted.isrc]
    assert after.decision.outcome is Outcome.EXACT


def test_what_only_a_loose_query_finds_is_never_sure() -> None:
    loose = consider(WANTED, nothing(), [track("right")], judge=JUDGE, is_loose=True)

    assert not loose.is_sure


def test_what_the_market_does_not_play_is_no_candidate_and_told_from_what_is_not_there() -> None:
    locked = track("right", is_playable=False)
    found = consider(WANTED, begin(WANTED, [locked], judge=JUDGE), [OTHER], judge=JUDGE)

    concluded = conclude(WANTED, found, judge=JUDGE)

    assert [one.id for one in found.candidates] == ["other"]
    assert found.decision.outcome is Outcome.NO_CANDIDATE
    assert concluded.decision.outcome is Outcome.NOT_TRANSFERABLE
    assert concluded.decision.reason == NotTransferable.REGION
    assert not concluded.is_sure


def test_what_can_be_played_is_chosen_before_what_cannot() -> None:
    found = begin(WANTED, [track("locked", is_playable=False), track("right")], judge=JUDGE)

    concluded = conclude(WANTED, found, judge=JUDGE)

    assert concluded is found
    assert found.is_sure


def test_another_song_that_is_not_played_makes_nothing_of_a_region() -> None:
    locked = msgspec.structs.replace(OTHER, is_playable=False)
    found = begin(WANTED, [locked], judge=JUDGE)

    assert conclude(WANTED, found, judge=JUDGE).decision.outcome is Outcome.NO_CANDIDATE
