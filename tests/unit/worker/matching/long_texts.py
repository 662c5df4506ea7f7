"""Decides tracks with texts far longer than any platform's, and is ended by the system where that never ends.

A process of its own, as nothing else can stop a library that is written in C.
"""

import resource
import sys

from shared.models import Platform, Policy, Track, TrackId
from worker.matching.decide import decide

LONG_COUNT = 10_000  # letters in a text that no platform sends, and somebody will
STUCK_S = 150  # processor time for all of them; far beyond what the slowest machine needs
REPEATED = (
    "a", "A ", "(", ")", "((a) ", "[]", " - ", "-", "feat. ", "ft. a ", " feat", "live ", "(live) ", "remix ",
    "sped up ", "version ", " (a version)", "*", "a*", "* ", "$", "a$", "1 ", "pt. i ", "ii ", "&", " & ",
    "a & ", ", ", "a,", "'", "’", "e\u0301", "\u0301", "é", "ß", "\u200b", "ひ", "雨巷 ", "ライブ", "한",
    "Снег ", "قمر ", "🌧️", "\ud800", "\x00", "official video ", " hd", " by ", "「", "」", "the ", " x ",
    "|", "~", "_", "\t\n", "\u3000",
)  # fmt: skip


def track(track_id: str, text: str) -> Track:
    return Track(
        platform=Platform.SPOTIFY,
        id=TrackId(track_id),
        title=text,
        artists=(text,),
        album=text,
        duration_ms=213_000,
    )


def decide_long(part: str) -> None:
    text = (part * LONG_COUNT)[:LONG_COUNT]
    wanted, short = track("wanted", text), track("short", "Paperglass Tide")
    candidates = [
        track("same", text),
        short,
        track("other end", text[:-2] + "b)"),
        track("other begin", "b " + text),
    ]

    decide(wanted, candidates, policy=Policy.SAME_RECORDING)
    if decide(short, candidates, policy=Policy.SAME_RECORDING).choice != 1:
        raise AssertionError(f"A track is not chosen for itself beside {part!a}, repeated.")


def main() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (STUCK_S, STUCK_S))
    for part in REPEATED:
        sys.stdout.write(f"{part!a}\n")
        sys.stdout.flush()
        decide_long(part)
    sys.stdout.write("done\n")


if __name__ == "__main__":
    main()
