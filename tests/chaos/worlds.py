"""The music that chaos moves: fiction, strangers that nobody moves, and real playlists where they are."""

from pathlib import Path
from typing import Any

import msgspec

from deploy.dev.fiction import ExpectedItem, Song, write_world
from deploy.sandbox.changes import Item
from tests.bench.transfers import PLAYLISTS, choose
from tests.chaos.plans import FIRST_PAIR, Pair

FICTION_COUNT = 260
FICTION_SEED = 11
AWAY_COUNT = 120
STRANGER_COUNT = 60
REAL_COUNT = 6
REAL_ROWS = range(20, 151)

FICTION, AWAY, STRANGERS, ODD = "Fiction", "Away from home", "Strangers", "Odd rows"

_ODD_ROWS: dict[str, tuple[Item, ...]] = {
    "spotify": (
        Item(kind="local", title="garage tape (side B)", artist="Us, in the garage", duration_ms=187_000),
        Item(
            kind="episode", title="Ep. 7: Why Gulls Shout", artist="The Slow Harbour", duration_ms=1_800_000
        ),
        Item(kind="removed"),
    ),
    "apple_music": (
        Item(kind="local", title="cellar tape (unfinished)", artist="Us, below", duration_ms=93_000),
        Item(kind="video", title="Ferry at Dusk (Official Video)", artist="Nobody", duration_ms=200_000),
        Item(kind="removed", title="Gone Since Spring", artist="Nobody", duration_ms=201_000),
    ),
    "tidal": (
        Item(kind="video", title="Ferry at Dusk (Official Video)", artist="Nobody", duration_ms=200_000),
    ),
}


class WorldFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files in the order in which a sandbox should read them, and what they hold.

    expected: what the fiction says must become of its playlist between the first pair. real_names: real
    playlists, between the first pair alone.
    """

    platforms: Pair
    paths: tuple[Path, ...]
    expected: tuple[ExpectedItem, ...]
    real_names: tuple[str, ...]


def odd_rows(platform: str) -> tuple[Item, ...]:
    """Return rows of a platform's playlists that are no tracks; other platforms have none that we play."""
    return _ODD_ROWS.get(platform, ())


def write_files(directory: Path, *, platforms: Pair = FIRST_PAIR) -> WorldFiles:
    """Write the files; the same at every call on a machine with the same real playlists."""
    home, away = platforms
    fiction = write_world(directory, track_count=FICTION_COUNT, seed=FICTION_SEED)
    rows = msgspec.json.decode(fiction.playlist_path.read_bytes())["tracks"]
    if platforms != FIRST_PAIR:
        _resettle(fiction.catalog_path, platforms)
        rows = [_settled(row, platforms) for row in rows if "kind" not in row]
    strangers = [_stranger(number) for number in range(STRANGER_COUNT)]
    has_real = platforms == FIRST_PAIR and PLAYLISTS.is_dir()
    real = choose(PLAYLISTS, count=REAL_COUNT, row_range=REAL_ROWS) if has_real else []
    return WorldFiles(
        platforms=platforms,
        paths=(
            fiction.catalog_path,
            _playlist(directory, home, FICTION, rows),
            _playlist(directory, away, AWAY, _away(fiction.catalog_path, home=home)),
            _playlist(directory, home, STRANGERS, strangers),
            _playlist(directory, away, STRANGERS, strangers),
            *(trait.path for trait in real),
        ),
        expected=fiction.expected,
        real_names=tuple(trait.name for trait in real),
    )


def _resettle(catalog_path: Path, platforms: Pair) -> None:
    """Let the songs that only one of the first pair has be on the platform that stands in its place."""
    songs = [
        _settled(msgspec.json.decode(line), platforms) for line in catalog_path.read_bytes().splitlines()
    ]
    catalog_path.write_bytes(msgspec.json.Encoder().encode_lines(songs))


def _settled(song: dict[str, Any], platforms: Pair) -> dict[str, Any]:
    place = dict(zip(FIRST_PAIR, platforms, strict=True))
    return {**song, "platform": place[song["platform"]]} if "platform" in song else song


def _away(catalog_path: Path, *, home: str) -> list[Song]:
    """Songs of the other platform, some of which nobody else has."""
    songs = msgspec.json.Decoder(Song).decode_lines(catalog_path.read_bytes())
    here = [song for song in songs if song.platform != home]
    return here[:AWAY_COUNT]


def _stranger(number: int) -> Song:
    return Song(
        title=f"Stranger No {number}",
        artists=("Somebody Else Entirely",),
        album="Not Ours",
        duration_ms=150_000 + 1000 * number,
        isrc=f"QZSTR26{number:05d}",
        release_date="2020-02-02",
    )


def _playlist(directory: Path, platform: str, name: str, rows: list[Song]) -> Path:
    path = directory / f"{platform}-{name}.json"
    content = {"source_platform": platform, "playlist_name": name, "tracks": rows}
    path.write_bytes(msgspec.json.encode(content))
    return path
