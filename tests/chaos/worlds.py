"""The music that chaos moves: fiction, strangers that nobody moves, and real playlists where they are."""

from pathlib import Path

import msgspec

from deploy.dev.fiction import ExpectedItem, Song, write_world
from deploy.sandbox.changes import Item
from tests.bench.transfers import PLAYLISTS, choose

FICTION_COUNT = 260
FICTION_SEED = 11
AWAY_COUNT = 120
STRANGER_COUNT = 60
REAL_COUNT = 6
REAL_ROWS = range(20, 151)

FICTION, AWAY, STRANGERS, ODD = "Fiction", "Away from home", "Strangers", "Odd rows"

ODD_ROWS: dict[str, tuple[Item, ...]] = {
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
}


class WorldFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The files in the order in which a sandbox should read them, and what they hold.

    expected: what the fiction says must become of its playlist on Apple Music. real_names: real playlists.
    """

    paths: tuple[Path, ...]
    expected: tuple[ExpectedItem, ...]
    real_names: tuple[str, ...]


def write_files(directory: Path) -> WorldFiles:
    """Write the files; the same at every call on a machine with the same real playlists."""
    fiction = write_world(directory, track_count=FICTION_COUNT, seed=FICTION_SEED)
    rows = msgspec.json.decode(fiction.playlist_path.read_bytes())["tracks"]
    strangers = [_stranger(number) for number in range(STRANGER_COUNT)]
    real = choose(PLAYLISTS, count=REAL_COUNT, row_range=REAL_ROWS) if PLAYLISTS.is_dir() else []
    return WorldFiles(
        paths=(
            fiction.catalog_path,
            _playlist(directory, "spotify", FICTION, rows),
            _playlist(directory, "apple_music", AWAY, _away(fiction.catalog_path)),
            _playlist(directory, "spotify", STRANGERS, strangers),
            _playlist(directory, "apple_music", STRANGERS, strangers),
            *(trait.path for trait in real),
        ),
        expected=fiction.expected,
        real_names=tuple(trait.name for trait in real),
    )


def _away(catalog_path: Path) -> list[Song]:
    """Songs of Apple Music, some of which nobody else has."""
    songs = msgspec.json.Decoder(Song).decode_lines(catalog_path.read_bytes())
    here = [song for song in songs if song.platform != "spotify"]
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
