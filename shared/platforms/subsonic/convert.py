"""What Subsonic servers say into our values, and how a user signs in there: pure, but for the salt."""

import hashlib
import re
import secrets
from collections.abc import Iterable

import msgspec

from shared.models import (
    Album,
    AlbumId,
    Artist,
    ArtistId,
    Isrc,
    NotTransferable,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    TokenSet,
    Track,
    TrackId,
)
from shared.platforms.answers import Answer
from shared.platforms.base import TargetRow
from shared.platforms.call import Proof
from shared.platforms.drafts import parts_of
from shared.platforms.own_servers import Login
from shared.platforms.subsonic import wire
from shared.platforms.values import id_in, item_of, line_of, moment_of, parse_isrc, split_address

_CLIENT = {"v": "1.16.1", "c": "crossplay", "f": "json"}
_STATUS = {10: 400, 20: 400, 30: 400, 40: 401, 41: 406, 42: 406, 43: 400, 44: 401, 50: 403, 60: 402, 70: 404}
_ID = re.compile(r"[0-9]{1,10}|[0-9A-Za-z]{22}|(?=[^/]*[0-9])[0-9A-Za-z_:-]{2,64}")
_EXPLICIT = {"explicit": True, "clean": False}
_HEAD = msgspec.json.Decoder(wire.Envelope[wire.Head])


def sign(tokens: TokenSet | None) -> Proof:
    """Sign a call, with a salt of its own where there is a password."""
    if tokens is None:
        return Proof(fields=_CLIENT)
    login = Login.of(tokens)
    if login.api_key:
        return Proof(fields={**_CLIENT, "apiKey": login.api_key})
    salt = secrets.token_hex(8)
    # The protocol knows no better digest.
    token = hashlib.md5((login.password + salt).encode(), usedforsecurity=False).hexdigest()
    return Proof(fields={**_CLIENT, "u": login.user, "t": token, "s": salt})


def reword(answer: Answer) -> Answer:
    """Give a failure that comes with 200 the status that it means; 500 where the server knows no reason."""
    if answer.status != 200 or b'"failed"' not in answer.body:
        return answer
    try:
        head = _HEAD.decode(answer.body).content
    except (msgspec.DecodeError, UnicodeDecodeError):
        return answer
    if head.status != "failed":
        return answer
    return msgspec.structs.replace(answer, status=_STATUS.get(head.error.code if head.error else 0, 500))


def newest_first(things: Iterable[wire.AnyT]) -> list[wire.AnyT]:
    """Sort by the day of each star; what has none, or the same, stays in the server's own order."""
    return sorted(things, key=lambda one: moment_of(one.starred), reverse=True)


def _artists_of(raw: wire.Released) -> tuple[str, ...]:
    shown = raw.display_artist or raw.artist
    return tuple(one.name for one in raw.artists if one.name) or ((shown,) if shown else ())


def to_artist(raw: wire.ArtistHead) -> Artist | None:
    """Return an artist; None for one without a name."""
    return Artist(platform=Platform.SUBSONIC, id=ArtistId(str(raw.id)), name=raw.name) if raw.name else None


def to_album(raw: wire.Album) -> Album | None:
    """Return an album; None for one without a name."""
    if not raw.name:
        return None
    return Album(
        platform=Platform.SUBSONIC,
        id=AlbumId(str(raw.id)),
        name=raw.name,
        artists=_artists_of(raw),
        track_count=raw.song_count or None,
        release_date=f"{raw.year:04}" if raw.year else None,
    )


def to_track(raw: wire.Song) -> Track:
    return Track(
        platform=Platform.SUBSONIC,
        id=TrackId(str(raw.id)),
        title=raw.title,
        artists=_artists_of(raw),
        album=raw.album or None,
        duration_ms=raw.duration * 1000 or None,
        isrc=next(iter(isrcs_of(raw)), None),
        explicit=_EXPLICIT.get(raw.explicit_status),
        release_date=f"{raw.year:04}" if raw.year else None,
        track_number=raw.track or None,
        disc_number=raw.disc_number or None,
    )


def isrcs_of(raw: wire.Song) -> tuple[Isrc, ...]:
    texts = [raw.isrc] if isinstance(raw.isrc, str) else raw.isrc
    return tuple(filter(None, map(parse_isrc, texts)))


def to_item(raw: wire.Song) -> SourceItem:
    title = line_of((raw.display_artist or raw.artist,), raw.title)
    if raw.is_video or raw.type == "video":
        return SourceItem(not_transferable=NotTransferable.VIDEO, title=title)
    if raw.type == "podcast":
        return SourceItem(not_transferable=NotTransferable.EPISODE, title=title)
    return item_of(to_track(raw) if raw.title else None, title=title)


def to_target_row(raw: wire.Song) -> TargetRow:
    return TargetRow(track_id=TrackId(str(raw.id)), title=raw.title)


def to_playlist(raw: wire.Playlist, *, user: str, pages_url: str) -> Playlist:
    """pages_url: where the server shows playlists to people, "" where nobody knows that."""
    name, rest = parts_of(raw.name)
    is_own = not raw.owner or raw.owner == user
    return Playlist(
        id=PlaylistId(str(raw.id)),
        name=name,
        url=f"{pages_url}{raw.id}/show" if pages_url else None,
        owner=raw.owner or None,
        track_count=raw.song_count,
        writable=is_own and not raw.readonly,
        snapshot=raw.changed or None,
        description=raw.comment or rest,
    )


def playlist_id_of(text: str, *, server: str) -> PlaylistId | None:
    """Read an id, or the address of a playlist's page at this server."""
    site = split_address(server)[0]
    text = text.replace("/#/", "/")
    return PlaylistId(id_in(text, sites=(site,), kinds=("playlist",), form=_ID, ends=False)) or None


def track_id_of(text: str) -> TrackId | None:
    return TrackId(text.strip()) if _ID.fullmatch(text.strip()) else None
