"""TIDAL's documents into our values: pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

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
from shared.platforms.base import Added
from shared.platforms.tidal import wire
from shared.platforms.tidal.wire import Row, Shelf
from shared.platforms.values import id_in, item_of, line_of, parse_duration, parse_isrc

# Behind an id an address may have more, such as /u where the app has shared it.
_SITES = ("tidal.com",)
_TRACK_ID = re.compile(r"[0-9]{1,19}")
# Mixes have 30 digits, all other playlists are named by a UUID.
_PLAYLIST_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{30}")


def identifiers(raw: wire.Resource, name: str) -> list[wire.Identifier]:
    """Return what a relationship names; nothing where it was not asked for."""
    rows = raw.relationships.get(name, wire.Relationship()).data
    return rows if isinstance(rows, list) else [rows] if rows else []


def related(raw: wire.Resource, name: str, *, shelf: Shelf) -> list[wire.Resource]:
    """Return the resources of a relationship, in its order; those that did not come along are left out."""
    named = ((one.type, one.id) for one in identifiers(raw, name))
    return [shelf[key] for key in named if key in shelf]


def to_track(raw: wire.Resource, *, shelf: Shelf) -> Track | None:
    """Return a track with the artists and the album that came along; None for what has no title."""
    about = raw.attributes
    if raw.type != "tracks" or not about.title:
        return None
    album = next((one.attributes for one in related(raw, "albums", shelf=shelf)), wire.Attributes())
    return Track(
        platform=Platform.TIDAL,
        id=TrackId(raw.id),
        title=_title(about),
        artists=_artists(raw, shelf=shelf),
        album=album.title or None,
        duration_ms=parse_duration(about.duration),
        isrc=parse_isrc(about.isrc),
        explicit=about.explicit,
        release_date=album.release_date or None,
        url=f"https://tidal.com/browse/track/{raw.id}",
    )


def to_tracks(rows: Iterable[Row]) -> tuple[Track, ...]:
    return tuple(filter(None, (to_track(raw, shelf=shelf) for raw, shelf in rows)))


def to_album(row: Row) -> Album | None:
    """Return the album that a row names; None for one that did not come along, or has no title."""
    raw = row[1].get(("albums", row[0].id))
    if raw is None or not raw.attributes.title:
        return None
    return Album(
        platform=Platform.TIDAL,
        id=AlbumId(raw.id),
        name=_title(raw.attributes),
        artists=_artists(raw, shelf=row[1]),
        track_count=raw.attributes.number_of_items,
        release_date=raw.attributes.release_date or None,
        url=f"https://tidal.com/browse/album/{raw.id}",
    )


def to_artist(row: Row) -> Artist | None:
    """Return the artist that a row names; None for one that did not come along, or has no name."""
    raw = row[1].get(("artists", row[0].id))
    if raw is None or not raw.attributes.name:
        return None
    url = f"https://tidal.com/browse/artist/{raw.id}"
    return Artist(platform=Platform.TIDAL, id=ArtistId(raw.id), name=raw.attributes.name, url=url)


def to_album_track(row: Row, *, album: Album) -> Track | None:
    """Return a row of an album's list; None for a video, and for what this country does not have."""
    raw, place = row[1].get((row[0].type, row[0].id)), row[0].meta or {}
    track = to_track(raw, shelf=row[1]) if raw else None
    return track and structs.replace(
        track,
        album=album.name,
        release_date=album.release_date,
        track_number=place.get("trackNumber"),
        disc_number=place.get("volumeNumber"),
    )


def to_item(row: wire.Identifier, *, shelf: Shelf) -> SourceItem:
    """Return what stands at a position; a row whose track is dead, or not of this country, names none."""
    raw = shelf.get((row.type, row.id))
    title = line_of(_artists(raw, shelf=shelf), _title(raw.attributes)) if raw else ""
    if row.type == "videos":
        return SourceItem(not_transferable=NotTransferable.VIDEO, title=title)
    return item_of(to_track(raw, shelf=shelf) if raw else None, title=title)


def to_playlist(raw: wire.Resource, *, owner: str | None = None, is_own: bool = True) -> Playlist:
    about = raw.attributes
    return Playlist(
        id=PlaylistId(raw.id),
        name=about.name or "",
        url=f"https://tidal.com/playlist/{raw.id}",
        owner=owner,
        track_count=about.number_of_items,
        writable=is_own,
        snapshot=about.last_modified_at,
        description=about.description or "",
    )


def to_account(raw: wire.Resource) -> Account:
    about = raw.attributes
    return Account(id=raw.id, label=about.username or raw.id, market=about.country or "")


def added_of(answer: wire.Added, *, asked: Sequence[TrackId]) -> Added | None:
    """Return what was left out, and whether the rest is named as it was asked for.

    Of a track that was asked for twice the later one counts as skipped. An answer that names nothing says
    nothing. None where fewer rows are named than were asked for, and nothing of the others: whether they are
    still to come nobody knows.
    """
    if answer.data is not None and len(answer.data) + len(answer.meta.skipped) < len(asked):
        return None
    named = Counter(row.id for row in answer.meta.skipped)
    found = []
    for index in reversed(range(len(asked))):
        if named[asked[index]] > 0:
            named[asked[index]] -= 1
            found.append(index)
    left_out = tuple(reversed(found))
    taken = [own_id for index, own_id in enumerate(asked) if index not in left_out]
    return Added(left_out=left_out, is_proved=[row.id for row in answer.data or ()] == taken)


def dated_rows(ids: Sequence[TrackId], *, kind: str, since: datetime) -> list[dict[str, object]]:
    """Return rows for a collection that are dated a millisecond apart, which is as finely as TIDAL dates."""
    return [
        {"type": kind, "id": own_id, "meta": {"addedAt": since + timedelta(milliseconds=place)}}
        for place, own_id in enumerate(ids)
    ]


def kept_of(answer: wire.Added, *, asked: Sequence[TrackId]) -> Added:
    """Return what a collection has left out; what stood there already is kept."""
    named = {row.id for row in answer.meta.skipped if row.reason != "ALREADY_PRESENT"}
    return Added(left_out=tuple(index for index, own_id in enumerate(asked) if own_id in named))


def playlist_id_of(text: str) -> PlaylistId | None:
    """Read an id, or an address of a playlist or a mix on tidal.com."""
    return (
        PlaylistId(id_in(text, sites=_SITES, kinds=("playlist", "mix"), form=_PLAYLIST_ID, ends=False))
        or None
    )


def track_id_of(text: str) -> TrackId | None:
    """Read an id, or an address of a track on tidal.com."""
    return TrackId(id_in(text, sites=_SITES, kinds=("track",), form=_TRACK_ID, ends=False)) or None


def _artists(raw: wire.Resource, *, shelf: Shelf) -> tuple[str, ...]:
    return tuple(one.attributes.name for one in related(raw, "artists", shelf=shelf) if one.attributes.name)


def _title(about: wire.Attributes) -> str:
    """Put the version behind the title, as TIDAL shows it, unless it stands there already."""
    title, version = about.title or "", about.version or ""
    return title if version.casefold() in title.casefold() else f"{title} ({version})"
