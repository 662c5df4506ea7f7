"""Answers of the real API, recorded by others from 2023 to 2026, go through our types."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from shared.platforms.answers import Answer
from shared.platforms.deezer import convert, wire
from shared.platforms.values import playable
from tests.unit.shared.platforms.recorded import answers, objects

T = TypeVar("T")
Part = dict[str, Any]


class Recorded:
    """All parts of all answers, decoded on demand."""

    def __init__(self, folder: Path) -> None:
        self.answers = answers(folder)

    def named(self, name: str, *, into: type[T]) -> list[T]:
        """Return the answers whose file's name holds the name."""
        found = [value for path, value in self.answers.items() if name in path]
        return [msgspec.json.decode(msgspec.json.encode(value), type=into) for value in found]

    def typed(self, kind: str, *, into: type[T]) -> list[T]:
        parts = [part for value in self.answers.values() for part in objects(value)]
        wanted = [part for part in parts if part.get("type") == kind and "title" in part]
        return [msgspec.json.decode(msgspec.json.encode(part), type=into) for part in wanted]


@pytest.fixture(scope="module")
def recorded(shared_shelf: Path) -> Recorded:
    return Recorded(shared_shelf / "recorded" / "deezer")


def test_every_track_is_read_with_its_words(recorded: Recorded) -> None:
    raws = recorded.typed("track", into=wire.Track)

    tracks = [convert.to_track(raw) for raw in raws]
    assert len(tracks) > 500
    assert all(track and track.title and track.artists and track.duration_ms for track in tracks)
    assert sum(1 for track in tracks if track and track.isrc) > 50
    assert sum(1 for track in tracks if track and not track.isrc) > 200


def test_every_row_of_a_playlist_is_an_item_that_can_be_moved(recorded: Recorded) -> None:
    rows = recorded.typed("track", into=wire.Track)

    items = [convert.to_item(row) for row in rows]
    unreadable = [item for item, row in zip(items, rows, strict=True) if row.readable is False]
    assert all(item.track and " – " in item.title for item in items)
    assert len(unreadable) > 20
    assert {one.is_playable for one in convert.to_candidates(rows)} == {None, False}
    assert playable(convert.to_candidates(row for row in rows if row.readable is False)) == ()


def test_look_up_tells_more_than_a_row(recorded: Recorded) -> None:
    (raw,) = recorded.named("zaosoula/track.json", into=wire.Track)

    track = convert.to_track(raw)
    assert track
    assert (track.isrc, track.disc_number, track.track_number) == ("GBDUW0000059", 1, 4)
    assert (track.release_date, track.duration_ms, track.explicit) == ("2001-03-12", 226_000, False)
    assert convert.track_id_of(track.url or "") == track.id


def test_guests_of_a_track_are_named(recorded: Recorded) -> None:
    (raw,) = recorded.named("track-2947516331", into=wire.Track)

    track = convert.to_track(raw)
    assert track
    assert len(track.artists) == 2


def test_playlists_are_read_and_lists_do_not_tell_descriptions(recorded: Recorded) -> None:
    raws = recorded.typed("playlist", into=wire.Playlist)

    playlists = [convert.to_playlist(raw, user_id=None) for raw in raws]
    assert len(playlists) > 10
    assert all(playlist.name and not playlist.writable for playlist in playlists)
    assert all(convert.playlist_id_of(playlist.url or "") == playlist.id for playlist in playlists)
    told = [raw for raw in raws if raw.description is not msgspec.UNSET]
    assert all(raw.creator for raw in told)
    assert len(told) < len(raws)


def test_pages_tell_their_length_and_where_the_next_one_is(recorded: Recorded) -> None:
    (page,) = recorded.named("testplaylist-test_get_tracks.json", into=wire.Listing[wire.Track])

    assert page.data is not msgspec.UNSET
    assert (len(page.data), page.total) == (25, 102)
    assert "index=25" in (page.next or "")


def test_albums_are_read_and_searches_leave_their_date_out(recorded: Recorded) -> None:
    (whole,) = recorded.named("zaosoula/album.json", into=wire.Album)
    (found,) = recorded.named("zaosoula/search-album.json", into=wire.Listing[wire.Album])
    rows = recorded.named("testalbum-test_get_tracks-2", into=wire.Listing[wire.Track])[0]

    album = convert.to_album(whole)
    assert album
    assert (album.track_count, album.release_date) == (14, "2001-03-07")
    assert found.data is not msgspec.UNSET
    assert [one and one.release_date for one in map(convert.to_album, found.data)] == [None]
    assert rows.data is not msgspec.UNSET
    tracks = convert.to_album_tracks(rows.data, album=whole)
    assert [track.track_number for track in tracks] == list(range(1, 15))
    assert {track.album for track in tracks} == {"Discovery"}


def test_artists_are_read_with_their_ids(recorded: Recorded) -> None:
    (whole,) = recorded.named("zaosoula/artist.json", into=wire.Artist)
    (found,) = recorded.named("zaosoula/search-artist.json", into=wire.Listing[wire.Artist])

    assert found.data is not msgspec.UNSET
    artists = [convert.to_artist(raw) for raw in (whole, *found.data)]
    assert {(one.id, one.name, one.url) for one in artists if one} == {
        ("27", "Daft Punk", "https://www.deezer.com/artist/27")
    }


def test_user_is_an_account_with_its_country(recorded: Recorded) -> None:
    (raw,) = recorded.named("zaosoula/user.json", into=wire.User)

    account = convert.to_account(raw)
    assert (account.id, account.market) == ("2529", "FR")


def test_writes_were_answered_with_true(recorded: Recorded) -> None:
    names = ("test_add_tracks", "test_delete_tracks", "test_reorder_tracks")
    said = [value for path, value in recorded.answers.items() if any(name in path for name in names)]

    plain = [value for value in said if not isinstance(value, dict)]
    assert len(plain) >= 7
    assert all(msgspec.json.decode(msgspec.json.encode(value), type=bool) for value in plain)


def test_every_recorded_error_means_that_something_is_not_there(recorded: Recorded) -> None:
    errors = [value for value in recorded.answers.values() if isinstance(value, dict) and "error" in value]

    coded = [value for value in errors if isinstance(value["error"], dict)]
    statuses = {convert.reworded(Answer(status=200, body=msgspec.json.encode(one))).status for one in coded}
    assert len(coded) >= 3
    assert statuses == {404}
