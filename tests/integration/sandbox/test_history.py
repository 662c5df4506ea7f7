"""What the control routes tell about playlists that changed, and what another hand may do to them."""

from typing import Any

import pytest

from tests.integration.sandbox.harness import Caller, Json, Starter, playlist, track

WORLD: Json = {
    "catalog": [track(n) for n in range(4)],
    "playlists": [playlist("Known", [track(n) for n in range(4)])],
}


async def ids_of(caller: Caller) -> list[str]:
    return [row["id"] for row in await caller.truth(await caller.playlist_id("Known"))]


async def made(caller: Caller, name: str, *items: Json) -> str:
    told = await caller.json(
        "POST", "/_sandbox/playlists", status=201, json={"name": name, "items": list(items)}
    )
    return str(told["id"])


async def changes(caller: Caller, *, after: int = 0) -> list[tuple[int, str, str, Any]]:
    """Return number, hand, kind and track ids of each change."""
    told = await caller.json("GET", f"/_sandbox/history?after={after}")
    return [
        (
            entry["number"],
            entry["by"],
            entry["change"]["type"],
            [item.get("track_id") for item in entry["change"].get("items", ())],
        )
        for entry in told
    ]


async def test_the_history_tells_every_change_of_a_playlist_and_whose_it_was(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)
    first, second, third, fourth = await ids_of(spotify)

    own_id = await made(spotify, "Mine", {"track_id": first})
    await spotify.json(
        "POST", f"/v1/playlists/{own_id}/items", status=201, json={"uris": [f"spotify:track:{second}"]}
    )
    await spotify.json(
        "POST",
        f"/_sandbox/playlists/{own_id}/items",
        json={"items": [{"track_id": third}, {"track_id": fourth}], "position": 1},
    )

    told = await changes(spotify)
    since = await changes(spotify, after=3)
    rows = [row["id"] for row in await spotify.truth(own_id)]
    assert told == [
        (1, "control", "playlist_created.v1", []),
        (2, "control", "items_inserted.v1", [first]),
        (3, "platform", "items_inserted.v1", [second]),
        (4, "control", "items_inserted.v1", [third, fourth]),
    ]
    assert since == told[3:]
    assert rows == [first, third, fourth, second]


async def test_a_write_whose_answer_was_lost_stands_in_the_history_as_it_was_applied(
    starter: Starter,
) -> None:
    apple = await starter("apple_music", world=WORLD)
    told = await apple.json("GET", "/v1/catalog/us/songs?filter[isrc]=QZABC2600000,QZABC2600001")
    ids = [song["id"] for song in told["data"]]
    own_id = await made(apple, "Mine")
    await apple.fault(operation="add_items", kind="applied_then_error", partial=1)
    body = {"data": [{"id": one, "type": "songs"} for one in ids]}

    await apple.json("POST", f"/v1/me/library/playlists/{own_id}/tracks", status=502, json=body)

    assert (await changes(apple))[1:] == [(2, "platform", "items_inserted.v1", ids[:1])]


async def test_a_playlist_made_by_hand_may_hold_odd_rows_and_none(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)

    own_id = await made(spotify, "Odd", {"kind": "local", "title": "garage demo"}, {"kind": "removed"})
    empty_id = await made(spotify, "Empty")

    assert [row["title"] for row in await spotify.truth(own_id)] == ["garage demo", None]
    assert await spotify.truth(empty_id) == []


@pytest.mark.parametrize("path", ["playlists", "playlists/{id}/items"])
async def test_a_track_that_is_not_in_the_catalog_is_refused_and_nothing_is_changed(
    starter: Starter, path: str
) -> None:
    spotify = await starter("spotify", world=WORLD)
    where = path.format(id=await spotify.playlist_id("Known"))
    order: Json = {"items": [{"track_id": "0" * 22}]} | ({} if "{" in path else {"name": "Mine"})

    async with await spotify.send("POST", f"/_sandbox/{where}", json=order) as answer:
        status = answer.status

    assert status == 400
    assert await changes(spotify) == []


async def test_a_limit_can_be_set_and_lifted_while_the_sandbox_runs(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)

    await spotify.json("POST", "/_sandbox/limit", status=204, json={"request_count": 1, "window_s": 60})
    await spotify.json("GET", "/v1/me")
    await spotify.json("GET", "/v1/me", status=429)
    await spotify.json("DELETE", "/_sandbox/limit", status=204)

    await spotify.json("GET", "/v1/me")
    await spotify.json("GET", "/v1/me")
