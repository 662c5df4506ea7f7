"""The benchmark of the matcher counts, parts and compares as it says."""

from pathlib import Path

import msgspec
import pytest

from shared.models import Outcome
from tests.bench.matching import main, read_cases, write_cases
from tests.bench.matching_fiction import fictional_cases
from tests.bench.matching_folds import artist_of, folds, halvings
from tests.bench.matching_history import HISTORY, Entry, compare, new_entry, read_history, record
from tests.bench.matching_verdicts import Judged, Tally, Verdict, judge, tally
from worker.matching.cases import Case, CaseTrack
from worker.matching.decide import Decision

THEN = Entry(
    measured_at="2026-11-20", commit="abc1234", cases="dev", isrc="hidden", right=90, missed=8, bad=2, of=100
)


def judged(artist: str, verdict: Verdict = Verdict.RIGHT) -> Judged:
    case = Case(
        id=artist, kind="live", source=CaseTrack(title="Tide", artists=(artist,)), candidates=(), want=None
    )
    return Judged(case, Decision(outcome=Outcome.NO_CANDIDATE, reason=""), verdict)


@pytest.mark.parametrize(
    ("choice", "want", "verdict"),
    [
        (1, 1, Verdict.RIGHT),
        (None, None, Verdict.RIGHT),
        (0, 1, Verdict.WRONG),
        (None, 1, Verdict.MISSED),
        (1, None, Verdict.FALSE),
    ],
)
def test_decision_is_judged_by_its_label(choice: int | None, want: int | None, verdict: Verdict) -> None:
    decision = Decision(outcome=Outcome.REVIEW, reason="", choice=choice)

    assert judge(decision, want=want) is verdict


def test_bad_is_what_was_chosen_and_should_not_have_been() -> None:
    figures = tally(judged("Mira Sol", verdict) for verdict in Verdict)

    assert figures == Tally(right=1, missed=1, bad=2)
    assert (figures.total, figures.right_share, figures.bad_share) == (4, 25.0, 50.0)


@pytest.mark.parametrize(
    ("right", "missed", "bad", "words", "is_worse"),
    [
        (90, 8, 2, "right 90 as before, missed 8 as before, bad 2 as before.", False),
        (93, 6, 1, "right 90 → 93, 3 better, missed 8 → 6, 2 better, bad 2 → 1, 1 better.", False),
        (89, 9, 2, "right 90 → 89, 1 worse, missed 8 → 9, 1 worse, bad 2 as before.", True),
        (95, 2, 3, "right 90 → 95, 5 better, missed 8 → 2, 6 better, bad 2 → 3, 1 worse.", True),
        (90, 9, 1, "right 90 as before, missed 8 → 9, 1 worse, bad 2 → 1, 1 better.", False),
    ],
)
def test_figures_are_compared_in_words(
    *, right: int, missed: int, bad: int, words: str, is_worse: bool
) -> None:
    now = msgspec.structs.replace(THEN, commit="def5678", right=right, missed=missed, bad=bad)

    comparison = compare(now, [THEN])

    assert comparison.words == f"dev, ISRC hidden, since abc1234 of 2026-11-20: {words}"
    assert comparison.is_worse is is_worse


@pytest.mark.parametrize("changes", [{"cases": "fictional"}, {"isrc": "shown"}, {"of": 101, "right": 1}])
def test_figures_of_other_cases_are_not_compared(changes: dict[str, object]) -> None:
    now = msgspec.structs.replace(THEN, **changes)

    comparison = compare(now, [THEN])

    assert "as before" not in comparison.words
    assert not comparison.is_worse


def test_last_line_about_the_same_cases_is_the_one_that_counts() -> None:
    later = msgspec.structs.replace(THEN, right=95, missed=3)
    other = msgspec.structs.replace(THEN, isrc="shown", right=99, missed=0, bad=1)

    assert compare(THEN, [THEN, later, other]).is_worse


def test_recorded_figures_are_read_back(tmp_path: Path) -> None:
    history = tmp_path / "history.csv"
    history.write_bytes(HISTORY.read_bytes())
    entry = new_entry(Tally(right=3, missed=2, bad=1), cases="fictional", isrc="shown")

    record([entry, THEN], path=history)

    assert read_history(history)[-2:] == [entry, THEN]
    assert entry.of == 6


def test_history_has_figures_that_add_up() -> None:
    history = read_history()

    assert {entry.cases for entry in history} == {"dev", "fictional"}
    assert [entry for entry in history if entry.tally.total != entry.of] == []


def test_folds_part_by_artist() -> None:
    cases = [judged(f"Artist {number % 40}") for number in range(200)]

    parts = folds(cases, count=5)

    artists = [{artist_of(one.case) for one in part} for part in parts]
    assert sum(len(part) for part in parts) == 200
    assert sum(len(names) for names in artists) == len(set().union(*artists)) == 40
    assert folds(cases, count=5) == parts
    assert all(parts)


def test_halves_share_no_artist_and_hold_every_case() -> None:
    cases = [judged(f"Artist {number % 40}", list(Verdict)[number % 4]) for number in range(200)]

    halves = halvings(cases, count=10)

    assert {one.total + other.total for one, other in halves} == {200}
    assert {one.total for one, _ in halves} == {100}
    assert len({one.right for one, _ in halves}) > 1
    assert halvings(cases, count=10) == halves


def test_written_cases_are_read_back_and_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "cases.jsonl"

    write_cases(path)

    assert tuple(read_cases(path)) == fictional_cases()
    assert main(["--cases", str(path), "--ignore-isrc", "--folds", "3", "--show-misses"]) == 0
    printed = capsys.readouterr().out
    assert "worst of 200 random halvings" in printed
    assert "a second on one core" in printed
