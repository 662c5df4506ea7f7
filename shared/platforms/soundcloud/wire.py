"""SoundCloud's JSON: only what we read, and nothing taken for granted."""

from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType
from yarl import URL

from shared.platforms.paging import TokenPage

T = TypeVar("T")


class Named(msgspec.Struct):
    """A thing with its URN; answers of before 2025 have a number in its place."""

    urn: str | None = None
    id: int | None = None

    def urn_as(self, kind: str) -> str | None:
        """Return the URN. kind: as URNs name it, in the plural."""
        return self.urn or (f"soundcloud:{kind}:{self.id}" if self.id else None)


class User(Named):
    username: str | None = None
    full_name: str | None = None
    track_count: int | None = None
    permalink_url: str | None = None


class Track(Named):
    """A track. access: what this account may do with it. metadata_artist: where not the user is."""

    title: str | None = None
    duration: float | None = None
    isrc: str | None = None
    metadata_artist: str | None = None
    user: User | None = None
    release_year: int | None = None
    release_month: int | None = None
    release_day: int | None = None
    permalink_url: str | None = None
    access: str | None = None


class Playlist(msgspec.Struct):
    urn: str
    title: str | None = None
    description: str | None = None
    user: User | None = None
    track_count: int | None = None
    permalink_url: str | None = None
    last_modified: str | None = None


class Collection(msgspec.Struct, Generic[T]):
    """A linked page; collection unset: an answer without any list."""

    collection: list[T | None] | UnsetType = UNSET
    next_href: str | None = None

    def page(self) -> TokenPage[T | None]:
        return TokenPage.of(self.collection, next_token=URL(self.next_href or "").query_string)


class Found(msgspec.Struct):
    """What stands under an address of the site, as an address of the API."""

    location: str


class RateMeta(msgspec.Struct):
    reset_time: str | None = None


class RateError(msgspec.Struct):
    meta: RateMeta | None = None


class TooManyRequests(msgspec.Struct):
    errors: list[RateError] = []
