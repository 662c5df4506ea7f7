"""The artists of the world: how they are known and found."""

from collections.abc import Iterable

import msgspec

from deploy.sandbox.albums import UNKNOWN_ARTIST
from deploy.sandbox.ids import IDS
from deploy.sandbox.recordings import Recording, derived_id
from deploy.sandbox.search_index import Document, SearchIndex


class Artist(msgspec.Struct, frozen=True, kw_only=True):
    """Who plays on some recording of the platform."""

    id: str
    name: str


def artist_id(name: str, *, platform: str) -> str:
    """Return the platform's id of an artist."""
    own = IDS[platform].artist
    return own(name) if own else derived_id(platform, f"artist:{name}")


class Artists:
    """The artists of one platform."""

    def __init__(self, platform: str, recordings: Iterable[Recording]) -> None:
        names = dict.fromkeys(name for one in recordings for name in one.artists or (UNKNOWN_ARTIST,))
        self.named = tuple(Artist(id=artist_id(name, platform=platform), name=name) for name in names)
        self.by_id = {artist.id: artist for artist in self.named}
        self._index = SearchIndex(Document(title=one.name, artist=one.name, album="") for one in self.named)

    def found(self, text: str) -> list[Artist]:
        """Return the artists that a text finds, best first."""
        return [self.named[position] for position in self._index.ranked(text)]
