"""Deezer's JSON into our values: pure."""

import re
from collections.abc import Iterable

import msgspec
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
from shared.platforms.answers import Answer
from shared.platforms.base import TargetRow
from shared.platforms.deezer import wire
from shared.platforms.drafts import parts_of
from shared.platforms.values import date_of, id_in, item_of, line_of, parse_isrc, playable

_ID = re.compile(r"[0-9]{1,19}")
_SITES = ("deezer.com",)
_MEANING = {4: 429, 100: 413, 200: 403, 300: 401, 700: 503, 800: 404, 901: 403}
"""Statuses for the codes of errors; any other one means that the request was not a good one (500, 600 …)."""


def reworded(answer: Answer) -> Answer:
    """Give an error, which comes with status 200, the status that it means.

    A track that stands in the playlist already is a conflict: it has no code of its own.
    """
    if not answer.is_success or not answer.body.lstrip().startswith(b'{"error"'):
        return answer
    try:
        error = msgspec.json.decode(answer.body, type=wire.ErrorAnswer).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return answer
    status = 409 if "already exists" in error.message else _MEANING.get(error.code, 400)
    return structs.replace(answer, status=status)


def reworded_token(answer: Answer) -> Answer:
    """Say in the standard's words what the token server says in bare ones, with status 200."""
    if not answer.is_success or b'"access_token"' in answer.body:
        return answer
    if b"wrong code" in answer.body:
        return structs.replace(answer, status=400, body=b"invalid_grant")
    is_refusal = b"wrong" in answer.body or b'"error"' in answer.body
    return structs.replace(answer, status=400, body=b"invalid_client") if is_refusal else answer


def to_track(raw: wire.Track) -> Track | None:
    """Return a catalog track; None for what has no name, and for a file that a user has uploaded."""
    if raw.id <= 0 or not raw.title:
        return None
    album = raw.album or wire.Album()
    names = [artist.name for artist in (raw.artist, *raw.contributors) if artist and artist.name]
    return Track(
        platform=Platform.DEEZER,
        id=TrackId(str(raw.id)),
        title=raw.title,
        artists=tuple(dict.fromkeys(names)),
        album=album.title or None,
        duration_ms=raw.duration * 1000 if raw.duration else None,
        isrc=parse_isrc(raw.isrc),
        explicit=raw.explicit_lyrics,
        release_date=date_of(raw.release_date or album.release_date),
        track_number=raw.track_position or None,
        disc_number=raw.disk_number or None,
        url=raw.link or f"https://www.deezer.com/track/{raw.id}",
    )


def to_candidate(raw: wire.Track) -> Track | None:
    """Return the track, or what Deezer plays in its place; is_playable is False where it plays neither."""
    if raw.readable is False and raw.alternative and raw.alternative.readable is not False:
        return to_track(raw.alternative)
    track = to_track(raw)
    return structs.replace(track, is_playable=False) if track and raw.readable is False else track


def to_candidates(raws: Iterable[wire.Track]) -> tuple[Track, ...]:
    return tuple(filter(None, map(to_candidate, raws)))


def to_album_tracks(raws: Iterable[wire.Track], *, album: wire.Album) -> tuple[Track, ...]:
    """Return the rows of an album's list that can be played here; they do not name the album."""
    return playable(to_candidates(structs.replace(raw, album=album) for raw in raws))


def to_album(raw: wire.Album) -> Album | None:
    """Return an album; None for what has no name."""
    if not raw.id or not raw.title:
        return None
    return Album(
        platform=Platform.DEEZER,
        id=AlbumId(str(raw.id)),
        name=raw.title,
        artists=(raw.artist.name,) if raw.artist and raw.artist.name else (),
        track_count=raw.nb_tracks or None,
        release_date=date_of(raw.release_date),
        url=f"https://www.deezer.com/album/{raw.id}",
    )


def to_artist(raw: wire.Artist) -> Artist | None:
    """Return an artist; None for what has no name."""
    if not raw.id or not raw.name:
        return None
    url = f"https://www.deezer.com/artist/{raw.id}"
    return Artist(platform=Platform.DEEZER, id=ArtistId(str(raw.id)), name=raw.name, url=url)


def to_item(raw: wire.Track) -> SourceItem:
    """Return what stands at a position; a track that cannot be played here is still known by its words."""
    title = line_of((raw.artist.name,) if raw.artist and raw.artist.name else (), raw.title or "")
    if raw.id < 0:
        return SourceItem(not_transferable=NotTransferable.LOCAL_FILE, title=title)
    return item_of(to_track(raw), title=title)


def to_target_row(raw: wire.Track) -> TargetRow:
    return TargetRow(track_id=TrackId(str(raw.id)), title=raw.title or "")


def to_playlist(raw: wire.Playlist, *, user_id: int | None) -> Playlist:
    """Return a playlist as this user sees it; None: nobody is signed in."""
    creator = raw.creator or wire.Creator()
    name, rest = parts_of(raw.title or "")
    is_own = user_id is not None and (creator.id == user_id or raw.collaborative)
    return Playlist(
        id=PlaylistId(str(raw.id)),
        name=name,
        url=raw.link or f"https://www.deezer.com/playlist/{raw.id}",
        owner=creator.name,
        track_count=raw.nb_tracks,
        writable=is_own and not raw.is_loved_track,  # they are written as a collection
        snapshot=raw.checksum or None,
        description=raw.description or rest,
    )


def to_account(raw: wire.User) -> Account:
    return Account(id=str(raw.id), label=raw.name or str(raw.id), market=raw.country or "")


def playlist_id_of(text: str) -> PlaylistId | None:
    """Read an id or an address on deezer.com, also the forms with a language."""
    return PlaylistId(id_in(text, sites=_SITES, kinds=("playlist",), form=_ID)) or None


def track_id_of(text: str) -> TrackId | None:
    """Read an id or an address on deezer.com, also the forms with a language."""
    return TrackId(id_in(text, sites=_SITES, kinds=("track",), form=_ID)) or None
