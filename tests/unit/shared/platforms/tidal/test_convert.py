from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared.models import NotTransferable, PlaylistId, TrackId
from shared.platforms.tidal import convert, wire


def resource(**fields: Any) -> wire.Resource:
    return msgspec.convert({"type": "tracks", "id": "7", **fields}, wire.Resource)


ARTISTS = [
    resource(type="artists", id="1", attributes={"name": "Mira Sol"}),
    resource(type="artists", id="2", attributes={"name": "The Quiet Harbour"}),
]
ALBUM = resource(type="albums", id="3", attributes={"title": "Tides", "releaseDate": "2021-03-04"})
SHELF = {(one.type, one.id): one for one in (*ARTISTS, ALBUM)}
RELATED = {
    "artists": {"data": [{"type": "artists", "id": "2"}, {"type": "artists", "id": "1"}]},
    "albums": {"data": [{"type": "albums", "id": "3"}]},
}


def track(**attributes: Any) -> wire.Resource:
    about = {"title": "Lantern", "isrc": "qz-abc-26-00001", "duration": "PT3M5S", **attributes}
    return resource(attributes=about, relationships=RELATED)


def test_track_is_put_together_from_what_came_along() -> None:
    found = convert.to_track(track(explicit=True), shelf=SHELF)

    assert found is not None
    assert (found.title, found.artists, found.album) == (
        "Lantern",
        ("The Quiet Harbour", "Mira Sol"),
        "Tides",
    )
    assert (found.isrc, found.duration_ms, found.explicit) == ("QZABC2600001", 185_000, True)
    assert (found.release_date, found.url) == ("2021-03-04", "https://tidal.com/browse/track/7")


def test_track_without_anything_along_knows_neither_artist_nor_album() -> None:
    found = convert.to_track(track(isrc=""), shelf={})

    assert found is not None
    assert (found.artists, found.album, found.isrc, found.release_date) == ((), None, None, None)


@pytest.mark.parametrize(
    ("title", "version", "whole"),
    [
        ("Lantern", None, "Lantern"),
        ("Lantern", "", "Lantern"),
        ("Lantern", "Live", "Lantern (Live)"),
        ("Lantern (live)", "Live", "Lantern (live)"),
    ],
)
def test_version_stands_behind_the_title_once(title: str, version: str | None, whole: str) -> None:
    found = convert.to_track(track(title=title, version=version), shelf=SHELF)

    assert found is not None
    assert found.title == whole


@pytest.mark.parametrize("raw", [track(title=None), track(title=""), resource(type="videos")])
def test_what_is_no_track_or_has_no_title_is_none(raw: wire.Resource) -> None:
    assert convert.to_track(raw, shelf=SHELF) is None


def test_each_row_of_a_playlist_is_a_track_or_has_its_reason() -> None:
    here = track()
    video = resource(type="videos", id="8", attributes={"title": "Lantern, filmed"}, relationships=RELATED)
    shelf = {**SHELF, ("tracks", "7"): here, ("videos", "8"): video}

    items = [
        convert.to_item(wire.Identifier(id=own_id, type=kind), shelf=shelf)
        for own_id, kind in (("7", "tracks"), ("8", "videos"), ("9", "tracks"))
    ]

    assert [item.not_transferable for item in items] == [
        None,
        NotTransferable.VIDEO,
        NotTransferable.REMOVED,  # dead, or not to be had in this country
    ]
    assert items[0].track == convert.to_track(here, shelf=shelf)
    assert [item.title for item in items] == [
        "The Quiet Harbour, Mira Sol – Lantern",
        "The Quiet Harbour, Mira Sol – Lantern, filmed",
        "",
    ]


def test_album_is_put_together_from_what_came_along() -> None:
    about = {"title": "Tides", "version": "Deluxe", "numberOfItems": 12, "releaseDate": "2021-03-04"}
    raw = resource(type="albums", id="3", attributes=about, relationships={"artists": RELATED["artists"]})
    row = resource(type="albums", id="3", meta={"addedAt": "2026-01-02T03:04:05.006Z"})

    found = convert.to_album((row, {**SHELF, ("albums", "3"): raw}))

    assert found is not None
    assert (found.id, found.name, found.artists) == (
        "3",
        "Tides (Deluxe)",
        ("The Quiet Harbour", "Mira Sol"),
    )
    assert (found.track_count, found.release_date) == (12, "2021-03-04")
    assert found.url == "https://tidal.com/browse/album/3"


def test_artist_is_read_from_what_came_along() -> None:
    found = convert.to_artist((resource(type="artists", id="1"), SHELF))

    assert found is not None
    assert (found.id, found.name, found.url) == ("1", "Mira Sol", "https://tidal.com/browse/artist/1")


@pytest.mark.parametrize("about", [None, {}, {"title": "", "name": ""}])
def test_what_did_not_come_along_or_has_no_name_is_neither_album_nor_artist(
    about: dict[str, Any] | None,
) -> None:
    for kind, read in (("albums", convert.to_album), ("artists", convert.to_artist)):
        raw = resource(type=kind, id="8", attributes=about or {})
        shelf = {} if about is None else {(kind, "8"): raw}

        assert read((resource(type=kind, id="8"), shelf)) is None


def test_rows_are_dated_a_millisecond_apart_in_their_order() -> None:
    since = datetime(2026, 1, 2, 3, 4, 5, 999_000, tzinfo=UTC)

    rows = convert.dated_rows([TrackId("b"), TrackId("a")], kind="albums", since=since)

    assert msgspec.to_builtins(rows) == [
        {"type": "albums", "id": "b", "meta": {"addedAt": "2026-01-02T03:04:05.999000Z"}},
        {"type": "albums", "id": "a", "meta": {"addedAt": "2026-01-02T03:04:06Z"}},
    ]


def added(data: str | None, *skipped: str) -> wire.Added:
    body: dict[str, Any] = {"meta": {"skipped": [{"id": one, "type": "tracks"} for one in skipped]}}
    if data is not None:
        body["data"] = [{"id": one, "type": "tracks"} for one in data]
    return msgspec.convert(body, wire.Added)


@pytest.mark.parametrize(
    ("asked", "answer", "indexes"),
    [
        ("abc", added("abc"), ()),
        ("abc", added("ac", "b"), (1,)),
        ("aba", added("ab", "a"), (2,)),
        ("aba", added("b", "a", "a"), (0, 2)),
        ("abc", added(None), ()),  # no feedback at all
        ("abc", added("axc"), ()),  # another id, as many rows
        ("abc", added("abc", "x"), ()),  # never asked for
        ("ab", added("", "a", "b"), (0, 1)),
    ],
)
def test_skipped_rows_are_told_by_their_index(
    asked: str, answer: wire.Added, indexes: tuple[int, ...]
) -> None:
    found = convert.added_of(answer, asked=[TrackId(one) for one in asked])
    assert found is not None
    assert found.left_out == indexes


@pytest.mark.parametrize(("asked", "answer"), [("abc", added("ac")), ("aba", added("ab")), ("ab", added(""))])
def test_rows_that_are_named_nowhere_are_not_taken_for_skipped(asked: str, answer: wire.Added) -> None:
    assert convert.added_of(answer, asked=[TrackId(one) for one in asked]) is None


@pytest.mark.parametrize(
    ("asked", "answer", "is_proved"),
    [
        ("abc", added("abc"), True),
        ("abc", added("ac", "b"), True),
        ("aba", added("aba"), True),
        ("abc", added("acb"), False),  # in another order
        ("abc", added("axc"), False),
        ("abc", added(None), False),
    ],
)
def test_answer_proves_what_it_names_as_it_was_asked_for(
    asked: str, answer: wire.Added, *, is_proved: bool
) -> None:
    found = convert.added_of(answer, asked=[TrackId(one) for one in asked])
    assert found is not None
    assert found.is_proved is is_proved


def test_playlist_is_read_with_its_length_and_description() -> None:
    about = {"name": "Night", "description": "[cp_1]", "numberOfItems": 3, "lastModifiedAt": "2026-01-02"}
    own_id = "0dc0fa56-98d0-4c96-9931-72dfa47d2d01"

    found = convert.to_playlist(resource(type="playlists", id=own_id, attributes=about))

    assert (found.name, found.description, found.track_count) == ("Night", "[cp_1]", 3)
    assert (found.snapshot, found.writable) == ("2026-01-02", True)
    assert convert.playlist_id_of(found.url or "") == own_id


UUID = "0dc0fa56-98d0-4c96-9931-72dfa47d2d01"
MIX = "0123456789abcdef0123456789abcd"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (UUID, UUID),
        (f" https://tidal.com/playlist/{UUID}\n", UUID),
        (f"https://tidal.com/browse/playlist/{UUID}?u", UUID),
        (f"listen.tidal.com/playlist/{UUID}/u", UUID),
        (f"https://tidal.com/mix/{MIX}", MIX),
        (f"https://tidal.com.example.org/playlist/{UUID}", None),
        (f"https://nottidal.com/playlist/{UUID}", None),
        (f"https://tidal.com/album/{UUID}", None),
        ("https://tidal.com/playlist", None),
        ("205236486", None),
    ],
)
def test_playlist_is_known_by_its_addresses(text: str, found: str | None) -> None:
    assert convert.playlist_id_of(text) == (PlaylistId(found) if found else None)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("205236486", "205236486"),
        ("https://tidal.com/browse/track/205236486", "205236486"),
        ("https://tidal.com/album/205236485/track/205236486", "205236486"),
        ("https://tidal.com/track/205236486/u", "205236486"),
        ("https://tidal.com/album/205236485", None),
        ("https://example.org/track/205236486", None),
        (UUID, None),
    ],
)
def test_track_is_known_by_its_addresses(text: str, found: str | None) -> None:
    assert convert.track_id_of(text) == (TrackId(found) if found else None)
