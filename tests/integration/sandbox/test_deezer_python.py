"""An independent client library works against simulated Deezer."""

import asyncio
from typing import Any

import deezer
import httpx
import pytest
from deezer.exceptions import DeezerErrorResponse

from tests.integration.sandbox.harness import Starter, playlist, track
from tests.integration.sandbox.test_deezer import signed_in

WORLD = {"playlists": [playlist("Long", [track(n) for n in range(60)], source_platform="deezer")]}


def client_of(url: str, *, token: str | None = None) -> Any:
    client = deezer.Client(access_token=token)
    client.base_url = httpx.URL(url)
    return client


def stranger(url: str, playlist_id: str) -> dict[str, Any]:
    """Read and search without an account; return what the client saw."""
    with client_of(url) as client:
        source = client.get_playlist(int(playlist_id))
        rows = list(source.get_tracks())
        by_isrc = client.request("GET", f"track/isrc:{track(7)['isrc']}")
        found = client.search(track="Paper Lantern No 7", artist="Quiet Harbour")
        album = client.get_album(by_isrc.album.id)
        return {
            "title": source.title,
            "creator": source.creator.name,
            "titles": [row.title for row in rows],
            "isrc": by_isrc.isrc,
            "found": [one.title for one in found],
            "album": [one.title for one in album.get_tracks()],
            "album_found": [one.title for one in client.search_albums("Tides of Tin")],
        }


def owner(url: str, token: str, track_ids: list[int]) -> dict[str, Any]:
    """Create, fill, order and empty a playlist; return what the client saw."""
    with client_of(url, token=token) as client:
        user = client.get_user("me")
        made_id = user.create_playlist("Copy")
        copy = client.get_playlist(made_id)
        seen: dict[str, Any] = {"added": copy.add_tracks(track_ids)}
        try:
            copy.add_tracks(track_ids[:1])
        except DeezerErrorResponse as error:
            seen["repeated"] = error.json_data["error"]["code"]
        seen["ordered"] = copy.reorder_tracks(track_ids[::-1])
        seen["ids"] = [row.id for row in copy.get_tracks()]
        seen["removed"] = copy.delete_tracks(track_ids[:1])
        seen["left"] = [row.id for row in copy.get_tracks()]
        seen["mine"] = [one.title for one in user.get_playlists()]
        return seen


def keeper(url: str, token: str, track_ids: list[int]) -> dict[str, Any]:
    """Add favorites of all kinds, read and remove them; return what the client saw."""
    with client_of(url, token=token) as client:
        user = client.get_user("me")
        known = client.get_track(track_ids[0])
        said = [user.add_track(track_id) for track_id in track_ids]
        said += [user.add_album(known.album), user.add_artist(known.artist)]
        seen: dict[str, Any] = {
            "tracks": [one.id for one in user.get_tracks()],
            "albums": [one.title for one in user.get_albums()],
            "artists": [one.name for one in user.get_artists()],
            "found": [one.name for one in client.search_artists("Quiet Harbour")],
        }
        said += [
            user.remove_track(track_ids[0]),
            user.remove_album(known.album),
            user.remove_artist(known.artist),
        ]
        lists = (user.get_tracks(), user.get_albums(), user.get_artists())
        return {**seen, "said": said, "left": [len(list(one)) for one in lists]}


async def test_deezer_python_reads_what_is_public_without_an_account(starter: Starter) -> None:
    sandbox = await starter("deezer", world=WORLD, is_signed_in=False)

    seen = await asyncio.to_thread(stranger, sandbox.url, await sandbox.playlist_id("Long"))

    titles = [track(n)["title"] for n in range(60)]
    assert (seen["title"], seen["creator"], seen["titles"]) == ("Long", "sandbox", titles)
    assert (seen["isrc"], seen["found"]) == (track(7)["isrc"], ["Paper Lantern No 7"])
    assert (len(seen["album"]), seen["album_found"]) == (60, ["Tides of Tin"])


async def test_deezer_python_writes_with_a_token(starter: Starter) -> None:
    sandbox = await starter("deezer", world=WORLD, is_signed_in=False)
    token, source = await signed_in(sandbox), await sandbox.playlist_id("Long")
    ids = [int(row["id"]) for row in await sandbox.truth(source)][:5]

    seen = await asyncio.to_thread(owner, sandbox.url, token, ids)

    assert (seen["added"], seen["ordered"], seen["removed"]) == (True, True, True)
    assert seen["repeated"] == 500
    assert (seen["ids"], seen["left"]) == (ids[::-1], ids[:0:-1])
    assert sorted(seen["mine"]) == ["Copy", "Long"]


async def test_deezer_python_keeps_favorites(starter: Starter) -> None:
    sandbox = await starter("deezer", world=WORLD, is_signed_in=False)
    token, source = await signed_in(sandbox), await sandbox.playlist_id("Long")
    ids = [int(row["id"]) for row in await sandbox.truth(source)][:30]

    seen = await asyncio.to_thread(keeper, sandbox.url, token, ids)

    assert (seen["tracks"], seen["albums"]) == (ids, ["Tides of Tin"])
    assert seen["artists"] == seen["found"] == ["The Quiet Harbour"]
    assert seen["said"] == [True] * 35
    assert seen["left"] == [29, 0, 0]


async def test_deezer_python_meets_errors_in_good_answers(starter: Starter) -> None:
    sandbox = await starter("deezer", world=WORLD, is_signed_in=False)

    with client_of(sandbox.url) as client, pytest.raises(DeezerErrorResponse) as caught:
        await asyncio.to_thread(client.get_track, 999999999999)

    assert caught.value.json_data["error"]["code"] == 800
