"""Display strings like "Artist - Title (Official Video) [HD]", read with the other track at hand.

A video's title says who plays what in any order, with anything around it. What the other track is called, and
who plays it, tells which words are the title and which the artist; what is left must explain itself.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from html import unescape

import msgspec
from rapidfuzz import fuzz

from worker.matching.normalize import CACHED, fold
from worker.matching.tidy import LONGEST, tidy
from worker.matching.titles import Title, count_parts, find_versions, is_origin
from worker.matching.versions import Weight
from worker.matching.vocabulary import FEATURING

_SEPARATOR = re.compile(
    r"\s[-‐–—―~〜_\u200e]+|[-‐–—―~〜_]+\s|[|/•·:;,\"“”„«»()\[\]{}【】（）「」『』@]+|_|\s{2,}"
    r"|(?<!\S)['‘’]|['‘’](?!\S)"
)
_AUTHORSHIP = frozenset({"by", "von", "par", "por"})
_AROUND_ARTIST = frozenset({"the", "and", "by", "from", "with", "feat", "ft", "featuring", "da", "mr"})
_TRACK = re.compile(r"\btrack \d{1,2}\b")
_YEAR = re.compile(r"(?:19|20)\d\d|33|45|78|rpm|album")
_PLACE_OR_YEAR = re.compile(rf"\d{{1,2}}|{_YEAR.pattern}")  # behind a title a small number makes a sequel
_LONGEST = 60  # words; what stands behind is a description
_NEAR = 90.0


class Display(msgspec.Struct, frozen=True):
    """A display string as it was understood.

    title: the other track's title as it stands there, with what names a version in brackets behind it.
    has_artist: one of the artists is named, too. strange: parts that nothing explains.
    """

    title: str
    has_artist: bool
    strange: tuple[str, ...]


class _Words(msgspec.Struct, frozen=True):
    """The words of a display string; parts: which part between separators each of them stands in."""

    words: tuple[str, ...]
    parts: tuple[int, ...]


class _Run(msgspec.Struct, frozen=True):
    """Words of one part that are not the title.

    touches: nothing separates them from it. leads: they stand before it.
    """

    words: tuple[str, ...]
    touches: bool
    leads: bool


class _Meaning(msgspec.Struct, frozen=True):
    """What a run says beside the title: who plays, which version, or something that nothing explains."""

    has_artist: bool = False
    version: str = ""
    strange: str = ""


def read_display(
    text: str, *, title: Title, names: Sequence[str], album: str, is_credited: bool = False
) -> Display | None:
    """Find a title in a display string; None where it is not there, or only as a part of another one.

    names: folded names of those who may play it. album: the folded name of its album, or "". is_credited:
    somebody else is credited, so that the title must stand there as a part of its own.
    """
    display = _split(text)
    span = _find_title(display, title)
    if span is None:
        return None
    known = set(album.split())
    meanings: list[_Meaning] = []
    for run in _runs(display, *span):
        meaning = _explain(run, names=names, known=known)
        is_named = is_credited and run.touches and meaning is not None and meaning.version
        if meaning is None or (is_named and run.words[0] not in FEATURING):
            return None
        meanings.append(meaning)
    has_artist = any(meaning.has_artist for meaning in meanings)
    strange = tuple(meaning.strange for meaning in meanings if meaning.strange)
    if strange and not has_artist:
        return None
    written = " ".join(display.words[span[0] : span[1]])
    versions = "".join(f" ({meaning.version})" for meaning in meanings if meaning.version)
    return Display(written + versions, has_artist, strange)


def _explain(run: _Run, *, names: Sequence[str], known: set[str]) -> _Meaning | None:
    """Say what a run means; None where it belongs to the title, which then is another one."""
    rest = _without_artist(run, names)
    has_artist = rest is not None
    words = run.words if rest is None else rest
    said = _TRACK.sub("", " ".join(words)).strip()
    if is_origin(said):
        return _Meaning(has_artist)
    found, around = find_versions(said)
    is_version = any(version.weight is not Weight.SOFT for version in found)
    if is_version or (words and words[0] in FEATURING):
        return _Meaning(has_artist, version=said)
    places = _PLACE_OR_YEAR if run.leads else _YEAR
    left = [word for word in around.split() if word not in known and not places.fullmatch(word)]
    if not left or (not run.touches and (found or has_artist)):
        return _Meaning(has_artist)
    return None if run.touches else _Meaning(strange=said)


@lru_cache(CACHED)
def _split(text: str) -> _Words:
    words: list[str] = []
    parts: list[int] = []
    for number, part in enumerate(_SEPARATOR.split(unescape(text)[:LONGEST])):
        folded = fold(tidy(part)) if part.strip() else ""
        if not any(sign.isalnum() for sign in folded):
            continue
        for word in count_parts(folded).split(" "):
            words.append(word)
            parts.append(number)
    return _Words(tuple(words[:_LONGEST]), tuple(parts[:_LONGEST]))


def _find_title(display: _Words, title: Title) -> tuple[int, int] | None:
    """Return first and behind-last word of the title, where it is a part of its own if that stands there."""
    for form in dict.fromkeys((title.running, title.full, title.core)):
        spans = _spans(display.words, form)
        if spans:
            return max(spans, key=lambda span: (_is_whole(display, span), -span[0]))
    return None


def _is_whole(display: _Words, span: tuple[int, int]) -> bool:
    first, last = span
    begins = not first or display.parts[first - 1] != display.parts[first]
    return begins and (last == len(display.words) or display.parts[last - 1] != display.parts[last])


def _spans(words: Sequence[str], form: str) -> list[tuple[int, int]]:
    """Find where words say a text, however they are spaced; if nowhere, where they nearly do."""
    wanted = form.replace(" ", "")
    count = form.count(" ") + 1
    nearest = _NEAR
    best: list[tuple[int, int]] = []
    for first in range(len(words)):
        joined = ""
        for last in range(first + 1, len(words) + 1):
            joined += words[last - 1]
            if len(joined) > len(wanted) + 3:
                break
            if abs(last - first - count) > 1 and joined != wanted:
                continue
            ratio = 100.0 if joined == wanted else fuzz.ratio(joined, wanted) if len(wanted) >= 8 else 0.0
            if ratio > nearest:
                nearest, best = ratio, []
            if ratio == nearest:
                best.append((first, last))
    return best


def _runs(display: _Words, first: int, last: int) -> Iterator[_Run]:
    """Return the words before and behind the title, part by part."""
    for begin, end in ((0, first), (last, len(display.words))):
        start = begin
        for place in range(begin, end):
            if place + 1 == end or display.parts[place] != display.parts[place + 1]:
                touches = (place + 1 == first and display.parts[place] == display.parts[first]) or (
                    start == last and display.parts[start] == display.parts[last - 1]
                )
                yield _Run(display.words[start : place + 1], touches, leads=end == first)
                start = place + 1


def _without_artist(run: _Run, names: Sequence[str]) -> tuple[str, ...] | None:
    """Take an artist's name out of a run, with the words that belong to it; None where it holds none."""
    for name in names:
        for first, last in _spans(run.words, name):
            if first and run.words[first - 1] in _AUTHORSHIP:
                return run.words[: first - 1]
            rest = (*run.words[:first], *run.words[last:])
            return tuple(word for word in rest if word not in _AROUND_ARTIST)
        if not run.touches and _is_short_for(run.words, name):
            return ()
    return None


def _is_short_for(words: Sequence[str], name: str) -> bool:
    """Say whether words are a known part of a name: its surname, or two words of it."""
    parts = name.split(" ")
    if len(parts) == 1 or not set(words) <= set(parts):
        return False
    return len(words) > 1 or (words[0] == parts[-1] and len(words[0]) > 3)
