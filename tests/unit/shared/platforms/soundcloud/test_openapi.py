"""Every first request of the adapter is one that SoundCloud's own description of its API has."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from shared.models import PlaylistId, TokenSet, TrackId
from shared.platforms.collections import Collection
from shared.platforms.soundcloud.adapter import DECLARATION, SoundCloudAdapter
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer, opened
from tests.unit.shared.platforms.openapi import Spec, typed
from worker.matching.query import Query

LIKED, ARTISTS = Collection.LIKED.playlist_id, Collection.ARTISTS.playlist_id
PLAYLIST = PlaylistId("soundcloud:playlists:12")
TRACK = TrackId("soundcloud:tracks:34")
USER = TrackId("soundcloud:users:78")
URNS = {"playlist_urn": PLAYLIST, "track_urn": TRACK, "user_urn": USER}
LIST = '{"collection": [{"urn": "soundcloud:tracks:56", "title": "One"}]}'
OBJECT = '{"urn": "soundcloud:playlists:12", "track_count": 1}'
CALLS: dict[str, tuple[str, str, Callable[[SoundCloudAdapter], Awaitable[object]]]] = {
    "account": ("get", "/me", lambda adapter: adapter.account()),
    "list_playlists": ("get", "/me/playlists", lambda adapter: adapter.list_playlists()),
    "get_playlist": ("get", "/playlists/{playlist_urn}", lambda adapter: adapter.get_playlist(PLAYLIST)),
    "get_playlist by address": (
        "get",
        "/resolve",
        lambda adapter: adapter.get_playlist(PlaylistId("ada/sets/tides")),
    ),
    "read_items": (
        "get",
        "/playlists/{playlist_urn}/tracks",
        lambda adapter: adapter.read_items(PLAYLIST),
    ),
    "read_items of liked songs": (
        "get",
        "/me/likes/tracks",
        lambda adapter: adapter.read_items(LIKED),
    ),
    "read_target": (
        "get",
        "/playlists/{playlist_urn}/tracks",
        lambda adapter: adapter.read_target(PLAYLIST, offset=7),
    ),
    "read_tracks": ("get", "/tracks", lambda adapter: adapter.read_tracks([TRACK] * 3)),
    "read_items of followed artists": (
        "get",
        "/me/followings",
        lambda adapter: adapter.read_items(ARTISTS),
    ),
    "search_artists": ("get", "/users", lambda adapter: adapter.search_artists("Ada")),
    "search": ("get", "/tracks", lambda adapter: adapter.search(Query(plain="a b"))),
    "find_playlist": ("get", "/me/playlists", lambda adapter: adapter.find_playlist("<tr_1>")),
    "create_playlist": (
        "post",
        "/playlists",
        lambda adapter: adapter.create_playlist(
            "Night Drive", description="<tr_1>", key="k1", gate=lambda: None
        ),
    ),
    "add_tracks": (
        "put",
        "/playlists/{playlist_urn}",
        lambda adapter: adapter.add_tracks(
            PLAYLIST, track_ids=[TRACK] * 499, position=1, key="k2", gate=lambda: None
        ),
    ),
    "remove_tracks": (
        "put",
        "/playlists/{playlist_urn}",
        lambda adapter: adapter.remove_tracks(
            PLAYLIST, track_ids=[TrackId("soundcloud:tracks:56")], gate=lambda: None
        ),
    ),
    "add_tracks to liked songs": (
        "post",
        "/likes/tracks/{track_urn}",
        lambda adapter: adapter.add_tracks(LIKED, track_ids=[TRACK], position=0, key="k3", gate=lambda: None),
    ),
    "remove_tracks from liked songs": (
        "delete",
        "/likes/tracks/{track_urn}",
        lambda adapter: adapter.remove_tracks(LIKED, track_ids=[TRACK], gate=lambda: None),
    ),
    "add_tracks to followed artists": (
        "put",
        "/me/followings/{user_urn}",
        lambda adapter: adapter.add_tracks(
            ARTISTS, track_ids=[USER], position=0, key="k4", gate=lambda: None
        ),
    ),
    "remove_tracks from followed artists": (
        "delete",
        "/me/followings/{user_urn}",
        lambda adapter: adapter.remove_tracks(ARTISTS, track_ids=[USER], gate=lambda: None),
    ),
    "delete_playlist": (
        "delete",
        "/playlists/{playlist_urn}",
        lambda adapter: adapter.delete_playlist(PLAYLIST, gate=lambda: None),
    ),
}


@pytest.fixture(scope="module")
def spec(shared_shelf: Path) -> Spec:
    return Spec(shared_shelf / "specs" / "soundcloud-openapi.yaml")


@pytest.fixture
async def adapter(answerer: Answerer) -> AsyncIterator[SoundCloudAdapter]:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/resolve"):
            return web.json_response({"location": f"https://api.soundcloud.com/playlists/{PLAYLIST}"})
        lists = ("/me/playlists", "/tracks", "/me/followings", "/users")
        is_list = request.method == "GET" and request.path.endswith(lists)
        return web.Response(text=LIST if is_list else OBJECT)

    answerer.answers = [answer]
    session = FakeSession(TokenSet(access_token="token"))
    async with opened(answerer.url, refusals=DECLARATION.refusals) as path:
        yield SoundCloudAdapter(path.http, session=session, capabilities=DECLARATION.capabilities)


@pytest.mark.parametrize("name", CALLS)
async def test_request_is_in_the_published_description_with_everything_it_says(
    name: str, spec: Spec, adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    method, template, call = CALLS[name]

    await call(adapter)

    (number,) = [n for n, one in enumerate(answerer.requests) if one.method == method.upper()][:1]
    request, body = answerer.requests[number], answerer.bodies[number]
    operation = spec.operation(method, template)
    known = spec.parameters(operation)
    assert request.path == "/v1" + template.format_map(URNS)
    assert not operation.get("deprecated")
    assert request.query.keys() <= known.keys()
    assert {n for n, parameter in known.items() if parameter.get("required")} <= request.query.keys()
    assert not [n for n in request.query if known[n].get("deprecated")]
    for parameter, text in request.query.items():
        schema = known[parameter]["schema"]
        assert spec.faults(schema, typed(text, schema)) == []
    if "requestBody" in operation:
        schema = spec.resolved(operation["requestBody"]["content"]["application/json"]["schema"])
        assert spec.faults(schema, msgspec.json.decode(body)) == []
        (inner,) = msgspec.json.decode(body).values()
        assert inner.keys() <= schema["properties"]["playlist"]["properties"].keys()
