"""Simulated YouTube keeps the platform's contract: quota, pages, rows, one item per write, error bodies."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.integration.sandbox.google import API, SCOPE, code_of, exchange, sign_in
from tests.integration.sandbox.harness import Caller, Starter, playlist, track

Json = dict[str, Any]

WORLD = {
    "catalog": [
        *(track(number) for number in range(60)),
        {"title": "Sister Ship", "artists": ["The Quiet Harbour"], "duration_ms": 3_723_000},
    ],
    "playlists": [
        playlist(
            "Odd",
            [
                track(1),
                {"title": "Gone", "kind": "removed"},
                track(2, kind="unplayable"),
                {"title": "My Own Take", "kind": "local", "duration_ms": 61_000},
            ],
            source_platform="youtube",
        ),
        playlist("Long", [track(number) for number in range(60)], source_platform="youtube"),
    ],
}
PACIFIC = ZoneInfo("America/Los_Angeles")


async def youtube(starter: Starter, **knobs: Any) -> Caller:
    caller = await starter("youtube", world=WORLD, is_signed_in=False, **knobs)
    await sign_in(caller)
    return caller


async def reason(caller: Caller, method: str, path: str, *, status: int, **other: Any) -> tuple[str, str]:
    """Return domain and reason of a refusal."""
    error = (await caller.json(method, f"{API}{path}", status=status, **other))["error"]
    assert error["code"] == status
    assert error["message"] == error["errors"][0]["message"]
    return error["errors"][0]["domain"], error["errors"][0]["reason"]


async def create(caller: Caller, name: str = "New") -> str:
    body = {"snippet": {"title": name}, "status": {"privacyStatus": "private"}}
    made = await caller.json("POST", f"{API}/playlists?part=snippet,status", json=body)
    return str(made["id"])


def item(playlist_id: str, video_id: str, **more: Any) -> Json:
    resource = {"kind": "youtube#video", "videoId": video_id}
    return {"snippet": {"playlistId": playlist_id, "resourceId": resource, **more}}


async def videos(caller: Caller, text: str = "Paper Lantern", *, count: int = 5) -> list[str]:
    path = f"{API}/search?part=snippet&type=video&q={text}&maxResults={count}"
    return [row["id"]["videoId"] for row in (await caller.json("GET", path))["items"]]


async def insert(caller: Caller, playlist_id: str, video_id: str, **more: Any) -> Json:
    body = item(playlist_id, video_id, **more)
    made: Json = await caller.json("POST", f"{API}/playlistItems?part=snippet,contentDetails", json=body)
    return made


async def test_units_end_with_403_searches_with_429_and_each_comes_back_at_midnight_in_los_angeles(
    starter: Starter,
) -> None:
    caller = await youtube(starter, daily_units=60, daily_searches=2)
    search = "/search?part=snippet&q=lantern"

    await create(caller)
    for _ in range(10):
        await caller.json("GET", f"{API}/playlists?part=id&mine=true")
    units = await reason(caller, "GET", "/playlists?part=id&mine=true", status=403)
    for _ in range(2):
        await caller.json("GET", f"{API}{search}")
    searches = await reason(caller, "GET", search, status=429)
    stats = await caller.json("GET", f"{API}/videos:batchGetStats?part=statistics&id=none")

    assert units == ("youtube.quota", "quotaExceeded")
    assert searches == ("global", "rateLimitExceeded")
    assert stats["items"] == []  # a bucket of its own
    now = datetime.now(UTC).astimezone(PACIFIC)
    midnight = datetime.combine(now.date() + timedelta(days=1), datetime.min.time(), tzinfo=PACIFIC)
    to_midnight_s = (midnight.astimezone(UTC) - datetime.now(UTC)).total_seconds()
    if to_midnight_s > 60:
        await caller.advance(to_midnight_s - 30)
        await sign_in(caller)
        assert await reason(caller, "GET", search, status=429) == searches
        await caller.advance(60)
    await caller.json("GET", f"{API}{search}")
    await create(caller)


async def test_invalid_requests_cost_too(starter: Starter) -> None:
    caller = await youtube(starter, daily_units=2)

    for _ in range(2):
        await reason(caller, "GET", "/playlistItems?part=snippet", status=400)

    assert await reason(caller, "GET", "/videos?part=id&id=x", status=403) == (
        "youtube.quota",
        "quotaExceeded",
    )


async def test_pages_are_5_by_default_50_at_most_and_led_through_by_tokens(starter: Starter) -> None:
    caller = await youtube(starter)
    own_id = await caller.playlist_id("Long")
    path = f"{API}/playlistItems?part=snippet&playlistId={own_id}"

    small = await caller.json("GET", path)
    first = await caller.json("GET", f"{path}&maxResults=50")
    second = await caller.json("GET", f"{path}&maxResults=50&pageToken={first['nextPageToken']}")

    assert len(small["items"]) == 5
    assert [len(first["items"]), len(second["items"])] == [50, 10]
    assert first["pageInfo"] == {"totalResults": 60, "resultsPerPage": 50}
    assert base64.urlsafe_b64decode(first["nextPageToken"] + "==") == bytes([8, 50, 16, 0])
    assert "nextPageToken" not in second
    positions = [row["snippet"]["position"] for page in (first, second) for row in page["items"]]
    assert positions == list(range(60))
    assert (await reason(caller, "GET", path.removeprefix(API) + "&pageToken=CAoQAB", status=400))[1] == (
        "invalidPageToken"
    )
    assert (await reason(caller, "GET", path.removeprefix(API) + "&maxResults=51", status=400))[1] == (
        "invalidParameter"
    )


async def test_gone_and_private_videos_stay_as_placeholders(starter: Starter) -> None:
    caller = await youtube(starter)
    own_id = await caller.playlist_id("Odd")

    page = await caller.json("GET", f"{API}/playlistItems?part=snippet&playlistId={own_id}&maxResults=50")

    snippets = [row["snippet"] for row in page["items"]]
    assert [one["title"] for one in snippets] == [
        "Paper Lantern No 1",
        "Deleted video",
        "Private video",
        "My Own Take",
    ]
    assert snippets[0]["videoOwnerChannelTitle"] == "The Quiet Harbour - Topic"
    assert not any("videoOwnerChannelTitle" in one for one in snippets[1:3])
    assert all(len(one["resourceId"]["videoId"]) == 11 for one in snippets)


async def test_one_video_per_write_at_the_end_and_twice_if_asked_twice(starter: Starter) -> None:
    caller = await youtube(starter)
    own_id = await create(caller)
    first, second, *_ = await videos(caller)

    made = [await insert(caller, own_id, video_id) for video_id in (first, second, first)]
    front = await insert(caller, own_id, second, position=0)

    assert [row["id"] for row in await caller.truth(own_id)] == [second, first, second, first]
    assert [one["snippet"]["position"] for one in (*made, front)] == [0, 1, 2, 0]
    assert len({one["id"] for one in (*made, front)}) == 4
    playlist_id, _, occurrence = base64.b64decode(made[0]["id"] + "==").decode().partition(".")
    assert (playlist_id, len(occurrence)) == (own_id, 16)


async def test_row_is_removed_by_its_own_id_and_the_others_keep_theirs(starter: Starter) -> None:
    caller = await youtube(starter)
    own_id = await create(caller)
    video_id = (await videos(caller))[0]
    made = [(await insert(caller, own_id, video_id))["id"] for _ in range(3)]

    await caller.json("DELETE", f"{API}/playlistItems?id={made[1]}", status=204)

    path = f"{API}/playlistItems?part=id&playlistId={own_id}&videoId={video_id}"
    assert [row["id"] for row in (await caller.json("GET", path))["items"]] == [made[0], made[2]]
    gone = await reason(caller, "DELETE", f"/playlistItems?id={made[1]}", status=404)
    assert gone == ("youtube.playlistItem", "playlistItemNotFound")


async def test_writes_to_one_playlist_collide(starter: Starter) -> None:
    caller = await youtube(starter, write_hold_ms=100)
    own_id, other_id = await create(caller), await create(caller)
    video_id = (await videos(caller))[0]

    async def status(playlist_id: str) -> int:
        body = item(playlist_id, video_id)
        async with await caller.send("POST", f"{API}/playlistItems?part=snippet", json=body) as answer:
            return answer.status

    statuses = await asyncio.gather(status(own_id), status(own_id), status(other_id))

    assert sorted(statuses[:2]) == [200, 500]
    assert statuses[2] == 200
    assert len(await caller.truth(own_id)) == 1


async def rate(caller: Caller, video_id: str, rating: str = "like") -> None:
    await caller.json("POST", f"{API}/videos/rate?id={video_id}&rating={rating}", status=204)


async def test_liked_videos_are_a_playlist_whose_first_row_is_the_last_liked_video(starter: Starter) -> None:
    caller = await youtube(starter)
    first, second, third, *_ = await videos(caller)
    for video_id in (first, second, third, first):
        await rate(caller, video_id)
        await caller.advance(1)
    await rate(caller, second, "none")
    await rate(caller, second, "dislike")

    page = await caller.json("GET", f"{API}/playlistItems?part=snippet,contentDetails&playlistId=LL")
    (head,) = (await caller.json("GET", f"{API}/playlists?part=snippet,contentDetails&id=LL"))["items"]
    mine = await caller.json("GET", f"{API}/playlists?part=id&mine=true&maxResults=50")

    assert [row["contentDetails"]["videoId"] for row in page["items"]] == [third, first]
    dates = [row["snippet"]["publishedAt"] for row in page["items"]]
    assert dates == sorted(dates, reverse=True)
    assert (page["pageInfo"]["totalResults"], head["contentDetails"]["itemCount"]) == (2, 2)
    assert "LL" not in {row["id"] for row in mine["items"]}


async def test_a_rating_costs_as_much_as_any_write(starter: Starter) -> None:
    caller = await youtube(starter, daily_units=100)
    video_id = (await videos(caller))[0]

    await rate(caller, video_id)
    await rate(caller, video_id, "none")

    path = f"/videos/rate?id={video_id}&rating=like"
    assert (await reason(caller, "POST", path, status=403))[1] == "quotaExceeded"


async def test_rating_that_cannot_be_is_refused(starter: Starter) -> None:
    caller = await youtube(starter)
    video_id = (await videos(caller))[0]
    path = "/videos/rate?id="

    rating = await reason(caller, "POST", f"{path}{video_id}&rating=love", status=400)
    absent = await reason(caller, "POST", f"{path}00000000000&rating=like", status=404)
    placed = await reason(
        caller, "POST", "/playlistItems?part=snippet", status=403, json=item("LL", video_id)
    )
    deleted = await reason(caller, "DELETE", "/playlists?id=LL", status=403)
    caller.headers = {}
    nobody = await reason(caller, "POST", f"{path}{video_id}&rating=like&key=k", status=401)
    hidden = await reason(caller, "GET", "/playlistItems?part=id&playlistId=LL&key=k", status=404)

    told = [one[1] for one in (rating, absent, placed, deleted, nobody, hidden)]
    assert told == [
        "invalidRating",
        "videoNotFound",
        "playlistForbidden",
        "playlistForbidden",
        "required",
        "playlistNotFound",
    ]


@pytest.mark.parametrize(
    ("change", "status", "told"),
    [
        ({"resourceId": {"kind": "youtube#video", "videoId": "00000000000"}}, 404, "videoNotFound"),
        ({"playlistId": "PL00000000000000"}, 404, "playlistNotFound"),
        ({"playlistId": ""}, 400, "playlistIdRequired"),
        ({"playlistId": "WL"}, 400, "playlistOperationUnsupported"),
        ({"resourceId": None}, 400, "resourceIdRequired"),
        ({"resourceId": {"kind": "youtube#channel", "videoId": "x"}}, 400, "invalidResourceType"),
        ({"position": 7}, 400, "invalidPlaylistItemPosition"),
    ],
)
async def test_insert_that_cannot_be_is_refused(
    starter: Starter, change: Json, status: int, told: str
) -> None:
    caller = await youtube(starter)
    own_id = await create(caller)
    body = item(own_id, (await videos(caller))[0])
    body["snippet"] |= change

    found = await reason(caller, "POST", "/playlistItems?part=snippet", status=status, json=body)

    assert found[1] == told
    assert await caller.truth(own_id) == []


async def test_dead_video_and_position_without_manual_order_are_refused(starter: Starter) -> None:
    caller = await youtube(starter)
    own_id = await create(caller)
    dead, alive, *_ = await videos(caller)
    await caller.fault(kind="dead_ids", operation="add_items", ids=[dead])
    await caller.fault(kind="not_manual", operation="add_items")
    path = "/playlistItems?part=snippet"

    refused = await reason(caller, "POST", path, status=400, json=item(own_id, dead))
    placed = await reason(caller, "POST", path, status=400, json=item(own_id, alive, position=0))
    await insert(caller, own_id, alive)

    assert (refused[1], placed[1]) == ("failedPrecondition", "manualSortRequired")


async def test_5000_rows_are_the_most(starter: Starter) -> None:
    caller = await youtube(starter)
    own_id = await create(caller)
    video_id = (await videos(caller))[0]
    rows = [{"track_id": video_id}] * 4999
    await caller.json("POST", f"/_sandbox/playlists/{own_id}/items", json={"items": rows})

    await insert(caller, own_id, video_id)
    refused = await reason(
        caller, "POST", "/playlistItems?part=snippet", status=403, json=item(own_id, video_id)
    )

    assert refused == ("youtube.playlistItem", "playlistContainsMaximumNumberOfVideos")


async def test_search_escapes_its_words_and_videos_tell_the_rest(starter: Starter) -> None:
    world = {"catalog": [{"title": "Salt & Iron", "artists": ["Ann's Kite"], "duration_ms": 3_723_000}]}
    caller = await starter("youtube", world=world, is_signed_in=False)
    await sign_in(caller)

    path = f"{API}/search?part=snippet&type=video&videoCategoryId=10&q=Salt Iron"
    (found,) = (await caller.json("GET", path))["items"]
    own_id = found["id"]["videoId"]
    path = f"{API}/videos?part=snippet,contentDetails&id={own_id},00000000000"
    (video,) = (await caller.json("GET", path))["items"]

    assert found["snippet"]["title"].startswith("Ann&#x27;s Kite - Salt &amp; Iron")
    assert video["snippet"]["title"] == "Ann's Kite - Salt & Iron (Official Video)"
    assert (video["snippet"]["categoryId"], video["contentDetails"]["duration"]) == ("10", "PT1H2M3S")
    combined = await reason(caller, "GET", "/search?part=snippet&q=x&videoCategoryId=10", status=400)
    assert combined == ("youtube.search", "invalidSearchFilter")


async def test_album_is_a_playlist_of_its_topic_channel(starter: Starter) -> None:
    caller = await youtube(starter)

    (found,) = (await caller.json("GET", f"{API}/search?part=snippet&type=playlist&q=Tides of Tin"))["items"]
    own_id = found["id"]["playlistId"]
    rows = await caller.json("GET", f"{API}/playlistItems?part=snippet&playlistId={own_id}&maxResults=50")

    assert own_id.startswith("OLAK5uy_")
    assert found["snippet"]["channelTitle"] == "The Quiet Harbour - Topic"
    assert rows["pageInfo"]["totalResults"] == 60
    assert rows["items"][3]["snippet"]["title"] == "Paper Lantern No 3"


async def test_deleted_playlist_is_gone_and_its_name_can_be_changed_before(starter: Starter) -> None:
    caller = await youtube(starter)
    own_id = await create(caller)

    body = {"id": own_id, "snippet": {"title": "Other"}}
    changed = await caller.json("PUT", f"{API}/playlists?part=snippet", json=body)
    await caller.json("DELETE", f"{API}/playlists?id={own_id}", status=204)

    assert changed["snippet"]["title"] == "Other"
    assert (await caller.json("GET", f"{API}/playlists?part=id&id={own_id}"))["items"] == []
    assert (await reason(caller, "DELETE", f"/playlists?id={own_id}", status=404))[1] == "playlistNotFound"


async def test_key_reads_what_is_public_and_nothing_else(starter: Starter) -> None:
    caller = await youtube(starter)
    private_id, public_id = await create(caller), await caller.playlist_id("Long")

    caller.headers = {}
    public = await caller.json("GET", f"{API}/playlistItems?part=id&playlistId={public_id}&key=k")

    assert public["pageInfo"]["totalResults"] == 60
    assert (await reason(caller, "GET", "/playlists?part=id&mine=true&key=k", status=401))[1] == "required"
    hidden = await reason(caller, "GET", f"/playlistItems?part=id&playlistId={private_id}&key=k", status=404)
    assert hidden[1] == "playlistNotFound"
    assert (await reason(caller, "GET", "/search?part=snippet&q=x", status=403))[1] == "forbidden"


async def test_scope_for_reading_does_not_write(starter: Starter) -> None:
    caller = await starter("youtube", world=WORLD, is_signed_in=False)
    await sign_in(caller, scope=f"{SCOPE}.readonly")

    await caller.json("GET", f"{API}/playlists?part=id&mine=true")
    body = {"snippet": {"title": "New"}}

    refused = await reason(caller, "POST", "/playlists?part=snippet", status=403, json=body)
    assert refused == ("global", "insufficientPermissions")


async def test_refresh_token_is_given_offline_on_first_consent_or_when_asked_anew(starter: Starter) -> None:
    caller = await starter("youtube", is_signed_in=False)

    online = await exchange(caller, await code_of(caller, access_type="online"))
    first = await exchange(caller, await code_of(caller))
    again = await exchange(caller, await code_of(caller))
    asked = await exchange(caller, await code_of(caller, prompt="consent"))

    assert ["refresh_token" in one for one in (online, first, again, asked)] == [False, True, False, True]


async def test_client_proves_itself_and_a_dead_refresh_token_is_an_invalid_grant(starter: Starter) -> None:
    caller = await starter("youtube", is_signed_in=False, clients={"app": "quiet"})
    tokens = await sign_in(caller)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": "app"}

    bare = await caller.json("POST", "/token", status=400, data=form, headers={})
    wrong = await caller.json("POST", "/token", status=401, data={**form, "client_secret": "x"}, headers={})
    fresh = await caller.json("POST", "/token", data={**form, "client_secret": "quiet"}, headers={})
    await caller.json("POST", "/_sandbox/tokens/revoke", json={"kind": "refresh"})
    dead = await caller.json(
        "POST", "/token", status=400, data={**form, "client_secret": "quiet"}, headers={}
    )

    assert [bare["error"], wrong["error"], dead["error"]] == [
        "invalid_request",
        "invalid_client",
        "invalid_grant",
    ]
    assert "refresh_token" not in fresh
    assert (await exchange(caller, "4/none", status=400))["error"] == "invalid_grant"


async def test_video_of_some_countries_says_so(starter: Starter) -> None:
    world = {"catalog": [track(1, countries=["US"]), track(2, kind="unplayable"), track(3)]}
    caller = await starter("youtube", world=world, is_signed_in=False)
    await sign_in(caller)

    ids = ",".join(await videos(caller))
    rows = (await caller.json("GET", f"{API}/videos?part=snippet,contentDetails&id={ids}"))["items"]

    told = {row["snippet"]["title"][-1]: row["contentDetails"].get("regionRestriction") for row in rows}
    assert told == {"1": {"allowed": ["US"]}, "2": {"allowed": []}, "3": None}
