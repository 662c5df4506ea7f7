from collections.abc import Mapping

import msgspec
import pytest

from shared.models import Isrc, NotTransferable, SourceItem, TrackId
from shared.platforms.apple_music import convert, wire
from shared.platforms.base import TargetRow
from shared.platforms.values import by_isrc, playable

CATALOG = {
    "id": "1440000001",
    "type": "songs",
    "attributes": {
        "name": "Harbour Light",
        "artistName": "Quiet Engine & Ada Winter",
        "albumName": "Tides",
        "durationInMillis": 181_500,
        "isrc": "QZXX12600001",
        "contentRating": "explicit",
        "discNumber": 1,
        "trackNumber": 3,
        "releaseDate": "2024-05-03",
        "url": "https://music.apple.com/de/album/harbour-light/1440000000?i=1440000001",
        "playParams": {"id": "1440000001", "kind": "song"},
    },
}
LIBRARY = {
    "id": "i.PkdJvPXI2AJgm8",
    "type": "library-songs",
    "attributes": {
        "name": "Harbour Light",
        "artistName": "Quiet Engine",
        "playParams": {"id": "i.PkdJvPXI2AJgm8", "isLibrary": True, "catalogId": "1440000001"},
    },
}


def song(raw: Mapping[str, object], **attributes: object) -> wire.Song:
    known = raw.get("attributes")
    merged = {**(known if isinstance(known, dict) else {}), **attributes}
    return msgspec.convert({**raw, "attributes": merged}, wire.Song)


def test_library_row_gets_its_isrc_from_the_catalog() -> None:
    item = convert.to_item(song(LIBRARY), catalog={"1440000001": song(CATALOG)})

    assert item.track is not None
    assert msgspec.to_builtins(item.track) == {
        "platform": "apple_music",
        "id": "1440000001",
        "title": "Harbour Light",
        "artists": ("Quiet Engine & Ada Winter",),
        "album": "Tides",
        "duration_ms": 181_500,
        "isrc": "QZXX12600001",
        "explicit": True,
        "release_date": "2024-05-03",
        "track_number": 3,
        "disc_number": 1,
        "url": "https://music.apple.com/de/album/harbour-light/1440000000?i=1440000001",
    }
    assert item.title == "Quiet Engine – Harbour Light"


@pytest.mark.parametrize("params", [None, {"id": "i.PkdJvPXI2AJgm8"}, {"catalogId": "dead"}])
def test_row_that_the_catalog_does_not_know_is_matched_by_its_words(params: object) -> None:
    item = convert.to_item(song(LIBRARY, playParams=params), catalog={"1440000001": song(CATALOG)})

    assert item.track is not None
    assert (item.track.id, item.track.isrc) == ("i.PkdJvPXI2AJgm8", None)
    assert (item.track.title, item.track.artists) == ("Harbour Light", ("Quiet Engine",))


@pytest.mark.parametrize(
    ("raw", "reason", "title"),
    [
        (
            {"id": "i.1", "type": "library-music-videos", "attributes": {"name": "A Film"}},
            NotTransferable.VIDEO,
            "A Film",
        ),
        (
            {"id": "1", "type": "music-videos", "attributes": {"name": "A Film"}},
            NotTransferable.VIDEO,
            "A Film",
        ),
        ({"id": "i.2", "type": "library-songs"}, NotTransferable.REMOVED, ""),
    ],
)
def test_odd_row_has_its_reason(raw: dict[str, object], reason: NotTransferable, title: str) -> None:
    item = convert.to_item(msgspec.convert(raw, wire.Song), catalog={})

    assert (item.track, item.not_transferable, item.title) == (None, reason, title)


@pytest.mark.parametrize(("rating", "explicit"), [("explicit", True), ("clean", False), (None, None)])
def test_rating_that_is_absent_says_nothing(rating: str | None, explicit: object) -> None:
    track = convert.to_track(song(CATALOG, contentRating=rating))

    assert track is not None
    assert track.explicit is explicit


def test_isrc_answer_is_grouped_whatever_its_order_and_length() -> None:
    first, second, unknown = Isrc("QZXX12600001"), Isrc("QZXX12600002"), Isrc("QZXX12600003")
    songs = [
        song({**CATALOG, "id": "2"}, isrc="qz-xx1-26-00002"),
        song({**CATALOG, "id": "1"}),
        song({**CATALOG, "id": "4"}, isrc="QZXX12699999"),
        song({**CATALOG, "id": "3"}),
    ]

    found = by_isrc(convert.to_candidates(songs), isrcs=[first, unknown, second])

    assert {isrc: [track.id for track in tracks] for isrc, tracks in found.items()} == {
        first: ["1", "3"],
        unknown: [],
        second: ["2"],
    }


def test_song_that_cannot_be_played_here_is_a_candidate_that_says_so() -> None:
    songs = [song(CATALOG, playParams=None), song(CATALOG)]

    assert [track.is_playable for track in convert.to_candidates(songs)] == [False, None]
    assert [track.is_playable for track in playable(convert.to_candidates(songs))] == [None]
    assert [convert.to_track(song(LIBRARY, playParams=None))] != [None]


def test_target_row_is_named_by_its_catalog_id() -> None:
    named = convert.to_target_row(song(LIBRARY))
    unnamed = convert.to_target_row(song(LIBRARY, playParams=None))

    assert (named.track_id, named.title) == (TrackId("1440000001"), "Harbour Light")
    assert unnamed.track_id is None


def test_song_of_the_library_that_is_an_upload_is_a_local_file() -> None:
    item = convert.to_saved_item(song(LIBRARY, playParams={"id": "i.PkdJvPXI2AJgm8"}), catalog={})

    reason = NotTransferable.LOCAL_FILE
    assert item == SourceItem(not_transferable=reason, title="Quiet Engine – Harbour Light")


@pytest.mark.parametrize(
    ("params", "own_id"),
    [
        ({"catalogId": "1440000001"}, "1440000001"),
        ({"catalogId": "dead"}, "i.PkdJvPXI2AJgm8"),
        ({"purchasedId": "300"}, "i.PkdJvPXI2AJgm8"),
        (None, "i.PkdJvPXI2AJgm8"),
    ],
)
def test_song_of_the_library_that_is_apples_is_a_track(params: object, own_id: str) -> None:
    item = convert.to_saved_item(song(LIBRARY, playParams=params), catalog={"1440000001": song(CATALOG)})

    assert item.track is not None
    assert item.track.id == own_id


def library_album(track_count: int | None, *, catalog: list[object]) -> wire.LibraryAlbum:
    raw = {
        "id": "l.abc",
        "attributes": {"name": "Tides (mine)", "artistName": "Ada", "trackCount": track_count},
        "relationships": {"catalog": {"data": catalog}},
    }
    return msgspec.convert(raw, wire.LibraryAlbum)


ALBUM = {"id": "77", "attributes": {"name": "Tides", "artistName": "Ada & Bo", "trackCount": 12}}


@pytest.mark.parametrize(
    ("catalog", "told"),
    [
        ([ALBUM], ("77", "Tides", ("Ada & Bo",), 12)),
        ([{"id": "77"}], ("l.abc", "Tides (mine)", ("Ada",), 3)),
        ([], ("l.abc", "Tides (mine)", ("Ada",), 3)),
    ],
)
def test_album_of_the_library_is_told_as_the_catalog_knows_it(
    catalog: list[object], told: tuple[object, ...]
) -> None:
    album = convert.to_saved_album(library_album(3, catalog=catalog))

    assert album is not None
    assert (album.id, album.name, album.artists, album.track_count) == told


@pytest.mark.parametrize(
    ("track_count", "catalog", "row"),
    [
        (12, [ALBUM], TargetRow(track_id=TrackId("77"), title="Tides")),
        (None, [ALBUM], TargetRow(track_id=TrackId("77"), title="Tides")),
        (11, [ALBUM], TargetRow(track_id=None, title="Tides")),
        (12, [{"id": "77"}], TargetRow(track_id=TrackId("77"), title="Tides (mine)")),
        (12, [], TargetRow(track_id=None, title="Tides (mine)")),
    ],
)
def test_album_is_there_where_all_its_songs_are(
    track_count: int | None, catalog: list[object], row: TargetRow
) -> None:
    assert convert.to_album_row(library_album(track_count, catalog=catalog)) == row


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ({"standard": "&lt;tr_1&gt; &amp; kept"}, "<tr_1> & kept"),
        ("plain", "plain"),
        (None, ""),
        ({}, ""),
    ],
)
def test_description_is_unwrapped(description: object, text: str) -> None:
    raw = msgspec.convert({"id": "p.1", "attributes": {"description": description}}, wire.Playlist)

    assert convert.description_of(raw) == text


@pytest.mark.parametrize(
    ("own_id", "can_edit", "writable"),
    [("p.abc", True, True), ("p.abc", False, False), ("pl.abc", True, False)],
)
def test_only_own_editable_playlists_are_writable(own_id: str, can_edit: object, writable: object) -> None:
    raw = msgspec.convert({"id": own_id, "attributes": {"name": "x", "canEdit": can_edit}}, wire.Playlist)

    assert convert.to_playlist(raw).writable is writable


@pytest.mark.parametrize(
    ("text", "own_id"),
    [
        ("p.PkdJvPXI2AJgm8", "p.PkdJvPXI2AJgm8"),
        (" pl.u-4Jommd1yMMqdY ", "pl.u-4Jommd1yMMqdY"),
        ("pl.f4d106fed2bd41149aaacabb233eb5eb", "pl.f4d106fed2bd41149aaacabb233eb5eb"),
        ("https://music.apple.com/de/playlist/night-drive/pl.u-4Jommd1yMMqdY?l=en", "pl.u-4Jommd1yMMqdY"),
        ("https://music.apple.com/de/playlist/pl.u-4Jommd1yMMqdY/", "pl.u-4Jommd1yMMqdY"),
        ("https://music.apple.com/library/playlist/p.PkdJvPXI2AJgm8", "p.PkdJvPXI2AJgm8"),
        ("music.apple.com/de/library/playlist/p.PkdJvPXI2AJgm8", "p.PkdJvPXI2AJgm8"),
        ("https://embed.music.apple.com/us/playlist/x/pl.u-4Jommd1yMMqdY", "pl.u-4Jommd1yMMqdY"),
    ],
)
def test_playlist_is_known_by_id_and_address(text: str, own_id: str) -> None:
    assert convert.playlist_id_of(text) == own_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "p.",
        "pl.",
        "i.PkdJvPXI2AJgm8",
        "p.with space",
        "p.../x",
        "https://music.apple.com/de/album/tides/1440000000",
        "https://music.apple.com/de/album/tides/pl.abc",
        "https://notmusic.apple.com.example.org/playlist/pl.abc",
        "https://evilmusic.apple.com/playlist/pl.abc",
        "https://[/playlist/",
    ],
)
def test_other_text_is_no_playlist(text: str) -> None:
    assert convert.playlist_id_of(text) is None


@pytest.mark.parametrize(
    ("text", "own_id"),
    [
        (" 1440000001 ", "1440000001"),
        ("https://music.apple.com/de/song/harbour-lights/1440000001", "1440000001"),
        ("https://music.apple.com/de/song/1440000001?l=en", "1440000001"),
        ("https://music.apple.com/de/album/tides/1440000000?i=1440000001&l=en#x", "1440000001"),
        ("embed.music.apple.com/us/album/tides/1440000000?i=1440000001", "1440000001"),
    ],
)
def test_track_is_known_by_id_and_address(text: str, own_id: str) -> None:
    assert convert.track_id_of(text) == own_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "i.PkdJvPXI2AJgm8",
        "https://music.apple.com/de/album/tides/1440000000",
        "https://music.apple.com/de/playlist/x/pl.abc?i=1440000001",
        "https://example.org/de/song/x/1440000001",
        "https://[/song/1",
    ],
)
def test_other_text_is_no_track(text: str) -> None:
    assert convert.track_id_of(text) is None
