"""Every request of the adapter is one that TIDAL's own description of its API allows to third parties."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from shared.models import Album, AlbumId, Isrc, Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.collections import Collection
from shared.platforms.tidal.adapter import DECLARATION, TidalAdapter
from shared.settings import Settings
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer, opened
from tests.unit.shared.platforms.openapi import Spec, typed
from worker.matching.query import Query

PLAYLIST = PlaylistId("0dc0fa56-98d0-4c96-9931-72dfa47d2d01")
ITEMS = "/playlists/{id}/relationships/items"
KEPT = {Collection.LIKED: "Tracks", Collection.ALBUMS: "Albums", Collection.ARTISTS: "Artists"}
ALBUM = Album(platform=Platform.TIDAL, id=AlbumId("9"), name="Tides")
SCOPES = {
    *("user.read", "playlists.read", "playlists.write", "search.read"),
    *("collection.read", "collection.write"),
}
Request = tuple[str, str, Callable[[TidalAdapter], Awaitable[object]]]
CALLS: dict[str, Request] = {
    "account": ("get", "/users/{id}", lambda adapter: adapter.account()),
    "list_playlists": ("get", "/playlists", lambda adapter: adapter.list_playlists(cursor="20/c3")),
    "get_playlist": ("get", "/playlists/{id}", lambda adapter: adapter.get_playlist(PLAYLIST)),
    "read_items": ("get", ITEMS, lambda adapter: adapter.read_items(PLAYLIST, cursor="20/c3")),
    "read_target": ("get", ITEMS, lambda adapter: adapter.read_target(PLAYLIST, offset=7)),
    "read_target_pages": ("get", ITEMS, lambda adapter: anext(adapter.read_target_pages(PLAYLIST, offset=7))),
    "find_by_isrc": (
        "get",
        "/tracks",
        lambda adapter: adapter.find_by_isrc([Isrc(f"QZXX126{n:05}") for n in range(20)]),
    ),
    "read_tracks": (
        "get",
        "/tracks",
        lambda adapter: adapter.read_tracks([TrackId(str(n)) for n in range(20)]),
    ),
    "search": ("get", "/searchResults", lambda adapter: adapter.search(Query(plain="a" * 300))),
    "find_playlist": ("get", "/playlists", lambda adapter: adapter.find_playlist("<tr_1>")),
    "create_playlist": (
        "post",
        "/playlists",
        lambda adapter: adapter.create_playlist(
            "Night Drive", description="<tr_1>", key="k" * 64, gate=lambda: None
        ),
    ),
    "add_tracks": (
        "post",
        ITEMS,
        lambda adapter: adapter.add_tracks(
            PLAYLIST, track_ids=[TrackId("7")] * 50, position=400, key="k" * 64, gate=lambda: None
        ),
    ),
    "remove_tracks": (
        "delete",
        ITEMS,
        lambda adapter: adapter.remove_tracks(PLAYLIST, track_ids=[TrackId("7")], gate=lambda: None),
    ),
    "delete_playlist": (
        "delete",
        "/playlists/{id}",
        lambda adapter: adapter.delete_playlist(PLAYLIST, gate=lambda: None),
    ),
    "search_albums": (
        "get",
        "/searchResults",
        lambda adapter: adapter.search_albums("a" * 300, artist="b"),
    ),
    "search_artists": ("get", "/searchResults", lambda adapter: adapter.search_artists("a" * 300)),
    "read_album": ("get", "/albums/{id}/relationships/items", lambda adapter: adapter.read_album(ALBUM)),
}


def about(collection: Collection) -> dict[str, Request]:
    """Return the calls about one of them."""
    own_id, head = collection.playlist_id, f"/userCollection{KEPT[collection]}/{{id}}"
    items, ids = f"{head}/relationships/items", [TrackId("7")] * 50
    return {
        f"get_playlist of {collection}": ("get", head, lambda adapter: adapter.get_playlist(own_id)),
        f"read_items of {collection}": (
            "get",
            items,
            lambda adapter: adapter.read_items(own_id, cursor="20/c3"),
        ),
        f"read_target of {collection}": (
            "get",
            items,
            lambda adapter: adapter.read_target(own_id, offset=0),
        ),
        f"add to {collection}": (
            "post",
            items,
            lambda adapter: adapter.add_tracks(own_id, track_ids=ids, position=0, key="k", gate=lambda: None),
        ),
        f"remove from {collection}": (
            "delete",
            items,
            lambda adapter: adapter.remove_tracks(own_id, track_ids=ids, gate=lambda: None),
        ),
    }


for one in Collection:
    CALLS |= about(one)
ROWS = '{"data": [{"id": "7", "type": "tracks", "meta": {"itemId": "i-1"}}], "links": {"self": "/x"}}'
OBJECT = '{"data": {"id": "7", "type": "users"}, "links": {"self": "/x"}}'


@pytest.fixture(scope="module")
def spec(shared_shelf: Path) -> Spec:
    return Spec(shared_shelf / "specs" / "tidal-api-oas-1.10.104.json")


@pytest.fixture
async def adapter(answerer: Answerer) -> AsyncIterator[TidalAdapter]:
    async def answer(request: web.Request) -> web.StreamResponse:
        is_one = request.path.endswith((PLAYLIST, "/me")) or (request.method, request.path) == (
            "POST",
            "/v1/playlists",
        )
        if request.method == "POST" and not is_one:
            return web.Response(text='{"links": {"self": "/x"}}')  # says nothing of what was added
        return web.Response(text=OBJECT if is_one else ROWS)

    answerer.answers = [answer]
    session = FakeSession(TokenSet(access_token="token"), market="de")
    async with opened(answerer.url, refusals=DECLARATION.refusals) as path:
        yield TidalAdapter(path.http, session=session, capabilities=DECLARATION.capabilities)


def granted(operation: dict[str, Any]) -> set[str]:
    """Return the scopes that let a user's token call this, INTERNAL ones left out; none: any token."""
    ways = [way["Authorization_Code_PKCE"] for way in operation["security"] if "Client" not in str(way)]
    return {scope for scopes in ways for scope in scopes} - {"r_usr", "w_usr"}


@pytest.mark.parametrize("name", CALLS)
async def test_request_fits_the_published_description(
    name: str, spec: Spec, adapter: TidalAdapter, answerer: Answerer
) -> None:
    method, template, call = CALLS[name]

    await call(adapter)

    request, body = next(
        (request, body)
        for request, body in zip(answerer.requests, answerer.bodies, strict=True)
        if request.method == method.upper()
    )
    operation = spec.operation(method, template)
    known = spec.parameters(operation)
    own_id = PLAYLIST if "playlists" in template else ALBUM.id if "albums" in template else "me"
    assert request.path == "/v1" + template.format(id=own_id)
    assert operation["x-path-item-properties"]["required-access-tier"] == "THIRD_PARTY"
    assert granted(operation) <= SCOPES
    assert not operation.get("deprecated")
    assert {one for one, parameter in known.items() if parameter.get("required")} <= request.query.keys()
    for parameter, text in request.query.items():
        schema = known[parameter]["schema"]
        assert not known[parameter].get("deprecated")
        assert spec.faults(schema, typed(text, schema)) == []
    for header in ("Idempotency-Key",) if name in {"create_playlist", "add_tracks"} else ():
        schema = spec.parameters(operation, place="header")[header]["schema"]
        assert spec.faults(schema, request.headers[header]) == []
    if "requestBody" in operation:
        (media_type,) = operation["requestBody"]["content"]
        assert request.content_type == media_type
        schema = operation["requestBody"]["content"][media_type]["schema"]
        assert spec.faults(schema, msgspec.json.decode(body)) == []


def test_scopes_are_those_that_third_parties_may_ask_for(spec: Spec) -> None:
    flow = spec.root["components"]["securitySchemes"]["Authorization_Code_PKCE"]["flows"]
    tiers = flow["authorizationCode"]["x-scopes-required-access-tier"]
    assert DECLARATION.oauth is not None

    assert set(DECLARATION.oauth(Settings()).scopes) == SCOPES
    assert {tiers[scope] for scope in SCOPES} == {"THIRD_PARTY"}


def test_addresses_are_those_of_the_published_description(spec: Spec) -> None:
    root, settings = spec.root, Settings()
    flow = root["components"]["securitySchemes"]["Authorization_Code_PKCE"]["flows"]["authorizationCode"]
    assert DECLARATION.oauth is not None
    app = DECLARATION.oauth(settings)

    assert [server["url"] for server in root["servers"]] == [settings.tidal_api_url]
    assert (app.authorize_url, app.base_url + app.token_route) == (flow["authorizationUrl"], flow["tokenUrl"])
