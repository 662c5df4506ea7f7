"""Deezer's JSON: only what we read, and nothing taken for granted."""

from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from shared.platforms.paging import RawPage

T = TypeVar("T")


class Error(msgspec.Struct):
    type: str = ""
    message: str = ""
    code: int = 0


class ErrorAnswer(msgspec.Struct):
    """How Deezer refuses, with status 200. A wrong path has a text there, and a status of its own."""

    error: Error


class Artist(msgspec.Struct):
    id: int | None = None
    name: str | None = None


class Album(msgspec.Struct):
    id: int | None = None
    title: str | None = None
    artist: Artist | None = None
    nb_tracks: int | None = None
    release_date: str | None = None


class Track(msgspec.Struct):
    """A track of the catalog, a search or a playlist; the shorter forms lack isrc, contributors and numbers.

    duration: seconds. alternative: the same recording as it can be played where this one cannot.
    """

    id: int
    title: str | None = None
    readable: bool | None = None
    isrc: str | None = None
    duration: int | None = None
    explicit_lyrics: bool | None = None
    artist: Artist | None = None
    contributors: list[Artist] = []
    album: Album | None = None
    release_date: str | None = None
    track_position: int | None = None
    disk_number: int | None = None
    link: str | None = None
    alternative: "Track | None" = None


class Listing(msgspec.Struct, Generic[T]):
    """A page of a list. data unset: an answer without any list."""

    data: list[T] | UnsetType = UNSET
    total: int | None = None
    next: str | None = None

    def page(self, limit: int) -> RawPage[T]:
        return RawPage.of(self.data, limit=limit, total=self.total, next_url=self.next)


class Creator(msgspec.Struct):
    id: int | None = None
    name: str | None = None


class Playlist(msgspec.Struct):
    """description is unset in lists: only the playlist itself tells it."""

    id: int
    title: str | None = None
    description: str | UnsetType | None = UNSET
    nb_tracks: int | None = None
    link: str | None = None
    creator: Creator | None = None
    collaborative: bool = False
    is_loved_track: bool = False
    checksum: str | None = None


class Created(msgspec.Struct):
    id: int


class User(msgspec.Struct):
    id: int
    name: str | None = None
    country: str | None = None
