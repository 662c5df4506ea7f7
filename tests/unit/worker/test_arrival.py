"""Which tracks of a lost write have arrived."""

from collections import Counter
from collections.abc import Sequence

import hypothesis
from hypothesis import strategies

from shared.models import TrackId
from shared.platforms.base import TargetRow, TargetView
from worker.arrival import Meant, by_count, by_place


def ids(text: str) -> tuple[TrackId, ...]:
    return tuple(TrackId(letter) for letter in text)


def view(rows: Sequence[str | None], *, total: int) -> TargetView:
    return TargetView(
        rows=tuple(TargetRow(track_id=TrackId(row) if row else None) for row in rows), total=total
    )


def meant(batch: str, *, anchor: str = "", expected_count: int = 0, first: int = 10) -> Meant:
    return Meant(
        positions=tuple(range(first, first + len(batch))),
        track_ids=ids(batch),
        anchor=ids(anchor),
        expected_count=expected_count,
    )


def test_a_batch_that_stands_there_whole_has_arrived() -> None:
    found = by_place(meant("CDE", anchor="AB", expected_count=2), view("ABCDE", total=5))

    assert found == (10, 11, 12)


def test_an_unchanged_target_means_that_nothing_arrived() -> None:
    found = by_place(meant("CDE", anchor="AB", expected_count=2), view("AB", total=2))

    assert found == ()


def test_a_prefix_of_the_batch_is_found_as_that() -> None:
    found = by_place(meant("CDE", anchor="AB", expected_count=2), view("ABCD", total=4))

    assert found == (10, 11)


def test_a_batch_in_another_order_has_arrived() -> None:
    found = by_place(meant("CDE", anchor="AB", expected_count=2), view("ABECD", total=5))

    assert found == (10, 11, 12)


def test_some_of_a_batch_in_another_order_are_found_by_their_ids() -> None:
    found = by_place(meant("CDE", anchor="AB", expected_count=2), view("ABEC", total=4))

    assert found == (10, 12)


def test_repeats_inside_a_batch_are_counted_one_by_one() -> None:
    found = by_place(meant("CCC", anchor="AB", expected_count=2), view("ABCC", total=4))

    assert found == (10, 11)


def test_a_batch_inserted_before_written_tracks_is_told_from_them() -> None:
    found = by_place(meant("CD", anchor="AB", expected_count=4), view("ABCDYZ", total=6))

    assert found == (10, 11)


def test_a_repeat_of_what_follows_the_place_has_not_arrived_when_the_length_says_so() -> None:
    found = by_place(meant("Y", anchor="AB", expected_count=4), view("ABYZ", total=4))

    assert found == ()


def test_a_row_without_a_name_counts_where_the_length_explains_it() -> None:
    found = by_place(meant("CDE", anchor="AB", expected_count=2), view([*"ABC", None, "E"], total=5))

    assert found == (10, 11, 12)


def test_the_place_says_nothing_where_the_anchor_moved() -> None:
    found = by_place(meant("CDE", anchor="AB", expected_count=2), view("XABCDE", total=6))

    assert found is None


def test_the_place_says_nothing_where_more_came_than_was_sent() -> None:
    found = by_place(meant("CD", anchor="AB", expected_count=2), view("ABCDX", total=5))

    assert found is None


def test_the_place_says_nothing_where_the_target_became_shorter() -> None:
    found = by_place(meant("CD", anchor="AB", expected_count=3), view("AB", total=2))

    assert found is None


def test_the_place_says_nothing_where_a_stranger_stands_in_the_batch() -> None:
    found = by_place(meant("CD", anchor="AB", expected_count=2), view("ABXC", total=4))

    assert found is None


def test_in_an_edited_playlist_the_counts_say_what_arrived() -> None:
    rows = [*ids("XAB"), None, *ids("CYE")]

    found = by_count(meant("CDE"), rows, before=Counter(ids("AB")))

    assert found == (10, 12)


def test_a_repeat_of_an_earlier_track_counts_only_beyond_what_stood_there() -> None:
    found = by_count(meant("AAC"), ids("ABA"), before=Counter(ids("AB")))

    assert found == (10,)


def test_tracks_that_somebody_removed_are_not_taken_for_arrivals() -> None:
    found = by_count(meant("AC"), ids("BC"), before=Counter(ids("AAB")))

    assert found == (11,)


LETTERS = strategies.sampled_from("ABCD").map(TrackId)
TARGETS = strategies.lists(LETTERS, max_size=12)
BATCHES = strategies.lists(LETTERS, min_size=1, max_size=6)


@hypothesis.given(
    before=TARGETS, batch=BATCHES, applied=strategies.integers(0, 6), anchor=strategies.integers(0, 5)
)
def test_whatever_prefix_was_applied_exactly_those_positions_are_found(
    before: list[TrackId], batch: list[TrackId], applied: int, anchor: int
) -> None:
    anchor_count = min(anchor, len(before))
    target = before + batch[:applied]
    positions = tuple(range(10, 10 + len(batch)))
    sent = Meant(
        positions=positions,
        track_ids=tuple(batch),
        anchor=tuple(before[len(before) - anchor_count :]),
        expected_count=len(before),
    )

    found = by_place(sent, view(target[len(before) - anchor_count :], total=len(target)))

    assert found == positions[:applied]


@hypothesis.given(before=TARGETS, batch=BATCHES, arrived=strategies.data())
def test_the_counts_find_as_many_of_each_track_as_came_wherever_they_stand(
    before: list[TrackId], batch: list[TrackId], arrived: strategies.DataObject
) -> None:
    came = [track_id for track_id in batch if arrived.draw(strategies.booleans())]
    rows = arrived.draw(strategies.permutations([*before, *came, TrackId("X")]))
    sent = Meant(
        positions=tuple(range(len(batch))), track_ids=tuple(batch), anchor=(), expected_count=len(before)
    )

    found = by_count(sent, rows, before=Counter(before))

    assert Counter(batch[position] for position in found) == Counter(came)


@hypothesis.given(target=TARGETS, batch=BATCHES, expected=strategies.integers(0, 12), anchor=TARGETS)
def test_never_more_is_claimed_than_the_platform_has(
    target: list[TrackId], batch: list[TrackId], expected: int, anchor: list[TrackId]
) -> None:
    sent = Meant(
        positions=tuple(range(len(batch))),
        track_ids=tuple(batch),
        anchor=tuple(anchor[:3]),
        expected_count=expected,
    )

    claims = (by_place(sent, view(target, total=len(target))) or (), by_count(sent, target, before=Counter()))

    for claim in claims:
        assert Counter(batch[position] for position in claim) <= Counter(target)
