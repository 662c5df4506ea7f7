"""What an undo may remove: only tracks whose copies are all ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.models import Outcome, Planned, TrackId
from shared.platforms.base import TargetRow
from worker.removal import ADDED_SINCE, STOOD_BEFORE, judge, lingering


def planned(*ids: str) -> list[Planned]:
    """Positions of an undo, in order."""
    return [Planned(position=at, track_id=TrackId(one), title=one) for at, one in enumerate(ids)]


def rows(*ids: str | None) -> list[TargetRow]:
    return [TargetRow(track_id=TrackId(one) if one else None) for one in ids]


def base(**counts: int) -> dict[TrackId, int]:
    return {TrackId(name): count for name, count in counts.items()}


def positions(found: tuple[Planned, ...]) -> list[int]:
    return [one.position for one in found]


def test_what_stands_there_as_often_as_it_was_added_is_removed() -> None:
    judgement = judge(planned("a", "b", "a"), rows("x", "a", "b", "a"), base=base(x=1))

    assert positions(judgement.removable) == [0, 1, 2]
    assert judgement.absent == ()
    assert judgement.kept == ()


def test_what_does_not_stand_there_is_absent() -> None:
    judgement = judge(planned("a", "b"), rows("b"), base={})

    assert positions(judgement.absent) == [0]
    assert positions(judgement.removable) == [1]


def test_of_two_that_were_added_one_may_be_gone() -> None:
    judgement = judge(planned("a", "a"), rows("a"), base={})

    assert positions(judgement.removable) == [0, 1]


@pytest.mark.parametrize(
    ("there", "before", "reason"),
    [
        (("a", "a"), {"a": 1}, STOOD_BEFORE),
        (("a", "a", "a"), {"a": 1}, STOOD_BEFORE),
        (("a", "a"), {}, ADDED_SINCE),
        (("a", "a", None), {}, ADDED_SINCE),
    ],
)
def test_a_track_with_a_copy_that_is_not_ours_is_kept_and_named(
    there: tuple[str | None, ...], before: dict[str, int], reason: str
) -> None:
    judgement = judge(planned("a"), rows(*there), base=base(**before))

    (kept,) = judgement.kept
    assert (kept.position, kept.outcome, kept.reason) == (0, Outcome.FAILED, reason)
    assert judgement.removable == judgement.absent == ()


def test_our_copy_is_gone_where_only_the_older_one_is_left() -> None:
    judgement = judge(planned("a"), rows("a"), base=base(a=1))

    assert positions(judgement.absent) == [0]


def test_an_unnamed_row_may_be_any_track_that_is_not_seen() -> None:
    judgement = judge(planned("a"), rows(None), base={})

    assert positions(judgement.removable) == [0]


def test_a_batch_counts_tracks_and_takes_all_copies_of_each() -> None:
    judgement = judge(planned("a", "b", "a", "c"), rows("a", "b", "a", "c"), base={})

    assert positions(judgement.batch(limit=1)) == [0, 2]
    assert positions(judgement.batch(limit=2)) == [0, 1, 2]
    assert positions(judgement.batch(limit=9)) == [0, 1, 2, 3]


def test_what_stands_there_after_its_removal_lingers_unless_it_was_there_first() -> None:
    found = lingering(planned("a", "b", "c"), rows("a", "c"), base=base(c=1))

    assert positions(found) == [0]


FEW = st.sampled_from("abc")


@given(added=st.lists(FEW), before=st.lists(FEW), now=st.lists(st.one_of(FEW, st.none())))
def test_nothing_is_removed_of_which_more_stands_there_than_was_added(
    added: list[str], before: list[str], now: list[str | None]
) -> None:
    counts = {name: before.count(name) for name in set(before)}

    judgement = judge(planned(*added), rows(*now), base=base(**counts))

    judged = [*positions(judgement.removable), *positions(judgement.absent)]
    assert sorted([*judged, *(one.position for one in judgement.kept)]) == list(range(len(added)))
    for one in judgement.removable:
        assert now.count(one.track_id) <= added.count(one.track_id)
        assert one.track_id not in before
