"""An independent client library works against a simulated Subsonic server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import libopensonic
import pytest

from tests.integration.sandbox.harness import Starter, playlist, track

WORLD = {
    "playlists": [
        {**playlist("Long", [track(number) for number in range(120)]), "source_platform": "subsonic"}
    ]
}
SIGN_IN = {"username": "sandbox", "password": "sandbox"}


@asynccontextmanager
async def client_of(url: str, **sign_in: Any) -> AsyncIterator[Any]:
    parts = urlsplit(url)
    client = libopensonic.AsyncConnection(f"{parts.scheme}://{parts.hostname}", port=parts.port, **sign_in)
    try:
        yield client
    finally:
        await client.cleanup()


@pytest.mark.parametrize("use_get", [False, True], ids=["form", "get"])
@pytest.mark.parametrize("legacy_auth", [False, True], ids=["digest", "password"])
async def test_py_opensonic_copies_a_playlist(starter: Starter, *, use_get: bool, legacy_auth: bool) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    async with client_of(server.url, **SIGN_IN, use_get=use_get, legacy_auth=legacy_auth) as client:
        assert await client.ping()
        (source,) = await client.get_playlists()
        rows = (await client.get_playlist(source.id)).entry
        await client.create_playlist(name="Copy", song_ids=[rows[0].id])
        (copy,) = [one for one in await client.get_playlists() if one.name == "Copy"]
        ids = [row.id for row in rows]
        await client.update_playlist(copy.id, comment="made by a test", song_ids_to_add=ids[1:])
        await client.update_playlist(copy.id, song_indices_to_remove=[1, 3])
        changed = await client.get_playlist(copy.id)

    kept = [own_id for place, own_id in enumerate(ids) if place not in (1, 3)]
    assert len(ids) == 120
    assert [row["id"] for row in await server.truth(copy.id)] == kept
    assert [row.id for row in changed.entry] == kept
    assert (changed.comment, changed.song_count, changed.readonly) == ("made by a test", 118, False)


async def test_py_opensonic_finds_songs_and_reads_all_of_them(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    nothing_else = {"artist_count": 0, "album_count": 0}
    async with client_of(server.url, **SIGN_IN) as client:
        found = (await client.search3("paper lantern 7", song_count=5, **nothing_else)).song
        pages = [
            (await client.search3("", song_count=50, song_offset=offset, **nothing_else)).song
            for offset in (0, 50, 100)
        ]
        song = await client.get_song(found[0].id)
        album = await client.get_album(song.album_id)
        extensions = await client.get_open_subsonic_extensions()

    assert (found[0].title, found[0].isrc) == ("Paper Lantern No 7", ["QZABC2600007"])
    assert len({row.id for page in pages for row in page}) == 120
    assert (song.title, song.duration) == ("Paper Lantern No 7", 187)
    assert (album.name, album.song_count) == ("Tides of Tin", 120)
    assert sorted(one.name for one in extensions) == ["apiKeyAuthentication", "formPost"]


@pytest.mark.parametrize("use_get", [False, True], ids=["form", "get"])
async def test_py_opensonic_gives_and_takes_stars(starter: Starter, *, use_get: bool) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    async with client_of(server.url, **SIGN_IN, use_get=use_get) as client:
        found = await client.search3("tides of tin")
        artists = (await client.search3("the quiet harbour", song_count=0, album_count=0)).artist
        songs = [one.id for one in (await client.search3("", song_count=3)).song]
        await client.star(sids=songs, album_ids=[found.album[0].id], artist_ids=[artists[0].id])
        starred = await client.get_starred2()
        await client.unstar(sids=songs[:1], artist_ids=[artists[0].id])
        left = await client.get_starred2()

    assert [one.id for one in starred.song] == songs[::-1]
    assert [(one.name, one.artist) for one in starred.album] == [("Tides of Tin", "The Quiet Harbour")]
    assert [one.name for one in starred.artist] == ["The Quiet Harbour"]
    assert all(one.starred for one in (*starred.song, *starred.album, *starred.artist))
    assert ([one.id for one in left.song], len(left.album), left.artist) == (songs[:0:-1], 1, None)


async def test_py_opensonic_signs_in_with_a_key(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)
    key = (await server.json("POST", "/_sandbox/user-tokens", status=201))["music_user_token"]

    async with client_of(server.url, api_key=key) as client:
        owner, lists = await client.token_info(), await client.get_playlists()

    assert (owner.username, len(lists)) == ("sandbox", 1)


@pytest.mark.parametrize(
    ("sign_in", "kind"),
    [
        ({"username": "sandbox", "password": "wrong"}, libopensonic.errors.CredentialError),
        ({"api_key": "wrong"}, libopensonic.errors.SonicError),
    ],
)
async def test_py_opensonic_is_told_why_it_may_not(
    starter: Starter, sign_in: dict[str, str], kind: type[Exception]
) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)

    async with client_of(server.url, **sign_in) as client:
        with pytest.raises(kind):
            await client.get_playlists()


async def test_py_opensonic_is_told_of_a_playlist_that_is_not_there(starter: Starter) -> None:
    server = await starter("subsonic", world=WORLD, is_signed_in=False)

    async with client_of(server.url, **SIGN_IN) as client:
        with pytest.raises(libopensonic.errors.DataNotFoundError):
            await client.get_playlist("0" * 22)
