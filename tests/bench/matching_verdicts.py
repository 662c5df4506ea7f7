"""Judges the matcher's decisions on labelled cases and counts them."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from enum import StrEnum

import msgspec

from shared.models import Policy
from worker.matching.cases import Case, to_track
from worker.matching.decide import Decision, decide

ISRC = {"hidden": True, "shown": False}  # by the value of `ignore_isrc`


class Verdict(StrEnum):
    """How a decision stands to its label."""

    RIGHT = "right"
    WRONG = "wrong"  # another candidate than the wanted one
    MISSED = "missed"  # none, though one was there
    FALSE = "false"  # one, though none was there


class Judged(msgspec.Struct, frozen=True):
    """A case with what the matcher decided and how that is judged."""

    case: Case
    decision: Decision
    verdict: Verdict


class Run(msgspec.Struct, frozen=True):
    """All cases of a set, decided one way. spent_s: processor time of the decisions alone."""

    judged: tuple[Judged, ...]
    spent_s: float

    @property
    def compared_count(self) -> int:
        return sum(len(one.case.candidates) for one in self.judged)

    @property
    def per_s(self) -> float:
        return self.compared_count / self.spent_s if self.spent_s else 0.0


class Tally(msgspec.Struct, frozen=True):
    """The three figures that the bars speak of, in cases."""

    right: int
    missed: int
    bad: int

    @property
    def total(self) -> int:
        return self.right + self.missed + self.bad

    @property
    def right_share(self) -> float:
        """In percent, as is bad_share."""
        return 100 * self.right / self.total if self.total else 0.0

    @property
    def bad_share(self) -> float:
        return 100 * self.bad / self.total if self.total else 0.0


def judge(decision: Decision, *, want: int | None) -> Verdict:
    if decision.choice == want:
        return Verdict.RIGHT
    if decision.choice is None:
        return Verdict.MISSED
    return Verdict.FALSE if want is None else Verdict.WRONG


def run(cases: Iterable[Case], *, policy: Policy, ignore_isrc: bool) -> Run:
    """Decide every case."""
    judged = []
    spent_s = 0.0
    for case in cases:
        source, *candidates = (
            to_track(raw, place=f"{place:04}", ignore_isrc=ignore_isrc)
            for place, raw in enumerate((case.source, *case.candidates))
        )
        started_s = time.process_time()
        decision = decide(source, candidates, policy=policy)
        spent_s += time.process_time() - started_s
        judged.append(Judged(case, decision, judge(decision, want=case.want)))
    return Run(tuple(judged), spent_s)


def tally(judged: Iterable[Judged]) -> Tally:
    counts = Counter(one.verdict for one in judged)
    bad = counts[Verdict.WRONG] + counts[Verdict.FALSE]
    return Tally(right=counts[Verdict.RIGHT], missed=counts[Verdict.MISSED], bad=bad)


def table(runs: dict[str, Run]) -> str:
    """Lay out the verdicts per kind; the runs, of the same cases, stand side by side. Keys: as in ISRC."""
    counts = [_count(one) for one in runs.values()]
    lines = [
        f"{'':28}{'':>7}" + "".join(f" |{'ISRC ' + name:>35}" for name in runs),
        f"{'kind':28}{'cases':>7}"
        + (" |" + "".join(f"{word:>7}" for word in Verdict) + f"{'%':>7}") * len(runs),
    ]
    lines += [_row(kind, [of_run[kind] for of_run in counts]) for kind in counts[0]]
    return "\n".join(lines)


def _count(one: Run) -> dict[str, Counter[Verdict]]:
    kinds: dict[str, Counter[Verdict]] = {
        kind: Counter() for kind in sorted({j.case.kind for j in one.judged})
    }
    for judged in one.judged:
        kinds[judged.case.kind][judged.verdict] += 1
    return dict(_with_sums(kinds))


def _with_sums(kinds: dict[str, Counter[Verdict]]) -> Iterator[tuple[str, Counter[Verdict]]]:
    yield from kinds.items()
    yield "all without youtube", sum((n for kind, n in kinds.items() if "youtube" not in kind), Counter())
    yield "all", sum(kinds.values(), Counter())


def _row(kind: str, counts: list[Counter[Verdict]]) -> str:
    total = counts[0].total()
    cells = "".join(
        " |"
        + "".join(f"{of_run[word]:>7}" for word in Verdict)
        + f"{100 * of_run[Verdict.RIGHT] / total:>7.2f}"
        for of_run in counts
    )
    return f"{kind:28}{total:>7}{cells}"
