"""Measures the matcher on labelled cases: `python -m tests.bench.matching [--ignore-isrc] [--policy P]`."""

import argparse
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from shared.models import Isrc, Platform, Policy, Track, TrackId
from worker.matching.decide import Decision, decide

CASES = Path(__file__).resolve().parents[2] / "../shared/data/cases/dev.jsonl"
VERDICTS = ("right", "wrong", "missed", "false")


class CaseTrack(msgspec.Struct, frozen=True):
    """A track as the cases describe it; platforms without an adapter are among them."""

    title: str = ""
    artists: tuple[str, ...] = ()
    album: str | None = None
    duration_ms: int | None = None
    isrc: str | None = None
    explicit: bool | None = None
    release_date: str | None = None
    track_number: int | None = None
    disc_number: int | None = None


class Case(msgspec.Struct, frozen=True):
    """A question: which candidate is the source? want is None where none is."""

    id: str
    kind: str
    source: CaseTrack
    candidates: tuple[CaseTrack, ...]
    want: int | None = None


def read_cases(path: Path) -> Iterator[Case]:
    decoder = msgspec.json.Decoder(Case)
    with path.open("rb") as lines:
        for line in lines:
            yield decoder.decode(line)


def to_track(raw: CaseTrack, *, place: str, ignore_isrc: bool) -> Track:
    """Make the track that the matcher sees. The id is the place, so that it gives nothing away."""
    return Track(
        platform=Platform.SPOTIFY,
        id=TrackId(place),
        title=raw.title,
        artists=raw.artists,
        album=raw.album,
        duration_ms=raw.duration_ms,
        isrc=Isrc(raw.isrc) if raw.isrc and not ignore_isrc else None,
        explicit=raw.explicit,
        release_date=raw.release_date,
        track_number=raw.track_number,
        disc_number=raw.disc_number,
    )


def judge(decision: Decision, *, want: int | None) -> str:
    """Say right, wrong (another one), missed (none, though one was there) or false (one where none is)."""
    if decision.choice == want:
        return "right"
    if decision.choice is None:
        return "missed"
    return "false" if want is None else "wrong"


def table(verdicts: dict[str, Counter[str]]) -> str:
    lines = [f"{'kind':28}{'cases':>7}" + "".join(f"{name:>16}" for name in VERDICTS)]
    for kind, counts in verdicts.items():
        total = counts.total()
        cells = "".join(f"{counts[name]:>7} {100 * counts[name] / total:>6.2f} %" for name in VERDICTS)
        lines.append(f"{kind:28}{total:>7}{cells}")
    return "\n".join(lines)


def run(path: Path, *, policy: Policy, ignore_isrc: bool) -> str:
    """Decide every case of a file; answers the table per kind and the speed on one core."""
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    compared = 0
    spent_s = 0.0
    for case in read_cases(path):
        source = to_track(case.source, place="source", ignore_isrc=ignore_isrc)
        candidates = [
            to_track(raw, place=str(place), ignore_isrc=ignore_isrc)
            for place, raw in enumerate(case.candidates)
        ]
        started_s = time.process_time()
        decision = decide(source, candidates, policy=policy)
        spent_s += time.process_time() - started_s
        compared += len(candidates)
        verdicts[case.kind][judge(decision, want=case.want)] += 1
    ordered = dict(sorted(verdicts.items()))
    ordered["all without youtube"] = sum(
        (counts for kind, counts in verdicts.items() if "youtube" not in kind), Counter()
    )
    ordered["all"] = sum(verdicts.values(), Counter())
    speed = compared / spent_s if spent_s else 0.0
    return f"{table(ordered)}\n{compared} comparisons, {speed:,.0f} a second on one core"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.matching", description=__doc__)
    parser.add_argument(
        "--cases", type=Path, default=CASES, help="lines of {id, kind, source, candidates, want}"
    )
    parser.add_argument("--ignore-isrc", action="store_true", help="hide the ISRCs from the matcher")
    parser.add_argument("--policy", type=Policy, choices=list(Policy), default=Policy.SAME_RECORDING)
    options = parser.parse_args(arguments)
    if not options.cases.exists():
        sys.stdout.write("There are no labelled cases here: nothing was measured.\n")
        return 0
    report = run(options.cases, policy=options.policy, ignore_isrc=options.ignore_isrc)
    sys.stdout.write(report + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
