"""Google's own client library works against simulated YouTube."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

from tests.integration.sandbox.google import sign_in
from tests.integration.sandbox.harness import Caller, Starter, playlist, track

Json = dict[str, Any]

WORLD = {
    "catalog": [track(number) for number in range(70)],
    "playlists": [playlist("Long", [track(n) for n in range(70)], source_platform="youtube")],
}


@contextmanager
def client(caller: Caller, tokens: Json) -> Iterator[Any]:
    """Build the client from the library's own discovery document, and close its connections again."""
    credentials = Credentials(  # type: ignore[no-untyped-call]  # the library has no types
        token=tokens["access_token"],
        refresh_token=tokens["refresh_token"],
        token_uri=f"{caller.url}/token",
        client_id="app",
        client_secret="quiet",
    )
    options = {"api_endpoint": caller.url}
    youtube = build("youtube", "v3", credentials=credentials, client_options=options, static_discovery=True)
    try:
        yield youtube
    finally:
        youtube.close()


def everything_of(resource: Any, **query: Any) -> list[Json]:
    """Read a list to its end, as the library leads through it."""
    rows: list[Json] = []
    request = resource.list(**query)
    while request is not None:
        page = request.execute()
        rows += page["items"]
        request = resource.list_next(request, page)
    return rows


def session(youtube: Any) -> Json:
    """List, search, create and fill a playlist, take something out; return what the client saw."""
    channel = youtube.channels().list(part="snippet", mine=True).execute()["items"][0]
    lists = everything_of(youtube.playlists(), part="snippet,contentDetails", mine=True, maxResults=50)
    source = next(one for one in lists if one["snippet"]["title"] == "Long")
    rows = everything_of(
        youtube.playlistItems(), part="snippet,contentDetails", playlistId=source["id"], maxResults=50
    )
    found = (
        youtube.search().list(part="snippet", q="Paper Lantern No 7", type="video", maxResults=3).execute()
    )
    ids = [row["id"]["videoId"] for row in found["items"]]
    videos = youtube.videos().list(part="snippet,contentDetails,status", id=",".join(ids)).execute()["items"]
    body = {
        "snippet": {"title": "Copy", "description": "made by a test"},
        "status": {"privacyStatus": "private"},
    }
    made = youtube.playlists().insert(part="snippet,status", body=body).execute()
    added = [insert(youtube, made["id"], video_id) for video_id in ids]
    youtube.playlistItems().delete(id=added[0]["id"]).execute()
    left = everything_of(youtube.playlistItems(), part="snippet", playlistId=made["id"])
    return {
        "channel": channel["snippet"]["title"],
        "count": source["contentDetails"]["itemCount"],
        "titles": [row["snippet"]["title"] for row in rows],
        "durations": [video["contentDetails"]["duration"] for video in videos],
        "ids": ids,
        "left": [row["snippet"]["resourceId"]["videoId"] for row in left],
        "id": made["id"],
    }


def likes(youtube: Any) -> Json:
    """Like videos and like one no more; return what the client saw."""
    found = youtube.search().list(part="snippet", q="Paper Lantern", type="video", maxResults=50).execute()
    ids = [row["id"]["videoId"] for row in found["items"]]
    said = [youtube.videos().rate(id=video_id, rating="like").execute() for video_id in ids]
    said.append(youtube.videos().rate(id=ids[0], rating="none").execute())
    channel = youtube.channels().list(part="contentDetails", mine=True).execute()["items"][0]
    liked_id = channel["contentDetails"]["relatedPlaylists"]["likes"]
    rows = everything_of(
        youtube.playlistItems(), part="snippet,contentDetails", playlistId=liked_id, maxResults=20
    )
    return {"ids": ids, "said": said, "liked": [row["contentDetails"]["videoId"] for row in rows]}


def insert(youtube: Any, playlist_id: str, video_id: str) -> Any:
    resource = {"kind": "youtube#video", "videoId": video_id}
    body = {"snippet": {"playlistId": playlist_id, "resourceId": resource}}
    return youtube.playlistItems().insert(part="snippet", body=body).execute()


def refused(call: Any) -> tuple[int, str]:
    """Return status and reason of a refusal, as the library understands it."""
    with pytest.raises(HttpError) as caught:
        call.execute()
    return caught.value.status_code, caught.value.error_details[0]["reason"]


async def test_client_lists_searches_creates_fills_and_removes(starter: Starter) -> None:
    caller = await starter("youtube", world=WORLD, is_signed_in=False)
    with client(caller, await sign_in(caller)) as youtube:
        seen = await asyncio.to_thread(session, youtube)

    assert (seen["channel"], seen["count"]) == ("sandbox", 70)
    assert seen["titles"] == [f"Paper Lantern No {number}" for number in range(70)]
    assert len(seen["ids"]) == len(seen["durations"]) == 3
    assert seen["durations"][0] == "PT3M7S"
    assert seen["left"] == seen["ids"][1:]
    assert [row["id"] for row in await caller.truth(seen["id"])] == seen["ids"][1:]


async def test_client_likes_videos_and_lists_them_newest_first(starter: Starter) -> None:
    caller = await starter("youtube", world=WORLD, is_signed_in=False)
    with client(caller, await sign_in(caller)) as youtube:
        seen = await asyncio.to_thread(likes, youtube)

    assert len(seen["ids"]) == 50
    assert set(seen["said"]) == {""}
    assert seen["liked"] == seen["ids"][:0:-1]


async def test_client_meets_both_ends_of_a_quota(starter: Starter) -> None:
    caller = await starter("youtube", world=WORLD, is_signed_in=False, daily_units=2, daily_searches=1)

    def spend(youtube: Any) -> list[tuple[int, str]]:
        search = youtube.search().list(part="snippet", q="Lantern")
        playlists = youtube.playlists().list(part="id", mine=True)
        search.execute()
        for _ in range(2):
            playlists.execute()
        return [refused(search), refused(playlists)]

    with client(caller, await sign_in(caller)) as youtube:
        told = await asyncio.to_thread(spend, youtube)

    assert told == [(429, "rateLimitExceeded"), (403, "quotaExceeded")]


async def test_client_refreshes_a_token_whose_hour_is_over(starter: Starter) -> None:
    caller = await starter("youtube", world=WORLD, is_signed_in=False)
    with client(caller, await sign_in(caller)) as youtube:
        await caller.advance(3600)

        found = await asyncio.to_thread(everything_of, youtube.playlists(), part="snippet", mine=True)

    assert [one["snippet"]["title"] for one in found] == ["Long"]
