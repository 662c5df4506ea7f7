"""The jukebox as a local server, on what the other sandboxes stand on: its routes and its words alone."""

import re
import secrets
from http import HTTPStatus
from typing import Any, NoReturn

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, Throttled, json_answer, retry_headers
from deploy.sandbox.changes import FollowChanged, Item, ItemsInserted, ItemsReplaced, PlaylistCreated
from deploy.sandbox.desk import Desk
from deploy.sandbox.faults import Operation
from deploy.sandbox.ids import Ids, in_alphabet
from deploy.sandbox.simulations import Simulation, add
from deploy.sandbox.store import Playlist

_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_MOST = 20


def _derived(kind: str, key: str) -> str:
    return f"{kind}-{in_alphabet(f'jukebox:{kind}:{key}', alphabet=_ALPHABET, length=10)}"


class Voice:
    """Errors are `{"message": …}` with the status that they mean."""

    def refusal(self, refused: Refused) -> web.Response:
        return json_answer({"message": refused.message}, status=refused.status)

    def failure(self, status: int, *, operation: str) -> web.Response:
        return json_answer({"message": f"{operation}: {HTTPStatus(status).phrase}"}, status=status)

    def throttled(self, throttled: Throttled) -> web.Response:
        headers = retry_headers(throttled.retry_after_s)
        return json_answer({"message": "Slow down."}, status=429, headers=headers)


class Jukebox:
    """All of its handlers."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def me(self, request: web.Request) -> web.Response:
        user = self._user(request)
        return json_answer({"id": f"listener-{user}", "name": user})

    async def list_playlists(self, request: web.Request) -> web.Response:
        user, now_s = self._user(request), self._desk.clock.now_s()
        rows = [
            self._head(playlist)
            for playlist in self._desk.store.playlists.values()
            if playlist.owner == user and playlist.followers and playlist.visible_at_s <= now_s
        ]
        return self._page(request, rows)

    async def get_playlist(self, request: web.Request) -> web.Response:
        return json_answer(self._head(self._own(request)))

    async def list_items(self, request: web.Request) -> web.Response:
        playlist = self._own(request)
        if self._desk.fault("empty_page", request):
            return json_answer({})
        items = playlist.visible_items(self._desk.clock.now_s())
        return self._page(request, [self._row(item) for item in items])

    async def search(self, request: web.Request) -> web.Response:
        self._user(request)
        catalog, query = self._desk.catalog, request.query
        if "isrc" in query:
            at = [at for isrc in query["isrc"].split(",") for at in catalog.with_isrc(isrc)]
            found = [catalog.recordings[number].ids["jukebox"] for number in at]
        elif "ids" in query:
            found = [own_id for own_id in query["ids"].split(",") if own_id in catalog.by_id]
        else:
            hits = catalog.index.ranked(query.get("q", ""))[:_MOST]
            found = [catalog.recordings[number].ids["jukebox"] for number in hits]
        return json_answer({"items": [self._row(Item(track_id=own_id)) for own_id in found]})

    async def create_playlist(self, request: web.Request) -> web.Response:
        user, wanted = self._user(request), await _body(request)
        created = PlaylistCreated(
            playlist_id=_derived("list", secrets.token_hex(16)),
            owner=user,
            name=str(wanted["name"]),
            description=str(wanted.get("description", "")),
            created_at_s=self._desk.clock.now_s(),
            visible_at_s=self._desk.visible_at_s(request),
        )
        self._desk.store.record(created)
        return json_answer(self._head(self._desk.store.playlists[created.playlist_id]), status=201)

    async def add_items(self, request: web.Request) -> web.Response:
        playlist, wanted = self._own(request), await _body(request)
        fault = self._desk.fault("poison", request)
        poison = {*fault.poison_ids, *fault.ids} if fault else set()
        ids = wanted["ids"]
        if not ids or len(ids) > _MOST or any(i not in self._desk.catalog.by_id or i in poison for i in ids):
            raise Refused(fault.status or 422 if fault else 422, "These songs cannot be added.")
        items = self._desk.as_written([Item(track_id=own_id) for own_id in ids], request=request)
        self._desk.store.record(
            ItemsInserted(
                playlist_id=playlist.id, items=items, position=min(wanted["at"], len(playlist.items))
            )
        )
        return json_answer({}, status=201)

    async def remove_items(self, request: web.Request) -> web.Response:
        playlist, wanted = self._own(request), await _body(request)
        left = [item for item in playlist.items if item.track_id not in wanted["ids"]]
        self._desk.store.record(ItemsReplaced(playlist_id=playlist.id, items=tuple(left)))
        return json_answer({})

    async def delete_playlist(self, request: web.Request) -> web.Response:
        playlist = self._own(request)
        self._desk.store.record(FollowChanged(playlist_id=playlist.id, user=playlist.owner, follows=False))
        return json_answer({})

    async def unknown(self, _: web.Request) -> NoReturn:
        raise Refused(404, "There is no such route.")

    def _user(self, request: web.Request) -> str:
        value = request.headers.get("Authorization", "").removeprefix("Bearer ")
        token = self._desk.store.tokens.get(value)
        if token is None or value in self._desk.store.revoked:
            raise Refused(401, "This token is not known.")
        return token.user or ""

    def _own(self, request: web.Request) -> Playlist:
        user = self._user(request)
        playlist = self._desk.store.playlists.get(request.match_info["id"])
        if playlist is None or playlist.owner != user or not playlist.followers:
            raise Refused(404, "There is no such list.")
        return playlist

    def _head(self, playlist: Playlist) -> dict[str, Any]:
        count = len(playlist.visible_items(self._desk.clock.now_s()))
        return {
            "id": playlist.id,
            "name": playlist.name,
            "description": playlist.description,
            "track_count": count,
        }

    def _row(self, item: Item) -> dict[str, Any]:
        recording = self._desk.catalog.by_id.get(item.track_id or "")
        if recording is None:
            return {"title": item.title or "", "kind": item.kind}
        return {
            "id": recording.ids["jukebox"],
            "title": recording.title,
            "artists": recording.artists,
            "album": recording.album,
            "duration_ms": recording.duration_ms,
            "isrc": recording.isrc,
        }

    def _page(self, request: web.Request, rows: list[dict[str, Any]]) -> web.Response:
        offset, limit = int(request.query.get("offset", 0)), int(request.query.get("limit", _MOST))
        if not 1 <= limit <= _MOST:
            raise Refused(400, f"limit must be between 1 and {_MOST}.")
        return json_answer({"items": rows[offset : offset + limit], "total": len(rows)})


def routes(desk: Desk) -> list[web.RouteDef]:
    jukebox = Jukebox(desk)
    rows = (
        ("me", "GET", "/api/me", jukebox.me),
        ("list_playlists", "GET", "/api/lists", jukebox.list_playlists),
        ("create_playlist", "POST", "/api/lists", jukebox.create_playlist),
        ("get_playlist", "GET", "/api/lists/{id}", jukebox.get_playlist),
        ("delete_playlist", "DELETE", "/api/lists/{id}", jukebox.delete_playlist),
        ("list_items", "GET", "/api/lists/{id}/items", jukebox.list_items),
        ("add_items", "POST", "/api/lists/{id}/items", jukebox.add_items),
        ("remove_items", "DELETE", "/api/lists/{id}/items", jukebox.remove_items),
        ("search", "GET", "/api/songs", jukebox.search),
        ("unknown", "*", "/{tail:.*}", jukebox.unknown),
    )
    return [
        web.route(method, path, desk.gate.guard(Operation(name=name, is_write=method != "GET"), handler))
        for name, method, path, handler in rows
    ]


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        return msgspec.json.decode(await request.read(), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise Refused(400, "The body is not JSON.") from error


add(
    "jukebox",
    Simulation(voice=Voice, routes=routes),
    ids=Ids(
        track_form=re.compile(r"song-[0-9a-z]{10}"),
        track=lambda key: _derived("song", key),
        playlist=lambda key: _derived("list", key),
    ),
)
