"""What a row says, and the item that is made of it: the same rules for every format."""

import re
from collections.abc import Sequence
from urllib.parse import unquote_plus, urlsplit

import msgspec

from shared.formats.limits import TEXT_LETTERS
from shared.formats.texts import stored
from shared.models import Isrc, NotTransferable, Platform, SourceItem, Track, TrackId
from shared.platforms.files.identity import identify
from shared.platforms.values import parse_isrc

LONGEST_MS = 7 * 86_400_000
_MS_FROM = 10_000  # a bare number of this size is no track's length in seconds
_TOO_LONG_MS = 6 * 3_600_000  # half of a list's tracks are this long only where somebody has multiplied
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2})(?:\.\d+)?")
_NUMBER = re.compile(r"(\d{1,12})(?:\.\d+)?")
_DATE = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
_MOST_NUMBER = 99_999
_SPOTIFY_ID = r"[0-9A-Za-z]{22}"
_SPOTIFY = re.compile(rf"spotify:(track|episode):({_SPOTIFY_ID})")
_LOCAL = "spotify:local:"
_YES, _NO = {"true", "1", "yes"}, {"false", "0", "no"}

NO_TITLE = "It names no track."
TOO_LONG = f"One of its texts is longer than {TEXT_LETTERS:,} letters."


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A row as its format gives it. uri: what the row calls its track, an URI or an address.

    kind: set where the row itself says that it is no track.
    """

    title: str = ""
    artists: Sequence[str] = ()
    album: str = ""
    duration_ms: int | None = None
    isrc: str = ""
    explicit: bool | None = None
    release_date: str = ""
    track_number: int | None = None
    disc_number: int | None = None
    uri: str = ""
    kind: NotTransferable | None = None


def to_item(entry: Entry) -> SourceItem | str:
    """Return the item of a row, or why there is none."""
    entry = _with_local(entry)
    title = stored(entry.title)
    artists = tuple(filter(str.strip, map(stored, entry.artists)))
    album = stored(entry.album)
    if not title.strip():
        return NO_TITLE
    if max(map(len, (title, album, "".join(artists)))) > TEXT_LETTERS:
        return TOO_LONG
    kind = entry.kind or _kind_of(entry.uri)
    if kind is not None:
        return SourceItem(not_transferable=kind, title=title)
    track = Track(
        platform=Platform.FILE,
        id=TrackId(""),
        title=title,
        artists=artists,
        album=album if album.strip() else None,
        duration_ms=_within(entry.duration_ms, most=LONGEST_MS),
        isrc=isrc_of(entry.isrc),
        explicit=entry.explicit,
        release_date=entry.release_date if _DATE.fullmatch(entry.release_date) else None,
        track_number=_within(entry.track_number, most=_MOST_NUMBER),
        disc_number=_within(entry.disc_number, most=_MOST_NUMBER),
        url=url_of(entry.uri),
    )
    return SourceItem(track=identify(track), title=title)


def isrc_of(text: str) -> Isrc | None:
    """Return the first ISRC of a field; some programs write several into one, and in lower case."""
    whole = parse_isrc(text)
    if whole is not None:
        return whole
    return next(filter(None, map(parse_isrc, re.split(r"[^0-9A-Za-z-]+", text))), None)


def duration_of(text: str, *, is_ms: bool = False) -> int | None:
    """Read a length as files write it: `3:45`, `1:02:03`, `225s`, `225`, `225000`. None for what is none.

    is_ms: the column says that it holds milliseconds; else a bare number from 10,000 on is taken for some.
    """
    text = text.strip().lower()
    clock = _CLOCK.fullmatch(text)
    if clock:
        hours, minutes, seconds = (int(part or 0) for part in clock.groups())
        return 1000 * (3600 * hours + 60 * minutes + seconds)
    number = _NUMBER.fullmatch(text.removesuffix("ms").removesuffix("s").strip())
    if number is None:
        return None
    if is_ms or text.endswith("ms"):
        return int(number[1])
    if text.endswith("s") or int(number[1]) < _MS_FROM:
        return int(float(number[0]) * 1000)
    return int(number[1])


def number_of(text: str) -> int | None:
    """Read a track's or disc's number; None for what is none."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len(str(_MOST_NUMBER)) else None


def yes_or_no(text: str) -> bool | None:
    word = text.strip().lower()
    return True if word in _YES else False if word in _NO else None


def url_of(uri: str) -> str | None:
    """Return the address behind an URI or an address; None where it is neither."""
    found = _SPOTIFY.fullmatch(uri)
    if found:
        return f"https://open.spotify.com/{found[1]}/{found[2]}"
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    is_address = parts.scheme in ("http", "https") and parts.netloc and len(uri) <= TEXT_LETTERS
    return stored(uri) if is_address and not re.search(r"[\s<>\"]", uri) else None


def unmultiplied(durations: Sequence[int | None]) -> tuple[list[int | None], bool]:
    """Return the lengths in milliseconds, and whether their writer had multiplied them by a thousand more."""
    known = sorted(one for one in durations if one)
    if not known or known[len(known) // 2] < _TOO_LONG_MS:
        return list(durations), False
    return [one // 1000 if one else one for one in durations], True


def artist_and_title(text: str) -> tuple[str, str]:
    """Split `Artist - Title` at its first dash; the artist is empty where there is none."""
    artist, dash, title = text.partition(" - ")
    if not dash or not artist.strip() or not title.strip():
        return "", text
    return artist.strip(), title.strip()


def _within(number: int | None, *, most: int) -> int | None:
    return number if number is not None and 0 < number <= most else None


def _kind_of(uri: str) -> NotTransferable | None:
    found = _SPOTIFY.fullmatch(uri)
    is_episode = found is not None and found[1] == "episode"
    return NotTransferable.EPISODE if is_episode else None


def _with_local(entry: Entry) -> Entry:
    """Fill in what only the URI of a local file says: `spotify:local:Artist:Album:Title:seconds`."""
    if not entry.uri.startswith(_LOCAL):
        return entry
    parts = [unquote_plus(part) for part in entry.uri.removeprefix(_LOCAL).split(":")]
    if len(parts) != 4:
        return entry
    artist, album, title, seconds = parts
    return msgspec.structs.replace(
        entry,
        title=entry.title or title,
        artists=entry.artists or ((artist,) if artist else ()),
        album=entry.album or album,
        duration_ms=entry.duration_ms or duration_of(f"{seconds}s"),
    )
