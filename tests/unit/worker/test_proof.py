"""The proof of a transfer."""

from collections.abc import Sequence

import hypothesis
from hypothesis import strategies

from shared.models import Planned, TrackId
from shared.platforms.base import TargetRow
from worker.proof import identify, prove, spotter


def ids(text: str) -> list[TrackId]:
    return [TrackId(letter) for letter in text]


def shown(letters: Sequence[str | None]) -> list[TrackId | None]:
    return [TrackId(letter) if letter else None for letter in letters]


def planned(**titles: str) -> list[Planned]:
    return [
        Planned(position=position, track_id=TrackId(track_id), title=title)
        for position, (track_id, title) in enumerate(titles.items())
    ]


def test_a_target_that_shows_what_was_written_is_perfect() -> None:
    proof = prove(ids("ABCA"), shown("ABCA"))

    assert proof.is_perfect


def test_tracks_that_are_not_there_are_named_by_their_place() -> None:
    proof = prove(ids("ABCD"), shown("AC"))

    assert proof.missing == (1, 3)
    assert proof.foreign_count == 0
    assert proof.is_in_order


def test_a_repeat_that_stands_there_once_too_few_is_missing() -> None:
    proof = prove(ids("ABA"), shown("AB"))

    assert proof.missing == (2,)


def test_of_repeats_the_one_whose_neighbors_are_missing_is_missing() -> None:
    proof = prove(ids("ABCADA"), shown("ADA"))

    assert proof.missing == (0, 1, 2)
    assert proof.is_in_order


def test_rows_of_others_between_ours_do_not_disturb_the_order() -> None:
    proof = prove(ids("ABC"), shown("XAYBCZ"))

    assert proof.missing == ()
    assert proof.foreign_count == 3
    assert proof.is_in_order
    assert not proof.is_perfect


def test_a_second_copy_of_ours_is_somebody_elses() -> None:
    proof = prove(ids("AB"), shown("ABB"))

    assert proof.missing == ()
    assert proof.foreign_count == 1


def test_another_order_is_told() -> None:
    proof = prove(ids("ABC"), shown("ACB"))

    assert proof.missing == ()
    assert not proof.is_in_order


def test_a_row_without_a_name_stands_for_the_track_at_its_place() -> None:
    proof = prove(ids("ABC"), shown(["A", None, "C"]))

    assert proof.is_perfect


def test_a_row_without_a_name_behind_a_strangers_row_still_counts() -> None:
    proof = prove(ids("AB"), shown(["X", None, "B"]))

    assert proof.missing == ()
    assert proof.foreign_count == 1
    assert proof.is_in_order


def test_rows_without_a_name_beyond_ours_are_somebody_elses() -> None:
    proof = prove(ids("A"), shown(["A", None]))

    assert proof.missing == ()
    assert proof.foreign_count == 1


def test_a_track_shown_under_another_id_is_known_by_its_title() -> None:
    known = planned(A="Harbour Lights", B="Salt Roads")

    named = identify([TargetRow(track_id=TrackId("Q"), title="HARBOUR lights ")], known)

    assert named == (TargetRow(track_id=TrackId("A"), title="HARBOUR lights "),)


def test_a_row_without_a_name_is_known_by_its_title() -> None:
    named = identify([TargetRow(track_id=None, title="Salt Roads")], planned(B="Salt Roads"))

    assert [row.track_id for row in named] == ["B"]


def test_two_tracks_of_one_title_under_other_ids_are_not_taken_for_one() -> None:
    known = planned(A="Intro", B="Intro")

    named = identify([TargetRow(track_id=TrackId(letter), title="Intro") for letter in "QR"], known)

    assert sorted(row.track_id or "" for row in named) == ["A", "B"]


def test_one_of_two_tracks_of_one_title_under_another_id_is_the_one_that_is_left() -> None:
    known = planned(A="Intro", B="Intro")

    named = identify([TargetRow(track_id=TrackId(letter), title="Intro") for letter in "QB"], known)

    assert [row.track_id for row in named] == ["A", "B"]


def test_rows_that_are_surely_something_else_are_not_taken_for_a_track_of_their_title() -> None:
    rows = [TargetRow(track_id=TrackId("Q"), title="Intro")]

    assert identify(rows, planned(A="Intro"), others={TrackId("Q")}) == tuple(rows)


def test_a_row_may_show_a_track_by_its_id_or_its_title() -> None:
    may_show = spotter(planned(A="Harbour Lights"))

    assert may_show(TargetRow(track_id=TrackId("A"), title="Otherwise"))
    assert may_show(TargetRow(track_id=None, title="harbour lights"))
    assert not may_show(TargetRow(track_id=None))
    assert not may_show(TargetRow(track_id=TrackId("B"), title="Salt Roads"))


def test_strangers_keep_their_ids() -> None:
    strangers = [TargetRow(track_id=TrackId("X"), title="Elsewhere"), TargetRow(track_id=None, title="?")]

    assert identify(strangers, planned(A="Harbour Lights")) == tuple(strangers)


@hypothesis.given(
    expected=strategies.lists(strategies.sampled_from("ABC").map(TrackId), max_size=8),
    strangers=strategies.lists(strategies.integers(0, 8), max_size=4),
    unnamed=strategies.sets(strategies.integers(0, 8)),
)
def test_strangers_and_rows_without_names_never_make_our_tracks_missing(
    expected: list[TrackId], strangers: list[int], unnamed: set[int]
) -> None:
    letters: list[str | None] = [None if i in unnamed else letter for i, letter in enumerate(expected)]
    for place in strangers:
        letters.insert(place, "X")

    proof = prove(expected, shown(letters))

    assert proof.missing == ()
    assert proof.foreign_count == len(strangers)
