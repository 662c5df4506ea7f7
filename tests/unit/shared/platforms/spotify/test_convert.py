import msgspec
import pytest

from shared.models import NotTransferable
from shared.platforms.spotify import convert, wire

ID = "4kBp5iVByDSAUc0lb78jCZ"
TRACK = {
    "id": ID,
    "name": "Harbour Light",
    "type": "track",
    "uri": f"spotify:track:{ID}",
    "is_local": False,
    "duration_ms": 181_500.0,
    "explicit": True,
    "artists": [{"name": "Quiet Engine"}, None, {"name": "Ada Winter"}],
    "album": {"name": "Tides", "release_date": "2024-05"},
    "external_ids": {"isrc": "qz-xx1-26-00001"},
    "external_urls": {"spotify": f"https://open.spotify.com/track/{ID}"},
    "track_number": 3,
    "disc_number": 1,
}


def row(**fields: object) -> wire.Row:
    return msgspec.json.decode(msgspec.json.encode({"is_local": False, **fields}), type=wire.Row)


@pytest.mark.parametrize("keys", [("item",), ("track",), ("item", "track")])
def test_track_is_read_under_either_key(keys: tuple[str, ...]) -> None:
    item = convert.to_item(row(**dict.fromkeys(keys, TRACK)))

    assert item.track is not None
    assert msgspec.to_builtins(item.track) == {
        "platform": "spotify",
        "id": ID,
        "title": "Harbour Light",
        "artists": ("Quiet Engine", "Ada Winter"),
        "album": "Tides",
        "duration_ms": 181_500,
        "isrc": "QZXX12600001",
        "explicit": True,
        "release_date": "2024-05",
        "track_number": 3,
        "disc_number": 1,
        "url": f"https://open.spotify.com/track/{ID}",
    }


def test_track_that_lacks_all_that_may_lack_is_still_a_track() -> None:
    item = convert.to_item(row(item={"id": ID, "name": "Harbour Light"}))

    assert item.track is not None
    assert (item.track.isrc, item.track.album, item.track.duration_ms) == (None, None, None)


@pytest.mark.parametrize(
    ("fields", "reason", "title"),
    [
        ({"item": None, "track": None}, NotTransferable.REMOVED, ""),
        ({}, NotTransferable.REMOVED, ""),
        (
            {"item": {**TRACK, "id": None}},
            NotTransferable.REMOVED,
            "Quiet Engine, Ada Winter – Harbour Light",
        ),
        ({"item": {**TRACK, "name": "", "artists": []}}, NotTransferable.REMOVED, ""),
        ({"item": {**TRACK, "type": "episode", "artists": None}}, NotTransferable.EPISODE, "Harbour Light"),
        (
            {"is_local": True, "track": {"uri": "spotify:local:The+Attic::Demo+%232:61", "artists": []}},
            NotTransferable.LOCAL_FILE,
            "The Attic – Demo #2",
        ),
        ({"is_local": True, "track": {"uri": "spotify:local"}}, NotTransferable.LOCAL_FILE, ""),
        ({"item": {"name": "Demo", "is_local": True}}, NotTransferable.LOCAL_FILE, "Demo"),
    ],
)
def test_odd_row_has_its_reason_and_its_name(
    fields: dict[str, object], reason: NotTransferable, title: str
) -> None:
    item = convert.to_item(row(**fields))

    assert (item.track, item.not_transferable, item.title) == (None, reason, title)


def test_row_that_is_null_is_a_removed_one() -> None:
    assert convert.to_item(None).not_transferable is NotTransferable.REMOVED
    assert convert.to_target_row(None).track_id is None


def test_unplayable_track_can_still_be_transferred() -> None:
    item = convert.to_item(row(item={**TRACK, "is_playable": False, "restrictions": {"reason": "market"}}))

    assert item.track is not None
    assert item.track.is_playable is False


def test_relinked_target_row_is_named_by_the_id_that_was_added() -> None:
    target = convert.to_target_row(row(item={**TRACK, "linked_from": {"id": "original"}}))

    assert target.track_id == "original"


def test_date_that_nobody_entered_is_none() -> None:
    item = convert.to_item(row(item={**TRACK, "album": {"name": "", "release_date": "0000"}}))

    assert item.track is not None
    assert (item.track.release_date, item.track.album) == (None, None)


def playlist(**fields: object) -> wire.Playlist:
    return msgspec.json.decode(msgspec.json.encode({"id": ID, **fields}), type=wire.Playlist)


@pytest.mark.parametrize(
    ("fields", "rights", "count"),
    [
        ({"owner": {"id": "me"}, "items": {"total": 4}}, "rw", 4),
        ({"owner": {"id": "me"}, "tracks": {"total": 4}}, "rw", 4),
        ({"owner": {"id": "other"}}, "", None),
        ({"owner": {"id": "other"}, "items": {"total": 4}}, "r", 4),
        ({"owner": {"id": "other"}, "collaborative": True}, "rw", None),
        ({"owner": None}, "", None),
    ],
)
def test_playlist_says_what_this_account_may_do(
    fields: dict[str, object], rights: str, count: int | None
) -> None:
    seen = convert.to_playlist(playlist(**fields), user_id="me")

    assert (seen.readable, seen.writable) == ("r" in rights, "w" in rights)
    assert seen.track_count == count


def test_description_comes_back_as_it_was_written() -> None:
    raw = playlist(description="&lt;tr_1&gt; &amp; &quot;kept&quot; &#x27;")

    assert convert.description_of(raw) == '<tr_1> & "kept" \''


@pytest.mark.parametrize(
    ("fields", "own_id", "label", "market"),
    [
        ({"id": "ada", "account_id": "acc-1", "display_name": "Ada", "country": "DE"}, "acc-1", "Ada", "DE"),
        ({"id": "ada", "display_name": None}, "ada", "ada", ""),
    ],
)
def test_account_is_known_by_its_stable_id(
    fields: dict[str, object], own_id: str, label: str, market: str
) -> None:
    raw = msgspec.json.decode(msgspec.json.encode(fields), type=wire.Me)

    account = convert.to_account(raw)

    assert (account.id, account.label, account.market) == (own_id, label, market)


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f"  {ID}\n",
        f"spotify:playlist:{ID}",
        f"spotify:user:ada:playlist:{ID}",
        f"https://open.spotify.com/playlist/{ID}",
        f"https://open.spotify.com/playlist/{ID}/?si=0123456789abcdef&pt=x",
        f"http://open.spotify.com/intl-de/playlist/{ID}#frag",
        f"https://open.spotify.com/user/ada/playlist/{ID}",
        f"https://open.spotify.com/embed/playlist/{ID}",
        f"open.spotify.com/playlist/{ID}",
        f"//play.spotify.com/playlist/{ID}",
    ],
)
def test_playlist_is_known_by_id_uri_and_share_address(text: str) -> None:
    assert convert.playlist_id_of(text) == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        ID[:-1],
        f"{ID}x",
        f"spotify:album:{ID}",
        f"spotify:playlist:{ID[:-1]}",
        f"https://open.spotify.com/album/{ID}",
        f"https://open.spotify.com.example.org/playlist/{ID}",
        f"https://example.org/playlist/{ID}",
        f"/playlist/{ID}",
        "https://[/playlist/",
        "Harbour Light / Tides",
    ],
)
def test_other_text_is_no_playlist(text: str) -> None:
    assert convert.playlist_id_of(text) is None


@pytest.mark.parametrize(
    "text",
    [
        ID,
        f" {ID} ",
        f"spotify:track:{ID}",
        f"https://open.spotify.com/track/{ID}?si=1",
        f"https://open.spotify.com/intl-de/track/{ID}",
        f"open.spotify.com/track/{ID}",
    ],
)
def test_track_is_known_by_id_uri_and_share_address(text: str) -> None:
    assert convert.track_id_of(text) == ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        ID[:-1],
        f"spotify:playlist:{ID}",
        f"https://open.spotify.com/playlist/{ID}",
        f"https://open.spotify.com/track/{ID}/more",
        f"https://example.org/track/{ID}",
        "https://[/track/",
    ],
)
def test_other_text_is_no_track(text: str) -> None:
    assert convert.track_id_of(text) is None
