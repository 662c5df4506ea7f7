"""Apple Music's JSON: only what we read, and nothing taken for granted."""

from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from shared.platforms.paging import RawPage

T = TypeVar("T")


class PlayParams(msgspec.Struct, rename="camel"):
    """catalog_id: what a library song is in the catalog; absent for uploads. purchased_id: if bought."""

    catalog_id: str | None = None
    purchased_id: str | None = None


class SongAttributes(msgspec.Struct, rename="camel"):
    name: str | None = None
    artist_name: str | None = None
    album_name: str | None = None
    duration_in_millis: int | None = None
    isrc: str | None = None
    content_rating: str | None = None
    disc_number: int | None = None
    track_number: int | None = None
    release_date: str | None = None
    url: str | None = None
    play_params: PlayParams | None = None


class Song(msgspec.Struct):
    """A song or music video of the catalog or a library; type tells which."""

    id: str
    type: str = "songs"
    attributes: SongAttributes = msgspec.field(default_factory=SongAttributes)

    @property
    def catalog_id(self) -> str | None:
        if not self.type.startswith("library-"):
            return self.id
        params = self.attributes.play_params
        return params.catalog_id if params else None


class AlbumAttributes(msgspec.Struct, rename="camel"):
    name: str | None = None
    artist_name: str | None = None
    track_count: int | None = None
    release_date: str | None = None
    url: str | None = None


class Album(msgspec.Struct):
    id: str
    attributes: AlbumAttributes = msgspec.field(default_factory=AlbumAttributes)


class Related(msgspec.Struct):
    data: list[Album] = []


class LibraryAlbum(Album):
    """An album of which a library has at least one song; track_count: how many it has."""

    relationships: dict[str, Related] = {}

    @property
    def in_catalog(self) -> Album | None:
        """What it is in the catalog; None for an own one, and now and then for others too."""
        return next(iter(self.relationships.get("catalog", Related()).data), None)


class Description(msgspec.Struct):
    standard: str | None = None


class PlaylistAttributes(msgspec.Struct, rename="camel"):
    name: str | None = None
    can_edit: bool = False
    description: Description | str | None = None
    url: str | None = None
    last_modified_date: str | None = None


class Playlist(msgspec.Struct):
    id: str
    attributes: PlaylistAttributes = msgspec.field(default_factory=PlaylistAttributes)


class Storefront(msgspec.Struct):
    id: str


class Meta(msgspec.Struct):
    total: int | None = None


class Document(msgspec.Struct, Generic[T]):
    """The envelope of every answer. data unset: Apple sometimes answers `{}` where a list should be."""

    data: list[T] | UnsetType = UNSET
    next: str | None = None
    meta: Meta | None = None

    def page(self, limit: int) -> RawPage[T]:
        total = self.meta.total if self.meta else None
        return RawPage.of(self.data, limit=limit, total=total, next_url=self.next)


class SearchResults(msgspec.Struct):
    songs: Document[Song] | None = None
    albums: Document[Album] | None = None


class SearchAnswer(msgspec.Struct):
    results: SearchResults
