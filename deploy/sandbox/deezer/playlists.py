"""Deezer's playlists: everybody reads the public ones, their owners write."""

import secrets
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from deploy.sandbox.answers import json_answer
from deploy.sandbox.changes import (
    DetailsChanged,
    FollowChanged,
    Item,
    ItemsInserted,
    ItemsReplaced,
    PlaylistCreated,
    PlaylistDeleted,
)
from deploy.sandbox.deezer.access import account, caller, loved, shown
from deploy.sandbox.deezer.catalog import MusicCatalog
from deploy.sandbox.deezer.objects import full_playlist, listed_playlist, upload, user, user_id
from deploy.sandbox.deezer.paging import asked_page, listing
from deploy.sandbox.deezer.voice import refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.recordings import playlist_id
from deploy.sandbox.store import Playlist

NESTED_ROWS = 400
LARGEST_PLAYLIST = 2000
LONGEST_BATCH = 100
"""Longer lists of songs fail for others, how is not told."""


class Playlists:
    """Playlists and the account they belong to."""

    def __init__(self, desk: Desk, *, catalog: MusicCatalog) -> None:
        self._desk = desk
        self._catalog = catalog

    async def me(self, request: web.Request) -> web.Response:
        return json_answer(user(account(self._desk, request), country="DE"))

    async def get_user(self, request: web.Request) -> web.Response:
        return json_answer(user(self._named(request), country="DE"))

    def _named(self, request: web.Request) -> str:
        """Return the account of the path. Raises Refused(800)."""
        caller(self._desk, request)
        owners = {self._desk.options.user, *(p.owner for p in self._desk.store.playlists.values())}
        for name in owners:
            if str(user_id(name)) == request.match_info["user_id"]:
                return name
        raise refused(800)

    async def list_mine(self, request: web.Request) -> web.Response:
        """The account's own playlists and those it follows; new ones may be missing for a while.

        The favorite tracks are one of them, as old as the account.
        """
        name = account(self._desk, request)
        return self._list(request, lambda one: name in one.followers, oldest=[loved(self._desk, user=name)])

    async def list_of_user(self, request: web.Request) -> web.Response:
        name, asking = self._named(request), caller(self._desk, request)
        return self._list(request, lambda one: one.owner == name and (one.is_public or name == asking))

    def _list(self, request: web.Request, is_meant: Any, *, oldest: Sequence[Playlist] = ()) -> web.Response:
        now_s = self._desk.clock.now_s()
        playlists = self._desk.store.playlists.values()
        mine = [one for one in playlists if is_meant(one) and one.visible_at_s <= now_s]
        mine.sort(key=lambda one: (-one.created_at_s, one.id))
        mine += oldest
        page = asked_page(request)
        rows = [listed_playlist(one, track_count=len(one.visible_items(now_s))) for one in page.of(mine)]
        return json_answer(listing(rows, page=page, total=len(mine), request=request))

    async def get(self, request: web.Request) -> web.Response:
        playlist = shown(self._desk, request, user=caller(self._desk, request))
        items = playlist.visible_items(self._desk.clock.now_s())
        rows = self._rows(items[:NESTED_ROWS])
        return json_answer(full_playlist(playlist, rows=rows, track_count=len(items)))

    async def list_items(self, request: web.Request) -> web.Response:
        playlist = shown(self._desk, request, user=caller(self._desk, request))
        page = asked_page(request)
        if self._desk.fault("empty_page", request):
            return json_answer({})
        items = playlist.visible_items(self._desk.clock.now_s())
        shape = listing(self._rows(page.of(items)), page=page, total=len(items), request=request)
        return json_answer({**shape, "checksum": listed_playlist(playlist, track_count=0)["checksum"]})

    def _rows(self, items: Sequence[Item]) -> list[dict[str, Any]]:
        return [self._row(item) for item in items]

    def _row(self, item: Item) -> dict[str, Any]:
        """What is gone or not for this country stays in its place, and cannot be played."""
        recording = self._desk.catalog.by_id.get(item.track_id or "")
        if recording is None:
            return upload(item)
        return {**self._catalog.row(recording), "time_add": int(item.added_at_s)}

    async def create(self, request: web.Request) -> web.Response:
        """Create an empty playlist of a title; nothing else is taken, and nothing makes it idempotent."""
        name = account(self._desk, request, perm="manage_library")
        if request.match_info.get("user_id", str(user_id(name))) != str(user_id(name)):
            raise refused(200)
        title = request.query.get("title", "").strip()
        if not title:
            raise refused(501, "Missing parameter: title")
        created = PlaylistCreated(
            playlist_id=playlist_id("deezer", f"created:{secrets.token_hex(16)}"),
            owner=name,
            name=title,
            created_at_s=self._desk.clock.now_s(),
            visible_at_s=self._desk.visible_at_s(request),
        )
        self._desk.store.record(created)
        return json_answer({"id": int(created.playlist_id)})

    def _mine(self, request: web.Request, *, perm: str) -> Playlist:
        name = account(self._desk, request, perm=perm)
        playlist = shown(self._desk, request, user=name, is_written=True)
        if playlist.owner != name and not playlist.is_collaborative:
            raise refused(200, "You must be the owner of this playlist")
        return playlist

    async def change(self, request: web.Request) -> web.Response:
        playlist = self._mine(request, perm="manage_library")
        flags = {
            name: request.query[name] == "true"
            for name in ("public", "collaborative")
            if name in request.query
        }
        change = DetailsChanged(
            playlist_id=playlist.id,
            name=request.query.get("title"),
            description=request.query.get("description"),
            is_public=flags.get("public"),
            is_collaborative=flags.get("collaborative"),
        )
        self._desk.store.record(change)
        return json_answer(True)

    async def add(self, request: web.Request) -> web.Response:
        """Append songs, or put all of them into another order.

        One that stands there already, or twice in the list, refuses the whole of it.
        """
        playlist = self._mine(request, perm="manage_library")
        if "order" in request.query:
            return self._reorder(playlist, request)
        ids = self._songs(request)
        if len(set(ids)) < len(ids) or not {item.track_id for item in playlist.items}.isdisjoint(ids):
            raise refused(500, "This song already exists in this playlist")
        if len(playlist.items) + len(ids) > LARGEST_PLAYLIST:
            raise refused(100, "Items limit exceeded")
        written = self._desk.as_written([Item(track_id=own_id) for own_id in ids], request=request)
        change = ItemsInserted(playlist_id=playlist.id, position=len(playlist.items), items=written)
        self._desk.store.record(change)
        return json_answer(True)

    def _songs(self, request: web.Request) -> list[str]:
        ids = [own_id for own_id in request.query.get("songs", "").split(",") if own_id]
        fault = self._desk.fault("poison", request)
        poisoned = {*fault.poison_ids, *fault.ids} if fault else set()
        if not ids:
            raise refused(501, "Missing parameter: songs")
        if len(ids) > LONGEST_BATCH or not poisoned.isdisjoint(ids):
            raise refused(500, "Wrong parameter: songs")
        if not self._desk.catalog.by_id.keys() >= set(ids):
            raise refused(800)
        return ids

    def _reorder(self, playlist: Playlist, request: web.Request) -> web.Response:
        wanted = request.query["order"].split(",")
        by_id = {item.track_id or "": item for item in playlist.items}
        if sorted(wanted) != sorted(by_id):
            raise refused(500, "Wrong parameter: order")
        items = tuple(by_id[own_id] for own_id in wanted)
        self._desk.store.record(ItemsReplaced(playlist_id=playlist.id, items=items))
        return json_answer(True)

    async def remove(self, request: web.Request) -> web.Response:
        """Remove songs wherever they stand; one that does not is no error."""
        playlist = self._mine(request, perm="manage_library")
        doomed = set(request.query.get("songs", "").split(","))
        left = tuple(item for item in playlist.items if item.track_id not in doomed)
        self._desk.store.record(ItemsReplaced(playlist_id=playlist.id, items=left))
        return json_answer(True)

    async def delete(self, request: web.Request) -> web.Response:
        """Delete an own playlist; somebody else's is followed no more."""
        name = account(self._desk, request, perm="delete_library")
        playlist = shown(self._desk, request, user=name, is_written=True)
        if playlist.owner == name:
            self._desk.store.record(PlaylistDeleted(playlist_id=playlist.id))
        else:
            self._desk.store.record(FollowChanged(playlist_id=playlist.id, user=name, follows=False))
        return json_answer(True)
