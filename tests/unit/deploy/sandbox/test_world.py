"""What the world makes of its files: identities, ids, odd rows, tables."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from deploy.sandbox.world import World

SPOTIFY_ID = "1A2b3C4d5E6f7G8h9I0jKL"
SONG: dict[str, Any] = {
    "title": "Glass Tram",
    "artists": ["Nine Lamps", "Ida Voss"],
    "album": "Wires",
    "duration_ms": 200_000,
    "isrc": "QZAAA2600001",
}


def write(folder: Path, name: str, content: Any) -> Path:
    path = folder / name
    if isinstance(content, str):
        path.write_text(content, encoding="utf-8")
    elif name.endswith(".jsonl"):
        path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in content))
    else:
        path.write_bytes(msgspec.json.encode(content))
    return path


def listed(*tracks: Any, platform: str = "spotify") -> dict[str, Any]:
    return {"source_platform": platform, "playlist_name": "List", "tracks": tracks}


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        (SONG, SONG, 1),
        (SONG, {**SONG, "isrc": "qz-aaa-26-00001", "title": "GLASS TRAM"}, 1),
        (SONG, {**SONG, "isrc": "QZAAA2600002"}, 2),
        (SONG, {**SONG, "title": "Glass Tram (Live)"}, 2),
        ({**SONG, "isrc": None}, {**SONG, "isrc": None}, 1),
        ({**SONG, "isrc": None}, {**SONG, "isrc": None, "duration_ms": 1}, 2),
        (SONG, {**SONG, "platform_id": SPOTIFY_ID}, 1),
        ({**SONG, "platform_id": SPOTIFY_ID}, {**SONG, "platform_id": SPOTIFY_ID[::-1]}, 2),
        ({**SONG, "platform": "spotify"}, {**SONG, "platform": "apple_music", "duration_ms": 199_000}, 2),
    ],
)
def test_lines_of_one_recording_become_one(tmp_path: Path, first: Any, second: Any, count: int) -> None:
    world = World.load([write(tmp_path, "c.jsonl", [first, second])])

    assert len(world.recordings) == count


def test_a_recording_has_the_same_ids_in_every_process_and_keeps_given_ones(tmp_path: Path) -> None:
    paths = [
        write(tmp_path, "list.json", listed({**SONG, "platform_id": SPOTIFY_ID}, {**SONG, "title": "Other"})),
        write(tmp_path, "c.jsonl", [{**SONG, "platform": "spotify", "title": "Only here", "isrc": None}]),
    ]

    first, second = World.load(paths), World.load(paths)

    assert first.recordings == second.recordings
    assert first.playlists("spotify") == second.playlists("spotify")
    assert first.recordings[0].ids["spotify"] == SPOTIFY_ID
    assert all(len(r.ids["spotify"]) == 22 for r in first.recordings)
    assert [r.ids.get("apple_music", "").isdigit() for r in first.recordings] == [True, True, False]


@pytest.mark.parametrize("catalog_first", [True, False])
def test_a_line_that_names_the_platform_of_the_list_keeps_the_track_there(
    tmp_path: Path, *, catalog_first: bool
) -> None:
    paths = [
        write(tmp_path, "c.jsonl", [{**SONG, "platform": "spotify"}]),
        write(tmp_path, "list.json", listed(SONG)),
    ]

    world = World.load(paths if catalog_first else paths[::-1])

    assert [set(recording.ids) for recording in world.recordings] == [{"spotify"}]
    assert world.playlists("spotify")[0].items[0].track_id == world.recordings[0].ids["spotify"]


def test_a_list_of_a_platform_without_sandbox_joins_spotify(tmp_path: Path) -> None:
    tracks = [{**SONG, "platform_id": "77"}, {**SONG, "platform_id": "77"}]

    world = World.load([write(tmp_path, "list.json", listed(*tracks, platform="qobuz"))])

    (seed,) = world.playlists("spotify")
    assert len({item.track_id for item in seed.items}) == len(world.recordings) == 1
    assert world.playlists("apple_music") == ()


def test_rows_without_a_recording_keep_their_kind(tmp_path: Path) -> None:
    rows = [
        {**SONG, "isrc": None, "local_file": True, "platform_id": None},
        {"platform_id": None, "title": None},
        {"title": "Talk", "kind": "episode"},
        {**SONG, "kind": "unplayable"},
    ]

    world = World.load([write(tmp_path, "list.json", listed(*rows))])

    items = world.playlists("spotify")[0].items
    assert [item.kind for item in items] == ["local", "removed", "episode", "unplayable"]
    assert [item.track_id is None for item in items] == [True, True, True, False]
    assert len(world.recordings) == 1


def test_an_apple_row_without_id_and_isrc_is_an_upload_whose_song_exists_elsewhere(tmp_path: Path) -> None:
    rows = [{**SONG, "isrc": None, "platform_id": "lib:ABC"}, {**SONG, "platform_id": "1440000001"}]

    world = World.load([write(tmp_path, "list.json", listed(*rows, platform="apple_music"))])

    upload, bought = world.playlists("apple_music")[0].items
    assert (upload.kind, upload.track_id, bought.track_id) == ("local", None, "1440000001")
    assert len(world.catalog("spotify").recordings) == 2


def test_an_exportify_table_is_a_playlist(tmp_path: Path) -> None:
    table = (
        "\ufeffTrack URI,Track Name,Artist URI(s),Artist Name(s),Album Name,Duration (ms),ISRC,Explicit\n"
        f'spotify:track:{SPOTIFY_ID},"Tram, Late",spotify:artist:a,"L, The",Wires,201000,QZAAA2600003,true\n'
        "spotify:local:Me:Demos:Hum:61,Hum,,Me,Demos,61000,,false\n"
        "spotify:episode:1111111111111111111111,Talk,,Radio,Radio,1000,,false\n"
    )

    world = World.load([write(tmp_path, "Ferry 🎡.csv", table)])

    (seed,) = world.playlists("spotify")
    assert (seed.name, [item.kind for item in seed.items]) == ("Ferry 🎡", ["track", "local", "episode"])
    (recording,) = world.recordings
    assert (recording.artists, recording.duration_ms, recording.is_explicit) == (
        ("L, The",),
        201_000,
        True,
    )


def test_search_ranks_by_shared_words_in_any_script(tmp_path: Path) -> None:
    lines = [
        {"title": "Café Lumière", "artists": ["Nine Lamps"]},
        {"title": "Café Lumière (Nine Lamps Cover)", "artists": ["Copy Band"]},
        {"title": "Синий трамвай", "artists": ["Девять ламп"]},
        {"title": "夜の電車", "artists": ["九つの灯"]},
        {"title": "★", "artists": ["Nine Lamps"]},
    ]
    catalog = World.load([write(tmp_path, "c.jsonl", lines)]).catalog("apple_music")

    found = {
        q: catalog.index.ranked(q)[:2] for q in ("cafe lumiere nine lamps", "синий ТРАМВАЙ", "夜の電車", "★")
    }

    assert found == {"cafe lumiere nine lamps": [0, 1], "синий ТРАМВАЙ": [2], "夜の電車": [3], "★": [4]}
