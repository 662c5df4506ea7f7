"""Answers of the real API, recorded by others from 2023 to 2026, go through our types."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.models import Platform
from shared.platforms.tidal import convert, wire
from tests.unit.shared.platforms.recorded import answers

Answers = dict[str, Any]


@pytest.fixture(scope="module")
def recorded(shared_shelf: Path) -> Answers:
    """Those of API v2; two are of the API before it."""
    found = answers(shared_shelf / "recorded" / "tidal" / "harmony")
    return {name: answer for name, answer in found.items() if "-v2-" in name}


def decoded(answer: Any) -> wire.Collection:
    return msgspec.json.decode(msgspec.json.encode(answer), type=wire.Collection)


def rows_of(answer: wire.Collection) -> tuple[wire.Row, ...]:
    page = answer.page()
    assert not page.is_blank
    return page.rows


def test_every_document_is_read(recorded: Answers) -> None:
    assert len(recorded) >= 8
    assert all(rows_of(decoded(answer)) for answer in recorded.values())


def test_every_track_that_came_along_has_what_matching_needs(recorded: Answers) -> None:
    tracks = []
    for answer in map(decoded, recorded.values()):
        shelf = {(one.type, one.id): one for one in answer.included}
        tracks += [convert.to_track(one, shelf=shelf) for one in answer.included if one.type == "tracks"]

    assert len(tracks) > 50
    assert all(track and track.platform is Platform.TIDAL and track.title for track in tracks)
    assert all(track and track.isrc and track.duration_ms and track.artists for track in tracks)
    assert all(track and convert.track_id_of(track.url or "") == track.id for track in tracks)


def test_every_row_of_an_albums_list_is_an_item(recorded: Answers) -> None:
    lists = [answer for name, answer in recorded.items() if "relationships-items" in name]

    rows = [row for answer in map(decoded, lists) for row in rows_of(answer)]
    items = [convert.to_item(raw, shelf=shelf) for raw, shelf in rows]
    assert len(items) == 26
    assert all(item.track and item.title.endswith(item.track.title) for item in items)


def test_next_page_is_known_where_there_is_one(recorded: Answers) -> None:
    cursors = {
        name: decoded(answer).page().next_token
        for name, answer in recorded.items()
        if "relationships" in name
    }

    assert sorted(map(str, cursors.values())) == ["3nI1F0y", "None"]


def test_recorded_cursor_is_the_one_that_its_answer_names(recorded: Answers) -> None:
    for answer in recorded.values():
        told = (answer["links"].get("meta") or {}).get("nextCursor")
        assert decoded(answer).page().next_token == told


def test_video_is_no_track(recorded: Answers) -> None:
    videos = [answer for name, answer in recorded.items() if "-videos-" in name]

    rows = [row for answer in map(decoded, videos) for row in rows_of(answer)]
    assert len(rows) == 2
    assert all(convert.to_track(raw, shelf=shelf) is None for raw, shelf in rows)


def test_recorded_playlist_is_read_with_its_length(shared_shelf: Path) -> None:
    answer = answers(shared_shelf / "recorded" / "tidal" / "mhh3142")["api_playlist.json"]

    raw = msgspec.json.decode(msgspec.json.encode(answer), type=wire.Single).data
    playlist = convert.to_playlist(raw)
    assert (playlist.name, playlist.track_count) == ("ILIRA", 45)
    assert convert.playlist_id_of(playlist.url or "") == playlist.id
