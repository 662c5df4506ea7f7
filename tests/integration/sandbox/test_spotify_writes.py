"""Spotify's writes: batches, positions, removals, limits, the library."""

import asyncio
from typing import Any

import pytest

from tests.integration.sandbox.harness import Caller, Json, Starter, playlist, track

WORLD: Json = {
    "catalog": [track(n) for n in range(120)],
    "playlists": [playlist("Mine", [track(0), track(1), track(2), track(1), track(3)])],
}


async def ids_of(spotify: Caller, *numbers: int) -> list[str]:
    """Ask for the ids of numbered tracks by their ISRC."""
    found = []
    for number in numbers:
        answer = await spotify.json("GET", f"/v1/search?type=track&q=isrc:QZABC26{number:05d}")
        found.append(answer["tracks"]["items"][0]["uri"])
    return found


def numbers_of(rows: list[Json]) -> list[int]:
    return [int(row["isrc"][-5:]) for row in rows]


async def test_added_uris_stand_where_they_were_asked_for_repeats_included(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)
    own_id = await spotify.playlist_id("Mine")
    uris = await ids_of(spotify, 7, 8, 7)

    at_end = await spotify.json("POST", f"/v1/playlists/{own_id}/items", status=201, json={"uris": uris})
    in_front = await spotify.json(
        "POST", f"/v1/playlists/{own_id}/items?position=0&uris={uris[1]}", status=201, json={"uris": uris}
    )

    assert numbers_of(await spotify.truth(own_id)) == [8, 0, 1, 2, 1, 3, 7, 8, 7]
    assert at_end["snapshot_id"] != in_front["snapshot_id"]


@pytest.mark.parametrize(
    ("method", "body", "message"),
    [
        ("POST", {"uris": ["{track}"] * 101}, "You can add a maximum of 100 tracks per request."),
        ("PUT", {"uris": ["{track}"] * 101}, "You can add a maximum of 100 tracks per request."),
        ("POST", {"uris": ["spotify:local:A:B:C:10"]}, "Invalid track uri: spotify:local:A:B:C:10"),
        ("POST", {"uris": ["spotify:track:" + "0" * 22]}, "Payload contains a non-existing ID"),
        ("POST", {"uris": ["{track}"], "position": 99}, "Index out of bounds."),
        (
            "DELETE",
            {"items": [{"uri": "spotify:local:A:B:C:10"}]},
            "Invalid track uri: spotify:local:A:B:C:10",
        ),
        ("PUT", {"range_start": 9, "insert_before": 0}, "Index out of bounds."),
        ("PUT", {"uris": ["{track}"], "range_start": 1}, "uris and range_start cannot be combined"),
    ],
)
async def test_a_bad_write_is_refused_and_changes_nothing(
    starter: Starter, method: str, body: Json, message: str
) -> None:
    spotify = await starter("spotify", world=WORLD)
    own_id = await spotify.playlist_id("Mine")
    uri = (await ids_of(spotify, 5))[0]
    if "uris" in body:
        body = {**body, "uris": [text.format(track=uri) for text in body["uris"]]}

    refused = await spotify.json(method, f"/v1/playlists/{own_id}/items", status=400, json=body)

    assert refused == {"error": {"status": 400, "message": message}}
    assert numbers_of(await spotify.truth(own_id)) == [0, 1, 2, 1, 3]


@pytest.mark.parametrize(
    ("method", "body", "left"),
    [
        ("DELETE", {"items": [{"uri": 1, "positions": [1]}]}, [0, 2, 3]),
        ("PUT", {"uris": [4, 5]}, [4, 5]),
        ("PUT", {"uris": []}, []),
        ("PUT", {"range_start": 0, "insert_before": 5, "range_length": 2}, [2, 1, 3, 0, 1]),
        ("PUT", {"range_start": 3, "insert_before": 1}, [0, 1, 1, 2, 3]),
    ],
)
async def test_items_are_removed_replaced_and_moved(
    starter: Starter, method: str, body: Json, left: list[int]
) -> None:
    spotify = await starter("spotify", world=WORLD)
    own_id = await spotify.playlist_id("Mine")
    uris = await ids_of(spotify, 0, 1, 2, 3, 4, 5)
    sent: Json = dict(body)
    if "uris" in body:
        sent["uris"] = [uris[number] for number in body["uris"]]
    if "items" in body:
        sent["items"] = [{**row, "uri": uris[row["uri"]]} for row in body["items"]]

    answer = await spotify.json(method, f"/v1/playlists/{own_id}/items", json=sent)

    assert numbers_of(await spotify.truth(own_id)) == left
    assert answer.keys() == {"snapshot_id"}


async def test_the_ten_thousand_and_first_item_is_refused(starter: Starter) -> None:
    full = playlist("Full", [track(n % 120) for n in range(9_999)])
    spotify = await starter("spotify", world={"playlists": [full]})
    own_id = await spotify.playlist_id("Full")
    uris = await ids_of(spotify, 1, 2)

    await spotify.json("POST", f"/v1/playlists/{own_id}/items", status=403, json={"uris": uris})
    await spotify.json("POST", f"/v1/playlists/{own_id}/items", status=201, json={"uris": uris[:1]})

    assert len(await spotify.truth(own_id)) == 10_000


async def test_two_writes_at_once_to_one_playlist_cost_a_500(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD, write_hold_ms=100)
    own_id = await spotify.playlist_id("Mine")
    uris = await ids_of(spotify, 5)

    async def add() -> int:
        path = f"/v1/playlists/{own_id}/items"
        async with await spotify.send("POST", path, json={"uris": uris}) as answer:
            return answer.status

    statuses = await asyncio.gather(add(), add())

    assert sorted(statuses) == [201, 500]
    assert len(await spotify.truth(own_id)) == 6


async def test_a_new_playlist_is_listed_changed_and_unfollowed(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)

    created = await spotify.json(
        "POST",
        "/v1/me/playlists",
        status=201,
        json={"name": "New 🎈", "public": False, "description": "job-1"},
    )
    own_id = created["id"]
    await spotify.json("PUT", f"/v1/playlists/{own_id}", json={"name": "Newer"})
    listed = await spotify.json("GET", "/v1/me/playlists")
    await spotify.json("DELETE", f"/v1/me/library?uris=spotify:playlist:{own_id}")
    after = await spotify.json("GET", "/v1/me/playlists")

    first = listed["items"][0]
    assert (first["id"], first["name"], first["description"]) == (own_id, "Newer", "job-1")
    assert (created["items"]["total"], created["public"]) == (0, False)
    assert own_id not in [row["id"] for row in after["items"]]


async def test_the_library_takes_forty_uris_and_lists_the_newest_first(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)
    uris = await ids_of(spotify, 1, 2)

    await spotify.json("PUT", f"/v1/me/library?uris={uris[0]}")
    await spotify.json("PUT", f"/v1/me/library?uris={uris[1]}")
    saved = await spotify.json("GET", "/v1/me/tracks")
    contains = await spotify.json("GET", f"/v1/me/library/contains?uris={','.join(uris)}")
    await spotify.json("PUT", f"/v1/me/library?uris={','.join(uris[:1] * 41)}", status=400)

    assert [row["track"]["uri"] for row in saved["items"]] == [uris[1], uris[0]]
    assert contains == [True, True]


async def test_a_cover_is_taken_as_base64_of_a_jpeg(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)
    own_id = await spotify.playlist_id("Mine")

    async with await spotify.send("PUT", f"/v1/playlists/{own_id}/images", data=b"/9j/4AAQ") as answer:
        status = answer.status
    covers: Any = await spotify.json("GET", f"/v1/playlists/{own_id}/images")

    assert (status, covers[0]["width"]) == (202, 640)
