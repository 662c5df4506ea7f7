"""A simulated Subsonic server keeps the protocol: its envelope, its refusals, its all-or-nothing writes."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from yarl import URL

from tests.integration.sandbox.harness import Caller, Starter, playlist, track

SPEC = Path(__file__).parents[4] / "shared" / "specs" / "opensubsonic-openapi.bundled.json"
WORLD = {
    "playlists": [
        {
            **playlist(
                "Odd",
                [
                    track(1),
                    {"title": "Demo", "artists": ["The Attic"], "kind": "local", "duration_ms": 61_000},
                    {"title": "Clip", "kind": "video"},
                    {"kind": "removed"},
                    track(2),
                ],
            ),
            "source_platform": "subsonic",
        },
        {**playlist("Theirs", [track(3)], owner="tom"), "source_platform": "subsonic"},
    ]
}
CLIENT = {"v": "1.16.1", "c": "test", "f": "json"}


def digest(password: str = "sandbox") -> dict[str, str]:
    token = hashlib.md5(f"{password}salt".encode(), usedforsecurity=False).hexdigest()
    return {**CLIENT, "u": "sandbox", "t": token, "s": "salt"}


async def ask(server: Caller, method: str, sign_in: dict[str, str] | None = None, **query: Any) -> Any:
    address = URL(f"/rest/{method}").with_query({**(digest() if sign_in is None else sign_in), **query})
    return (await server.json("GET", str(address)))["subsonic-response"]


async def ids_of(server: Caller) -> list[str]:
    found = await ask(server, "search3", query="")
    return [one["id"] for one in found["searchResult3"]["song"]]


def plain(password: str) -> dict[str, str]:
    return {**CLIENT, "u": "sandbox", "p": password}


@pytest.mark.parametrize("ending", ["", ".view"])
@pytest.mark.parametrize(
    "sign_in", [digest(), plain("sandbox"), plain(f"enc:{b'sandbox'.hex()}")], ids=["t", "p", "enc"]
)
async def test_each_way_to_sign_in_works(starter: Starter, ending: str, sign_in: dict[str, str]) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)

    answer = await ask(server, f"ping{ending}", sign_in)

    assert (answer["status"], answer["version"], answer["openSubsonic"]) == ("ok", "1.16.1", True)


@pytest.mark.parametrize(
    ("sign_in", "code"),
    [
        (digest("wrong"), 40),
        ({**digest(), "u": "tom"}, 40),
        (plain("wrong"), 40),
        ({**CLIENT, "u": "sandbox"}, 10),
        (CLIENT, 10),
        ({"u": "sandbox", "p": "sandbox"}, 10),
        ({**CLIENT, "apiKey": "wrong"}, 44),
        ({**digest(), "apiKey": "any"}, 43),
    ],
)
async def test_who_may_not_is_told_so_with_the_status_200(
    starter: Starter, sign_in: dict[str, str], code: int
) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)

    answer = await ask(server, "getPlaylists", sign_in)

    assert (answer["status"], answer["error"]["code"]) == ("failed", code)


async def test_a_password_that_is_revoked_opens_nothing_more(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)

    await server.json("POST", "/_sandbox/tokens/revoke", json={})

    assert (await ask(server, "ping"))["error"]["code"] == 40


async def test_an_older_server_knows_neither_extensions_nor_keys_nor_isrcs(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False, open_subsonic=False)

    async with await server.send("GET", "/rest/getOpenSubsonicExtensions?f=json") as answer:
        status = answer.status
    ping = await ask(server, "ping")
    by_key = await ask(server, "ping", {**CLIENT, "apiKey": "any"})
    (song, *_) = (await ask(server, "search3", query=""))["searchResult3"]["song"]
    made = await ask(server, "createPlaylist", name="New")

    assert status == 404
    assert ping == {"status": "ok", "version": "1.16.1"}
    assert by_key["error"]["code"] == 42
    assert "isrc" not in song
    assert "playlist" not in made


async def test_a_form_is_taken_where_the_server_says_so(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    without = await starter("subsonic", world=WORLD, is_signed_in=False, form_post=False)

    taken = await server.json("POST", "/rest/ping", data=digest())
    async with await without.send("POST", "/rest/ping", data=digest()) as answer:
        refused_status = answer.status

    assert taken["subsonic-response"]["status"] == "ok"
    assert refused_status == 405


async def test_odd_rows_are_shown_and_what_is_gone_is_not(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)

    answer = await ask(server, "getPlaylist", id=await server.playlist_id("Odd"))

    rows = answer["playlist"]["entry"]
    assert [row["title"] for row in rows] == ["Paper Lantern No 1", "Demo", "Clip", "Paper Lantern No 2"]
    assert [row["isVideo"] for row in rows] == [False, False, True, False]
    assert answer["playlist"]["songCount"] == 4


async def test_an_update_is_all_or_nothing_and_counts_places_before_it(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    ids = await ids_of(server)
    made = (await ask(server, "createPlaylist", name="New", songId=ids))["playlist"]

    refused = await ask(server, "updatePlaylist", playlistId=made["id"], songIdToAdd=[ids[0], "nowhere"])
    await ask(server, "updatePlaylist", playlistId=made["id"], songIdToAdd=ids[0], songIndexToRemove=[0, 2])

    assert refused["error"]["code"] == 70
    assert [row["id"] for row in await server.truth(made["id"])] == [ids[1], ids[0]]


async def test_creating_with_an_id_replaces_all_songs(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    ids = await ids_of(server)
    made = (await ask(server, "createPlaylist", name="New", songId=ids))["playlist"]

    replaced = await ask(server, "createPlaylist", playlistId=made["id"], songId=ids[2])

    assert [row["id"] for row in replaced["playlist"]["entry"]] == [ids[2]]
    assert replaced["playlist"]["name"] == "New"


async def test_a_playlist_of_somebody_else_is_read_only(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    theirs = await server.playlist_id("Theirs")

    listed = (await ask(server, "getPlaylists"))["playlists"]["playlist"]
    refused = await ask(server, "updatePlaylist", playlistId=theirs, songIdToAdd=await ids_of(server))

    assert {one["name"]: one["readonly"] for one in listed} == {"Odd": False, "Theirs": True}
    assert refused["error"]["code"] == 50


async def test_a_deleted_playlist_is_not_found(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    own_id = await server.playlist_id("Odd")

    await ask(server, "deletePlaylist", id=own_id)

    assert (await ask(server, "getPlaylist", id=own_id))["error"]["code"] == 70


async def things(server: Caller) -> tuple[list[str], list[str], list[str]]:
    found = (await ask(server, "search3", query=""))["searchResult3"]
    songs, albums, artists = ([one["id"] for one in found[kind]] for kind in ("song", "album", "artist"))
    return songs, albums, artists


async def stars(server: Caller) -> dict[str, list[str]]:
    starred = (await ask(server, "getStarred2"))["starred2"]
    return {kind: [one["id"] for one in rows] for kind, rows in starred.items()}


async def test_stars_are_given_to_several_things_at_once_and_dated_anew(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    songs, albums, artists = await things(server)

    await ask(server, "star", id=songs[:2], albumId=albums[0], artistId=artists[0])
    before = (await ask(server, "getStarred2"))["starred2"]["song"]
    await server.advance(5)
    await ask(server, "star", id=songs[0])
    after = (await ask(server, "getStarred2"))["starred2"]["song"]
    await ask(server, "unstar", id=songs[1], artistId=artists[0])
    await ask(server, "unstar", id=songs[1])

    assert [row["id"] for row in before] == songs[1::-1]
    assert [row["id"] for row in after] == songs[:2]
    assert after[0]["starred"] > after[1]["starred"] == before[0]["starred"]
    assert await stars(server) == {"song": songs[:1], "album": albums[:1]}


async def test_a_star_for_what_is_not_there_is_refused_as_a_whole(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    songs, albums, _ = await things(server)

    unknown = await ask(server, "star", id=[songs[0], "nowhere"])
    of_another_kind = await ask(server, "star", artistId=albums[0])
    nothing = await ask(server, "star")

    assert [answer["error"]["code"] for answer in (unknown, of_another_kind, nothing)] == [70, 70, 10]
    assert await stars(server) == {}


async def test_a_search_tells_of_each_kind_as_many_as_are_wanted(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)

    found = await ask(server, "search3", query="tides", songCount=1)
    artists = await ask(server, "search3", query="quiet harbour", songCount=0, albumCount=0)
    nothing = await ask(server, "search3", query="tides", songCount=0, albumCount=0, artistCount=0)

    assert [one["name"] for one in found["searchResult3"]["album"]] == ["Tides of Tin"]
    assert [one["name"] for one in artists["searchResult3"].pop("artist")] == ["The Quiet Harbour"]
    assert artists["searchResult3"] == nothing["searchResult3"] == {}


async def test_answers_fit_the_published_schema(starter: Starter) -> None:
    if not SPEC.exists():
        pytest.skip("the reference shelf is not beside this checkout")
    spec = json.loads(SPEC.read_text())
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    key = (await server.json("POST", "/_sandbox/user-tokens", status=201))["music_user_token"]
    own_id = await server.playlist_id("Odd")
    (song, *_) = (await ask(server, "search3", query=""))["searchResult3"]["song"]
    calls: list[tuple[str, dict[str, Any], dict[str, str] | None]] = [
        ("ping", {}, None),
        ("getUser", {"username": "sandbox"}, None),
        ("getScanStatus", {}, None),
        ("getPlaylists", {}, None),
        ("getPlaylist", {"id": own_id}, None),
        ("getPlaylist", {"id": "0"}, None),
        ("search3", {"query": ""}, None),
        ("getSong", {"id": song["id"]}, None),
        ("getAlbum", {"id": song["albumId"]}, None),
        ("star", {"id": song["id"], "albumId": song["albumId"], "artistId": song["artistId"]}, None),
        ("getStarred2", {}, None),
        ("unstar", {"id": song["id"]}, None),
        ("unstar", {"id": "0"}, None),
        ("updatePlaylist", {"playlistId": own_id, "name": "Even"}, None),
        ("deletePlaylist", {"id": own_id}, None),
        ("createPlaylist", {"name": "New", "songId": song["id"]}, None),
        ("getOpenSubsonicExtensions", {}, {"f": "json"}),
        ("tokenInfo", {}, {**CLIENT, "apiKey": key}),
    ]

    found = []
    for method, query, sign_in in calls:
        answer = await ask(server, method, sign_in, **query)
        shape = spec["paths"][f"/rest/{method}"]["get"]["responses"]["200"]
        schema = shape["content"]["application/json"]["schema"]
        validator = OAS31Validator({**schema, "components": spec["components"]})
        found += [
            f"{method} {list(part.absolute_path)}: {part.message[-200:]}"
            for error in validator.iter_errors({"subsonic-response": answer})
            for part in (error.context or [error])
        ]

    assert found == []
