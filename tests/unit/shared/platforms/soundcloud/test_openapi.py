"""Every first request of the adapter is one that SoundCloud's own description of its API has."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from aiohttp import web
from openapi_schema_validator import OAS30Validator

from shared.models import PlaylistId, TokenSet, TrackId
from shared.platforms.collections import Collection
from shared.platforms.soundcloud.adapter import DECLARATION, SoundCloudAdapter
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer, opened
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


class Spec:
    """SoundCloud's description of its API."""

    def __init__(self, path: Path) -> None:
        self._root = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)

    def operation(self, method: str, path: str) -> dict[str, Any]:
        operation: dict[str, Any] = self._root["paths"][path][method]
        return operation

    def query_parameters(self, operation: dict[str, Any]) -> dict[str, dict[str, Any]]:
        all_ = [self.resolved(parameter) for parameter in operation.get("parameters", [])]
        return {parameter["name"]: parameter for parameter in all_ if parameter["in"] == "query"}

    def resolved(self, part: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in part:
            return part
        node: Any = self._root
        for name in part["$ref"].removeprefix("#/").split("/"):
            node = node[name]
        return dict(node)


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


def typed(text: str, schema: dict[str, Any]) -> object:
    """Return a query value as the type that the description gives it."""
    match schema["type"]:
        case "integer":
            return int(text)
        case "boolean":
            return {"true": True, "false": False}[text]
        case "array":
            return text.split(",")
        case _:
            return text


@pytest.mark.parametrize("name", CALLS)
async def test_request_is_in_the_published_description_with_everything_it_says(
    name: str, spec: Spec, adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    method, template, call = CALLS[name]

    await call(adapter)

    (number,) = [n for n, one in enumerate(answerer.requests) if one.method == method.upper()][:1]
    request, body = answerer.requests[number], answerer.bodies[number]
    operation = spec.operation(method, template)
    known = spec.query_parameters(operation)
    assert request.path == "/v1" + template.format_map(URNS)
    assert not operation.get("deprecated")
    assert request.query.keys() <= known.keys()
    assert {n for n, parameter in known.items() if parameter.get("required")} <= request.query.keys()
    assert not [n for n in request.query if known[n].get("deprecated")]
    for parameter, text in request.query.items():
        schema = known[parameter]["schema"]
        OAS30Validator(schema).validate(typed(text, schema))
    if "requestBody" in operation:
        schema = spec.resolved(operation["requestBody"]["content"]["application/json"]["schema"])
        OAS30Validator(schema).validate(msgspec.json.decode(body))
        (inner,) = msgspec.json.decode(body).values()
        assert inner.keys() <= schema["properties"]["playlist"]["properties"].keys()
