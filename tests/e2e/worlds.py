"""The fictional world of these tests, and the playlists that are cut out of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from deploy.dev.fiction import ExpectedItem, FictionalWorld, write_world

TRACK_COUNT = 760
TARGET_OF = {"spotify": "apple_music", "apple_music": "spotify"}

_Row = dict[str, Any]
_Place = tuple[_Row, ExpectedItem]


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist that stands on its platform, and what a perfect transfer to the other one makes of it.

    isrcs: those that its own platform tells.
    """

    name: str
    platform: str
    path: Path
    isrcs: frozenset[str]
    expected: tuple[ExpectedItem, ...]

    @property
    def target(self) -> str:
        return TARGET_OF[self.platform]

    @property
    def written(self) -> list[tuple[str, str | None]]:
        """Title and ISRC of what the target must hold, in order, repeats included."""
        return [(item.title, item.isrc) for item in self.expected if item.outcome is None]

    @property
    def named(self) -> dict[int, str]:
        """Positions that cannot be written, with the outcome that says why."""
        return {at: item.outcome for at, item in enumerate(self.expected) if item.outcome is not None}


class Worlds(msgspec.Struct, frozen=True, kw_only=True):
    """Playlists that share no track, so that what is known of one says nothing about another.

    road_trip has every odd row and repeats. movable has neither. home stands on Apple Music. records are two
    whole albums whose ISRCs nobody tells, in one list each: one for each way. reissued stands on Apple Music;
    of its first track Spotify has two releases.
    """

    catalog_path: Path
    road_trip: Cut
    movable: Cut
    home: Cut
    told_storm: Cut
    untold_storm: Cut
    shared: Cut
    at_once: Cut
    records: Cut
    records_at_home: Cut
    reissued: Cut

    @property
    def paths(self) -> tuple[Path, ...]:
        cuts = (getattr(self, name) for name in self.__struct_fields__ if name != "catalog_path")
        return (self.catalog_path, *(cut.path for cut in cuts))


def write_worlds(directory: Path) -> Worlds:
    """Write the files into the directory; the same at every call."""
    fiction = write_world(directory, track_count=TRACK_COUNT, seed=2)
    plain = _plain(fiction)
    home = [place for place in plain if place[0].get("isrc") and "platform" not in place[0]][-60:]
    rest = [place for place in plain if place not in home]
    odd = [place for place in _places(fiction) if place[1].outcome is not None]
    trip = [*rest[:60], *odd, *rest[60:130]]
    return Worlds(
        catalog_path=fiction.catalog_path,
        road_trip=_cut(directory, "Long Way Home 🚐", [*trip, *trip[:5], trip[3]]),
        movable=_cut(directory, "Ничего лишнего", rest[130:160]),
        home=_cut(directory, "家に帰る", [*home, *home[10:14], home[11]], platform="apple_music"),
        told_storm=_cut(directory, "Told Storm", [*rest[160:210], *odd]),
        untold_storm=_cut(directory, "Untold Storm", [*rest[210:260], *odd]),
        shared=_cut(directory, "Shared", rest[260:340]),
        at_once=_cut(directory, "At Once", rest[340:440]),
        records=_cut(directory, "Both Sides", _records("Slow Tram", "Hours")),
        records_at_home=_cut(
            directory, "Обе стороны", _records("Night Bakery", "Loaves"), platform="apple_music"
        ),
        reissued=_cut(directory, "Lamps", _reissued(fiction.catalog_path), platform="apple_music"),
    )


def _reissued(catalog_path: Path) -> list[_Place]:
    """Return four tracks, and add a second release of the first one to what Spotify has."""
    artist, album = "Oriel Fennmark", "Lamps on Water"
    places = [
        _bare(f"Lamp of {words}", artist=artist, album=album, number=number)
        for number, words in enumerate(_words("Dusk")[:4], start=1)
    ]
    rows = [{**row, "isrc": f"QZXPL99{number:05}"} for number, (row, _) in enumerate(places)]
    second = {**rows[0], "album": f"{album} (Reissue)", "platform": "spotify", "platform_id": "0" * 22}
    with catalog_path.open("ab") as catalog:
        catalog.write(msgspec.json.encode(second) + b"\n")
    return [(row, ExpectedItem(title=row["title"], isrc=row["isrc"])) for row in rows]


def _records(artist: str, name: str) -> list[_Place]:
    """Return the tracks of two albums of an artist."""
    return [
        _bare(f"{name} of {words}", artist=artist, album=f"{name} by {side}", number=number)
        for side, count in (("Day", 12), ("Night", 8))
        for number, words in enumerate(_words(side)[:count], start=1)
    ]


def _words(side: str) -> list[str]:
    places = ("Copper", "Elm", "Fog", "Grain", "Moss", "Peat")
    return [f"{place} and {other}" for place in places for other in (side, "Salt")]


def _bare(title: str, *, artist: str, album: str, number: int) -> _Place:
    row: _Row = {
        "title": title,
        "artists": [artist],
        "album": album,
        "duration_ms": 150_000 + 7_000 * number,
        "release_date": "2020-03-04",
        "track_number": number,
        "disc_number": 1,
    }
    return row, ExpectedItem(title=title)


def _places(fiction: FictionalWorld) -> list[_Place]:
    rows: Sequence[_Row] = msgspec.json.decode(fiction.playlist_path.read_bytes())["tracks"]
    return list(zip(rows, fiction.expected, strict=True))


def _plain(fiction: FictionalWorld) -> list[_Place]:
    """Return the ordinary rows, each once."""
    seen: Mapping[tuple[str, str | None], _Place] = {
        (expected.title, expected.isrc): (row, expected)
        for row, expected in _places(fiction)
        if expected.outcome is None and "kind" not in row
    }
    return list(seen.values())


def _cut(directory: Path, name: str, places: Sequence[_Place], *, platform: str = "spotify") -> Cut:
    path = directory / f"{name}.json"
    playlist = {"source_platform": platform, "playlist_name": name, "tracks": [row for row, _ in places]}
    path.write_bytes(msgspec.json.encode(playlist))
    return Cut(
        name=name,
        platform=platform,
        path=path,
        isrcs=frozenset(row["isrc"] for row, _ in places if "isrc" in row),
        expected=tuple(expected for _, expected in places),
    )
