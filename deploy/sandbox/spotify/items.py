"""Spotify's writes to the items of a playlist: add, replace, reorder, remove."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer, json_body
from deploy.sandbox.changes import Item, ItemsInserted, ItemsReplaced
from deploy.sandbox.desk import Desk
from deploy.sandbox.spotify.access import account
from deploy.sandbox.spotify.playlists import Playlists, snapshot_id
from deploy.sandbox.store import Playlist

LARGEST_BATCH = 100
LARGEST_PLAYLIST = 10_000
ITEM_URI = re.compile(r"spotify:(track|episode):([0-9A-Za-z]{22})")


class PlaylistItems:
    """Every write answers the new snapshot. One write at a time per playlist, else 500."""

    def __init__(self, desk: Desk, *, playlists: Playlists) -> None:
        self._desk = desk
        self._playlists = playlists
        self._busy: set[str] = set()

    @asynccontextmanager
    async def _writing(self, request: web.Request) -> AsyncIterator[Playlist]:
        """Hold the playlist of the path while it is written; a second writer fails, as on Spotify."""
        caller = account(self._desk, request)
        playlist = self._playlists.find(request, caller=caller)
        caller.may_write(playlist)
        if playlist.id in self._busy:
            raise Refused(500, "Server error.")
        self._busy.add(playlist.id)
        try:
            await asyncio.sleep(self._desk.options.write_hold_ms / 1000)
            yield playlist
        finally:
            self._busy.discard(playlist.id)

    async def add(self, request: web.Request) -> web.Response:
        """Insert up to 100 uris at `position`, by default at the end."""
        async with self._writing(request) as playlist:
            body = await json_body(request)
            items = self._items(_uris(request, body), request=request)
            position = _position(request, body, default=len(playlist.items))
            if position > len(playlist.items):
                raise Refused(400, "Index out of bounds.")
            if len(playlist.items) + len(items) > LARGEST_PLAYLIST:
                raise Refused(403, "Playlist size limit reached")
            if self._desk.fault("append_at_front", request):
                position = 0
            written = self._desk.as_written(items, request=request)
            change = ItemsInserted(playlist_id=playlist.id, position=position, items=written)
            self._desk.store.record(change)
            return self._answer(playlist, request=request, status=201)

    async def update(self, request: web.Request) -> web.Response:
        """Replace all items when uris are given, else move a range."""
        async with self._writing(request) as playlist:
            body = await json_body(request)
            if "uris" in body or "uris" in request.query:
                if "range_start" in body:
                    raise Refused(400, "uris and range_start cannot be combined")
                items = self._items(_uris(request, body), request=request)
                written = self._desk.as_written(items, request=request)
            else:
                self._refuse_snapshot(body, request)
                written = tuple(_moved(playlist.items, body))
            self._desk.store.record(ItemsReplaced(playlist_id=playlist.id, items=written))
            return self._answer(playlist, request=request)

    async def remove(self, request: web.Request) -> web.Response:
        """Remove every occurrence of up to 100 uris; positions are not looked at."""
        async with self._writing(request) as playlist:
            body = await json_body(request)
            key = "tracks" if request.path.endswith("/tracks") else "items"
            rows = body.get(key)
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise Refused(400, f"Missing {key}")
            self._refuse_snapshot(body, request)
            doomed = {
                item.track_id for item in self._items([row.get("uri") for row in rows], request=request)
            }
            left = tuple(item for item in playlist.items if item.track_id not in doomed)
            self._desk.store.record(ItemsReplaced(playlist_id=playlist.id, items=left))
            return self._answer(playlist, request=request)

    def _items(self, uris: Sequence[Any], *, request: web.Request) -> list[Item]:
        """Turn uris into items. Raises Refused with Spotify's words for too many, bad or unknown ones."""
        if len(uris) > LARGEST_BATCH:
            raise Refused(400, f"You can add a maximum of {LARGEST_BATCH} tracks per request.")
        ids = [self._track_id(uri) for uri in uris]
        fault = self._desk.fault("poison", request)
        if fault and not set(ids).isdisjoint((*fault.poison_ids, *fault.ids)):
            raise Refused(fault.status or 500, "Server error.")
        return [Item(track_id=own_id) for own_id in ids]

    def _track_id(self, uri: Any) -> str:
        match = ITEM_URI.fullmatch(uri) if isinstance(uri, str) else None
        if match is None:  # local files land here too: they cannot be added or removed
            raise Refused(400, f"Invalid track uri: {uri}")
        if match[2] not in self._desk.catalog.by_id:
            raise Refused(400, "Payload contains a non-existing ID")
        return match[2]

    def _refuse_snapshot(self, body: dict[str, Any], request: web.Request) -> None:
        if body.get("snapshot_id") and self._desk.fault("snapshot_refused", request):
            raise Refused(502, "Error while loading resource")

    def _answer(self, playlist: Playlist, *, request: web.Request, status: int = 200) -> web.Response:
        if fault := self._desk.fault("snapshot_delay", request):
            playlist.snapshot_settles_at_s = self._desk.clock.now_s() + fault.visibility_delay_s
        return json_answer({"snapshot_id": snapshot_id(playlist)}, status=status)


def _uris(request: web.Request, body: dict[str, Any]) -> list[Any]:
    """Read the uris; those in the query win over those in the body."""
    if "uris" in request.query:
        return [uri for uri in request.query["uris"].split(",") if uri]
    uris = body.get("uris")
    if not isinstance(uris, list) or (not uris and request.method == "POST"):
        raise Refused(400, "No uris provided")
    return uris


def _position(request: web.Request, body: dict[str, Any], *, default: int) -> int:
    raw = request.query.get("position", body.get("position"))
    if raw is None:
        return default
    try:
        position = int(raw)
    except (TypeError, ValueError) as error:
        raise Refused(400, "Invalid position") from error
    if position < 0:
        raise Refused(400, "Invalid position")
    return position


def _moved(items: Sequence[Item], body: dict[str, Any]) -> list[Item]:
    """Take range_length items from range_start and put them before insert_before, as counted before."""
    numbers = (body.get("range_start"), body.get("insert_before"), body.get("range_length", 1))
    if not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise Refused(400, "Missing range_start or insert_before")
    start, before, length = (int(number or 0) for number in numbers)
    if start + length > len(items) or before > len(items) or length < 1:
        raise Refused(400, "Index out of bounds.")
    rest = [*items[:start], *items[start + length :]]
    goal = before - length if before >= start + length else min(before, start)
    return [*rest[:goal], *items[start : start + length], *rest[goal:]]
