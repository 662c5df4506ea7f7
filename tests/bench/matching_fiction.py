"""Our own cases for the matcher, all music in them invented: tests/data/matching/README.md says how."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias, TypeVar

import msgspec

from worker.matching.cases import Case

FOLDER = Path(__file__).resolve().parents[1] / "data/matching"
SONGS = "songs.jsonl"
_NEIGHBORS = 3  # songs of the same artist that a search brings up, too
_APART_MS = 1_200  # how far the durations of one recording may lie apart between two platforms

Changes: TypeAlias = str | dict[str, object]
Record = TypeVar("Record", bound=msgspec.Struct)


class Song(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An invented recording that cases are about."""

    song: str
    title: str
    artists: tuple[str, ...]
    album: str
    duration_ms: int
    isrc: str
    release_date: str
    track_number: int
    explicit: bool | None = None


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A case as it is written down: what differs from its song; a text alone is another title.

    right is None where no candidate is the source. why: for people.
    """

    id: str
    song: str
    source: Changes = msgspec.field(default_factory=dict)
    right: Changes | None = None
    wrong: tuple[Changes, ...] = ()
    why: str = ""


def fictional_cases() -> tuple[Case, ...]:
    return tuple(msgspec.convert(case, Case) for case in written_out())


def written_out(folder: Path = FOLDER) -> tuple[dict[str, object], ...]:
    """Write out all cases of a folder; the name of a file is the kind of its cases."""
    songs = {song.song: song for song in _read(folder / SONGS, Song)}
    return tuple(
        write_out(line, kind=path.stem, songs=songs)
        for path in sorted(folder.glob("*.jsonl"))
        if path.name != SONGS
        for line in _read(path, Line)
    )


def write_out(line: Line, *, kind: str, songs: Mapping[str, Song]) -> dict[str, object]:
    """Write a line out: right and wrong ones and other songs of the artist, always mixed the same way."""
    song = songs[line.song]
    offered = [_wrong(song, changes, key=f"{line.id} {place}") for place, changes in enumerate(line.wrong)]
    offered += [_fields(other) for other in _neighbors(song, songs)]
    offered.sort(key=lambda fields: _number(f"{line.id} {fields['isrc']} {fields['title']}"))
    want = None
    if line.right is not None:
        want = _number(line.id) % (len(offered) + 1)
        offered.insert(want, _offer(song, line.right, key=line.id))
    source = _fields(song) | _changes(line.source)
    return {"id": line.id, "kind": kind, "source": source, "candidates": offered, "want": want}


def _read(path: Path, kind: type[Record]) -> Iterator[Record]:
    decoder = msgspec.json.Decoder(kind)
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            yield decoder.decode(line)
        except msgspec.DecodeError as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from error


def _fields(song: Song) -> dict[str, object]:
    fields = msgspec.to_builtins(song)
    del fields["song"]
    return dict(fields)


def _changes(changes: Changes) -> dict[str, object]:
    return {"title": changes} if isinstance(changes, str) else changes


def _offer(song: Song, changes: Changes, *, key: str) -> dict[str, object]:
    """Describe a candidate as another platform would: about as long, and as the changes say."""
    apart_ms = _number(key) % (2 * _APART_MS + 1) - _APART_MS
    return _fields(song) | {"duration_ms": song.duration_ms + apart_ms} | _changes(changes)


def _wrong(song: Song, changes: Changes, *, key: str) -> dict[str, object]:
    """Describe another recording; unless the changes say one, ISRC and place on the album are its own."""
    own = {"isrc": f"XXOTH{_number(key) % 10**7:07}", "track_number": song.track_number + 10}
    return _offer(song, own | _changes(changes), key=key)


def _neighbors(song: Song, songs: Mapping[str, Song]) -> list[Song]:
    others = [other for other in songs.values() if other.artists[0] == song.artists[0] and other != song]
    return others[:_NEIGHBORS]


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2s(text.encode(), digest_size=6).digest())
