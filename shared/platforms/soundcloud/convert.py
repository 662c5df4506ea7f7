"""SoundCloud's JSON into our values: pure."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus

import msgspec
from yarl import URL

from shared.models import (
    Account,
    Artist,
    ArtistId,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    Track,
    TrackId,
)
from shared.platforms.answers import Answer
from shared.platforms.base import TargetRow
from shared.platforms.soundcloud import wire
from shared.platforms.values import item_of, line_of, parse_isrc, split_address

SITE = "https://soundcloud.com"

_HOSTS = {"soundcloud.com", "www.soundcloud.com", "m.soundcloud.com"}
_SHORT_HOST = "on.soundcloud.com"
_SLUG = r"[\w-]{1,255}"
_PLAYLIST_PATH = re.compile(rf"{_SLUG}/sets/{_SLUG}")
_TRACK_PATH = re.compile(rf"{_SLUG}/(?!sets\b){_SLUG}")
_MOMENT = "%Y/%m/%d %H:%M:%S %z"


def to_track(raw: wire.Track) -> Track | None:
    """Return a track, also one that is blocked for this account; None for what has no URN or no title."""
    urn = raw.urn_as("tracks")
    if not urn or not raw.title:
        return None
    artist = _artist_of(raw)
    return Track(
        platform=Platform.SOUNDCLOUD,
        id=TrackId(urn),
        title=raw.title,
        artists=(artist,) if artist else (),
        duration_ms=int(raw.duration) if raw.duration else None,
        isrc=parse_isrc(raw.isrc),
        release_date=_date_of(raw),
        url=raw.permalink_url,
        is_playable=False if raw.access == "blocked" else None,
    )


def to_item(raw: wire.Track | None) -> SourceItem:
    """Return what stands at a position; no row is ever left out."""
    track = to_track(raw) if raw else None
    return item_of(track, title=line_of((_artist_of(raw),), raw.title or "") if raw else "")


def to_target_row(raw: wire.Track | None) -> TargetRow:
    urn = raw.urn_as("tracks") if raw else None
    return TargetRow(track_id=TrackId(urn) if urn else None, title=(raw.title if raw else None) or "")


def to_playlist(raw: wire.Playlist, *, user: wire.User) -> Playlist:
    """Return a playlist as this user sees it."""
    owner = raw.user or wire.User()
    return Playlist(
        id=PlaylistId(raw.urn),
        name=raw.title or "",
        url=raw.permalink_url,
        owner=owner.username,
        track_count=raw.track_count,
        writable=owner.urn_as("users") == user.urn_as("users"),
        snapshot=raw.last_modified,
        description=raw.description or "",
    )


def to_artist(raw: wire.User | None) -> Artist | None:
    """Return a user as an artist, under the name that tracks show; None for one without a URN or a name."""
    urn, name = (raw.urn_as("users"), raw.username or raw.full_name) if raw else (None, None)
    if raw is None or not urn or not name:
        return None
    return Artist(platform=Platform.SOUNDCLOUD, id=ArtistId(urn), name=name, url=raw.permalink_url)


def to_account(raw: wire.User) -> Account:
    """Return whose account it is; SoundCloud names no market."""
    urn = raw.urn_as("users")
    return Account(id=urn, label=raw.username or raw.full_name or urn or "", market="")


def playlist_id_of(text: str) -> PlaylistId | None:
    """Read a URN, an address of the API, or a share address.

    The site's own addresses hold no id: their path stands for one until it has been resolved.
    """
    return PlaylistId(_id_of(text, kind="playlists", path_form=_PLAYLIST_PATH) or "") or None


def track_id_of(text: str) -> TrackId | None:
    """Read a URN, an address of the API, or a share address, as `playlist_id_of` does."""
    return TrackId(_id_of(text, kind="tracks", path_form=_TRACK_PATH) or "") or None


def address_of(own_id: str) -> str | None:
    """Return the site's address that an id stands for; None for a URN, which stands for itself."""
    if own_id.startswith("soundcloud:"):
        return None
    return f"https://{own_id}" if own_id.startswith(f"{_SHORT_HOST}/") else f"{SITE}/{own_id}"


def urn_in(location: str, *, kind: str) -> str | None:
    """Return the URN in an address of the API; None where it names another kind of thing."""
    parts = URL(location).path.strip("/").split("/")
    if len(parts) != 2 or parts[0] != kind:
        return None
    return parts[1] if parts[1].startswith(f"soundcloud:{kind}:") else f"soundcloud:{kind}:{parts[1]}"


def reword(answer: Answer) -> Answer:
    """Give an answer the form that it means.

    A 429 tells in its body when it goes on, and has no Retry-After. The resolver answers by a redirect,
    whose body names the place too.
    """
    if answer.status == HTTPStatus.FOUND and b'"location"' in answer.body:
        return msgspec.structs.replace(answer, status=HTTPStatus.OK)
    if answer.status == HTTPStatus.TOO_MANY_REQUESTS and answer.retry_after is None:
        return msgspec.structs.replace(answer, retry_after=_reset_of(answer))
    return answer


def _reset_of(answer: Answer) -> str | None:
    """Return when all limits are open again, as an HTTP date; None where no moment to come is told."""
    try:
        errors = msgspec.json.decode(answer.body, type=wire.TooManyRequests).errors
        told = [error.meta.reset_time for error in errors if error.meta and error.meta.reset_time]
        reset_at = max(datetime.strptime(text, _MOMENT).astimezone(UTC) for text in told)
        is_past = answer.date is not None and reset_at <= parsedate_to_datetime(answer.date)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None
    return None if is_past else format_datetime(reset_at)


def _id_of(text: str, *, kind: str, path_form: re.Pattern[str]) -> str | None:
    text = text.strip()
    if re.fullmatch(rf"soundcloud:{kind}:[0-9]{{1,19}}", text):
        return text
    host, path = split_address(text) if "/" in text else ("", ())
    if host == "api.soundcloud.com" and len(path) == 2:
        return urn_in("/" + "/".join(path), kind=kind)
    if host == _SHORT_HOST and len(path) == 1:
        return f"{_SHORT_HOST}/{path[0]}"
    own_path = "/".join(path[:3])
    return own_path if host in _HOSTS and path_form.fullmatch(own_path) else None


def _artist_of(raw: wire.Track) -> str:
    """Name the artist: who is entered as such, else who has uploaded the track."""
    return raw.metadata_artist or (raw.user.username if raw.user else None) or ""


def _date_of(raw: wire.Track) -> str | None:
    if not raw.release_year:
        return None
    parts = (raw.release_month, raw.release_day if raw.release_month else None)
    return "-".join((f"{raw.release_year:04}", *(f"{part:02}" for part in parts if part)))
