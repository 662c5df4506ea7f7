from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from shared.errors import (
    PlatformDenied,
    PlatformRejected,
    PlatformUnavailable,
    RateLimited,
    ReconnectRequired,
)
from shared.models import Album, AlbumId, Isrc, NotTransferable, Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.apple_music.adapter import DECLARATION, AppleMusicAdapter
from shared.platforms.collections import Collection
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer, opened
from worker.matching.query import Query

PLAYLIST = PlaylistId("p.PkdJvPXI2AJgm8")
ALBUM = Album(platform=Platform.APPLE_MUSIC, id=AlbumId("77"), name="Tides", artists=("Ada & Bo",))


def library_song(number: int, **params: Any) -> dict[str, Any]:
    return {
        "id": f"i.{number}",
        "type": "library-songs",
        "attributes": {"name": f"Song {number}", "artistName": "Ada", "playParams": {"id": "i", **params}},
    }


def catalog_song(number: int) -> dict[str, Any]:
    attributes = {"name": f"Song {number}", "isrc": f"QZXX1{number:07}", "playParams": {}}
    return {"id": str(number), "type": "songs", "attributes": attributes}


def says(body: Any, *, status: int = 200) -> dict[str, Any]:
    return {"status": status, "text": msgspec.json.encode(body).decode()}


@pytest.fixture
async def adapter(answerer: Answerer) -> AsyncIterator[AppleMusicAdapter]:
    session = FakeSession(TokenSet(access_token="user-token"), market="de")
    async with opened(
        answerer.url, can_refresh=False, refusals=DECLARATION.refusals, probe=DECLARATION.probe
    ) as path:
        yield AppleMusicAdapter(path.http, session=session, capabilities=DECLARATION.capabilities)


def paths(answerer: Answerer) -> list[str]:
    return [request.path_qs.removeprefix("/v1") for request in answerer.requests]


async def test_page_of_a_playlist_costs_one_catalog_call_for_all_its_isrcs(
    adapter: AppleMusicAdapter, answerer: Answerer
) -> None:
    rows = [library_song(1, catalogId="1"), library_song(2), library_song(3, catalogId="1")]
    answerer.answers = [says({"data": rows, "meta": {"total": 3}}), says({"data": [catalog_song(1)]})]

    page = await adapter.read_items(PLAYLIST)

    assert [item.track.isrc if item.track else "" for item in page.items] == [
        "QZXX10000001",
        None,
        "QZXX10000001",
    ]
    assert paths(answerer) == [
        f"/me/library/playlists/{PLAYLIST}/tracks?limit=100&offset=0",
        "/catalog/de/songs?ids=1",
    ]


async def test_page_without_catalog_ids_costs_no_catalog_call(
    adapter: AppleMusicAdapter, answerer: Answerer
) -> None:
    answerer.answers = [says({"data": [library_song(1)], "meta": {"total": 1}})]

    page = await adapter.read_items(PLAYLIST)

    assert len(page.items) == len(answerer.requests) == 1


async def test_shared_playlist_is_read_from_the_catalog(
    adapter: AppleMusicAdapter, answerer: Answerer
) -> None:
    answerer.answers = [says({"data": [catalog_song(1)], "meta": {"total": 1}})]

    page = await adapter.read_items(PlaylistId("pl.u-abc"))

    assert [item.track.isrc for item in page.items if item.track] == ["QZXX10000001"]
    assert paths(answerer) == ["/catalog/de/playlists/pl.u-abc/tracks?limit=100&offset=0"]


async def test_gateway_time_out_brings_smaller_pages(adapter: AppleMusicAdapter, answerer: Answerer) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.query["limit"] == "100":
            return web.Response(status=504, text="<html>", content_type="text/html")
        rows = [library_song(number) for number in range(25)]
        return web.Response(**says({"data": rows, "meta": {"total": 30}}))

    answerer.answers = [answer]

    page = await adapter.read_items(PLAYLIST)

    assert len(page.items) == 25
    assert page.next_cursor is not None


async def test_unknown_storefront_is_asked_for_once(answerer: Answerer) -> None:
    answerer.answers = [says({"data": [{"id": "fr"}]}), says({"data": []})]
    session = FakeSession(TokenSet(access_token="user-token"))

    async with opened(answerer.url) as path:
        adapter = AppleMusicAdapter(path.http, session=session, capabilities=DECLARATION.capabilities)
        await adapter.find_by_isrc([Isrc("QZXX10000001")])
        await adapter.find_by_isrc([Isrc("QZXX10000002")])

    assert [path.partition("?")[0] for path in paths(answerer)] == [
        "/me/storefront",
        "/catalog/fr/songs",
        "/catalog/fr/songs",
    ]


async def test_empty_answer_of_a_look_up_never_means_that_the_song_is_unknown(
    adapter: AppleMusicAdapter, answerer: Answerer
) -> None:
    answerer.answers = [says({})]

    with pytest.raises(PlatformUnavailable):
        await adapter.find_by_isrc([Isrc("QZXX10000001")])


async def test_search_without_a_hit_is_empty(adapter: AppleMusicAdapter, answerer: Answerer) -> None:
    answerer.answers = [says({"results": {}})]

    assert await adapter.search(Query(plain="  Harbour \n Light ")) == ()
    assert paths(answerer) == ["/catalog/de/search?term=Harbour+Light&types=songs&limit=25"]


async def test_albums_are_searched_by_their_words(adapter: AppleMusicAdapter, answerer: Answerer) -> None:
    attributes = {
        "name": "Tides",
        "artistName": "Ada & Bo",
        "trackCount": 12,
        "releaseDate": "2021-03-04",
    }
    rows = [{"id": "76", "type": "albums"}, {"id": "77", "type": "albums", "attributes": attributes}]
    answerer.answers = [says({"results": {"albums": {"data": rows}}}), says({"results": {}})]

    found = [await adapter.search_albums(" Tides ", artist="Ada") for _ in range(2)]

    told = msgspec.structs.replace(ALBUM, track_count=12, release_date="2021-03-04")
    assert found == [(told,), ()]
    assert paths(answerer)[0] == "/catalog/de/search?term=Tides+Ada&types=albums&limit=25"


async def test_album_is_read_to_its_end_without_the_users_token(
    adapter: AppleMusicAdapter, answerer: Answerer
) -> None:
    video = {"id": "500", "type": "music-videos", "attributes": {"name": "Clip", "playParams": {}}}
    unplayable = {"id": "501", "type": "songs", "attributes": {"name": "Mute"}}
    first = [video, unplayable, *map(catalog_song, range(98))]
    answerer.answers = [says({"data": first, "next": "/v1/x?offset=100"}), says({"data": [catalog_song(98)]})]

    tracks = await adapter.read_album(ALBUM)

    assert [track.id for track in tracks] == [str(number) for number in range(99)]
    assert paths(answerer) == [
        "/catalog/de/albums/77/tracks?limit=100&offset=0",
        "/catalog/de/albums/77/tracks?limit=100&offset=100",
    ]
    assert not any("Music-User-Token" in request.headers for request in answerer.requests)


async def test_liked_songs_are_those_of_the_library(adapter: AppleMusicAdapter, answerer: Answerer) -> None:
    rows = [library_song(1, catalogId="1"), library_song(2)]
    answerer.answers = [says({"data": rows, "meta": {"total": 2}}), says({"data": [catalog_song(1)]})]

    page = await adapter.read_items(Collection.LIKED.playlist_id)

    assert [item.track.id if item.track else item.not_transferable for item in page.items] == [
        "1",
        NotTransferable.LOCAL_FILE,
    ]
    assert paths(answerer) == ["/me/library/songs?limit=100&offset=0", "/catalog/de/songs?ids=1"]


async def test_saved_albums_come_with_what_the_catalog_knows(
    adapter: AppleMusicAdapter, answerer: Answerer
) -> None:
    known = {"id": "77", "type": "albums", "attributes": {"name": "Tides", "trackCount": 12}}
    row = {
        "id": "l.1",
        "type": "library-albums",
        "attributes": {"name": "Tides", "trackCount": 1},
        "relationships": {"catalog": {"data": [known]}},
    }
    answerer.answers = [says({"data": [row], "meta": {"total": 1}})]

    page = await adapter.read_items(Collection.ALBUMS.playlist_id)
    view = await adapter.read_target(Collection.ALBUMS.playlist_id, offset=0)

    assert [item.track.id for item in page.items if item.track] == ["77"]
    # One song of an album is in the library: there is something of it to be added.
    assert [(row.track_id, row.title) for row in view.rows] == [(None, "Tides")]
    assert set(paths(answerer)) == {"/me/library/albums?include=catalog&limit=100&offset=0"}


@pytest.mark.parametrize(
    ("collection", "asked"), [(Collection.LIKED, "ids[songs]"), (Collection.ALBUMS, "ids[albums]")]
)
async def test_what_is_saved_is_named_in_one_call(
    adapter: AppleMusicAdapter, answerer: Answerer, collection: Collection, asked: str
) -> None:
    answerer.answers = [{"status": 202}]

    await adapter.add_tracks(
        collection.playlist_id,
        track_ids=[TrackId("76"), TrackId("77")],
        position=0,
        key="k1",
        gate=lambda: None,
    )

    ((method, path, query),) = [(one.method, one.path, dict(one.query)) for one in answerer.requests]
    assert (method, path, query) == ("POST", "/v1/me/library", {asked: "76,77"})


async def test_nothing_is_taken_out_of_the_library(adapter: AppleMusicAdapter) -> None:
    with pytest.raises(PlatformRejected):
        await adapter.remove_tracks(
            Collection.LIKED.playlist_id, track_ids=[TrackId("76")], gate=lambda: None
        )


@pytest.mark.parametrize("refusal", [{"status": 401}, {"status": 403}])
@pytest.mark.parametrize(
    ("probed", "kind"),
    [
        ({"status": 401}, PlatformDenied),
        (says({"data": [{"id": "de"}]}), ReconnectRequired),
        ({"status": 429}, RateLimited),
        ({"status": 503}, PlatformUnavailable),
    ],
)
async def test_refused_user_is_told_from_a_refused_developer_key(
    adapter: AppleMusicAdapter,
    answerer: Answerer,
    refusal: dict[str, Any],
    probed: dict[str, Any],
    kind: type[Exception],
) -> None:
    answerer.answers = [refusal, probed]

    with pytest.raises(kind) as caught:
        await adapter.account()

    assert type(caught.value) is kind
    assert paths(answerer)[:2] == ["/me/storefront", "/storefronts?limit=1"]


async def test_refused_catalog_call_is_the_operators_matter(
    adapter: AppleMusicAdapter, answerer: Answerer
) -> None:
    answerer.answers = [{"status": 401}]

    with pytest.raises(PlatformDenied, match="operator"):
        await adapter.search(Query(plain="Harbour Light"))


async def test_missing_subscription_is_the_users_matter(
    adapter: AppleMusicAdapter, answerer: Answerer
) -> None:
    answerer.answers = [says({"errors": [{"status": "400", "code": "40015"}]}, status=400)]

    with pytest.raises(PlatformDenied, match="subscription"):
        await adapter.list_playlists()


async def test_three_hundred_tracks_are_read_by_one_call(
    adapter: AppleMusicAdapter, answerer: Answerer
) -> None:
    ids = [TrackId(str(number)) for number in range(301)]
    answerer.answers = [says({"data": [catalog_song(1)]}), says({"data": []})]

    found = await adapter.read_tracks(ids)

    asked = [request.query["ids"].split(",") for request in answerer.requests]
    assert asked == [ids[:300], ids[300:]]
    assert list(found) == ["1"]
