"""Every kind of fault, on the platform where it matters."""

from typing import Any

import pytest

from deploy.sandbox.options import RateLimit
from tests.integration.sandbox.harness import Caller, ConnectionCut, Json, Starter, playlist, track

WORLD: Json = {
    "catalog": [track(n) for n in range(10)],
    "playlists": [
        playlist("Mine", [track(0), track(1)]),
        playlist("Mine", [track(0), track(1)], source_platform="apple_music"),
    ],
}
LIST = "/v1/me/library/playlists"


async def seen(caller: Caller, method: str, path: str, **other: Any) -> tuple[Any, str, str]:
    """Return status, body and Retry-After of a call; "lost" when the connection was cut."""
    try:
        async with await caller.send(method, path, **other) as answer:
            return answer.status, await answer.text(), answer.headers.get("Retry-After", "")
    except ConnectionCut:
        return "lost", "", ""


async def counts(caller: Caller, operation: str) -> dict[str, int]:
    told = await caller.json("GET", "/_sandbox/requests")
    found: dict[str, int] = told["by_operation"].get(operation, {})
    return found


async def add(caller: Caller, *numbers: int) -> tuple[Any, str, str]:
    """Add numbered tracks to the playlist, as either platform wants it."""
    own_id = await caller.playlist_id("Mine")
    if own_id.startswith("p."):
        ids = [await song_id(caller, number) for number in numbers]
        body = {"data": [{"id": one, "type": "songs"} for one in ids]}
        return await seen(caller, "POST", f"{LIST}/{own_id}/tracks", json=body)
    uris = []
    for number in numbers:
        found = await caller.json("GET", f"/v1/search?type=track&q=isrc:QZABC26{number:05d}")
        uris.append(found["tracks"]["items"][0]["uri"])
    return await seen(caller, "POST", f"/v1/playlists/{own_id}/items", json={"uris": uris})


async def song_id(apple: Caller, number: int) -> str:
    found = await apple.json("GET", f"/v1/catalog/us/songs?filter[isrc]=QZABC26{number:05d}")
    return str(found["data"][0]["id"])


async def isrcs(caller: Caller) -> list[int]:
    return [int(row["isrc"][-5:]) for row in await caller.truth(await caller.playlist_id("Mine"))]


async def visible_count(caller: Caller) -> int:
    own_id = await caller.playlist_id("Mine")
    if own_id.startswith("p."):
        return int((await caller.json("GET", f"{LIST}/{own_id}/tracks"))["meta"]["total"])
    return int((await caller.json("GET", f"/v1/playlists/{own_id}/items"))["total"])


LIMITED = '{"error":{"status":429,"message":"API rate limit exceeded"}}'
QUOTA = '{"error":{"status":429,"message":"Too many requests","reason":"QUOTA_EXCEEDED"}}'


@pytest.mark.parametrize(
    ("fault", "status", "body", "retry_after"),
    [
        ({"kind": "rate_limit", "retry_after_s": 7}, 429, LIMITED, "7"),
        ({"kind": "rate_limit"}, 429, LIMITED, ""),
        ({"kind": "rate_limit", "plain_text": True}, 429, "Too many requests", ""),
        ({"kind": "quota", "retry_after_s": 46800}, 429, QUOTA, "46800"),
        (
            {"kind": "status", "status": 503},
            503,
            '{"error":{"status":503,"message":"Service unavailable"}}',
            "",
        ),
        ({"kind": "status", "status": 418, "body": {"a": 1}}, 418, '{"a":1}', ""),
        ({"kind": "not_registered"}, 403, "User not registered in the Developer Dashboard", ""),
        (
            {"kind": "premium_required"},
            403,
            "Active premium subscription required for the owner of the app.",
            "",
        ),
        ({"kind": "html", "status": 502}, 502, "<html>", ""),
        ({"kind": "garbage"}, 200, '{"items": [{"na', ""),
        ({"kind": "empty"}, 200, "", ""),
        ({"kind": "drop"}, "lost", "", ""),
        ({"kind": "timeout", "delay_ms": 1}, "lost", "", ""),
    ],
)
async def test_spotify_fails_as_ordered_and_recovers(
    starter: Starter, fault: Json, status: Any, body: str, retry_after: str
) -> None:
    spotify = await starter("spotify", world=WORLD)
    await spotify.fault(operation="me", **fault)

    told = await seen(spotify, "GET", "/v1/me")
    counted = await counts(spotify, "me")
    await spotify.json("DELETE", "/_sandbox/faults", status=204)
    healthy = await seen(spotify, "GET", "/v1/me")

    assert (told[0], told[2]) == (status, retry_after)
    assert told[1].startswith(body)
    assert (told[1] == "") == (body == "")
    assert counted == {str(status): 1}
    assert healthy[0] == 200


@pytest.mark.parametrize(
    ("fault", "status", "needle"),
    [
        ({"kind": "rate_limit"}, 429, '"code":"42900"'),
        ({"kind": "status", "status": 500}, 500, '"code":"50001"'),
        ({"kind": "status", "status": 504}, 504, "<html>"),
        ({"kind": "status", "status": 401}, 401, ""),
        ({"kind": "status", "status": 403}, 403, '"code":"40300"'),
    ],
)
async def test_apple_music_fails_in_its_own_words(
    starter: Starter, fault: Json, status: int, needle: str
) -> None:
    apple = await starter("apple_music", world=WORLD)
    await apple.fault(**fault)

    told = await seen(apple, "GET", "/v1/me/storefront")

    assert (told[0], told[2]) == (status, "")
    assert needle in told[1]
    assert bool(needle) == bool(told[1])


@pytest.mark.parametrize("platform", ["spotify", "apple_music"])
@pytest.mark.parametrize(
    ("kind", "other", "status", "applied"),
    [
        ("applied_then_lost", {}, "lost", [0, 1, 5, 6, 7]),
        ("applied_then_lost", {"partial": 2}, "lost", [0, 1, 5, 6]),
        ("applied_then_error", {"status": 502}, 502, [0, 1, 5, 6, 7]),
        ("applied_then_error", {"status": 500, "partial": 0}, 500, [0, 1]),
        ("status", {"status": 500}, 500, [0, 1]),
        ("drop", {}, "lost", [0, 1]),
    ],
)
async def test_a_failed_write_was_applied_or_not_as_ordered(
    starter: Starter, platform: str, kind: str, other: Json, status: Any, applied: list[int]
) -> None:
    caller = await starter(platform, world=WORLD)
    await caller.fault(operation="add_items", kind=kind, count=1, **other)

    told = await add(caller, 5, 6, 7)

    assert told[0] == status
    assert await isrcs(caller) == applied


@pytest.mark.parametrize(
    "kind", ["applied_then_lost", "applied_then_error", "applied_then_empty", "applied_then_delay"]
)
async def test_a_playlist_is_there_although_its_creation_failed(starter: Starter, kind: str) -> None:
    apple = await starter("apple_music", world=WORLD)
    await apple.fault(operation="create_playlist", kind=kind, count=1, delay_ms=1)

    told = await seen(apple, "POST", LIST, json={"attributes": {"name": "Twice?"}})

    expected = {"applied_then_lost": "lost", "applied_then_error": 502}.get(kind, 201)
    assert told[0] == expected
    assert (told[1] == "") == (kind in {"applied_then_lost", "applied_then_empty"})
    assert await apple.playlist_id("Twice?")


@pytest.mark.parametrize("platform", ["spotify", "apple_music"])
async def test_late_items_are_true_before_they_are_seen(starter: Starter, platform: str) -> None:
    caller = await starter(platform, world=WORLD)
    await caller.fault(operation="add_items", kind="visibility_delay", visibility_delay_s=60)

    await add(caller, 5)
    before = await visible_count(caller)
    await caller.advance(61)

    assert (before, await visible_count(caller)) == (2, 3)
    assert await isrcs(caller) == [0, 1, 5]


async def test_a_late_playlist_can_be_read_before_it_is_listed(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    await apple.fault(operation="create_playlist", kind="visibility_delay", visibility_delay_s=60)

    created = await apple.json("POST", LIST, status=201, json={"attributes": {"name": "Late"}})
    listed = await apple.json("GET", LIST)
    found = await apple.json("GET", f"{LIST}/{created['data'][0]['id']}")

    assert [row["attributes"]["name"] for row in listed["data"]] == ["Mine"]
    assert found["data"][0]["attributes"]["name"] == "Late"


@pytest.mark.parametrize(
    ("platform", "fault", "status", "order"),
    [
        ("apple_music", {"kind": "shuffle", "seed": 3}, 204, None),
        ("spotify", {"kind": "append_at_front"}, 201, [5, 6, 7, 0, 1]),
    ],
)
async def test_a_batch_may_land_elsewhere(
    starter: Starter, platform: str, fault: Json, status: int, order: list[int] | None
) -> None:
    caller = await starter(platform, world=WORLD)
    await caller.fault(operation="add_items", **fault)

    told = await add(caller, 5, 6, 7)

    found = await isrcs(caller)
    assert told[0] == status
    assert found == order if order else (sorted(found) == [0, 1, 5, 6, 7] and found != [0, 1, 5, 6, 7])


async def test_a_poison_id_fails_its_batch_and_no_other(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    await apple.fault(operation="add_items", kind="poison", poison_ids=[await song_id(apple, 6)])

    poisoned = await add(apple, 5, 6, 7)
    clean = await add(apple, 5, 7)

    assert (poisoned[0], clean[0]) == (500, 204)
    assert "Unable to update tracks" in poisoned[1]
    assert await isrcs(apple) == [0, 1, 5, 7]


@pytest.mark.parametrize("platform", ["spotify", "apple_music"])
async def test_a_poison_id_may_be_refused_for_good(starter: Starter, platform: str) -> None:
    caller = await starter(platform, world=WORLD)
    own_id = (await caller.truth(await caller.playlist_id("Mine")))[1]["id"]
    await caller.fault(operation="add_items", kind="poison", poison_ids=[own_id], status=400)

    told = await add(caller, 0, 1)

    assert told[0] == 400
    assert await isrcs(caller) == [0, 1]


async def test_apple_music_may_hide_what_it_knows(starter: Starter) -> None:
    apple = await starter("apple_music", world=WORLD)
    own_id, dead_id = await apple.playlist_id("Mine"), await song_id(apple, 0)
    await apple.fault(kind="no_catalog_id", operation="list_items", ids=[dead_id], count=1)
    await apple.fault(kind="empty_include", operation="list_items", after=1, count=1)
    await apple.fault(kind="empty_page", operation="list_items", after=2)
    await apple.fault(kind="dead_ids", operation="get_songs", ids=[dead_id])
    await apple.fault(kind="no_results", operation="lookup_isrc")
    path = f"{LIST}/{own_id}/tracks?include=catalog"

    hidden, bare, empty = [await apple.json("GET", path) for _ in range(3)]
    dead = await apple.json("GET", f"/v1/catalog/us/songs?ids={dead_id}")
    nothing = await apple.json("GET", "/v1/catalog/us/songs?filter[isrc]=QZABC2600001")

    assert ["catalogId" in row["attributes"]["playParams"] for row in hidden["data"]] == [False, True]
    assert [row["relationships"]["catalog"]["data"] for row in bare["data"]] == [[], []]
    assert (empty, dead["data"], nothing["data"]) == ({}, [], [])


async def test_saved_ids_may_be_ignored_silently(starter: Starter) -> None:
    apple = await starter("apple_music", world={"catalog": WORLD["catalog"]})
    ids = [await song_id(apple, 1), await song_id(apple, 2)]
    await apple.fault(kind="ignore_ids", operation="save_library", ids=ids[:1])

    await apple.json("POST", f"/v1/me/library?ids[songs]={','.join(ids)}", status=202)
    songs = await apple.json("GET", "/v1/me/library/songs")

    assert [row["attributes"]["playParams"]["catalogId"] for row in songs["data"]] == ids[1:]


async def test_a_delayed_snapshot_shows_another_one_first(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)
    await spotify.fault(kind="snapshot_delay", operation="add_items")
    own_id = await spotify.playlist_id("Mine")

    told = await add(spotify, 5)
    at_once = await spotify.json("GET", f"/v1/playlists/{own_id}")
    await spotify.advance(31)
    settled = await spotify.json("GET", f"/v1/playlists/{own_id}")

    assert at_once["snapshot_id"] not in told[1]
    assert settled["snapshot_id"] in told[1]


async def test_a_sent_snapshot_may_be_a_502(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)
    await spotify.fault(kind="snapshot_refused", operation="update_items")
    path = f"/v1/playlists/{await spotify.playlist_id('Mine')}/items"

    with_it = await seen(
        spotify, "PUT", path, json={"range_start": 0, "insert_before": 2, "snapshot_id": "A"}
    )
    without = await seen(spotify, "PUT", path, json={"range_start": 0, "insert_before": 2})

    assert (with_it[0], without[0]) == (502, 200)


async def test_a_used_quota_opens_again_when_its_clock_has_passed(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)
    await spotify.fault(kind="quota", operation="search", after=2)

    first = [(await seen(spotify, "GET", "/v1/search?q=a&type=track"))[0] for _ in range(3)]
    await spotify.advance(40_000)
    await spotify.log_in()
    waiting = await seen(spotify, "GET", "/v1/search?q=a&type=track")
    await spotify.advance(10_000)
    await spotify.log_in()
    opened = await seen(spotify, "GET", "/v1/search?q=a&type=track")

    assert (first, waiting[0], opened[0]) == ([200, 200, 429], 429, 200)
    assert 8_900 <= int(waiting[2]) <= 8_925


async def test_a_quota_shuts_as_often_as_its_count_says(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)
    await spotify.fault(kind="quota", operation="search", count=1)

    shut = await seen(spotify, "GET", "/v1/search?q=a&type=track")
    await spotify.advance(50_000)
    await spotify.log_in()
    later = [(await seen(spotify, "GET", "/v1/search?q=a&type=track"))[0] for _ in range(3)]

    assert (shut[0], later) == (429, [200, 200, 200])


async def test_seeded_faults_strike_the_same_calls_again(starter: Starter) -> None:
    async def strikes() -> list[Any]:
        spotify = await starter("spotify", world=WORLD)
        await spotify.fault(kind="rate_limit", operation="read", probability=0.5, seed=4)
        return [(await seen(spotify, "GET", "/v1/me"))[0] for _ in range(20)]

    first, second = await strikes(), await strikes()

    assert first == second
    assert set(first) == {200, 429}


async def test_general_faults_leave_the_accounts_host_alone(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD)
    await spotify.fault(kind="status", operation="*")

    tokens = await spotify.log_in()
    broken = await seen(spotify, "GET", "/v1/me")
    await spotify.fault(kind="status", operation="token", status=400)
    refused = await spotify.refresh(tokens["refresh_token"], status=400)

    assert broken[0] == 500
    assert refused == {"error": "invalid_grant", "error_description": "Refresh token revoked"}


@pytest.mark.parametrize(("platform", "retry_after"), [("spotify", True), ("apple_music", False)])
async def test_an_enforced_limit_speaks_as_the_platform_does(
    starter: Starter, platform: str, *, retry_after: bool
) -> None:
    caller = await starter(platform, world=WORLD, rate_limit=RateLimit(request_count=3, window_s=30))

    path = "/v1/me" if platform == "spotify" else "/v1/test"
    told = [await seen(caller, "GET", path) for _ in range(4)]
    await caller.advance(31)
    after = await seen(caller, "GET", path)

    assert [answer[0] for answer in told] == [200, 200, 200, 429]
    assert bool(told[3][2]) == retry_after
    assert after[0] == 200


@pytest.mark.parametrize(
    "fault",
    [{"kind": "nonsense"}, {"kind": "drop", "operation": "nothing"}, {"kind": "drop", "color": "red"}],
)
async def test_a_misspelled_fault_is_refused(starter: Starter, fault: Json) -> None:
    spotify = await starter("spotify")

    told = await seen(spotify, "POST", "/_sandbox/faults", json=fault)

    assert told[0] == 400
