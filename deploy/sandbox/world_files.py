"""Reads world files: catalog lines, playlists and Exportify tables."""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from deploy.sandbox.ids import IDS
from deploy.sandbox.recordings import Line

_LINES = msgspec.json.Decoder(Line, strict=False)

# Exportify and its relatives name their columns differently; letters only, lower case.
COLUMNS = {
    "trackuri": "uri",
    "spotifyuri": "uri",
    "uri": "uri",
    "trackid": "id",
    "spotifyid": "id",
    "id": "id",
    "trackname": "title",
    "title": "title",
    "name": "title",
    "artistnames": "artists",
    "artistname": "artists",
    "artists": "artists",
    "artisturis": "artist_uris",
    "albumname": "album",
    "album": "album",
    "durationms": "duration_ms",
    "trackdurationms": "duration_ms",
    "isrc": "isrc",
    "trackisrc": "isrc",
    "explicit": "explicit",
    "albumreleasedate": "release_date",
    "releasedate": "release_date",
    "tracknumber": "track_number",
    "discnumber": "disc_number",
    "addedat": "added_at",
}


class WorldFileError(ValueError):
    """A world file that cannot be read; the text says which and why."""


class PlaylistFile(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist as its file tells it. `platform` is the one whose account it joins."""

    platform: str
    id_platform: str
    name: str
    stem: str
    lines: tuple[Line, ...]
    owner: str | None = None
    description: str | None = None


class _PlaylistJson(msgspec.Struct, kw_only=True):
    tracks: tuple[Line, ...]
    source_platform: str = "spotify"
    playlist_name: str | None = None
    name: str | None = None
    owner: str | None = None
    description: str | None = None


def read_lines(path: Path) -> Iterator[Line]:
    """Read the catalog lines of a .jsonl file. Raises WorldFileError."""
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            try:
                yield _LINES.decode(raw)
            except msgspec.DecodeError as error:
                raise WorldFileError(f"{path.name}, line {number}: {error}") from error


def read_playlist(path: Path) -> PlaylistFile:
    """Read a playlist from a .json or .csv file. Raises WorldFileError."""
    if path.suffix == ".csv":
        return _read_table(path)
    try:
        raw = msgspec.json.decode(path.read_bytes(), type=_PlaylistJson, strict=False)
    except msgspec.DecodeError as error:
        raise WorldFileError(f"{path.name}: {error}") from error
    return PlaylistFile(
        platform=raw.source_platform if raw.source_platform in IDS else "spotify",
        id_platform=raw.source_platform,
        name=raw.playlist_name or raw.name or path.stem,
        stem=path.stem,
        lines=raw.tracks,
        owner=raw.owner,
        description=raw.description,
    )


def _read_table(path: Path) -> PlaylistFile:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [_named(row) for row in csv.DictReader(file)]
    if rows and "title" not in rows[0]:
        raise WorldFileError(f"{path.name}: no column with the track name")
    return PlaylistFile(
        platform="spotify",
        id_platform="spotify",
        name=path.stem,
        stem=path.stem,
        lines=tuple(_line_of(row) for row in rows),
    )


def _named(row: Mapping[str | None, str | None]) -> dict[str, str]:
    named: dict[str, str] = {}
    for header, value in row.items():
        column = COLUMNS.get(re.sub(r"[^a-z]", "", (header or "").lower()))
        if column and isinstance(value, str) and value.strip():
            named.setdefault(column, value.strip())
        elif column == "title":
            named.setdefault(column, "")
    return named


def _line_of(row: dict[str, str]) -> Line:
    reference = row.get("uri") or row.get("id") or ""
    kind = _kind(reference)
    return Line(
        title=row.get("title") or None,
        artists=_artists(row),
        album=row.get("album"),
        duration_ms=_whole(row.get("duration_ms")),
        isrc=row.get("isrc"),
        explicit=row["explicit"].lower() == "true" if "explicit" in row else None,
        release_date=row.get("release_date"),
        track_number=_whole(row.get("track_number")),
        disc_number=_whole(row.get("disc_number")),
        platform_id=None if kind == "local" else reference.rpartition(":")[2] or None,
        kind=kind,
        added_at=row.get("added_at"),
    )


def _kind(reference: str) -> str | None:
    for kind in ("local", "episode"):
        if reference.startswith(f"spotify:{kind}:"):
            return kind
    return None


def _artists(row: dict[str, str]) -> tuple[str, ...]:
    """Split the joined names; the number of artist addresses tells when a comma is part of a name."""
    joined = row.get("artists", "")
    if row.get("artist_uris", "").count("spotify:artist:") == 1:
        return (joined,) if joined else ()
    separator = ";" if ";" in joined else ","
    return tuple(name.strip() for name in joined.split(separator) if name.strip())


def _whole(text: str | None) -> int | None:
    try:
        return int(float(text)) if text else None
    except ValueError:
        return None
