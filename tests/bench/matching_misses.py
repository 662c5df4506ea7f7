"""Which of our own cases the matcher does not do right yet: a list that should only shrink."""

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from tests.bench.matching_fiction import FOLDER
from tests.bench.matching_verdicts import Run, Verdict

KNOWN_MISSES = FOLDER / "known_misses.csv"


class Miss(msgspec.Struct, frozen=True):
    """A case that is not right. isrc: whether ISRCs were hidden or shown."""

    id: str
    isrc: str
    verdict: str


def misses(one: Run, *, isrc: str) -> Iterator[Miss]:
    for judged in one.judged:
        if judged.verdict is not Verdict.RIGHT:
            yield Miss(judged.case.id, isrc, str(judged.verdict))


def read_known_misses(path: Path = KNOWN_MISSES) -> list[Miss]:
    with path.open(encoding="utf-8", newline="") as lines:
        return [Miss(**row) for row in csv.DictReader(lines)]


def write_known_misses(found: Iterable[Miss], *, path: Path = KNOWN_MISSES) -> None:
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(Miss.__struct_fields__)
        writer.writerows(sorted(msgspec.structs.astuple(miss) for miss in found))
