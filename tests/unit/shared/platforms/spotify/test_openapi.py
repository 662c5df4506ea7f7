"""Every request of the adapter is one that Spotify's own description of its API allows in both regimes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from shared.models import Album, AlbumId, Isrc, Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.collections import Collection
from shared.platforms.spotify.adapter import DECLARATION, SpotifyAdapter
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer, opened
from tests.unit.shared.platforms.openapi import Spec, typed
from worker.matching.query import Query

LIKED = Collection.LIKED.playlist_id
PLAYLIST = PlaylistId("4kBp5iVByDSAUc0lb78jCZ")
ALBUM = Album(platform=Platform.SPOTIFY, id=AlbumId("2hBp5iVByDSAUc0lb78jCQ"), name="Tides")
CALLS: dict[str, tuple[str, str, Callable[[SpotifyAdapter], Awaitable[object]]]] = {
    "account": ("get", "/me", lambda adapter: adapter.account()),
    "list_playlists": ("get", "/me/playlists", lambda adapter: adapter.list_playlists(cursor="50/120")),
    "get_playlist": ("get", "/playlists/{playlist_id}", lambda adapter: adapter.get_playlist(PLAYLIST)),
    "read_items": (
        "get",
        "/playlists/{playlist_id}/items",
        lambda adapter: adapter.read_items(PLAYLIST, cursor="50/120"),
    ),
    "get_playlist of liked songs": (
        "get",
        "/me/tracks",
        lambda adapter: adapter.get_playlist(LIKED),
    ),
    "read_items of liked songs": (
        "get",
        "/me/tracks",
        lambda adapter: adapter.read_items(LIKED, cursor="50/120"),
    ),
    "read_target": (
        "get",
        "/playlists/{playlist_id}/items",
        lambda adapter: adapter.read_target(PLAYLIST, offset=7),
    ),
    "read_target_pages": (
        "get",
        "/playlists/{playlist_id}/items",
        lambda adapter: anext(adapter.read_target_pages(PLAYLIST, offset=7)),
    ),
    "find_by_isrc": ("get", "/search", lambda adapter: adapter.find_by_isrc([Isrc("QZXX12600001")])),
    "search": ("get", "/search", lambda adapter: adapter.search(Query(plain="a b", title="a", artist="b"))),
    "search_albums": ("get", "/search", lambda adapter: adapter.search_albums("Tides", artist="Mira Sol")),
    "read_album": ("get", "/albums/{id}/tracks", lambda adapter: adapter.read_album(ALBUM)),
    "find_playlist": ("get", "/me/playlists", lambda adapter: adapter.find_playlist("<tr_1>")),
    "create_playlist": (
        "post",
        "/me/playlists",
        lambda adapter: adapter.create_playlist(
            "Night Drive", description="<tr_1>", key="k1", gate=lambda: None
        ),
    ),
    "add_tracks": (
        "post",
        "/playlists/{playlist_id}/items",
        lambda adapter: adapter.add_tracks(
            PLAYLIST, track_ids=[TrackId("a" * 22)] * 100, position=400, key="k2", gate=lambda: None
        ),
    ),
    "remove_tracks": (
        "delete",
        "/playlists/{playlist_id}/items",
        lambda adapter: adapter.remove_tracks(
            PLAYLIST, track_ids=[TrackId("a" * 22)] * 100, gate=lambda: None
        ),
    ),
    "delete_playlist": (
        "delete",
        "/me/library",
        lambda adapter: adapter.delete_playlist(PLAYLIST, gate=lambda: None),
    ),
}
LIST = '{"items": [], "total": 0}'
OBJECT = '{"id": "ada", "tracks": {"items": []}, "albums": {"items": []}}'


@pytest.fixture(scope="module")
def spec(shared_shelf: Path) -> Spec:
    """`deprecated` in it means: taken from development-mode apps in 2026."""
    return Spec(shared_shelf / "specs" / "spotify-web-api.fixed.openapi.yml")


@pytest.fixture
async def adapter(answerer: Answerer) -> AsyncIterator[SpotifyAdapter]:
    async def answer(request: web.Request) -> web.StreamResponse:
        is_list = request.method == "GET" and request.path.endswith(("/me/playlists", "/items", "/tracks"))
        return web.Response(text=LIST if is_list else OBJECT)

    answerer.answers = [answer]
    session = FakeSession(TokenSet(access_token="token"), market="DE")
    async with opened(answerer.url, refusals=DECLARATION.refusals) as path:
        yield SpotifyAdapter(path.http, session=session, capabilities=DECLARATION.capabilities)


@pytest.mark.parametrize("name", CALLS)
async def test_request_is_in_the_published_description_and_not_deprecated(
    name: str, spec: Spec, adapter: SpotifyAdapter, answerer: Answerer
) -> None:
    method, template, call = CALLS[name]

    await call(adapter)

    request, body = answerer.requests[0], answerer.bodies[0]
    operation = spec.operation(method, template)
    known = spec.parameters(operation)
    assert request.method == method.upper()
    assert request.path == "/v1" + template.format(playlist_id=PLAYLIST, id=ALBUM.id)
    assert not operation.get("deprecated")
    assert request.query.keys() <= known.keys()
    assert {name for name, parameter in known.items() if parameter.get("required")} <= request.query.keys()
    assert not [n for n in request.query if known[n].get("deprecated")]
    if "requestBody" in operation:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        assert spec.faults(schema, msgspec.json.decode(body)) == []
        assert msgspec.json.decode(body).keys() <= schema["properties"].keys()


@pytest.mark.parametrize("name", CALLS)
async def test_numbers_in_the_query_keep_the_published_bounds(
    name: str, spec: Spec, adapter: SpotifyAdapter, answerer: Answerer
) -> None:
    method, template, call = CALLS[name]

    await call(adapter)

    known = spec.parameters(spec.operation(method, template))
    for parameter, text in answerer.requests[0].query.items():
        schema = known[parameter]["schema"]
        assert spec.faults(schema, typed(text, schema)) == []
