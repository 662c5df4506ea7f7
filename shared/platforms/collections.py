"""Collections: what an account keeps beside its playlists, told as playlists with ids of their own."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from shared.models import Album, Artist, Playlist, PlaylistId, Track, TrackId


class Collection(StrEnum):
    """What is kept; the value is its id as a playlist on each platform, whose own ids never look so."""

    LIKED = "liked"
    ALBUMS = "albums"
    ARTISTS = "artists"

    @property
    def playlist_id(self) -> PlaylistId:
        return PlaylistId(self.value)

    @property
    def holds_tracks(self) -> bool:
        return self is Collection.LIKED

    @property
    def label(self) -> str:
        return {"liked": "Liked Songs", "albums": "Saved Albums", "artists": "Followed Artists"}[self]


class Keeping(msgspec.Struct, frozen=True, kw_only=True):
    """How a platform keeps one of them.

    url: where its user sees it, None where each server has its own. add_batch: of one call; 0 where nothing
    can be added by an app. remove_batch: the same of a removal. is_dated: it is read newest first, by the
    date of each addition; else in an order of the platform's own, which nobody else's can be compared with.
    apart_s: seconds between two additions that are to have two dates. scope: tokens without it do not show
    it; those of platforms that have such.
    """

    url: str | None
    add_batch: int = 0
    remove_batch: int = 0
    is_dated: bool = True
    apart_s: float = 0.0
    scope: str = ""


def collection_of(playlist_id: str | None) -> Collection | None:
    """Return the collection of that id; None for a playlist's."""
    return Collection(playlist_id) if playlist_id in _IDS else None


def collection_in(text: str, kept: Mapping[Collection, Keeping]) -> Collection | None:
    """Return what an id or the user's own address of a collection means; None where it is neither."""
    text = text.strip()
    return next((one for one, keeping in kept.items() if text in (one.value, keeping.url)), None)


def head_of(collection: Collection, keeping: Keeping, *, track_count: int | None = None) -> Playlist:
    """Return a collection as playlists are listed. track_count: of its tracks, albums or artists."""
    return Playlist(
        id=collection.playlist_id,
        name=collection.label,
        url=keeping.url,
        track_count=track_count,
        writable=keeping.add_batch > 0,
    )


def as_track(kept: Track | Album | Artist) -> Track:
    """Return what stands in a collection as items and candidates are told: under its name as title."""
    match kept:
        case Track():
            return kept
        case Album():
            return Track(
                platform=kept.platform,
                id=TrackId(kept.id),
                title=kept.name,
                artists=kept.artists,
                release_date=kept.release_date,
                track_count=kept.track_count,
                url=kept.url,
            )
        case Artist():
            return Track(platform=kept.platform, id=TrackId(kept.id), title=kept.name, url=kept.url)


_IDS = frozenset(Collection)
