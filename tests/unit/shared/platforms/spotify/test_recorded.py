"""Answers of the real Web API, recorded by others in both regimes and before, go through our types."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from msgspec import UnsetType

from shared.errors import PlatformNotFound
from shared.models import Album, AlbumId, NotTransferable, Platform
from shared.platforms.answers import Failure, error_of
from shared.platforms.spotify import convert, wire
from shared.platforms.spotify.adapter import DECLARATION
from tests.unit.shared.platforms.recorded import answers, objects

T = TypeVar("T")
Part = dict[str, Any]


class Recorded:
    """All parts of all answers, decoded on demand."""

    def __init__(self, folder: Path) -> None:
        self.answers = answers(folder)

    def find(self, wanted: Callable[[Part], bool], *, into: type[T]) -> list[T]:
        parts = [part for answer in self.answers.values() for part in objects(answer) if wanted(part)]
        return [msgspec.json.decode(msgspec.json.encode(part), type=into) for part in parts]


@pytest.fixture(scope="module")
def recorded(shared_shelf: Path) -> Recorded:
    return Recorded(shared_shelf / "recorded" / "spotify")


def is_track(part: Part) -> bool:
    return part.get("type") == "track" and "name" in part


def is_row(part: Part) -> bool:
    return "added_at" in part and bool({"track", "item"} & part.keys())


def holds(part: Part, wanted: Callable[[Part], bool]) -> bool:
    rows = part.get("items")
    return "limit" in part and isinstance(rows, list) and any(row and wanted(row) for row in rows)


def test_every_track_is_read_and_keeps_its_name(recorded: Recorded) -> None:
    found = recorded.find(is_track, into=wire.Track)

    tracks = [(raw, convert.to_track(raw)) for raw in found]
    # A track that is gone keeps its id and loses its name.
    catalog = [(raw, track) for raw, track in tracks if raw.id and raw.name and not raw.is_local]
    assert len(catalog) > 500
    assert all(track and track.title == raw.name and track.artists for raw, track in catalog)
    assert all(track.platform is Platform.SPOTIFY and track.duration_ms for _, track in catalog if track)
    assert sum(1 for _, track in catalog if track and track.isrc) > 300


def test_lower_case_isrc_is_normalized(recorded: Recorded) -> None:
    found = recorded.find(is_track, into=wire.Track)

    lower = [raw for raw in found if raw.external_ids and (raw.external_ids.isrc or "").lower().islower()]
    isrcs = [track.isrc for raw in lower if (track := convert.to_track(raw))]
    assert any(raw.external_ids and (raw.external_ids.isrc or "").islower() for raw in lower)
    assert all(isrc and isrc.isupper() for isrc in isrcs)


def test_every_row_of_every_regime_is_an_item_with_a_track_or_a_reason(recorded: Recorded) -> None:
    rows = recorded.find(is_row, into=wire.Row)

    items = [convert.to_item(row) for row in rows]
    reasons = {item.not_transferable for item in items}
    assert len(items) > 100
    assert all((item.track is None) == (item.not_transferable is not None) for item in items)
    assert {NotTransferable.LOCAL_FILE, NotTransferable.EPISODE, NotTransferable.REMOVED} <= reasons
    assert "Fugees (Refugee Camp) – No Woman, No Cry" in {item.title for item in items}


def test_every_page_of_items_is_read(recorded: Recorded) -> None:
    pages = recorded.find(lambda part: holds(part, is_row), into=wire.Paging[wire.Row])

    assert len(pages) >= 10
    assert all(page.items and page.total for page in pages)


def test_every_playlist_is_read_with_its_length(recorded: Recorded) -> None:
    def is_playlist(part: Part) -> bool:
        # One collection holds a person's own summary in place of the paging object.
        return (
            part.get("type") == "playlist" and "snapshot_id" in part and not isinstance(part["tracks"], list)
        )

    found = recorded.find(is_playlist, into=wire.Playlist)

    playlists = [convert.to_playlist(raw, user_id="1112264649") for raw in found]
    assert len(playlists) > 100
    assert all(convert.playlist_id_of(playlist.id) == playlist.id for playlist in playlists)
    assert all(playlist.name and playlist.track_count is not None for playlist in playlists)
    assert {playlist.writable for playlist in playlists} == {True, False}


def test_every_search_is_read(recorded: Recorded) -> None:
    def is_search(part: Part) -> bool:
        tracks = part.get("tracks")
        is_page = isinstance(tracks, dict) and "search" in str(tracks.get("href"))
        return is_page and not part.get("type")

    found = recorded.find(is_search, into=wire.SearchAnswer)

    assert len(found) >= 5
    assert all(convert.to_track(raw) for answer in found for raw in answer.tracks.items if raw)


def test_every_album_is_read_with_its_artists_and_length(recorded: Recorded) -> None:
    found = recorded.find(lambda part: part.get("type") == "album" and "name" in part, into=wire.Album)

    # The album of a local file has no id.
    albums = [convert.to_album(raw) for raw in found if raw.id and raw.name]
    assert all(albums)
    assert sum(1 for album in albums if album and album.artists and album.track_count) > 200


def test_every_search_for_albums_is_read(recorded: Recorded) -> None:
    def is_search(part: Part) -> bool:
        albums = part.get("albums")
        return isinstance(albums, dict) and "search" in str(albums.get("href"))

    found = recorded.find(is_search, into=wire.AlbumSearchAnswer)

    assert len(found) >= 2
    assert any(convert.to_album(raw) for answer in found for raw in answer.albums.items if raw)


def test_every_list_of_an_albums_tracks_is_read(recorded: Recorded) -> None:
    def is_bare_track(part: Part) -> bool:
        return is_track(part) and "album" not in part

    album = Album(platform=Platform.SPOTIFY, id=AlbumId("any"), name="Any Album", release_date="2020")
    pages = recorded.find(lambda part: holds(part, is_bare_track), into=wire.Paging[wire.Track])

    rows = [raw for page in pages if not isinstance(page.items, UnsetType) for raw in page.items if raw]
    tracks = [convert.to_album_track(raw, album=album) for raw in rows if raw.album is None]
    assert len(pages) >= 3
    assert len(tracks) > 50
    assert all(track and track.album == "Any Album" and track.track_number for track in tracks)


def test_recorded_refusal_is_told_apart(recorded: Recorded) -> None:
    body = recorded.answers["python-spotify/playlist_not_found.json"]
    failure = Failure(
        label="Spotify",
        platform=Platform.SPOTIFY,
        operation="get_playlist",
        status=body["error"]["status"],
        text=msgspec.json.encode(body).decode(),
        is_personal=True,
    )

    assert isinstance(error_of(failure, refusals=DECLARATION.refusals), PlatformNotFound)
