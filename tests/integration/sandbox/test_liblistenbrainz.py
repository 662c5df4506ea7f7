"""An independent client library works against simulated ListenBrainz, as far as it knows its calls."""

import asyncio
from typing import Any

import liblistenbrainz
import pytest
from liblistenbrainz.errors import InvalidAuthTokenException, ListenBrainzAPIException

from deploy.sandbox.options import RateLimit
from tests.integration.sandbox.harness import Starter, playlist, track
from tests.integration.sandbox.test_listenbrainz import PLAYLIST, jspf, sign_in

WORLD = {
    "catalog": [track(n) for n in range(10)],
    "playlists": [playlist("Long", [track(n) for n in range(30)], source_platform="listenbrainz")],
}


def session(url: str, token: str, playlist_id: str) -> dict[str, Any]:
    """Sign in, read, look up, create and fill a playlist, love a recording; return what the client saw.

    The client has no methods of its own for playlists, look-ups and loves: its requests are used.
    """
    client = liblistenbrainz.ListenBrainz(api_base_url=url)
    client.set_auth_token(token)
    whole = client._get(f"/1/playlist/{playlist_id}")["playlist"]
    found = client._get(
        "/1/metadata/lookup/",
        params={"recording_name": track(3)["title"], "artist_name": track(3)["artists"][0]},
    )
    wanted = jspf(found["recording_mbid"], title="Copy", extension={PLAYLIST: {"public": False}})
    made = client._post("/1/playlist/create", data=liblistenbrainz.client.json.dumps(wanted))
    copy = client._get(f"/1/playlist/{made['playlist_mbid']}")["playlist"]
    love = {"recording_mbid": found["recording_mbid"], "score": 1}
    client._post("/1/feedback/recording-feedback", data=liblistenbrainz.client.json.dumps(love))
    loved = client._get("/1/feedback/user/sandbox/get-feedback", params={"score": 1, "metadata": "true"})
    return {
        "titles": [row["title"] for row in whole["track"]],
        "copied": [row["title"] for row in copy["track"]],
        "loved": [row["track_metadata"]["track_name"] for row in loved["feedback"]],
        "remaining": client.remaining_requests,
        "listed": client._get("/1/user/sandbox/playlists")["playlist_count"],
    }


async def test_liblistenbrainz_signs_in_reads_and_writes(starter: Starter) -> None:
    limit = RateLimit(request_count=30, window_s=10)
    sandbox = await starter("listenbrainz", world=WORLD, is_signed_in=False, rate_limit=limit)
    token = await sign_in(sandbox)

    seen = await asyncio.to_thread(session, sandbox.url, token, await sandbox.playlist_id("Long"))

    assert seen["titles"] == [track(n)["title"] for n in range(30)]
    assert (seen["copied"], seen["listed"]) == ([track(3)["title"]], 2)
    assert seen["loved"] == [track(3)["title"]]
    assert seen["remaining"] == 23


async def test_liblistenbrainz_refuses_a_token_that_is_not_good(starter: Starter) -> None:
    sandbox = await starter("listenbrainz", world=WORLD, is_signed_in=False)
    client = liblistenbrainz.ListenBrainz(api_base_url=sandbox.url)

    with pytest.raises(InvalidAuthTokenException):
        await asyncio.to_thread(client.set_auth_token, "no-token")


async def test_liblistenbrainz_understands_refusals(starter: Starter) -> None:
    sandbox = await starter("listenbrainz", world=WORLD, is_signed_in=False)
    client = liblistenbrainz.ListenBrainz(api_base_url=sandbox.url)

    with pytest.raises(ListenBrainzAPIException) as caught:
        await asyncio.to_thread(client._get, "/1/user/nobody/playlists")

    assert (caught.value.status_code, caught.value.message) == (404, "Cannot find user: nobody")
