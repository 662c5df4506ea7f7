"""What servers say into our values; what is never shown."""

from typing import Any

import msgspec
import pytest

from shared.models import NotTransferable, TokenSet
from shared.platforms.answers import Answer
from shared.platforms.own_servers import LOGIN_FORM, Login
from shared.platforms.subsonic import convert, wire

SECRET = "canary-secret"


def song(**fields: Any) -> wire.Song:
    return msgspec.convert({"id": "1", "title": "Tides", **fields}, wire.Song)


@pytest.mark.parametrize(
    ("fields", "artists"),
    [
        ({"artists": [{"name": "Ada"}, {"name": "Ben"}], "artist": "Ada • Ben"}, ("Ada", "Ben")),
        ({"displayArtist": "Ada & Ben", "artist": "Ada"}, ("Ada & Ben",)),
        ({"artist": "Ada"}, ("Ada",)),
        ({"artists": [{"id": "7"}]}, ()),
    ],
)
def test_artists_are_those_that_are_told_apart(fields: dict[str, Any], artists: tuple[str, ...]) -> None:
    assert convert.to_track(song(**fields)).artists == artists


def test_a_song_has_all_that_matching_needs() -> None:
    track = convert.to_track(
        song(album="Sea", duration=61, isrc=["qz-xx1-00-00001"], explicitStatus="explicit", year=987, track=4)
    )

    assert (track.album, track.duration_ms, track.isrc) == ("Sea", 61_000, "QZXX10000001")
    assert (track.explicit, track.release_date, track.track_number) == (True, "0987", 4)


def test_what_is_not_said_is_not_known() -> None:
    track = convert.to_track(song(isrc="nonsense"))

    assert (track.artists, track.album, track.duration_ms, track.isrc) == ((), None, None, None)
    assert (track.explicit, track.release_date, track.track_number, track.disc_number) == (None,) * 4


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"isVideo": True}, NotTransferable.VIDEO),
        ({"type": "video"}, NotTransferable.VIDEO),
        ({"type": "podcast"}, NotTransferable.EPISODE),
        ({"title": ""}, NotTransferable.REMOVED),
        ({"type": "audiobook"}, None),
    ],
)
def test_what_is_no_music_is_named(fields: dict[str, Any], reason: NotTransferable | None) -> None:
    item = convert.to_item(song(artist="Ada", **fields))

    assert item.not_transferable is reason
    assert item.title.startswith("Ada")


@pytest.mark.parametrize("text", ["12", "pl-7", "0lfXBqPr6qcYjxyYFLrCVD", "0" * 32])
def test_ids_of_all_kinds_of_servers_are_ids(text: str) -> None:
    assert convert.playlist_id_of(f" {text} ", server="https://music.example.org") == text
    assert convert.track_id_of(text) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://music.example.org/app/#/playlist/12/show", "12"),
        ("https://music.example.org/playlist/12/show", "12"),
        ("https://other.example.org/app/#/playlist/12/show", None),
        ("https://music.example.org/app/#/album/12/show", None),
        ("https://music.example.org/playlist", None),
    ],
)
def test_an_address_counts_at_its_own_server(text: str, found: str | None) -> None:
    assert convert.playlist_id_of(text, server="https://music.example.org:443/sub") == found


def test_no_value_shows_a_secret() -> None:
    filled = LOGIN_FORM.fill({"address": "example.org", "user": "mira", "password": SECRET})
    keyed = TokenSet(access_token=msgspec.json.encode({"api_key": SECRET}).decode())

    shown = [filled, filled.tokens, Login.of(filled.tokens), convert.sign(filled.tokens), keyed]
    assert SECRET not in " ".join(map(repr, [*shown, convert.sign(keyed)]))


@pytest.mark.parametrize(
    "body", [b"", b"\xff", b'"failed"', b'{"subsonic-response": {"status": "ok", "x": "failed"}}']
)
def test_what_says_no_failure_stays_as_it_is(body: bytes) -> None:
    answer = Answer(status=200, body=body)

    assert convert.reword(answer) == answer


def test_a_failure_with_a_status_of_its_own_keeps_it() -> None:
    answer = Answer(status=502, body=b'{"subsonic-response": {"status": "failed", "error": {"code": 40}}}')

    assert convert.reword(answer).status == 502
