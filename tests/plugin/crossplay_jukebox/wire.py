"""The jukebox's JSON: only what we read."""

from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from shared.platforms.paging import RawPage

T = TypeVar("T")


class Me(msgspec.Struct):
    id: str
    name: str


class Playlist(msgspec.Struct):
    id: str
    name: str
    description: str = ""
    track_count: int = 0


class Track(msgspec.Struct):
    """kind: `track`, or what else a row may be."""

    title: str
    id: str | None = None
    artists: tuple[str, ...] = ()
    album: str | None = None
    duration_ms: int | None = None
    isrc: str | None = None
    kind: str = "track"


class Rows(msgspec.Struct, Generic[T]):
    items: list[T] | UnsetType = UNSET
    total: int | None = None

    def page(self, limit: int) -> RawPage[T]:
        return RawPage.of(self.items, limit=limit, total=self.total, next_url=None)
