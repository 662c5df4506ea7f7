"""What makes two tracks of one title different recordings, and what only one of them says."""

import re
from enum import IntEnum

import msgspec
from rapidfuzz import fuzz

from worker.matching.normalize import Artists, fold
from worker.matching.titles import Album, Tag, Title
from worker.matching.versions import Weight

CLOSE_MS = 3_500  # 97 of 100 pairs of one recording on two platforms lie within 3 s
_SAME_LENGTH_MS = 1_000  # some platforms tell whole seconds
# Versions that an album is of as a whole; one that is called a remix holds the song, too.
_OF_WHOLE_ALBUMS = frozenset({"live", "karaoke", "instrumental", "a cappella", "orchestral", "music box"})
_DIGITS = re.compile(r"\d+")


class Side(msgspec.Struct, frozen=True):
    """One of the two tracks that are compared: its title, its album and who plays."""

    title: Title
    album: Album | None = None
    artists: Artists | None = None

    @property
    def guests(self) -> set[str]:
        """Who plays beside the main artist, folded."""
        return {*map(fold, self.title.guests), *(self.artists.names[1:] if self.artists else ())}

    @property
    def is_imitation(self) -> bool:
        return self.artists is not None and self.artists.imitates


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


class Difference(IntEnum):
    """How much the worst conflict tells two tracks apart.

    TAKE: one is said to be a take or a cut of the song that may stand in for it. VERSION: one is said to be
    something else. CONTRADICTION: both sides speak, and they disagree.
    """

    NONE = 0
    TAKE = 1
    VERSION = 2
    CONTRADICTION = 3


class Findings(msgspec.Struct, frozen=True):
    """What tells two tracks apart, in words for people.

    conflicts: decides against it. doubts: only one side says it, so that the rest must make it good. notes:
    worth a word, no more. difference: what the worst conflict means.
    """

    conflicts: tuple[str, ...]
    doubts: tuple[str, ...]
    notes: tuple[str, ...] = ()
    difference: Difference = Difference.NONE


class _Notebook:
    """Collects findings."""

    def __init__(self) -> None:
        self.conflicts: list[str] = []
        self.doubts: list[str] = []
        self.notes: list[str] = []
        self.difference = Difference.NONE

    def object(self, words: str, *, difference: Difference) -> None:
        self.conflicts.append(words)
        self.difference = max(self.difference, difference)

    def findings(self) -> Findings:
        return Findings(tuple(self.conflicts), tuple(self.doubts), tuple(self.notes), self.difference)


def find_conflicts(one: Side, other: Side, *, closeness: Closeness) -> Findings:
    """Compare the numbers and the versions that two tracks name."""
    book = _Notebook()
    _compare_numbers(one.title, other.title, closeness=closeness, book=book)
    _compare_makers(one, other, book=book)
    _compare_albums(one, other, closeness=closeness, book=book)
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
    is_one_file = said.version.has_own_length and closeness.is_same_file
    if said.kind == "version" and said.detail in silent.guests:
        return
    if _is_said_by_album(said, silent.album):
        if said.weight is Weight.LENGTH or _is_one_album(speaker.album, silent.album):
            book.notes.append(f"only the album of one names the {_called(said)}")
        else:
            book.object(f"only the album of one names the {_called(said)}", difference=_difference(said))
    elif said.weight is Weight.LENGTH:
        _weigh_length(said, words, closeness=closeness, book=book)
    elif is_one_file or (shares_live and said.kind == "acoustic"):
        book.doubts.append(words)
    else:
        book.object(words, difference=_difference(said))


def _weigh_length(said: Tag, words: str, *, closeness: Closeness, book: _Notebook) -> None:
    is_close = closeness.apart_ms is not None and closeness.apart_ms <= CLOSE_MS
    if closeness.apart_ms is None and said.kind == "shortened":
        book.notes.append(words)  # the cut that is sold most; without durations nothing tells it apart
    elif is_close or (closeness.apart_ms is None and (said.kind != "interlude" or closeness.is_same_release)):
        book.doubts.append(words)
    else:
        book.object(words, difference=_difference(said))


def _difference(said: Tag) -> Difference:
    return Difference.TAKE if said.version.stands_in else Difference.VERSION


def _is_one_album(one: Album | None, other: Album | None) -> bool:
    return one is not None and other is not None and fuzz.ratio(one.words, other.words) >= 90


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


def _compare_makers(one: Side, other: Side, *, book: _Notebook) -> None:
    if one.is_imitation != other.is_imitation and one.artists and other.artists:
        book.object("only one is by those who play what others made known", difference=Difference.VERSION)


def _compare_albums(one: Side, other: Side, *, closeness: Closeness, book: _Notebook) -> None:
    """Say what it means that only one album speaks of a version that neither title names."""
    if one.album is None or other.album is None:
        return
    said = {tag.kind for side in (one, other) for tag in side.title.tags}
    for kind in sorted(((one.album.called ^ other.album.called) & _OF_WHOLE_ALBUMS) - said):
        if closeness.apart_ms is None or closeness.apart_ms > CLOSE_MS:
            book.doubts.append(f"only one album is called the {kind} version")


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
            both = bool(mine and theirs)
            book.object(words, difference=Difference.CONTRADICTION if both else Difference.VERSION)


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
        book.object(f"another {one.kind}: {mine} / {theirs}", difference=Difference.CONTRADICTION)
    elif fuzz.token_sort_ratio(mine, theirs) < (90 if closeness.apart_ms is None else 70):
        book.doubts.append(f"only one names its {one.kind} in full")
