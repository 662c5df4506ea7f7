"""Recordings of the fictional world and what makes two lines the same recording."""

import hashlib
import re
from functools import lru_cache

import msgspec

from deploy.sandbox.search_index import tokens

BASE62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
SPOTIFY_ID = re.compile(r"[0-9A-Za-z]{22}")
APPLE_ID = re.compile(r"[0-9]{1,19}")


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One track as a world file tells it; everything may be missing."""

    title: str | None = None
    artists: tuple[str | None, ...] | None = None
    album: str | None = None
    duration_ms: int | None = None
    isrc: str | None = None
    explicit: bool | None = None
    release_date: str | None = None
    track_number: int | None = None
    disc_number: int | None = None
    platform: str | None = None
    platform_id: str | None = None
    kind: str | None = None
    local_file: bool | None = None
    added_at: str | None = None


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A track of the world. `ids` holds its id on each platform where it exists."""

    key: str
    title: str
    artists: tuple[str, ...]
    album: str
    duration_ms: int | None
    isrc: str | None
    is_explicit: bool | None
    release_date: str | None
    track_number: int | None
    disc_number: int | None
    ids: dict[str, str]


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """The names under which a line may be known: its platform's id, its ISRC, its words."""

    by_id: str | None
    by_isrc: str | None
    by_text: str


def clean_isrc(raw: str | None) -> str | None:
    """Upper case, letters and digits only; None when nothing is left."""
    return re.sub(r"[^A-Z0-9]", "", (raw or "").upper()) or None


def artists_of(line: Line) -> tuple[str, ...]:
    return tuple(artist for artist in line.artists or () if artist)


def given_id(platform: str, platform_id: str | None) -> str | None:
    """Return the id of a line when it has this platform's form, which is then kept as it is."""
    if platform_id is None:
        return None
    form = SPOTIFY_ID if platform == "spotify" else APPLE_ID
    return platform_id if form.fullmatch(platform_id) else None


def guessed_platform(platform_id: str | None) -> str | None:
    """Say whose id this is by its form, for lines that name no platform."""
    for platform in ("spotify", "apple_music"):
        if given_id(platform, platform_id):
            return platform
    return None


def identity_of(line: Line, *, id_platform: str) -> Identity:
    title = " ".join(tokens(line.title or ""))
    isrc = clean_isrc(line.isrc)
    artists = " ".join(tokens(" ".join(artists_of(line))))
    album = " ".join(tokens(line.album or ""))
    return Identity(
        by_id=f"{id_platform}:{line.platform_id}" if line.platform_id else None,
        by_isrc=f"isrc:{isrc}|{title}" if isrc else None,
        by_text=f"text:{title}|{artists}|{album}|{line.duration_ms or ''}",
    )


@lru_cache(maxsize=65536)
def spotify_id(key: str) -> str:
    """Derive a 22-character base62 id from a key; the same key gives the same id everywhere."""
    number = int.from_bytes(hashlib.sha256(f"spotify:{key}".encode()).digest()[:17])
    digits = []
    for _ in range(22):
        number, digit = divmod(number, 62)
        digits.append(BASE62[digit])
    return "".join(digits)


def apple_id(key: str) -> str:
    """Derive a 12-digit catalog id from a key."""
    number = int.from_bytes(hashlib.sha256(f"apple_music:{key}".encode()).digest()[:8])
    return str(100_000_000_000 + number % 900_000_000_000)


def derived_id(platform: str, key: str) -> str:
    return spotify_id(key) if platform == "spotify" else apple_id(key)


def playlist_id(platform: str, key: str) -> str:
    """Derive the id of a playlist from a key, in the platform's form."""
    token = spotify_id(key)
    return token if platform == "spotify" else f"p.{token[:15]}"


def digest(text: str) -> int:
    """Return a stable number for choices that must be the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])
