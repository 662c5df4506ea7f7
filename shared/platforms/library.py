"""A copy of a server's songs that answers by ISRC and by words, because these servers know no ISRC search."""

import asyncio
import re
import time
import unicodedata
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias
from weakref import WeakValueDictionary

from msgspec import structs

from shared.models import Isrc, Track, TrackId

MOST_SONGS = 50_000  # about 50 MB; a larger library is asked track by track
_LIFE_S = 300.0
_ALL_SONGS = 2 * MOST_SONGS  # of all copies together
_FOUND_COUNT = 20
_WORD = re.compile(r"\w+")

Read: TypeAlias = Callable[[], Awaitable["Library | None"]]


def words_of(text: str) -> set[str]:
    """Return the words of a text without case and accents."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return set(_WORD.findall("".join(filter(lambda sign: not unicodedata.combining(sign), folded))))


class Library:
    """The songs of one account of one server, each with all of its ISRCs."""

    def __init__(self, songs: Iterable[tuple[Track, tuple[Isrc, ...]]]) -> None:
        self.by_id: dict[TrackId, Track] = {}
        self._by_isrc: dict[Isrc, list[TrackId]] = defaultdict(list)
        self._by_word: dict[str, list[TrackId]] = defaultdict(list)
        for track, isrcs in songs:
            if track.id in self.by_id:
                continue
            self.by_id[track.id] = track
            for isrc in isrcs:
                self._by_isrc[isrc].append(track.id)
            for word in words_of(" ".join((track.title, *track.artists))):
                self._by_word[word].append(track.id)

    def with_isrc(self, isrc: Isrc) -> tuple[Track, ...]:
        return tuple(structs.replace(self.by_id[one], isrc=isrc) for one in self._by_isrc.get(isrc, ()))

    def search(self, text: str) -> tuple[Track, ...]:
        """Return the tracks with half of the words at least, those with most and fewest others first."""
        wanted = words_of(text)
        hits = Counter(one for word in wanted for one in self._by_word.get(word, ()))
        found = [one for one, count in hits.items() if 2 * count >= len(wanted)]
        found.sort(key=lambda one: (-hits[one], len(self.by_id[one].title), one))
        return tuple(self.by_id[one] for one in found[:_FOUND_COUNT])


async def scan(page: Callable[[int], Awaitable[Iterable[tuple[Track, tuple[Isrc, ...]]]]]) -> Library | None:
    """Read all songs; None of a server that has too many, or that gives none without a word.

    page: reads some songs from an offset on.
    """
    songs: dict[TrackId, tuple[Track, tuple[Isrc, ...]]] = {}
    while len(songs) <= MOST_SONGS:
        before_count = len(songs)
        songs |= {track.id: (track, isrcs) for track, isrcs in await page(before_count)}
        if len(songs) == before_count:
            break
    return Library(songs.values()) if 0 < len(songs) <= MOST_SONGS else None


class Shelf:
    """The copies that a process has made lately, and which servers take forms.

    most_songs, clock: others than those of a process, for tests.
    """

    def __init__(self, *, most_songs: int = _ALL_SONGS, clock: Callable[[], float] = time.monotonic) -> None:
        self.takes_forms: dict[str, bool] = {}
        self._most_songs = most_songs
        self._clock = clock
        self._held: OrderedDict[str, tuple[Library | None, float]] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def library(self, name: str, read: Read) -> Library | None:
        """Return the copy of this name, read anew where it is old; None where it cannot be had as a whole."""
        async with self._locks.setdefault(name, asyncio.Lock()):
            held = self._held.get(name)
            if held is None or self._clock() >= held[1] + _LIFE_S:
                held = self._held[name] = (await read(), self._clock())
            self._held.move_to_end(name)
            while len(self._held) > 1 and self._song_count() > self._most_songs:
                self._held.popitem(last=False)
            return held[0]

    def _song_count(self) -> int:
        return sum(len(library.by_id) if library else 1 for library, _ in self._held.values())
