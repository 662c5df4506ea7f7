"""The figures of the matcher at earlier commits, so that a change that makes it worse is seen."""

import csv
import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.bench.matching_verdicts import Tally

HISTORY = Path(__file__).with_name("matching_history.csv")


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What one commit reached on one set of cases, by policy `same_recording`.

    commit: ends with "+" where changes that were not committed yet were measured with it.
    """

    measured_at: str
    commit: str
    cases: str
    isrc: str
    right: int
    missed: int
    bad: int
    of: int

    @property
    def tally(self) -> Tally:
        return Tally(self.right, self.missed, self.bad)


class Comparison(msgspec.Struct, frozen=True):
    """How figures stand to earlier ones, in words."""

    words: str
    is_worse: bool


def read_history(path: Path = HISTORY) -> list[Entry]:
    with path.open(encoding="utf-8", newline="") as lines:
        return [msgspec.convert(row, Entry, strict=False) for row in csv.DictReader(lines)]


def record(entries: Iterable[Entry], *, path: Path = HISTORY) -> None:
    """Append to the history."""
    with path.open("a", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, fieldnames=Entry.__struct_fields__, lineterminator="\n")
        writer.writerows(msgspec.structs.asdict(entry) for entry in entries)


def new_entry(figures: Tally, *, cases: str, isrc: str) -> Entry:
    """Make the line of today and of the commit that is checked out."""
    return Entry(
        measured_at=datetime.now(UTC).date().isoformat(),
        commit=_commit(),
        cases=cases,
        isrc=isrc,
        right=figures.right,
        missed=figures.missed,
        bad=figures.bad,
        of=figures.total,
    )


def compare(now: Entry, history: Iterable[Entry]) -> Comparison:
    """Compare with the last line about the same cases. Worse is: fewer right, or more bad."""
    known = [entry for entry in history if (entry.cases, entry.isrc) == (now.cases, now.isrc)]
    name = f"{now.cases}, ISRC {now.isrc}"
    if not known:
        return Comparison(f"{name}: never recorded before.", is_worse=False)
    then = known[-1]
    if then.of != now.of:
        return Comparison(
            f"{name}: not comparable with {then.commit}, which had {then.of} cases instead of {now.of}.",
            is_worse=False,
        )
    changes = ", ".join(
        (
            _change("right", then.right, now.right, is_good=now.right > then.right),
            _change("missed", then.missed, now.missed, is_good=now.missed < then.missed),
            _change("bad", then.bad, now.bad, is_good=now.bad < then.bad),
        )
    )
    return Comparison(
        f"{name}, since {then.commit} of {then.measured_at}: {changes}.",
        is_worse=now.right < then.right or now.bad > then.bad,
    )


def _change(name: str, then: int, now: int, *, is_good: bool) -> str:
    if then == now:
        return f"{name} {now} as before"
    return f"{name} {then} → {now}, {abs(now - then)} {'better' if is_good else 'worse'}"


def _commit() -> str:
    command = ("git", "-C", str(HISTORY.parent), "describe", "--always", "--exclude=*", "--dirty=+")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
