import msgspec
import pytest

from shared.models import NotTransferable
from shared.platforms.answers import Answer
from shared.platforms.deezer import convert, wire


def raw(**fields: object) -> wire.Track:
    return msgspec.convert({"id": 7, "title": "Tides", **fields}, type=wire.Track)


def test_track_names_its_artist_first_and_each_guest_once() -> None:
    track = convert.to_track(
        raw(artist={"name": "Ada"}, contributors=[{"name": "Ben"}, {"name": "Ada"}, {"name": None}])
    )

    assert track
    assert track.artists == ("Ada", "Ben")


@pytest.mark.parametrize("date", ["0000-00-00", "", None])
def test_date_that_nobody_entered_is_unknown(date: str | None) -> None:
    track = convert.to_track(raw(release_date=date, album={"title": "Tides", "release_date": date}))

    assert track
    assert track.release_date is None


def test_upload_is_a_local_file_and_a_nameless_row_is_removed() -> None:
    upload = convert.to_item(raw(id=-12, artist={"name": "Ada"}))
    nameless = convert.to_item(raw(title=""))

    assert (upload.not_transferable, upload.title) == (NotTransferable.LOCAL_FILE, "Ada – Tides")
    assert nameless.not_transferable is NotTransferable.REMOVED


def test_row_that_cannot_be_played_here_can_still_be_moved() -> None:
    item = convert.to_item(raw(readable=False, isrc="FR45F6500020"))

    assert item.track
    assert item.track.isrc == "FR45F6500020"


@pytest.mark.parametrize(
    ("flags", "user_id", "is_writable"),
    [
        ({}, 5, True),
        ({}, 6, False),
        ({"collaborative": True}, 6, True),
        ({"is_loved_track": True}, 5, False),
    ],
)
def test_own_and_shared_playlists_can_be_written_but_not_the_favorites(
    flags: dict[str, bool], user_id: int, *, is_writable: bool
) -> None:
    playlist = msgspec.convert({"id": 1, "creator": {"id": 5}, **flags}, type=wire.Playlist)

    assert convert.to_playlist(playlist, user_id=user_id).writable is is_writable


@pytest.mark.parametrize(
    "text",
    [
        "908622995",
        " 908622995 ",
        "https://www.deezer.com/playlist/908622995",
        "https://www.deezer.com/en/playlist/908622995?utm_source=deezer",
        "deezer.com/fr/playlist/908622995",
    ],
)
def test_playlist_is_known_by_id_and_address(text: str) -> None:
    assert convert.playlist_id_of(text) == "908622995"


@pytest.mark.parametrize(
    "text",
    [
        "https://www.deezer.com/track/908622995",
        "https://deezer.com.example.org/playlist/908622995",
        "https://www.deezer.com/playlist/",
        "-908622995",
    ],
)
def test_other_addresses_are_no_playlist(text: str) -> None:
    assert convert.playlist_id_of(text) is None


@pytest.mark.parametrize("body", [b"true", b'{"data": []}', b'{"error": "text"}', b'{"error": ', b""])
def test_what_is_no_error_keeps_its_status(body: bytes) -> None:
    assert convert.reworded(Answer(status=200, body=body)).status == 200


def test_status_of_a_server_in_front_stays() -> None:
    body = b'{"error": {"code": 800, "message": "no data"}}'

    assert convert.reworded(Answer(status=502, body=body)).status == 502
