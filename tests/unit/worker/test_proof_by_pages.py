"""The proof of a transfer whose lists are too long to hold: it comes out as for the whole lists."""

from collections.abc import Sequence

import hypothesis
import pytest
from hypothesis import strategies

from shared.models import Planned, TrackId
from shared.platforms.base import TargetRow
from worker.proof import Agreement, Proof, Rest, identify, prove

TITLES = {"A": "Intro", "B": "Salt Roads", "C": "Intro", "D": "Harbour Lights"}
STRANGER = TargetRow(track_id=TrackId("X"), title="Elsewhere")


def written(letters: str) -> list[Planned]:
    """Return tracks as they were written, at every second position."""
    return [
        Planned(position=2 * index, track_id=TrackId(letter), title=TITLES[letter])
        for index, letter in enumerate(letters)
    ]


def row(letter: str, *, title: str | None = None) -> TargetRow:
    return TargetRow(track_id=TrackId(letter), title=TITLES.get(letter, "") if title is None else title)


def own_ids(rows: Sequence[TargetRow], expected: Sequence[Planned]) -> set[TrackId]:
    ids = {planned.track_id for planned in expected}
    return {row.track_id for row in rows if row.track_id in ids}


def lacking(letters: str, proof: Proof) -> list[str]:
    """Return which tracks are missing, whichever of equal ones it is."""
    return sorted(letters[position // 2] for position in proof.missing)


def by_whole(expected: Sequence[Planned], rows: Sequence[TargetRow]) -> Proof:
    """Compare with both lists at hand; missing tracks by their position."""
    named = [row.track_id for row in identify(rows, expected)]
    proof = prove([planned.track_id for planned in expected], named)
    return Proof(
        missing=tuple(expected[index].position for index in proof.missing),
        foreign_count=proof.foreign_count,
        is_in_order=proof.is_in_order,
    )


def by_pages(expected: Sequence[Planned], rows: Sequence[TargetRow], *, size: int) -> Proof:
    agreement = Agreement()
    for first in range(0, len(rows), size):
        page = rows[first : first + size]
        if not agreement.follow(behind(expected, agreement)[:size], page, ours=own_ids(page, expected)):
            return rest_of(expected, rows, agreement, reached_row=first)
    if behind(expected, agreement):
        return rest_of(expected, rows, agreement, reached_row=len(rows))
    return agreement.proof()


def behind(expected: Sequence[Planned], agreement: Agreement) -> list[Planned]:
    return [planned for planned in expected if planned.position > agreement.reached]


def rest_of(
    expected: Sequence[Planned], rows: Sequence[TargetRow], agreement: Agreement, *, reached_row: int
) -> Proof:
    rest = Rest()
    rest.expect(behind(expected, agreement) if agreement.is_sure else expected)
    rest.show(rows[reached_row:] if agreement.is_sure else rows, ours=own_ids(rows, expected))
    unseen = rest.unseen()
    return rest.prove([one for one in expected if one.position in unseen and rest.has_title(one)])


def agrees(letters: str, rows: Sequence[TargetRow]) -> Agreement | None:
    expected = written(letters)
    agreement = Agreement()
    return agreement if agreement.follow(expected, rows, ours=own_ids(rows, expected)) else None


def test_rows_that_show_what_was_written_are_found_one_for_one() -> None:
    agreement = agrees("ABCA", [row(letter) for letter in "ABCA"])

    assert agreement is not None
    assert (agreement.reached, agreement.is_sure, agreement.proof().is_perfect) == (6, True, True)


def test_swapped_and_nameless_rows_are_found_at_their_place() -> None:
    rows = [row("Q", title="intro "), TargetRow(track_id=None), TargetRow(track_id=None, title="Intro")]

    agreement = agrees("ABC", rows)

    assert agreement is not None
    assert (agreement.reached, agreement.is_sure, agreement.proof().is_perfect) == (4, False, True)


def test_strangers_are_stepped_over_and_all_that_stands_behind_ours_is_strange() -> None:
    agreement = agrees("AB", [STRANGER, row("A"), STRANGER, row("B"), row("A")])

    assert agreement is not None
    assert agreement.proof() == Proof(missing=(), foreign_count=3, is_in_order=True)


@pytest.mark.parametrize(("letters", "target"), [("ABC", "AC"), ("AC", "CA")], ids=["gap", "same title"])
def test_a_track_of_ours_at_another_place_is_not_stepped_over(letters: str, target: str) -> None:
    assert agrees(letters, [row(letter) for letter in target]) is None


def test_a_swapped_row_that_stands_too_early_is_there_but_not_in_order() -> None:
    proof = by_pages(written("BA"), [row("Q", title="Intro"), row("B")], size=1)

    assert proof == Proof(missing=(), foreign_count=0, is_in_order=False)


def test_a_missing_track_is_named_by_its_position_in_the_source() -> None:
    proof = by_pages(written("ABCD"), [row(letter) for letter in "ABD"], size=2)

    assert proof == Proof(missing=(4,), foreign_count=0, is_in_order=True)


@strategies.composite
def clear_targets(draw: strategies.DrawFn) -> tuple[str, list[TargetRow]]:
    """Written tracks and a target in which each row's title names one track at most, or the row its id."""
    letters = draw(strategies.text("ABCD", max_size=10))
    ways = dict.fromkeys("AC", "own") | {
        letter: draw(strategies.sampled_from(["own", "swapped", "nameless"])) for letter in "BD"
    }
    shown = {
        letter: TargetRow(
            track_id={"own": TrackId(letter), "swapped": TrackId(letter.lower()), "nameless": None}[way],
            title=TITLES[letter] if way == "own" else TITLES[letter].upper(),
        )
        for letter, way in ways.items()
    }
    target = [shown[letter] for letter in letters]
    for _ in range(draw(strategies.integers(0, 4))):
        at = draw(strategies.integers(0, len(target)))
        match draw(strategies.sampled_from(["stranger", "omission", "double", "exchange"])):
            case "stranger":
                target.insert(at, STRANGER)
            case "omission":
                del target[at : at + draw(strategies.integers(1, 3))]
            case "double" if at < len(target):
                target.insert(draw(strategies.integers(0, len(target))), target[at])
            case "exchange" if at < len(target):
                target.append(target.pop(at))
    return letters, target


@hypothesis.given(clear_targets(), strategies.integers(1, 4))
@hypothesis.settings(max_examples=400)
def test_where_each_row_is_clear_pages_prove_what_the_whole_lists_do(
    given: tuple[str, list[TargetRow]], size: int
) -> None:
    letters, target = given
    whole = by_whole(written(letters), target)

    proof = by_pages(written(letters), target, size=size)

    # Of equal repeats either may be called missing: to add it at its place comes to the same.
    assert lacking(letters, proof) == lacking(letters, whole)
    assert proof.foreign_count == whole.foreign_count
    assert proof.is_in_order or not whole.is_in_order


@hypothesis.given(
    strategies.text("ABCD", max_size=8),
    strategies.lists(
        strategies.builds(
            TargetRow,
            track_id=strategies.sampled_from([*"ABCDXY", None]),
            title=strategies.sampled_from([*TITLES.values(), "Elsewhere", ""]),
        ),
        max_size=10,
    ),
    strategies.integers(1, 4),
)
@hypothesis.settings(max_examples=400)
def test_whatever_stands_there_pages_miss_no_more_and_no_less(
    letters: str, target: list[TargetRow], size: int
) -> None:
    whole = by_whole(written(letters), target)

    proof = by_pages(written(letters), target, size=size)

    assert len(proof.missing) == len(whole.missing)
    assert proof.foreign_count == whole.foreign_count
    assert proof.is_in_order or not whole.is_in_order  # a place says more than a title that two tracks have


@hypothesis.given(
    strategies.text("ABCD", max_size=12), strategies.lists(strategies.integers(0, 12), max_size=3)
)
def test_a_whole_target_needs_no_more_than_its_pages(letters: str, places: list[int]) -> None:
    expected, target = written(letters), [row(letter) for letter in letters]
    for place in places:
        target.insert(place, STRANGER)
    agreement = Agreement()

    for first in range(0, len(target), 3):
        page = target[first : first + 3]
        assert agreement.follow(behind(expected, agreement)[:3], page, ours=own_ids(page, expected))

    assert behind(expected, agreement) == []
    assert agreement.is_sure == (not places)
