"""Apple Music's JSON into our values: pure."""

import re
from collections.abc import Iterable, Mapping
from html import unescape

from shared.models import (
    Account,
    Album,
    AlbumId,
    NotTransferable,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    Track,
    TrackId,
)
from shared.platforms.apple_music import wire
from shared.platforms.base import TargetRow
from shared.platforms.values import item_of, line_of, parameter_of, parse_isrc, split_address

_TRACK_ID = re.compile(r"[0-9]+")
_ID = re.compile(r"p\.[0-9A-Za-z]+|pl\.(?:u-)?[0-9A-Za-z-]+")


def to_track(raw: wire.Song) -> Track | None:
    """Return a track; None for a video and for what has no name. A library song keeps its library id."""
    about = raw.attributes
    if raw.type.endswith("music-videos") or not about.name:
        return None
    return Track(
        platform=Platform.APPLE_MUSIC,
        id=TrackId(raw.id),
        title=about.name,
        artists=(about.artist_name,) if about.artist_name else (),
        album=about.album_name or None,
        duration_ms=about.duration_in_millis or None,
        isrc=parse_isrc(about.isrc),
        # No rating means that none was given; "clean" is an edited version.
        explicit=about.content_rating == "explicit" if about.content_rating else None,
        release_date=about.release_date or None,
        track_number=about.track_number,
        disc_number=about.disc_number,
        url=about.url,
        is_playable=None if about.play_params or raw.type != "songs" else False,
    )


def to_album(raw: wire.Album) -> Album | None:
    """Return an album; None for one without a name."""
    about = raw.attributes
    if not about.name:
        return None
    return Album(
        platform=Platform.APPLE_MUSIC,
        id=AlbumId(raw.id),
        name=about.name,
        artists=(about.artist_name,) if about.artist_name else (),
        track_count=about.track_count or None,
        release_date=about.release_date or None,
        url=about.url,
    )


def to_saved_album(raw: wire.LibraryAlbum) -> Album | None:
    """Return an album of a library as the catalog tells it; one that is not there keeps its library id."""
    known = raw.in_catalog
    return (to_album(known) if known else None) or to_album(raw)


def to_candidates(songs: Iterable[wire.Song]) -> tuple[Track, ...]:
    """Return the songs in the given order, also those that cannot be played in this storefront."""
    return tuple(track for track in map(to_track, songs) if track)


def to_item(raw: wire.Song, *, catalog: Mapping[str, wire.Song]) -> SourceItem:
    """Return what stands at a position; the catalog, where it knows the song, says more: its ISRC."""
    title = line_of((raw.attributes.artist_name or "",), raw.attributes.name or "")
    if raw.type.endswith("music-videos"):
        return SourceItem(not_transferable=NotTransferable.VIDEO, title=title)
    known = catalog.get(raw.catalog_id or "")
    return item_of((to_track(known) if known else None) or to_track(raw), title=title)


def to_saved_item(raw: wire.Song, *, catalog: Mapping[str, wire.Song]) -> SourceItem:
    """Return the same of a song of the library itself: what is not Apple's is a file of the user's own."""
    item, params = to_item(raw, catalog=catalog), raw.attributes.play_params
    if params and not params.catalog_id and not params.purchased_id:
        return SourceItem(not_transferable=NotTransferable.LOCAL_FILE, title=item.title)
    return item


def to_target_row(raw: wire.Song) -> TargetRow:
    catalog_id = raw.catalog_id
    return TargetRow(track_id=TrackId(catalog_id) if catalog_id else None, title=raw.attributes.name or "")


def to_album_row(raw: wire.LibraryAlbum) -> TargetRow:
    """Return a row of a target, named where the whole album is there: one of its songs makes a row."""
    known = raw.in_catalog or raw
    count, whole = raw.attributes.track_count, known.attributes.track_count
    is_named = known is not raw and (count or whole or 0) >= (whole or 0)
    title = known.attributes.name or raw.attributes.name or ""
    return TargetRow(track_id=TrackId(known.id) if is_named else None, title=title)


def to_playlist(raw: wire.Playlist) -> Playlist:
    about = raw.attributes
    is_library = raw.id.startswith("p.")
    return Playlist(
        id=PlaylistId(raw.id),
        name=about.name or "",
        url=about.url or (f"https://music.apple.com/library/playlist/{raw.id}" if is_library else None),
        writable=is_library and about.can_edit,
        snapshot=about.last_modified_date,
        description=description_of(raw),
    )


def description_of(raw: wire.Playlist) -> str:
    """Return the description as it was written; it comes back wrapped, and with HTML entities."""
    text = raw.attributes.description
    if isinstance(text, wire.Description):
        text = text.standard
    return unescape(text or "")


def to_account(raw: wire.Storefront) -> Account:
    """Apple tells nothing about the person: the storefront is all there is."""
    return Account(id=None, label=f"Apple Music ({raw.id.upper()})", market=raw.id)


def playlist_id_of(text: str) -> PlaylistId | None:
    """Read an id of a library (`p.`) or the catalog (`pl.`), or an address on music.apple.com."""
    text = text.strip()
    if "/" in text:
        parts = _path_of(text)
        text = parts[-1] if "playlist" in parts else ""
    return PlaylistId(text) if _ID.fullmatch(text) else None


def track_id_of(text: str) -> TrackId | None:
    """Read a catalog id, or an address on music.apple.com: of a song, or of a song in its album (`?i=`)."""
    text = text.strip()
    if "/" in text:
        parts = _path_of(text)
        in_song = parts[-1] if "song" in parts else ""
        text = parameter_of(text, "i") if "album" in parts else in_song
    return TrackId(text) if _TRACK_ID.fullmatch(text) else None


def _path_of(address: str) -> tuple[str, ...]:
    """Return the parts of an address on music.apple.com, none of any other."""
    host, parts = split_address(address)
    return parts if f".{host}".endswith(".music.apple.com") else ()
