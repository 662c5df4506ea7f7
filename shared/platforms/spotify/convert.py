"""Spotify's JSON into our values: pure."""

import re
from html import unescape
from urllib.parse import unquote_plus

from msgspec import structs

from shared.models import (
    Account,
    Album,
    AlbumId,
    Artist,
    ArtistId,
    NotTransferable,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    Track,
    TrackId,
)
from shared.platforms.base import TargetRow
from shared.platforms.spotify import wire
from shared.platforms.values import date_of, id_in, item_of, line_of, parse_isrc

_ID = re.compile(r"[0-9A-Za-z]{22}")
_SITES = ("open.spotify.com", "play.spotify.com")


def to_track(raw: wire.Track) -> Track | None:
    """Return a catalog track; None for what has no id or no name: local, gone or not a track."""
    if not raw.id or not raw.name or raw.is_local or raw.type == "episode":
        return None
    album = raw.album or wire.Album()
    return Track(
        platform=Platform.SPOTIFY,
        id=TrackId(raw.id),
        title=raw.name,
        artists=_names(raw.artists),
        album=album.name or None,
        duration_ms=_whole(raw.duration_ms),
        isrc=parse_isrc(raw.external_ids.isrc) if raw.external_ids else None,
        explicit=raw.explicit,
        release_date=date_of(album.release_date),
        track_number=_whole(raw.track_number),
        disc_number=_whole(raw.disc_number),
        url=raw.external_urls.spotify if raw.external_urls else None,
        is_playable=False if raw.is_playable is False else None,
    )


def to_album_track(raw: wire.Track, *, album: Album) -> Track | None:
    """Return a row of an album's list, which does not name the album; None for one that cannot be played."""
    track = to_track(raw) if raw.is_playable is not False else None
    return track and structs.replace(track, album=album.name, release_date=album.release_date)


def to_album(raw: wire.Album) -> Album | None:
    """Return an album; None for what has no id or no name."""
    if not raw.id or not raw.name:
        return None
    return Album(
        platform=Platform.SPOTIFY,
        id=AlbumId(raw.id),
        name=raw.name,
        artists=_names(raw.artists),
        track_count=_whole(raw.total_tracks),
        release_date=date_of(raw.release_date),
        url=raw.external_urls.spotify if raw.external_urls else None,
    )


def to_saved_album(row: wire.SavedAlbum | None) -> Album | None:
    return to_album(row.album) if row and row.album else None


def to_artist(raw: wire.Artist | None) -> Artist | None:
    """Return an artist; None for what has no id or no name."""
    if raw is None or not raw.id or not raw.name:
        return None
    url = raw.external_urls.spotify if raw.external_urls else None
    return Artist(platform=Platform.SPOTIFY, id=ArtistId(raw.id), name=raw.name, url=url)


def to_item(row: wire.Row | None) -> SourceItem:
    """Return what stands at a position; no row is ever left out."""
    raw = row.content if row else None
    if row is None or raw is None:
        return SourceItem(not_transferable=NotTransferable.REMOVED)
    title = _title_of(raw)
    if row.is_local or raw.is_local:
        return SourceItem(not_transferable=NotTransferable.LOCAL_FILE, title=title)
    if raw.type == "episode":
        return SourceItem(not_transferable=NotTransferable.EPISODE, title=title)
    return item_of(to_track(raw), title=title)


def to_target_row(row: wire.Row | None) -> TargetRow:
    """Return a row of a target. A relinked track is named by the id that was added."""
    raw = row.content if row else None
    if raw is None:
        return TargetRow(track_id=None)
    track_id = (raw.linked_from.id if raw.linked_from else None) or raw.id
    return TargetRow(track_id=TrackId(track_id) if track_id else None, title=raw.name or "")


def to_playlist(raw: wire.Playlist, *, user_id: str) -> Playlist:
    """Return a playlist as this user sees it. Others' playlists come without contents where unreadable."""
    owner = raw.owner or wire.Owner()
    is_shared = owner.id == user_id or bool(raw.collaborative)
    return Playlist(
        id=PlaylistId(raw.id),
        name=raw.name or "",
        url=raw.external_urls.spotify if raw.external_urls else None,
        owner=owner.display_name or owner.id,
        track_count=raw.contents.total if raw.contents else None,
        writable=is_shared,
        readable=is_shared or raw.contents is not None,
        snapshot=raw.snapshot_id,
        description=description_of(raw),
    )


def description_of(raw: wire.Playlist | None) -> str:
    """Return the description as it was written: it comes back with HTML entities."""
    return unescape((raw.description if raw else None) or "")


def to_account(raw: wire.Me) -> Account:
    return Account(id=raw.account_id or raw.id, label=raw.display_name or raw.id, market=raw.country or "")


def playlist_id_of(text: str) -> PlaylistId | None:
    """Read an id, `spotify:playlist:…` or a share address, also the older `user/<name>/playlist` forms."""
    return PlaylistId(_id_in(text, kind="playlist")) or None


def track_id_of(text: str) -> TrackId | None:
    """Read an id, `spotify:track:…` or a share address, also the forms with a language."""
    return TrackId(_id_in(text, kind="track")) or None


def _id_in(text: str, *, kind: str) -> str:
    text = text.strip()
    if text.startswith("spotify:"):
        text = f"{_SITES[0]}/{text.removeprefix('spotify:').replace(':', '/')}"
    return id_in(text, sites=_SITES, kinds=(kind,), form=_ID)


def _names(artists: list[wire.Artist | None] | None) -> tuple[str, ...]:
    return tuple(artist.name for artist in artists or () if artist and artist.name)


def _whole(number: float | None) -> int | None:
    return int(number) if number else None


def _title_of(raw: wire.Track) -> str:
    """Name a row for people: `artists – title`, for local files from the address where fields are empty."""
    artists, name = _names(raw.artists), raw.name or ""
    if not name and (raw.uri or "").startswith("spotify:local:"):
        parts = [unquote_plus(part) for part in (raw.uri or "").split(":")]
        artists, name = artists or (parts[2],), parts[4] if len(parts) > 4 else ""
    return line_of(artists, name)
