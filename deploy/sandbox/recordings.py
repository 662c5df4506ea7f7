"""Recordings of the fictional world and what makes two lines the same recording."""

import hashlib
import re

import msgspec

from deploy.sandbox.ids import IDS
from deploy.sandbox.search_index import tokens


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
    countries: tuple[str, ...] | None = None


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A track of the world. `ids` holds its id on each platform where it exists.

    countries: where it can be had, on platforms that keep to that; None: everywhere.
    unplayable_on: platforms whose market does not play it.
    """

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
    countries: tuple[str, ...] | None = None
    unplayable_on: frozenset[str] = frozenset()


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
    return platform_id if IDS[platform].track_form.fullmatch(platform_id) else None


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


def derived_id(platform: str, key: str) -> str:
    """Derive a track's id on a platform from a key."""
    return IDS[platform].track(key)


def playlist_id(platform: str, key: str) -> str:
    """Derive the id of a playlist from a key, in the platform's form."""
    return IDS[platform].playlist(key)


def digest(text: str) -> int:
    """Return a stable number for choices that must be the same in every process."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6])
