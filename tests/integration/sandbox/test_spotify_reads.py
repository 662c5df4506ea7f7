"""Spotify's reads: pages, caps, odd rows, regimes."""

from typing import Any

import pytest

from tests.integration.sandbox.harness import Json, Starter, playlist, track

SIXTY: Json = {"playlists": [playlist("Sixty", [track(n) for n in range(60)])]}
ODD: Json = {
    "playlists": [
        playlist(
            "Odd",
            [
                track(1),
                {**track(2), "title": "Loft Tape", "platform_id": None, "local_file": True, "isrc": None},
                {"platform_id": None, "title": None},
                {"kind": "episode", "title": "A talk", "artists": ["Harbour Radio"]},
                track(3, kind="unplayable"),
                track(1),
            ],
        ),
        playlist("Theirs", [track(4)], owner="somebody"),
    ]
}


async def test_items_are_paged_by_fifty_in_the_playlists_order(starter: Starter) -> None:
    spotify = await starter("spotify", world=SIXTY)
    own_id = await spotify.playlist_id("Sixty")

    first = await spotify.json("GET", f"/v1/playlists/{own_id}/items?limit=50")
    last = await spotify.json("GET", f"/v1/playlists/{own_id}/items?limit=50&offset=50")

    rows = [*first["items"], *last["items"]]
    assert [row["item"]["name"] for row in rows] == [f"Paper Lantern No {n}" for n in range(60)]
    assert (first["total"], len(first["items"]), last["next"]) == (60, 50, None)
    assert first["next"] == f"{spotify.url}/v1/playlists/{own_id}/items?offset=50&limit=50"


async def test_some_rows_say_their_isrc_in_lower_case_and_search_never_does(starter: Starter) -> None:
    spotify = await starter("spotify", world=SIXTY)
    own_id = await spotify.playlist_id("Sixty")

    page = await spotify.json("GET", f"/v1/playlists/{own_id}/items?limit=50")

    isrcs = [row["item"]["external_ids"]["isrc"] for row in page["items"]]
    lower = [isrc for isrc in isrcs if isrc == isrc.lower()]
    assert 0 < len(lower) < len(isrcs)
    found = await spotify.json("GET", f"/v1/search?type=track&q=isrc:{lower[0].upper()}")
    assert found["tracks"]["items"][0]["external_ids"]["isrc"] == lower[0].upper()


@pytest.mark.parametrize(
    ("regime", "path", "message"),
    [
        ("dev", "/v1/search?type=track&q=lantern&limit=11", "Invalid limit"),
        ("extended", "/v1/search?type=track&q=lantern&limit=51", "Invalid limit"),
        ("dev", "/v1/search?type=track&q=lantern&offset=1001", "Invalid offset"),
        ("dev", "/v1/me/playlists?limit=51", "Invalid limit"),
        ("dev", "/v1/playlists/{own}/items?limit=51", "Invalid limit"),
        ("extended", "/v1/playlists/{own}/tracks?limit=101", "Invalid limit"),
        ("dev", "/v1/playlists/{own}/items?limit=0", "Invalid limit"),
        ("dev", "/v1/tracks/short", "Invalid base62 id"),
    ],
)
async def test_what_is_above_a_cap_is_refused(starter: Starter, regime: str, path: str, message: str) -> None:
    spotify = await starter("spotify", world=SIXTY, regime=regime)
    own_id = await spotify.playlist_id("Sixty")

    refused = await spotify.json("GET", path.format(own=own_id), status=400)

    assert refused == {"error": {"status": 400, "message": message}}


async def test_list_links_name_a_path_that_development_mode_lost(starter: Starter) -> None:
    spotify = await starter("spotify", world=ODD)

    page = await spotify.json("GET", "/v1/me/playlists?limit=1")
    refused = await spotify.json("GET", page["next"].removeprefix(spotify.url), status=403)

    assert page["next"].startswith(f"{spotify.url}/v1/users/sandbox/playlists?")
    assert refused == {"error": {"status": 403, "message": "Forbidden"}}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/playlists/{own}/tracks"),
        ("POST", "/v1/playlists/{own}/tracks"),
        ("POST", "/v1/users/sandbox/playlists"),
        ("GET", "/v1/tracks?ids=0000000000000000000000"),
        ("GET", "/v1/albums?ids=0000000000000000000000"),
        ("PUT", "/v1/me/tracks?ids=0000000000000000000000"),
        ("PUT", "/v1/me/albums"),
        ("GET", "/v1/me/tracks/contains"),
        ("DELETE", "/v1/playlists/{own}/followers"),
        ("GET", "/v1/markets"),
    ],
)
async def test_removed_calls_are_forbidden_in_development_mode(
    starter: Starter, method: str, path: str
) -> None:
    spotify = await starter("spotify", world=SIXTY)
    own_id = await spotify.playlist_id("Sixty")

    refused = await spotify.json(method, path.format(own=own_id), status=403)

    assert refused == {"error": {"status": 403, "message": "Forbidden"}}


async def test_odd_rows_keep_their_place(starter: Starter) -> None:
    spotify = await starter("spotify", world=ODD)
    own_id = await spotify.playlist_id("Odd")

    page = await spotify.json("GET", f"/v1/playlists/{own_id}/items")
    plain, local, removed, episode, unplayable, again = (row["item"] for row in page["items"])

    assert local["uri"] == "spotify:local:The+Quiet+Harbour:Tides+of+Tin:Loft+Tape:182"
    assert (local["id"], local["external_ids"], local["album"]["uri"]) == (None, {}, None)
    assert [row["is_local"] for row in page["items"]] == [False, True, False, False, False, False]
    assert removed is None
    assert (episode["type"], episode["track"], unplayable["is_playable"]) == ("episode", False, False)
    assert again == plain
    truth = await spotify.truth(own_id)
    assert [row["isrc"] for row in truth] == [
        "QZABC2600001",
        None,
        None,
        None,
        "QZABC2600003",
        "QZABC2600001",
    ]
    assert truth[1] == {"id": None, "isrc": None, "title": "Loft Tape"}


@pytest.mark.parametrize(
    ("keys", "of_row", "of_playlist"),
    [
        ("both", {"item", "track"}, {"items", "tracks"}),
        ("new", {"item"}, {"items"}),
        ("old", {"track"}, {"tracks"}),
    ],
)
async def test_rows_are_named_as_the_knob_says(
    starter: Starter, keys: str, of_row: set[str], of_playlist: set[str]
) -> None:
    spotify = await starter("spotify", world=SIXTY, item_keys=keys)
    own_id = await spotify.playlist_id("Sixty")

    page = await spotify.json("GET", f"/v1/playlists/{own_id}/items")
    whole = await spotify.json("GET", f"/v1/playlists/{own_id}")

    assert {"item", "track"} & page["items"][0].keys() == of_row
    assert {"items", "tracks"} & whole.keys() == of_playlist


@pytest.mark.parametrize(("regime", "is_there"), [("dev", False), ("extended", True)])
async def test_development_mode_lost_fields_and_others_playlists(
    starter: Starter, regime: str, *, is_there: bool
) -> None:
    spotify = await starter("spotify", world=ODD, regime=regime)
    own_id, theirs = await spotify.playlist_id("Odd"), await spotify.playlist_id("Theirs")

    page = await spotify.json("GET", f"/v1/playlists/{own_id}/items")
    me = await spotify.json("GET", "/v1/me")
    listed = await spotify.json("GET", "/v1/me/playlists")
    cover = await spotify.json("GET", f"/v1/playlists/{theirs}")
    async with await spotify.send("GET", f"/v1/playlists/{theirs}/items") as foreign:
        status = foreign.status

    assert {"popularity", "available_markets"} <= page["items"][0]["item"].keys() or not is_there
    assert ("popularity" in page["items"][0]["item"], "product" in me) == (is_there, is_there)
    assert me["account_id"]
    assert theirs in [row["id"] for row in listed["items"]]
    assert ("items" in cover, status) == (is_there, 200 if is_there else 403)


async def test_fields_choose_what_is_answered(starter: Starter) -> None:
    spotify = await starter("spotify", world=SIXTY)
    own_id = await spotify.playlist_id("Sixty")

    asked = {"fields": "total,items(is_local,item(name,album(!images,name)))", "limit": "1"}
    page: Any = await spotify.json("GET", f"/v1/playlists/{own_id}/items", params=asked)

    row = {"is_local": False, "item": {"name": "Paper Lantern No 0", "album": {"name": "Tides of Tin"}}}
    assert page == {"total": 60, "items": [row]}


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("isrc:QZABC2600002", ["Night Ferry"]),
        ("isrc:QZABC2600001 OR isrc:QZABC2600002", []),
        ('track:"Night Ferry" artist:"The Quiet Harbour"', ["Night Ferry", "Night Ferry (Live)"]),
        ('track:"Night Ferry" artist:"Copy Band"', ["Night Ferry"]),
        ("night ferry quiet harbour year:2019-2020", ["Night Ferry (Live)"]),
        ("album:tides isrc:QZABC2600009", []),
        ("night ferry quiet harbour", ["Night Ferry", "Night Ferry (Live)", "Night Ferry"]),
    ],
)
async def test_search_understands_filters_and_plain_words(
    starter: Starter, query: str, names: list[str]
) -> None:
    catalog = [
        track(2, title="Night Ferry"),
        track(3, title="Night Ferry (Live)", release_date="2020"),
        track(4, title="Night Ferry", artists=["Copy Band"], isrc="QZABC2600044"),
        track(9, title="Morning Tram", artists=["Somebody Else"], album="Rails"),
    ]
    spotify = await starter("spotify", world={"catalog": catalog})

    found = await spotify.json("GET", "/v1/search", params={"q": query, "type": "track"})

    assert [row["name"] for row in found["tracks"]["items"]] == names
    assert found["tracks"]["total"] == len(names)


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ('album:"tides of tin" artist:"quiet harbour"', ["Tides of Tin"]),
        ('album:"tides of tin" artist:"Copy Band"', ["Tides of Tin"]),
        ('album:"tides of tin"', ["Tides of Tin", "Tides of Tin"]),
        ("rails somebody", ["Rails"]),
        ("album:rails year:2019-2020", []),
        ("album:tides isrc:QZABC2600002", []),
        ("album:rails track:tram", []),
        ("upc:00602475093060", []),
    ],
)
async def test_search_for_albums_understands_their_filters_and_plain_words(
    starter: Starter, query: str, names: list[str]
) -> None:
    catalog = [
        *(track(number) for number in range(3)),
        track(4, artists=["Copy Band"], isrc="QZABC2600044"),
        track(9, title="Morning Tram", artists=["Somebody Else"], album="Rails"),
        track(10, title="Single without an Album", album=None),
    ]
    spotify = await starter("spotify", world={"catalog": catalog})

    found = await spotify.json("GET", "/v1/search", params={"q": query, "type": "album,track"})

    assert [row["name"] for row in found["albums"]["items"]] == names
    assert found["albums"]["total"] == len(names)


async def test_album_gives_its_tracks_in_pages_and_never_their_isrcs(starter: Starter) -> None:
    spotify = await starter("spotify", world={"catalog": [track(number) for number in range(60)]})
    found = await spotify.json("GET", "/v1/search?q=tides&type=album")
    album = found["albums"]["items"][0]
    path = f"/v1/albums/{album['id']}/tracks"

    first = await spotify.json("GET", f"{path}?limit=50&market=DE")
    last = await spotify.json("GET", f"{path}?limit=50&offset=50")
    await spotify.json("GET", f"{path}?limit=51", status=400)
    await spotify.json("GET", "/v1/albums/0000000000000000000000/tracks", status=404)

    rows = [*first["items"], *last["items"]]
    assert [row["name"] for row in rows] == [f"Paper Lantern No {number}" for number in range(60)]
    assert (album["total_tracks"], first["total"]) == (60, 60)
    assert first["next"].startswith(f"{spotify.url}{path}?offset=50&limit=50&market=DE")
    assert not any("external_ids" in row or "album" in row for row in rows)


async def test_dead_album_and_dead_tracks_are_not_there(starter: Starter) -> None:
    spotify = await starter("spotify", world={"catalog": [track(number) for number in range(3)]})
    found = await spotify.json("GET", "/v1/search?q=tides&type=album")
    path = f"/v1/albums/{found['albums']['items'][0]['id']}/tracks"
    rows = (await spotify.json("GET", path))["items"]

    await spotify.fault(kind="dead_ids", operation="get_album_tracks", ids=[rows[1]["id"]], count=1)
    fewer = (await spotify.json("GET", path))["items"]
    await spotify.fault(
        kind="dead_ids", operation="get_album_tracks", ids=[found["albums"]["items"][0]["id"]]
    )

    assert fewer == [rows[0], rows[2]]
    await spotify.json("GET", path, status=404)
