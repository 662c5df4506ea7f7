"""Answers of the real Apple Music API, recorded by others, go through our types."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.platforms.apple_music import convert, wire
from tests.unit.shared.platforms.recorded import answers, objects

Part = dict[str, Any]


@pytest.fixture(scope="module")
def parts(shared_shelf: Path) -> list[Part]:
    recorded = answers(shared_shelf / "recorded" / "apple_music")
    return [part for answer in recorded.values() for part in objects(answer)]


def decode_songs(part: Part) -> wire.Document[wire.Song]:
    return msgspec.json.decode(msgspec.json.encode(part), type=wire.Document[wire.Song])


def is_song(part: Part) -> bool:
    return part.get("type") == "songs" and "attributes" in part


def test_every_song_is_a_track(parts: list[Part]) -> None:
    songs = [msgspec.convert(part, wire.Song) for part in parts if is_song(part)]

    tracks = [convert.to_track(song) for song in songs]
    full = [track for track in tracks if track and track.isrc]
    assert len(songs) > 50
    assert [track.title for track in tracks if track] == [song.attributes.name for song in songs]
    assert len(full) > 50
    assert all(track.duration_ms and track.release_date and track.url and track.album for track in full)
    assert {track.explicit for track in full} >= {True, None}


def test_every_list_of_songs_is_read(parts: list[Part]) -> None:
    lists = [part for part in parts if isinstance(part.get("data"), list) and any(map(is_song, part["data"]))]

    documents = [decode_songs(part) for part in lists]

    assert len(documents) >= 3
    assert all(document.data for document in documents)
    assert any(document.next and "offset=" in document.next for document in documents)


def test_every_album_of_the_charts_is_read(parts: list[Part]) -> None:
    raw = [part for part in parts if part.get("type") == "albums" and "attributes" in part]

    albums = [convert.to_album(msgspec.convert(part, wire.Album)) for part in raw]

    assert len(albums) > 10
    assert all(album and album.artists for album in albums)
    assert sum(1 for album in albums if album and album.track_count and album.release_date) > 10


def test_music_videos_of_the_charts_are_no_tracks(parts: list[Part]) -> None:
    videos = [msgspec.convert(part, wire.Song) for part in parts if part.get("type") == "music-videos"]

    tracks = [convert.to_track(video) for video in videos]

    assert tracks
    assert not any(tracks)
