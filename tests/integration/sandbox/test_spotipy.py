"""An independent client library works against simulated Spotify."""

import asyncio
from typing import Any

import pytest
import requests
import spotipy
from spotipy.cache_handler import MemoryCacheHandler
from spotipy.oauth2 import SpotifyOAuth, SpotifyPKCE

from tests.integration.sandbox.harness import REDIRECT, SCOPES, Starter, playlist, track

WORLD = {"playlists": [playlist("Long", [track(n) for n in range(120)])]}


def redirected(url: str) -> str:
    """Follow the login page as a browser does, up to the address it is sent back to."""
    with requests.get(url, allow_redirects=False, timeout=10) as answer:
        return answer.headers["Location"]


def with_pkce(url: str) -> Any:
    class SandboxPkce(SpotifyPKCE):  # type: ignore[misc]  # spotipy has no types
        OAUTH_AUTHORIZE_URL = f"{url}/authorize"
        OAUTH_TOKEN_URL = f"{url}/api/token"

    cache = MemoryCacheHandler()
    manager = SandboxPkce(client_id="app", redirect_uri=REDIRECT, scope=SCOPES, cache_handler=cache)
    manager.get_access_token(manager.parse_response_code(redirected(manager.get_authorize_url())))
    return manager


def with_secret(url: str) -> Any:
    class SandboxOAuth(SpotifyOAuth):  # type: ignore[misc]  # spotipy has no types
        OAUTH_AUTHORIZE_URL = f"{url}/authorize"
        OAUTH_TOKEN_URL = f"{url}/api/token"

    cache = MemoryCacheHandler()
    manager = SandboxOAuth(
        client_id="app", client_secret="quiet", redirect_uri=REDIRECT, scope=SCOPES, cache_handler=cache
    )
    code = manager.parse_response_code(redirected(manager.get_authorize_url()))
    manager.get_access_token(code, as_dict=False)
    return manager


def session(url: str, *, log_in: Any) -> dict[str, Any]:
    """Log in, list, read, create and fill a playlist; return what the client saw."""
    client = spotipy.Spotify(auth_manager=log_in(url), retries=0, status_retries=0)
    client.prefix = f"{url}/v1/"
    source = client.current_user_playlists()["items"][0]
    page = client.playlist_items(source["id"], limit=50)
    rows = list(page["items"])
    while page["next"]:
        page = client.next(page)
        rows += page["items"]
    user = client.current_user()["id"]
    created = client.current_user_playlist_create("Copy", public=False, description="made by a test")
    uris = [row["item"]["uri"] for row in rows]
    for start in range(0, len(uris), 100):
        client.playlist_add_items(created["id"], uris[start : start + 100], position=start)
    found = client.search("isrc:QZABC2600007", type="track", limit=5)["tracks"]["items"]
    return {"user": user, "uris": uris, "copy": created["id"], "found": found}


@pytest.mark.parametrize("regime", ["dev", "extended"])
@pytest.mark.parametrize("log_in", [with_pkce, with_secret])
async def test_spotipy_copies_a_long_playlist(starter: Starter, regime: str, log_in: Any) -> None:
    spotify = await starter("spotify", world=WORLD, regime=regime)

    seen = await asyncio.to_thread(session, spotify.url, log_in=log_in)

    copied = await spotify.truth(seen["copy"])
    assert [f"spotify:track:{row['id']}" for row in copied] == seen["uris"]
    assert len(copied) == 120
    assert (seen["user"], seen["found"][0]["name"]) == ("sandbox", "Paper Lantern No 7")


@pytest.mark.filterwarnings("ignore:You're using:DeprecationWarning")
async def test_spotipy_uses_the_old_calls_of_extended_apps(starter: Starter) -> None:
    spotify = await starter("spotify", world=WORLD, regime="extended")

    def old_calls() -> tuple[str, int, list[str]]:
        client = spotipy.Spotify(auth_manager=with_pkce(spotify.url), retries=0, status_retries=0)
        client.prefix = f"{spotify.url}/v1/"
        created = client.user_playlist_create("sandbox", "Old way")
        found = client.search("track:lantern artist:harbour", limit=50)["tracks"]["items"]
        ids = [row["id"] for row in found]
        return created["id"], len(ids), [row["id"] for row in client.tracks(ids)["tracks"]]

    created_id, count, fetched = await asyncio.to_thread(old_calls)

    assert await spotify.truth(created_id) == []
    assert count == len(set(fetched)) == 50
