"""The items of TIDAL's playlists: read, added, moved and removed, each by the id of its occurrence."""

import uuid
from collections.abc import Sequence
from typing import Annotated, Literal

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.changes import Item, ItemsInserted, ItemsReplaced
from deploy.sandbox.desk import Desk
from deploy.sandbox.store import Playlist
from deploy.sandbox.tidal.access import account, anybody
from deploy.sandbox.tidal.catalog import related
from deploy.sandbox.tidal.documents import (
    PAGE,
    Json,
    Writer,
    identifier_of,
    include_of,
    links_of,
    offset_of,
)
from deploy.sandbox.tidal.holdings import Holdings
from deploy.sandbox.tidal.playlists import Playlists, read_body
from deploy.sandbox.tidal.voice import document

Kind = Literal["tracks", "videos"]


class Added(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: Kind


class Place(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    position_before: str


class Addition(msgspec.Struct, frozen=True, kw_only=True):
    data: Annotated[tuple[Added, ...], msgspec.Meta(min_length=1, max_length=50)]
    meta: Place | None = None


class ItemMeta(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    item_id: str


class Named(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: Kind
    meta: ItemMeta


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    data: Annotated[tuple[Named, ...], msgspec.Meta(min_length=1, max_length=50)]


class Move(msgspec.Struct, frozen=True, kw_only=True):
    data: Annotated[tuple[Named, ...], msgspec.Meta(min_length=1, max_length=20)]
    meta: Place


class PlaylistItems:
    """GET, POST, PATCH and DELETE of /playlists/{id}/relationships/items."""

    def __init__(self, desk: Desk, *, playlists: Playlists) -> None:
        self._desk = desk
        self._playlists = playlists

    async def list_items(self, request: web.Request) -> web.Response:
        """Page through a playlist; every row is named, those come along that this country has."""
        anybody(self._desk, request)
        playlist = self._playlists.find(request)
        include = include_of(request, "playlists").get("items") if "include" in request.query else None
        sort = request.query.get("sort", "itemIndex")
        if sort not in {"itemIndex", "-itemIndex"}:
            raise Refused(400, "This sandbox sorts by itemIndex alone", parameter="sort")
        if self._desk.fault("empty_page", request):
            return document({})
        items = playlist.visible_items(self._desk.clock.now_s())
        items, offset = items[::-1] if sort.startswith("-") else items, offset_of(request)
        writer, rows = Writer(Holdings(self._desk, request)), []
        for item in items[offset : offset + PAGE]:
            rows.append(identifier_of(item))
            if include is not None:
                writer.include_item(rows[-1], item, include=include)
        return related(request, rows, writer=writer, offset=offset, length=len(items))

    async def add(self, request: web.Request) -> web.Response:
        """Add up to 50 rows in their order, at the end or before an item; tell what was skipped, and why."""
        playlist = self._writable(request)
        order = await read_body(request, Addition)
        fault = self._desk.fault("poison", request)
        if fault and not {row.id for row in order.data}.isdisjoint((*fault.poison_ids, *fault.ids)):
            raise Refused(fault.status or 500, "Internal server error")
        position = self._place(playlist, order.meta) if order.meta else len(playlist.items)
        taken, skipped = self._sorted(playlist, order.data, request=request)
        written = self._desk.as_written(taken, request=request)
        self._desk.store.record(ItemsInserted(playlist_id=playlist.id, position=position, items=written))
        return document(
            {
                "data": [identifier_of(item) for item in written],
                "links": links_of(request, next_cursor=None),
                "meta": {"skipped": skipped},
            }
        )

    def _sorted(
        self, playlist: Playlist, rows: Sequence[Added], *, request: web.Request
    ) -> tuple[list[Item], list[Json]]:
        """Tell what can be added from what is skipped: dead ids, and repeats where they are not kept."""
        holdings = Holdings(self._desk, request)
        present = {item.track_id for item in playlist.items}
        taken, skipped = [], []
        for row in rows:
            reason = ""
            if row.type == "videos" or holdings.track(row.id) is None:
                reason = "NOT_FOUND"
            elif self._desk.options.repeats == "skip" and row.id in present:
                reason = "ALREADY_PRESENT"
            if reason:
                skipped.append({"id": row.id, "type": row.type, "reason": reason})
                continue
            present.add(row.id)
            taken.append(Item(track_id=row.id, uid=str(uuid.uuid4())))
        return taken, skipped

    async def move(self, request: web.Request) -> web.Response:
        """Put up to 20 items before another one."""
        playlist = self._writable(request)
        order = await read_body(request, Move)
        wanted = [row.meta.item_id for row in order.data]
        by_uid = {item.uid: item for item in playlist.items}
        self._place(playlist, order.meta)
        if set(wanted) - set(by_uid) or order.meta.position_before in wanted:
            raise Refused(404, "The item was not found")
        left = [item for item in playlist.items if item.uid not in wanted]
        at = next(n for n, item in enumerate(left) if item.uid == order.meta.position_before)
        moved = (*left[:at], *(by_uid[uid] for uid in wanted), *left[at:])
        return self._replaced(request, playlist, moved)

    async def remove(self, request: web.Request) -> web.Response:
        """Remove up to 50 items; one that is gone already is no error."""
        playlist = self._writable(request)
        order = await read_body(request, Removal)
        doomed = {row.meta.item_id for row in order.data}
        left = tuple(item for item in playlist.items if item.uid not in doomed)
        return self._replaced(request, playlist, left)

    def _writable(self, request: web.Request) -> Playlist:
        caller = account(self._desk, request, "playlists.write")
        playlist = self._playlists.find(request)
        caller.may_write(playlist)
        return playlist

    def _place(self, playlist: Playlist, place: Place) -> int:
        for position, item in enumerate(playlist.items):
            if item.uid == place.position_before:
                return position
        raise Refused(404, "The item was not found", parameter="/meta/positionBefore")

    def _replaced(self, request: web.Request, playlist: Playlist, items: Sequence[Item]) -> web.Response:
        self._desk.store.record(ItemsReplaced(playlist_id=playlist.id, items=tuple(items)))
        return document({"links": links_of(request, next_cursor=None)})
