from datetime import UTC, datetime

import msgspec
import pytest

from shared.models import Artist, ArtistId, NotTransferable, Platform, SourceItem, Track, TrackId
from shared.platforms.answers import Answer, parse_retry_after
from shared.platforms.base import TargetRow
from shared.platforms.soundcloud import convert, wire
from shared.platforms.values import parse_isrc

NOW = "Sun, 22 Nov 2026 10:00:00 GMT"
LATE = "2026/11/22 10:00:07 +0000"


def test_track_takes_all_that_matching_needs() -> None:
    raw = wire.Track(
        urn="soundcloud:tracks:7",
        title="Harbour Light",
        duration=181_500,
        isrc="qz-xx1-26-00001",
        metadata_artist="Ada",
        user=wire.User(username="Sandbox Records"),
        release_year=2021,
        release_month=3,
        release_day=4,
        permalink_url="https://soundcloud.com/ada/harbour-light",
    )

    assert convert.to_track(raw) == Track(
        platform=Platform.SOUNDCLOUD,
        id=TrackId("soundcloud:tracks:7"),
        title="Harbour Light",
        artists=("Ada",),
        duration_ms=181_500,
        isrc=parse_isrc("QZXX12600001"),
        release_date="2021-03-04",
        url="https://soundcloud.com/ada/harbour-light",
    )


@pytest.mark.parametrize(
    ("entered", "uploader", "artists"),
    [("Ada", "label", ("Ada",)), (None, "ada", ("ada",)), ("", "ada", ("ada",)), (None, None, ())],
)
def test_artist_is_who_is_entered_and_else_who_has_uploaded(
    entered: str | None, uploader: str | None, artists: tuple[str, ...]
) -> None:
    raw = wire.Track(
        urn="soundcloud:tracks:7", title="X", metadata_artist=entered, user=wire.User(username=uploader)
    )

    track = convert.to_track(raw)

    assert track is not None
    assert track.artists == artists


@pytest.mark.parametrize(
    ("username", "full_name", "name"),
    [("Ada", "Ada Winter", "Ada"), (None, "Ada Winter", "Ada Winter"), ("", "Ada Winter", "Ada Winter")],
)
def test_user_is_an_artist_under_the_name_that_tracks_show(
    username: str | None, full_name: str, name: str
) -> None:
    address = "https://soundcloud.com/ada"
    raw = wire.User(urn="soundcloud:users:7", username=username, full_name=full_name, permalink_url=address)

    artist = Artist(platform=Platform.SOUNDCLOUD, id=ArtistId("soundcloud:users:7"), name=name, url=address)
    assert convert.to_artist(raw) == artist


@pytest.mark.parametrize("raw", [None, wire.User(username="Ada"), wire.User(urn="soundcloud:users:7")])
def test_user_without_a_urn_or_a_name_is_no_artist(raw: wire.User | None) -> None:
    assert convert.to_artist(raw) is None


@pytest.mark.parametrize(
    ("year", "month", "day", "date"),
    [(2021, 3, 4, "2021-03-04"), (2021, 3, None, "2021-03"), (2021, None, 4, "2021"), (None, 3, 4, None)],
)
def test_release_date_is_as_exact_as_it_is_known(
    year: int | None, month: int | None, day: int | None, date: str | None
) -> None:
    raw = wire.Track(
        urn="soundcloud:tracks:7", title="X", release_year=year, release_month=month, release_day=day
    )

    track = convert.to_track(raw)

    assert track is not None
    assert track.release_date == date


@pytest.mark.parametrize(
    ("access", "is_playable"), [("blocked", False), ("preview", None), ("playable", None), (None, None)]
)
def test_blocked_track_is_an_item_and_is_told_to_be_not_playable(
    access: str | None, *, is_playable: bool | None
) -> None:
    track = convert.to_item(wire.Track(urn="soundcloud:tracks:7", title="X", access=access)).track

    assert track is not None
    assert track.is_playable is is_playable


@pytest.mark.parametrize(
    ("raw", "title"),
    [(None, ""), (wire.Track(urn="soundcloud:tracks:7"), ""), (wire.Track(title="Gone"), "Gone")],
)
def test_row_without_a_track_is_named_as_removed(raw: wire.Track | None, title: str) -> None:
    assert convert.to_item(raw) == SourceItem(not_transferable=NotTransferable.REMOVED, title=title)


def test_row_without_an_id_is_a_row_of_the_target_all_the_same() -> None:
    assert convert.to_target_row(None) == TargetRow(track_id=None)
    assert convert.to_target_row(wire.Track(title="Gone")) == TargetRow(track_id=None, title="Gone")


@pytest.mark.parametrize(
    ("text", "own_id"),
    [
        ("soundcloud:playlists:12", "soundcloud:playlists:12"),
        ("https://api.soundcloud.com/playlists/soundcloud:playlists:12", "soundcloud:playlists:12"),
        ("https://api.soundcloud.com/playlists/12", "soundcloud:playlists:12"),
        ("https://soundcloud.com/ada/sets/tides-of-tin", "ada/sets/tides-of-tin"),
        ("m.soundcloud.com/ada/sets/tides?si=abc#t=3", "ada/sets/tides"),
        ("https://on.soundcloud.com/AbC12", "on.soundcloud.com/AbC12"),
        ("https://soundcloud.com/ada/tides", None),
        ("soundcloud:tracks:12", None),
        ("https://api.soundcloud.com/tracks/12", None),
        ("12", None),
        ("ada/sets/tides", None),
    ],
)
def test_playlist_is_known_by_its_urn_and_by_its_addresses(text: str, own_id: str | None) -> None:
    assert convert.playlist_id_of(text) == own_id


@pytest.mark.parametrize(
    ("text", "own_id"),
    [
        ("soundcloud:tracks:12", "soundcloud:tracks:12"),
        ("https://api.soundcloud.com/tracks/12", "soundcloud:tracks:12"),
        ("https://soundcloud.com/ada/tides-of-tin", "ada/tides-of-tin"),
        ("https://on.soundcloud.com/AbC12", "on.soundcloud.com/AbC12"),
        ("https://soundcloud.com/ada/sets/tides", None),
        ("https://soundcloud.com/ada/sets", None),
        ("https://soundcloud.com/ada", None),
        ("soundcloud:playlists:12", None),
    ],
)
def test_track_is_known_by_its_urn_and_by_its_addresses(text: str, own_id: str | None) -> None:
    assert convert.track_id_of(text) == own_id


@pytest.mark.parametrize(
    ("own_id", "address"),
    [
        ("soundcloud:tracks:12", None),
        ("ada/tides", "https://soundcloud.com/ada/tides"),
        ("on.soundcloud.com/AbC12", "https://on.soundcloud.com/AbC12"),
    ],
)
def test_urn_stands_for_itself_and_a_path_for_an_address(own_id: str, address: str | None) -> None:
    assert convert.address_of(own_id) == address


@pytest.mark.parametrize(
    ("location", "urn"),
    [
        ("https://api.soundcloud.com/playlists/soundcloud:playlists:1", "soundcloud:playlists:1"),
        ("https://api.soundcloud.com/playlists/1?secret_token=s-1", "soundcloud:playlists:1"),
        ("https://api.soundcloud.com/tracks/1", None),
        ("https://api.soundcloud.com/users/1", None),
        ("", None),
    ],
)
def test_resolved_address_has_to_be_of_the_asked_kind(location: str, urn: str | None) -> None:
    assert convert.urn_in(location, kind="playlists") == urn


def limited(*reset_times: object, retry_after: str | None = None, date: str | None = NOW) -> Answer:
    errors = [{"meta": {"rate_limit": {"name": "search"}, "reset_time": each}} for each in reset_times]
    body = msgspec.json.encode({"code": 429, "errors": errors})
    return Answer(status=429, body=body, retry_after=retry_after, date=date)


@pytest.mark.parametrize("moments", [(LATE,), (None, LATE), ("2026/11/22 10:00:02 +0000", LATE)])
def test_moment_in_a_429_is_its_retry_after_the_latest_of_several(moments: tuple[object, ...]) -> None:
    answer = convert.reword(limited(*moments))

    now = datetime(2020, 1, 1, tzinfo=UTC)  # our clock may be wrong: theirs counts
    assert parse_retry_after(answer.retry_after, date=answer.date, now=now) == 7


def test_retry_after_of_the_platform_itself_goes_before() -> None:
    assert convert.reword(limited(LATE, retry_after="3")).retry_after == "3"


@pytest.mark.parametrize(
    "answer",
    [
        limited(),
        limited(None),
        limited("soon"),
        limited("2026/11/22 09:59:59 +0000"),
        limited(LATE, date="yesterday"),
        Answer(status=429, body=b"Too many requests", date=NOW),
        Answer(status=429, body=b'{"errors": [{"error_message": "spam"}]}', date=NOW),
        Answer(status=429, body=b"\xff", date=NOW),
    ],
)
def test_429_without_a_moment_to_come_tells_no_wait(answer: Answer) -> None:
    assert convert.reword(answer).retry_after is None


def test_resolved_redirect_is_an_answer_and_any_other_is_none() -> None:
    found = convert.reword(Answer(status=302, body=b'{"status": "302 - Found", "location": "https://a/b"}'))
    other = convert.reword(Answer(status=302, body=b"<html>moved</html>"))

    assert (found.status, other.status) == (200, 302)
