"""Our own JSON: everything that is known of each item, under a version (docs/reference/file-formats.md)."""

from collections.abc import Iterable

import msgspec

from shared.errors import FileUnreadable
from shared.formats.entries import Entry
from shared.models import NotTransferable, SourceItem, Track

MARK = "crossplay"
"""The field that tells our files from others'; it holds the version."""
VERSION = 1


class Row(msgspec.Struct, omit_defaults=True):
    title: str
    artists: list[str] = []
    album: str | None = None
    duration_ms: int | None = None
    isrc: str | None = None
    explicit: bool | None = None
    release_date: str | None = None
    track_number: int | None = None
    disc_number: int | None = None
    url: str | None = None
    not_transferable: NotTransferable | None = None


class Head(msgspec.Struct):
    name: str
    items: list[msgspec.Raw] = []


def check_version(raw: msgspec.Raw) -> None:
    """Raises FileUnreadable for what a newer release has written."""
    version = msgspec.json.decode(raw, type=int)
    if version > VERSION:
        raise FileUnreadable(
            f"The file has version {version} of Crossplay's JSON; this server reads up to {VERSION}. "
            "Export it as CSV there, or bring this server up to date."
        )


def to_entry(row: Row) -> Entry:
    return Entry(
        title=row.title,
        artists=tuple(row.artists),
        album=row.album or "",
        duration_ms=row.duration_ms,
        isrc=row.isrc or "",
        explicit=row.explicit,
        release_date=row.release_date or "",
        track_number=row.track_number,
        disc_number=row.disc_number,
        uri=row.url or "",
        kind=row.not_transferable,
    )


def write(name: str, items: Iterable[SourceItem]) -> bytes:
    body = {MARK: VERSION, "playlists": [{"name": name, "items": [_row(item) for item in items]}]}
    return msgspec.json.format(msgspec.json.encode(body), indent=1) + b"\n"


def _row(item: SourceItem) -> Row:
    track = item.track
    if track is None:
        return Row(title=item.title, not_transferable=item.not_transferable)
    return _of_track(track)


def _of_track(track: Track) -> Row:
    return Row(
        title=track.title,
        artists=list(track.artists),
        album=track.album,
        duration_ms=track.duration_ms,
        isrc=track.isrc,
        explicit=track.explicit,
        release_date=track.release_date,
        track_number=track.track_number,
        disc_number=track.disc_number,
        url=track.url,
    )
