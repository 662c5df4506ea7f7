"""What makes two tracks of one title different recordings, and what only one of them says."""

import re

import msgspec
from rapidfuzz import fuzz

from worker.matching.titles import Album, Tag, Title
from worker.matching.versions import Weight

CLOSE_MS = 3_500  # 97 of 100 pairs of one recording on two platforms lie within 3 s
_DIGITS = re.compile(r"\d+")


class Side(msgspec.Struct, frozen=True):
    """One of the two tracks that are compared: its title and its album."""

    title: Title
    album: Album | None


class Findings(msgspec.Struct, frozen=True):
    """conflicts: what decides against it. doubts: what only one side says. Both in words for people."""

    conflicts: tuple[str, ...]
    doubts: tuple[str, ...]


def find_conflicts(one: Side, other: Side, *, apart_ms: int | None) -> Findings:
    """Compare the numbers and the versions that two tracks name.

    apart_ms: difference of the durations, None where one is unknown.
    """
    conflicts: list[str] = []
    doubts: list[str] = []
    _compare_numbers(one.title, other.title, conflicts=conflicts, doubts=doubts)
    mine = {tag.kind: tag for tag in one.title.tags}
    theirs = {tag.kind: tag for tag in other.title.tags}
    for kind in sorted(mine.keys() | theirs.keys()):
        if kind in mine and kind in theirs:
            _compare_details(mine[kind], theirs[kind], conflicts=conflicts, doubts=doubts)
            continue
        said, silent = (mine[kind], other) if kind in mine else (theirs[kind], one)
        if _is_said_by_album(said, silent.album):
            doubts.append(f"only the album of one names the {_called(said)}")
            continue
        shares_live = "live" in mine and "live" in theirs
        decisive = _is_decisive(said, apart_ms=apart_ms, shares_live=shares_live)
        (conflicts if decisive else doubts).append(f"only one is the {_called(said)}")
    return Findings(tuple(conflicts), tuple(doubts))


def _called(tag: Tag) -> str:
    return f"“{tag.detail}” version" if tag.kind == "version" else f"{tag.kind} version"


def _is_said_by_album(said: Tag, album: Album | None) -> bool:
    """Say whether the album of the track whose title is silent speaks of the version."""
    if album is None:
        return False
    if said.kind == "version":
        words = set(_DIGITS.sub(" ", said.detail).split())
        return bool(words) and words <= set(album.words.split())
    if said.kind not in album.kinds:
        return False
    return said.kind != "remix" or not said.detail or said.detail in album.words


def _is_decisive(said: Tag, *, apart_ms: int | None, shares_live: bool) -> bool:
    """Say whether a version that only one title names makes them two recordings."""
    if said.weight is Weight.LENGTH:
        if apart_ms is None:
            return said.kind == "interlude"
        return apart_ms > CLOSE_MS
    return not (shares_live and said.kind == "acoustic")


def _compare_numbers(one: Title, other: Title, *, conflicts: list[str], doubts: list[str]) -> None:
    if one.numbers == other.numbers or one.full.replace(" ", "") == other.full.replace(" ", ""):
        return
    mine, theirs = set(one.numbers), set(other.numbers)
    if mine and theirs and (mine <= theirs or theirs <= mine):
        doubts.append("only one title has all the numbers")
    elif mine != theirs:
        conflicts.append("the numbers in the titles differ")


def _compare_details(one: Tag, other: Tag, *, conflicts: list[str], doubts: list[str]) -> None:
    """Compare who or what names a version that both titles speak of: the remixer, the venue, the year."""
    if one.detail == other.detail:
        return
    if not one.detail or not other.detail:
        doubts.append(f"only one names its {one.kind}")
        return
    numbers, others = set(_DIGITS.findall(one.detail)), set(_DIGITS.findall(other.detail))
    if fuzz.token_set_ratio(one.detail, other.detail) < 70 or (numbers and others and not numbers & others):
        conflicts.append(f"another {one.kind}: {one.detail} / {other.detail}")
    elif fuzz.token_sort_ratio(one.detail, other.detail) < 70:
        doubts.append(f"only one names its {one.kind} in full")
