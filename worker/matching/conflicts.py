"""What makes two tracks of one title different recordings, and what only one of them says."""

import re

import msgspec
from rapidfuzz import fuzz

from worker.matching.titles import Album, Tag, Title
from worker.matching.versions import Weight

CLOSE_MS = 3_500  # 97 of 100 pairs of one recording on two platforms lie within 3 s
_SAME_LENGTH_MS = 1_000  # some platforms tell whole seconds
_DIGITS = re.compile(r"\d+")


class Side(msgspec.Struct, frozen=True):
    """One of the two tracks that are compared: its title, its album and who plays beside the main artist."""

    title: Title
    album: Album | None
    guests: frozenset[str] = frozenset()


class Closeness(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks for one recording whatever the titles say.

    apart_ms: difference of the durations, None where one is unknown. is_same_file: they are equal to the
    millisecond, and are no whole seconds. is_same_release: both stand on one album that is not merely named
    like the track.
    """

    apart_ms: int | None = None
    is_same_file: bool = False
    is_same_release: bool = False

    @property
    def is_same_place(self) -> bool:
        """Say whether nothing but one track can be meant: one file, or one place on one release."""
        return self.is_same_file or (
            self.is_same_release and self.apart_ms is not None and self.apart_ms <= _SAME_LENGTH_MS
        )


class Findings(msgspec.Struct, frozen=True):
    """What tells two tracks apart, in words for people.

    conflicts: decides against it. doubts: only one side says it, so that the rest must make it good. notes:
    worth a word, no more. contradicts: both sides speak, and one of the conflicts is that they disagree.
    """

    conflicts: tuple[str, ...]
    doubts: tuple[str, ...]
    notes: tuple[str, ...] = ()
    contradicts: bool = False


class _Notebook:
    """Collects findings."""

    def __init__(self) -> None:
        self.conflicts: list[str] = []
        self.doubts: list[str] = []
        self.notes: list[str] = []
        self.contradicts = False

    def contradict(self, words: str) -> None:
        self.conflicts.append(words)
        self.contradicts = True

    def findings(self) -> Findings:
        return Findings(tuple(self.conflicts), tuple(self.doubts), tuple(self.notes), self.contradicts)


def find_conflicts(one: Side, other: Side, *, closeness: Closeness) -> Findings:
    """Compare the numbers and the versions that two tracks name."""
    book = _Notebook()
    _compare_numbers(one.title, other.title, closeness=closeness, book=book)
    mine = {tag.kind: tag for tag in one.title.tags}
    theirs = {tag.kind: tag for tag in other.title.tags}
    for kind in sorted(mine.keys() | theirs.keys()):
        if kind in mine and kind in theirs:
            _compare_details(mine[kind], theirs[kind], closeness=closeness, book=book)
        else:
            said, speaker, silent = (mine[kind], one, other) if kind in mine else (theirs[kind], other, one)
            shares_live = "live" in mine and "live" in theirs
            _weigh(said, speaker, silent, closeness=closeness, shares_live=shares_live, book=book)
    return book.findings()


def _weigh(
    said: Tag, speaker: Side, silent: Side, *, closeness: Closeness, shares_live: bool, book: _Notebook
) -> None:
    """Say what it means that only one of two titles names a version."""
    words = f"only one is the {_called(said)}"
    if said.kind == "version" and said.detail in silent.guests:
        return
    if _is_said_by_album(said, silent.album):
        is_one_album = (
            speaker.album is not None
            and silent.album is not None
            and (fuzz.ratio(speaker.album.words, silent.album.words) >= 90)
        )
        note = f"only the album of one names the {_called(said)}"
        is_note = is_one_album or said.weight is Weight.LENGTH
        (book.notes if is_note else book.conflicts).append(note)
    elif said.weight is Weight.LENGTH:
        _weigh_length(said, words, closeness=closeness, book=book)
    elif (shares_live and said.kind == "acoustic") or (said.has_own_length and closeness.is_same_file):
        book.doubts.append(words)
    else:
        book.conflicts.append(words)


def _weigh_length(said: Tag, words: str, *, closeness: Closeness, book: _Notebook) -> None:
    if closeness.apart_ms is not None:
        (book.doubts if closeness.apart_ms <= CLOSE_MS else book.conflicts).append(words)
    elif said.kind == "shortened":  # the cut that is sold most; without durations nothing tells it apart
        book.notes.append(words)
    elif said.kind == "interlude" and not closeness.is_same_release:
        book.conflicts.append(words)
    else:
        book.doubts.append(words)


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


def _compare_numbers(one: Title, other: Title, *, closeness: Closeness, book: _Notebook) -> None:
    if one.numbers == other.numbers or one.full.replace(" ", "") == other.full.replace(" ", ""):
        return
    mine, theirs = set(one.numbers), set(other.numbers)
    if mine and theirs and (mine <= theirs or theirs <= mine):
        book.doubts.append("only one title has all the numbers")
    elif mine != theirs:
        words = "the numbers in the titles differ"
        if closeness.is_same_place and not (mine and theirs) and all(map(_is_plain, mine | theirs)):
            book.doubts.append(words)
        else:
            book.contradict(words)


def _is_plain(number: str) -> bool:
    """Say whether a number may be left out: the first part is often not called so, a year is no part."""
    return number == "1" or (len(number) == 4 and number[:2] in {"19", "20"})


def _compare_details(one: Tag, other: Tag, *, closeness: Closeness, book: _Notebook) -> None:
    """Compare who or what names a version that both titles speak of: the remixer, the venue, the year."""
    mine, theirs = one.detail, other.detail
    if mine.replace(" ", "") == theirs.replace(" ", ""):
        return
    if not mine or not theirs:
        book.doubts.append(f"only one names its {one.kind}")
        return
    numbers, others = set(_DIGITS.findall(mine)), set(_DIGITS.findall(theirs))
    if fuzz.token_set_ratio(mine, theirs) < 70 or (numbers and others and not numbers & others):
        book.contradict(f"another {one.kind}: {mine} / {theirs}")
    elif fuzz.token_sort_ratio(mine, theirs) < (90 if closeness.apart_ms is None else 70):
        book.doubts.append(f"only one names its {one.kind} in full")
