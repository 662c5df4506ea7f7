"""Spotify's JSON in both regimes: only what we read, and nothing taken for granted."""

from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from shared.platforms.paging import RawPage, TokenPage

T = TypeVar("T")


class ExternalUrls(msgspec.Struct):
    spotify: str | None = None


class Artist(msgspec.Struct):
    id: str | None = None
    name: str | None = None
    external_urls: ExternalUrls | None = None


class Album(msgspec.Struct):
    """An album, or what a track says of its own."""

    id: str | None = None
    name: str | None = None
    artists: list[Artist | None] | None = None
    total_tracks: float | None = None
    release_date: str | None = None
    external_urls: ExternalUrls | None = None


class ExternalIds(msgspec.Struct):
    isrc: str | None = None


class LinkedFrom(msgspec.Struct):
    id: str | None = None


class Track(msgspec.Struct):
    """A track, or an episode where type says so. Whole numbers were seen as floats.

    is_playable: told only where the market was asked for.
    """

    id: str | None = None
    name: str | None = None
    type: str | None = None
    uri: str | None = None
    is_local: bool | None = None
    duration_ms: float | None = None
    explicit: bool | None = None
    artists: list[Artist | None] | None = None
    album: Album | None = None
    external_ids: ExternalIds | None = None
    external_urls: ExternalUrls | None = None
    linked_from: LinkedFrom | None = None
    track_number: float | None = None
    disc_number: float | None = None
    is_playable: bool | None = None


class Row(msgspec.Struct):
    is_local: bool | None = None
    item: Track | None = None
    track: Track | None = None

    @property
    def content(self) -> Track | None:
        return self.item or self.track


class Paging(msgspec.Struct, Generic[T]):
    """A page of a list; items unset: an answer without any list."""

    items: list[T | None] | UnsetType = UNSET
    total: int | None = None
    next: str | None = None

    def page(self, limit: int) -> RawPage[T | None]:
        return RawPage.of(self.items, limit=limit, total=self.total, next_url=self.next)


class Found(msgspec.Struct, Generic[T]):
    items: list[T | None]


class SearchAnswer(msgspec.Struct):
    tracks: Found[Track]


class AlbumSearchAnswer(msgspec.Struct):
    albums: Found[Album]


class ArtistSearchAnswer(msgspec.Struct):
    artists: Found[Artist]


class SavedAlbum(msgspec.Struct):
    album: Album | None = None


class Cursors(msgspec.Struct):
    after: str | None = None


class Followed(msgspec.Struct):
    items: list[Artist | None] | UnsetType = UNSET
    cursors: Cursors | None = None
    total: int | None = None


class Following(msgspec.Struct):
    """A page of the artists whom the account follows."""

    artists: Followed

    def page(self) -> TokenPage[Artist | None]:
        after = self.artists.cursors.after if self.artists.cursors else None
        return TokenPage.of(self.artists.items, next_token=after, total=self.artists.total)


class Owner(msgspec.Struct):
    id: str | None = None
    display_name: str | None = None


class Contents(msgspec.Struct):
    total: int | None = None


class Playlist(msgspec.Struct):
    id: str
    name: str | None = None
    description: str | None = None
    owner: Owner | None = None
    collaborative: bool | None = None
    snapshot_id: str | None = None
    external_urls: ExternalUrls | None = None
    items: Contents | None = None
    tracks: Contents | None = None

    @property
    def contents(self) -> Contents | None:
        return self.items or self.tracks


class Me(msgspec.Struct):
    id: str
    account_id: str | None = None
    display_name: str | None = None
    country: str | None = None
