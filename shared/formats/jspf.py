"""JSPF, the JSON form of XSPF, as its draft and as ListenBrainz writes it.

Sources: wiki.xiph.org/JSPF and listenbrainz-server's playlist API, read 2026-11-22.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import msgspec

from shared.formats.entries import Entry, duration_of, isrc_of, unmultiplied, url_of
from shared.models import NotTransferable, SourceItem, Track

EXTENSION = "urn:crossplay:track"
MULTIPLIED = "The lengths of the tracks were a thousand times too long, and were divided."

_ISRC_URI = re.compile(r"(?:urn:)?isrc:(.+)", re.IGNORECASE)
_MOST_FACTS = 200  # of one row's extensions


class Ours(msgspec.Struct, omit_defaults=True):
    """What JSPF has no word for."""

    artists: list[str] = []
    isrc: str | None = None
    explicit: bool | None = None
    release_date: str | None = None
    disc_number: int | None = None
    kind: NotTransferable | None = None


class Row(msgspec.Struct, frozen=True):
    title: str | None = None
    creator: str | None = None
    album: str | None = None
    duration: float | str | None = None
    trackNum: int | None = None  # noqa: N815 - theirs
    identifier: str | list[str] | None = None
    location: str | list[str] | None = None
    extension: dict[str, Any] | None = None

    @property
    def duration_ms(self) -> int | None:
        return duration_of(
            f"{self.duration:.0f}" if isinstance(self.duration, float) else self.duration or "", is_ms=True
        )


class Playlist(msgspec.Struct):
    title: str | None = None
    track: list[msgspec.Raw] = []


class Document(msgspec.Struct):
    playlist: Playlist


def with_true_lengths(rows: Sequence[Row | None]) -> tuple[list[Row | None], bool]:
    """Return the rows with lengths in milliseconds, and whether they had been multiplied once more."""
    lengths, is_multiplied = unmultiplied([row.duration_ms if row else None for row in rows])
    if not is_multiplied:
        return list(rows), False
    return [
        msgspec.structs.replace(row, duration=str(length)) if row and length else row
        for row, length in zip(rows, lengths, strict=True)
    ], True


def to_entry(row: Row) -> Entry:
    ours = _ours(row.extension or {})
    names = [*_texts(row.identifier), *_texts(row.location)]
    artists = tuple(ours.artists) or ((row.creator,) if row.creator else ())
    return Entry(
        title=row.title or "",
        artists=artists,
        album=row.album or "",
        duration_ms=row.duration_ms,
        isrc=ours.isrc or isrc_in(names) or _isrc_among(row.extension or {}),
        explicit=ours.explicit,
        release_date=ours.release_date or "",
        track_number=row.trackNum,
        disc_number=ours.disc_number,
        uri=best_uri(names),
        kind=ours.kind,
    )


def isrc_in(names: Iterable[str]) -> str:
    """Return the ISRC among identifiers; empty where none is one."""
    found = filter(None, map(_ISRC_URI.fullmatch, names))
    return next((one[1] for one in found), "")


def best_uri(names: Iterable[str]) -> str:
    """Return the first of the identifiers and locations that leads to a page of the track."""
    return next(filter(url_of, names), "")


def write(name: str, items: Iterable[SourceItem]) -> bytes:
    playlist = {"title": name, "track": [_row(item) for item in items]}
    return msgspec.json.format(msgspec.json.encode({"playlist": playlist}), indent=1) + b"\n"


def _row(item: SourceItem) -> dict[str, Any]:
    track = item.track
    if track is None:
        return {"title": item.title, "extension": {EXTENSION: [Ours(kind=item.not_transferable)]}}
    facts = {
        "title": track.title,
        "creator": ", ".join(track.artists) or None,
        "album": track.album,
        "duration": track.duration_ms,
        "trackNum": track.track_number,
        "identifier": _identifiers(track) or None,
        "extension": {
            EXTENSION: [
                Ours(
                    artists=list(track.artists),
                    isrc=track.isrc,
                    explicit=track.explicit,
                    release_date=track.release_date,
                    disc_number=track.disc_number,
                )
            ]
        },
    }
    return {field: fact for field, fact in facts.items() if fact is not None}


def _identifiers(track: Track) -> list[str]:
    return [name for name in (track.url, f"urn:isrc:{track.isrc}" if track.isrc else None) if name]


def _ours(extension: Mapping[str, Any]) -> Ours:
    found = extension.get(EXTENSION)
    first = found[0] if isinstance(found, list) and found else found
    try:
        return msgspec.convert(first, Ours) if first else Ours()
    except msgspec.ValidationError:
        return Ours()


def _isrc_among(extension: Mapping[str, Any]) -> str:
    """Find an ISRC in what others have added; they do not agree where it stands."""
    for name, fact in islice(_facts(extension), _MOST_FACTS):
        if "isrc" in name.lower() and isinstance(fact, str) and isrc_of(fact):
            return fact
    return ""


def _facts(extension: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Give names and values of extensions, objects or lists of them, two levels deep."""
    for one in extension.values():
        for fields in one if isinstance(one, list) else [one]:
            if not isinstance(fields, dict):
                continue
            yield from fields.items()
            for inner in fields.values():
                if isinstance(inner, dict):
                    yield from inner.items()


def _texts(field: str | list[str] | None) -> list[str]:
    if field is None:
        return []
    return [field] if isinstance(field, str) else field
