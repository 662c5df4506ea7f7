"""Apple Music's contract: tokens, look-ups, library playlists, what is impossible."""

import time

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.integration.sandbox.harness import (
    DEVELOPER_KEY,
    Caller,
    Json,
    Starter,
    developer_token,
    playlist,
    track,
)

CATALOG = [
    *(track(n) for n in range(30)),
    track(3, title="Paper Lantern No 3 (Single)", album="Lantern"),
    track(40, platform="spotify"),
]
WORLD: Json = {
    "catalog": CATALOG,
    "playlists": [
        playlist("zulu", [track(n % 30) for n in range(130)], source_platform="apple_music"),
        playlist("Empty", [], source_platform="apple_music"),
        playlist(
            "Odd",
            [
                track(1),
                {"title": "Garage Take", "artists": ["Me"], "duration_ms": 61_000, "kind": "local"},
                {"title": "Gone Song", "artists": ["The Quiet Harbour"], "kind": "removed"},
                {"title": "A Clip", "artists": ["The Quiet Harbour"], "kind": "video"},
                track(2, kind="unplayable"),
            ],
            source_platform="apple_music",
        ),
    ],
}
LIST = "/v1/me/library/playlists"


async def song_ids(apple: Caller, *numbers: int) -> list[str]:
    isrcs = ",".join(f"QZABC26{number:05d}" for number in numbers)
    found = await apple.json("GET", f"/v1/catalog/us/songs?filter[isrc]={isrcs}")
    by_isrc = {row["attributes"]["isrc"]: row["id"] for row in found["data"]}
    return [by_isrc[f"QZABC26{number:05d}"] for number in numbers]


async def create(apple: Caller, name: str) -> str:
    body = {"attributes": {"name": name, "description": "job-1"}}
    created = await apple.json("POST", LIST, status=201, json=body)
    return str(created["data"][0]["id"])


async def add(apple: Caller, playlist_id: str, ids: list[str], *, status: int = 204) -> None:
    body = {"data": [{"id": own_id, "type": "songs"} for own_id in ids]}
    await apple.json("POST", f"{LIST}/{playlist_id}/tracks", status=status, json=body)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": f"Bearer {developer_token(exp=int(time.time()) - 1)}"},
        {"Authorization": f"Bearer {developer_token(exp=int(time.time()) + 15_900_000)}"},
        {"Authorization": f"Bearer {developer_token(iss='short')}"},
    ],
)
async def test_a_bad_developer_token_is_an_empty_401(starter: Starter, headers: dict[str, str]) -> None:
    apple = await starter("apple_music", world=WORLD)

    async with await apple.send("GET", "/v1/test", headers=headers) as answer:
        body = await answer.read()

    assert (answer.status, body, answer.headers["Content-Length"]) == (401, b"", "0")


@pytest.mark.parametrize(
    ("signer", "status"), [(DEVELOPER_KEY, 200), (ec.generate_private_key(ec.SECP256R1()), 401)]
)
async def test_a_known_public_key_checks_signatures(
    starter: Starter, signer: ec.EllipticCurvePrivateKey, status: int
) -> None:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = signer.public_key().public_bytes(serialization.Encoding.PEM, form).decode()
    apple = await starter("apple_music", developer_public_key=pem)

    async with await apple.send("GET", "/v1/storefronts") as answer:
        answered = answer.status

    assert answered == status


async def test_a_dead_user_token_is_a_403_with_code_40300(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)

    good = await apple.json("GET", "/v1/me/storefront")
    await apple.json("POST", "/_sandbox/tokens/revoke", json={"kind": "user"})
    refused = await apple.json("GET", "/v1/me/storefront", status=403)
    operator = await apple.json("GET", "/v1/storefronts")

    assert good["data"][0]["id"] == "us"
    assert (refused["errors"][0]["code"], refused["errors"][0]["status"]) == ("40300", "403")
    assert operator["data"]


async def test_isrc_look_ups_give_none_one_or_several_songs(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    isrcs = "QZABC2600003,QZABC2600001,QZABC2600040,QZXXX0000000"

    found = await apple.json("GET", f"/v1/catalog/us/songs?filter[isrc]={isrcs}")
    too_many = await apple.json(
        "GET", f"/v1/catalog/us/songs?filter[isrc]={','.join(['QZABC2600001'] * 26)}", status=400
    )

    by_name = sorted((row["attributes"]["name"], row["attributes"]["isrc"]) for row in found["data"])
    assert by_name == [
        ("Paper Lantern No 1", "QZABC2600001"),
        ("Paper Lantern No 3", "QZABC2600003"),
        ("Paper Lantern No 3 (Single)", "QZABC2600003"),
    ]
    assert len(found["meta"]["filters"]["isrc"]["QZABC2600003"]) == 2
    assert too_many["errors"][0]["source"] == {"parameter": "filter[isrc]"}


async def test_id_look_ups_leave_out_what_they_do_not_know(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    ids = await song_ids(apple, 1, 2)
    many = ",".join(ids * 100)

    found = await apple.json("GET", f"/v1/catalog/us/songs?ids={ids[0]},999,{ids[1]}")
    same = await apple.json("GET", f"/v1/catalog/us/songs?filter[equivalents]={ids[0]}")
    async with await apple.send("GET", f"/v1/catalog/us/songs?ids={many}&include=albums") as answer:
        heavy = (answer.status, answer.content_type)
    await apple.json("GET", f"/v1/catalog/us/songs?ids={many},{many}", status=400)

    assert [row["id"] for row in found["data"]] == ids
    assert [row["id"] for row in same["data"]] == ids[:1]
    assert heavy == (504, "text/html")


async def test_search_answers_songs_or_empty_results(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)

    hits = await apple.json("GET", "/v1/catalog/us/search?term=paper+lantern+no+7&types=songs&limit=1")
    none = await apple.json("GET", "/v1/catalog/us/search?term=xylophone&types=songs")
    await apple.json("GET", "/v1/catalog/us/search?term=&types=songs", status=400)
    await apple.json("GET", "/v1/catalog/us/search?term=a&types=songs&limit=26", status=400)

    assert hits["results"]["songs"]["data"][0]["attributes"]["name"] == "Paper Lantern No 7"
    assert "limit" not in hits["results"]["songs"]["next"]
    assert none["results"] == {}


async def test_albums_are_searched_apart_from_songs_or_with_them(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)

    found = await apple.json("GET", "/v1/catalog/us/search?term=tides+of+tin&types=albums")
    both = await apple.json("GET", "/v1/catalog/us/search?term=quiet+harbour&types=songs,albums&limit=1")
    await apple.json("GET", "/v1/catalog/us/search?term=a&types=stations", status=400)

    about = found["results"]["albums"]["data"][0]["attributes"]
    assert (about["name"], about["artistName"], about["trackCount"]) == (
        "Tides of Tin",
        "The Quiet Harbour",
        30,
    )
    assert list(found["results"]) == ["albums"]
    assert both["meta"]["results"]["order"] == ["albums", "songs"]


async def test_album_gives_its_tracks_in_order_and_never_says_how_many(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    found = await apple.json("GET", "/v1/catalog/us/search?term=tides+of+tin&types=albums")
    place = found["results"]["albums"]["data"][0]["href"]

    whole = await apple.json("GET", place)
    first = await apple.json("GET", f"{place}/tracks?limit=20")
    last = await apple.json("GET", first["next"])
    behind = await apple.json("GET", f"{place}/tracks?offset=30", status=404)
    await apple.json("GET", f"{place}/tracks?limit=301", status=400)
    unknown = await apple.json("GET", "/v1/catalog/us/albums/123", status=404)

    rows = [*first["data"], *last["data"]]
    assert [row["attributes"]["name"] for row in rows] == [f"Paper Lantern No {n}" for n in range(30)]
    assert whole["data"][0]["relationships"]["tracks"]["data"] == rows
    assert (first["next"], "meta" in first) == (f"{place}/tracks?offset=20", False)
    assert (behind["errors"][0]["code"], unknown["errors"][0]["code"]) == ("40403", "40400")


async def test_dead_songs_are_missing_on_their_album(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    found = await apple.json("GET", "/v1/catalog/us/search?term=tides+of+tin&types=albums")
    place = found["results"]["albums"]["data"][0]["href"]
    dead = await song_ids(apple, 4)
    await apple.fault(kind="dead_ids", operation="get_album_tracks", ids=dead)

    rows = (await apple.json("GET", f"{place}/tracks"))["data"]

    assert len(rows) == 29
    assert dead[0] not in {row["id"] for row in rows}


async def test_playlists_are_listed_by_name_without_their_length(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)

    page = await apple.json("GET", f"{LIST}?limit=2")

    assert [row["attributes"]["name"] for row in page["data"]] == ["Empty", "Odd"]
    assert (page["next"], page["meta"]["total"]) == (f"{LIST}?offset=2", 3)
    assert "trackCount" not in page["data"][0]["attributes"]


async def test_tracks_are_paged_without_isrc_and_next_forgets_the_limit(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    own_id = await apple.playlist_id("zulu")

    first = await apple.json("GET", f"{LIST}/{own_id}/tracks?limit=100&include=catalog")
    last = await apple.json("GET", first["next"] + "&limit=100")
    nested = await apple.json("GET", f"{LIST}/{own_id}?include=tracks")

    rows = [*first["data"], *last["data"]]
    names = [f"Paper Lantern No {n % 30}" for n in range(130)]
    assert [row["attributes"]["name"] for row in rows] == names
    assert first["next"] == f"{LIST}/{own_id}/tracks?offset=100&include=catalog"
    assert first["meta"]["total"] == 130
    assert not any("isrc" in row["attributes"] for row in rows)
    assert rows[0]["relationships"]["catalog"]["data"][0]["attributes"]["isrc"] == "QZABC2600000"
    assert len(nested["data"][0]["relationships"]["tracks"]["data"]) == 100


async def test_an_empty_playlist_looks_missing(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    own_id = await apple.playlist_id("Empty")

    refused = await apple.json("GET", f"{LIST}/{own_id}/tracks", status=404)

    error = refused["errors"][0]
    assert (error["code"], error["detail"]) == ("40403", "No related resources found for tracks")


async def test_uploads_dead_songs_and_videos_show_in_their_own_way(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    own_id = await apple.playlist_id("Odd")

    page = await apple.json("GET", f"{LIST}/{own_id}/tracks")
    plain, upload, gone, video, mute = page["data"]
    dead_id = gone["attributes"]["playParams"]["catalogId"]
    mute_id = mute["attributes"]["playParams"]["catalogId"]
    known = await apple.json("GET", f"/v1/catalog/us/songs?ids={dead_id},{mute_id}")

    assert "catalogId" in plain["attributes"]["playParams"]
    assert "catalogId" not in upload["attributes"]["playParams"]
    assert (upload["attributes"]["name"], upload["attributes"]["durationInMillis"]) == ("Garage Take", 61_000)
    assert video["type"] == "library-music-videos"
    assert [row["id"] for row in known["data"]] == [mute_id]
    assert "playParams" not in known["data"][0]["attributes"]
    assert [row["id"] is None for row in await apple.truth(own_id)] == [False, True, True, True, False]


async def test_a_playlist_is_created_filled_and_kept_in_order(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    ids = await song_ids(apple, 5, 6)

    own_id = await create(apple, "Copy")
    await add(apple, own_id, [*ids, ids[0]])
    row = (await apple.json("GET", f"{LIST}/{own_id}/tracks"))["data"][0]
    body = {"data": [{"id": row["id"], "type": "library-songs"}]}
    await apple.json("POST", f"{LIST}/{own_id}/tracks", status=204, json=body)
    shown = await apple.json("GET", f"{LIST}/{own_id}")

    assert [t["id"] for t in await apple.truth(own_id)] == [*ids, ids[0], ids[0]]
    assert shown["data"][0]["attributes"]["description"] == {"standard": "job-1"}
    assert (row["id"][:2], own_id[:2]) == ("i.", "p.")


async def test_one_unknown_id_fails_the_whole_batch(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    ids = await song_ids(apple, 5)
    own_id = await create(apple, "Copy")

    body = {"data": [{"id": own, "type": "songs"} for own in (*ids, "12345")]}
    refused = await apple.json("POST", f"{LIST}/{own_id}/tracks", status=500, json=body)

    assert (refused["errors"][0]["code"], await apple.truth(own_id)) == ("50001", [])


async def test_the_library_takes_songs_without_a_word(starter: Starter) -> None:
    apple = await starter("apple_music", world={"catalog": CATALOG})
    ids = await song_ids(apple, 5)

    await apple.json("GET", "/v1/me/library/songs", status=404)
    async with await apple.send("POST", f"/v1/me/library?ids[songs]={ids[0]},999") as answer:
        told = (answer.status, await answer.read())
    songs = await apple.json("GET", "/v1/me/library/songs")

    assert told == (202, b"")
    assert [row["attributes"]["playParams"]["catalogId"] for row in songs["data"]] == ids


@pytest.mark.parametrize(("playlist_songs", "count"), [(True, 32), (False, 1)])
async def test_songs_of_playlists_are_in_the_library_where_the_user_wants_it(
    starter: Starter, *, playlist_songs: bool, count: int
) -> None:
    apple = await starter("apple_music", world=WORLD, playlist_songs=playlist_songs)
    (own_id,) = await song_ids(apple, 5)
    async with await apple.send("POST", f"/v1/me/library?ids[songs]={own_id}") as answer:
        assert answer.status == 202

    page = await apple.json("GET", "/v1/me/library/songs?limit=100")

    names = [row["attributes"]["name"].casefold() for row in page["data"]]
    assert (len(names), page["meta"]["total"]) == (count, count)
    assert names == sorted(names)


async def albums(apple: Caller, query: str = "") -> list[Json]:
    page = await apple.json("GET", f"/v1/me/library/albums?include=catalog{query}")
    return list(page["data"])


async def test_one_song_in_the_library_brings_its_album_there(starter: Starter) -> None:
    apple = await starter("apple_music", world={"catalog": CATALOG})
    ids = await song_ids(apple, 5, 6)
    empty = await apple.json("GET", "/v1/me/library/albums", status=404)

    async with await apple.send("POST", f"/v1/me/library?ids[songs]={','.join(ids)}"):
        (partly,) = await albums(apple)
    (known,) = partly["relationships"]["catalog"]["data"]
    async with await apple.send("POST", f"/v1/me/library?ids[albums]={known['id']},123"):
        (whole,) = await albums(apple)
    songs = await apple.json("GET", "/v1/me/library/songs")

    assert (empty["errors"][0]["code"], empty["errors"][0]["detail"]) == (
        "40403",
        "No related resources found for albums",
    )
    assert (partly["id"][:2], partly["type"], known["type"]) == ("l.", "library-albums", "albums")
    assert "catalogId" not in partly["attributes"]["playParams"]
    counts = [row["attributes"]["trackCount"] for row in (partly, known, whole)]
    assert (counts, songs["meta"]["total"]) == ([2, 30, 30], 30)


async def test_albums_of_uploads_and_some_others_are_not_in_the_catalog(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)

    rows = await albums(apple, "&limit=100")
    await apple.fault(operation="list_albums", kind="empty_include", count=1)
    blank = await albums(apple, "&limit=100")
    plain = await apple.json("GET", "/v1/me/library/albums?limit=1")

    known = {row["attributes"]["name"]: len(row["relationships"]["catalog"]["data"]) for row in rows}
    assert known == {"Tides of Tin": 1, "Unknown Album": 0}
    assert not any(row["relationships"]["catalog"]["data"] for row in blank)
    assert plain["next"] == "/v1/me/library/albums?offset=1"
    assert "relationships" not in plain["data"][0]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("tail", ["", "/tracks"])
async def test_changing_or_deleting_a_playlist_is_an_empty_401(
    starter: Starter, method: str, tail: str
) -> None:
    apple = await starter("apple_music", world=WORLD)
    own_id = await apple.playlist_id("zulu")

    async with await apple.send(
        method, f"{LIST}/{own_id}{tail}", json={"attributes": {"name": "x"}}
    ) as answer:
        told = (answer.status, await answer.read())

    assert told == (401, b"")


async def test_a_public_playlist_is_in_the_catalog_for_everybody(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    listed = (await apple.json("GET", LIST))["data"]
    public = {row["attributes"]["name"]: row["attributes"]["playParams"].get("globalId") for row in listed}
    of_odd = f"/v1/catalog/fr/playlists/{public['Odd']}"
    developer = {"Authorization": f"Bearer {developer_token()}", "Music-User-Token": ""}

    head = await apple.json("GET", of_odd, headers=developer)
    rows = await apple.json("GET", f"{of_odd}/tracks", headers=developer)

    assert head["data"][0]["attributes"]["name"] == "Odd"
    assert "/fr/playlist/Odd/pl.u-" in head["data"][0]["attributes"]["url"]
    # Neither the upload nor what is gone is there for others.
    assert [row["type"] for row in rows["data"]] == ["songs", "music-videos", "songs"]
    assert rows["data"][0]["attributes"]["isrc"] == "QZABC2600001"


async def test_tracks_of_a_catalog_playlist_come_in_pages_without_a_total(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    listed = (await apple.json("GET", LIST))["data"]
    own_id = next(row["id"] for row in listed if row["attributes"]["name"] == "zulu")
    path = f"/v1/catalog/us/playlists/pl.u-{own_id.removeprefix('p.')}/tracks"

    first = await apple.json("GET", path)
    second = await apple.json("GET", first["next"])

    assert (len(first["data"]), len(second["data"])) == (100, 30)
    assert ("meta" in first, "next" in second) == (False, False)


async def test_a_private_playlist_is_in_nobodys_catalog(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    created = await create(apple, "Mine")

    await apple.json("GET", f"/v1/catalog/us/playlists/pl.u-{created.removeprefix('p.')}", status=404)
    await apple.json("GET", f"/v1/catalog/us/playlists/{created}", status=404)
