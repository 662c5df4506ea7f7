"""Measures the matcher on labelled cases, and compares with the last measurement that was recorded."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import msgspec

from shared.models import Policy
from tests.bench import matching_folds
from tests.bench.matching_fiction import fictional_cases, written_out
from tests.bench.matching_history import Entry, compare, new_entry, read_history, record
from tests.bench.matching_misses import misses, write_known_misses
from tests.bench.matching_verdicts import ISRC, Run, Verdict, run, table, tally
from worker.matching.cases import Case, read_case

DEV = Path(__file__).resolve().parents[2] / "../shared/data/cases/dev.jsonl"


def sets(options: argparse.Namespace) -> dict[str, Callable[[], Iterable[Case]]]:
    """Name the sets of cases that shall be measured, each with what reads it."""
    if options.cases:
        return {options.cases.name: lambda: read_cases(options.cases)}
    known: dict[str, Callable[[], Iterable[Case]]] = {"fictional": fictional_cases}
    if DEV.exists():
        known["dev"] = lambda: read_cases(DEV)
    return known


def read_cases(path: Path) -> Iterator[Case]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            yield read_case(line, number=number)


def measure(name: str, cases: Sequence[Case], *, options: argparse.Namespace) -> list[Entry]:
    """Run one set, print what came out, and answer the lines that a history would hold."""
    runs = {
        isrc: run(cases, policy=options.policy, ignore_isrc=ignored)
        for isrc, ignored in ISRC.items()
        if ignored or not options.ignore_isrc
    }
    say(f"\n{name}: {len(cases)} cases, policy {options.policy}\n{table(runs)}")
    first = next(iter(runs.values()))  # the others meet titles that were read already
    say(f"{first.compared_count} comparisons, {first.per_s:,.0f} a second on one core")
    for isrc, one in runs.items():
        if options.folds:
            say(f"ISRC {isrc}, by artist:\n{matching_folds.report(one.judged, count=options.folds)}")
        if options.show_misses:
            say(f"ISRC {isrc}, not right:\n{explain_misses(one)}")
    return [new_entry(tally(one.judged), cases=name, isrc=isrc) for isrc, one in runs.items()]


def explain_misses(one: Run) -> str:
    return "\n".join(
        f"  {judged.case.id},{judged.verdict}: {judged.decision.choice} instead of {judged.case.want}. "
        f"{judged.decision.reason}"
        for judged in one.judged
        if judged.verdict is not Verdict.RIGHT
    )


def write_cases(path: Path) -> None:
    """Write our own cases out, one line each, for `crossplay match --cases` or another matcher."""
    with path.open("wb") as lines:
        lines.writelines(msgspec.json.encode(case) + b"\n" for case in written_out())


def list_known_misses() -> None:
    """Write the list of known misses anew; what it gains is a change for the worse and needs a reason."""
    cases = fictional_cases()
    write_known_misses(
        miss
        for isrc, ignored in ISRC.items()
        for miss in misses(run(cases, policy=Policy.SAME_RECORDING, ignore_isrc=ignored), isrc=isrc)
    )


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def read_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.matching", description=__doc__)
    add = parser.add_argument
    add("--cases", type=Path, help="another file, lines of {id, kind, source, candidates, want}")
    add("--ignore-isrc", action="store_true", help="measure with hidden ISRCs only")
    add("--policy", type=Policy, choices=list(Policy), default=Policy.SAME_RECORDING)
    add("--folds", type=int, default=0, help="part the cases by artist, too, and tell how far parts differ")
    add("--show-misses", action="store_true", help="name each case that is not right")
    add("--record", action="store_true", help="append the figures to the history")
    add("--write-cases", type=Path, metavar="FILE", help="write the fictional cases there and stop")
    add("--list-known-misses", action="store_true", help="write the list of known misses anew and stop")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Answer 1 where a figure is worse than at the last measurement that was recorded, else 0."""
    options = read_options(arguments)
    if options.write_cases:
        write_cases(options.write_cases)
        return 0
    if options.list_known_misses:
        list_known_misses()
        return 0
    entries = [
        entry
        for name, read in sets(options).items()
        for entry in measure(name, tuple(read()), options=options)
    ]
    if options.cases or options.policy is not Policy.SAME_RECORDING:
        return 0  # the history holds nothing of the kind
    return compare_and_record(entries, is_recorded=options.record)


def compare_and_record(entries: Sequence[Entry], *, is_recorded: bool) -> int:
    history = read_history()
    comparisons = [compare(entry, history) for entry in entries]
    say("\n" + "\n".join(comparison.words for comparison in comparisons))
    if is_recorded:
        record(entries)
    return int(any(comparison.is_worse for comparison in comparisons))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
