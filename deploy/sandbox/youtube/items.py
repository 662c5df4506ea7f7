"""YouTube's playlist items: one at a time is put in or taken out, one writer at a time."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

from deploy.sandbox.albums import Album
from deploy.sandbox.answers import Refused, json_answer, json_body
from deploy.sandbox.changes import Item, ItemsInserted, ItemsReplaced
from deploy.sandbox.desk import Desk
from deploy.sandbox.store import Playlist
from deploy.sandbox.youtube import objects
from deploy.sandbox.youtube.access import account, anybody
from deploy.sandbox.youtube.paging import asked_page, listing
from deploy.sandbox.youtube.playlists import WRITE_UNITS, Playlists, ids_of, not_found, parts_of
from deploy.sandbox.youtube.quota import Quota

LARGEST_PLAYLIST = 5000
ITEM = "youtube.playlistItem"


class Resource(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    kind: str = ""
    video_id: str = ""


class Snippet(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    playlist_id: str = ""
    resource_id: Resource | None = None
    position: int | None = None


class ItemBody(msgspec.Struct, frozen=True, kw_only=True):
    snippet: Snippet = Snippet()


class PlaylistItems:
    """/playlistItems. Two writes at once to one playlist: the second one fails."""

    def __init__(self, desk: Desk, *, playlists: Playlists, quota: Quota) -> None:
        self._desk = desk
        self._playlists = playlists
        self._quota = quota
        self._busy: set[str] = set()

    async def list_items(self, request: web.Request) -> web.Response:
        """List a playlist's rows by position, only those of a video if one is named, or rows by their ids."""
        caller = anybody(self._desk, request)
        self._quota.spend()
        parts = parts_of(request)
        if self._desk.fault("empty_page", request):
            return json_answer({})
        wanted = set(ids_of(request))
        if wanted:
            found = [row for one in self._desk.store.playlists.values() for row in self._rows(one)]
            rows = [row for row in found if row["id"] in wanted]
        elif "playlistId" in request.query:
            playlist = self._playlists.seen(request.query["playlistId"], caller=caller)
            video_id = request.query.get("videoId")
            rows = [
                row for row in self._rows(playlist) if video_id in {None, row["contentDetails"]["videoId"]}
            ]
        else:
            raise Refused(400, "No playlist.", code="playlistIdRequired", title=ITEM)
        return json_answer(
            listing("playlistItem", [objects.chosen(row, parts) for row in rows], page=asked_page(request))
        )

    async def list_album(self, request: web.Request) -> web.Response:
        """List the rows of an album's playlist, which belongs to a Topic channel."""
        anybody(self._desk, request)
        self._quota.spend()
        parts = parts_of(request)
        own_id = request.query["playlistId"]
        album = self._desk.catalog.albums.by_id.get(objects.album_id_in(own_id))
        if album is None:
            raise not_found("playlist")
        rows = [objects.chosen(row, parts) for row in self._album_rows(album, request)]
        return json_answer(listing("playlistItem", rows, page=asked_page(request)))

    async def add(self, request: web.Request) -> web.Response:
        """Put one video into a playlist, behind its last row if no position is named."""
        caller = account(self._desk, request, writes=True)
        self._quota.spend(WRITE_UNITS)
        parts = parts_of(request)
        try:
            snippet = msgspec.convert(await json_body(request), ItemBody).snippet
        except msgspec.ValidationError as error:
            raise Refused(400, "Invalid snippet.", code="invalidSnippet", title=ITEM) from error
        resource = _checked(snippet)
        playlist = self._playlists.own(snippet.playlist_id, caller=caller)
        async with self._writing(playlist):
            self._refuse_video(resource.video_id, request)
            if len(playlist.items) >= LARGEST_PLAYLIST:
                code = "playlistContainsMaximumNumberOfVideos"
                raise Refused(403, "Maximum playlist size exceeded.", code=code, title=ITEM)
            position = self._position(snippet, playlist, request=request)
            item = Item(track_id=resource.video_id, uid=secrets.token_hex(8))
            written = self._desk.as_written([item], request=request)
            change = ItemsInserted(playlist_id=playlist.id, position=position, items=written)
            self._desk.store.record(change)
            if not written:  # a fault has cut it: accepted, and not there
                return json_answer({})
            ids = objects.item_ids(playlist)
            row = self._row(playlist, written[0], own_id=ids[position], position=position)
            return json_answer(objects.chosen(row, parts))

    async def remove(self, request: web.Request) -> web.Response:
        """Take one row out by its id."""
        caller = account(self._desk, request, writes=True)
        self._quota.spend(WRITE_UNITS)
        own_id = request.query.get("id", "")
        for playlist in self._desk.store.playlists.values():
            ids = objects.item_ids(playlist) if playlist.owner == caller.user else []
            if own_id in ids:
                async with self._writing(playlist):
                    place = ids.index(own_id)
                    left = (*playlist.items[:place], *playlist.items[place + 1 :])
                    self._desk.store.record(ItemsReplaced(playlist_id=playlist.id, items=left))
                    return web.Response(status=204)
        raise not_found("playlistItem")

    @asynccontextmanager
    async def _writing(self, playlist: Playlist) -> AsyncIterator[None]:
        """Hold a playlist while it is written; a second writer meets an error, as on YouTube."""
        if playlist.id in self._busy:
            raise Refused(500, "Internal error encountered.", code="backendError", title="global")
        self._busy.add(playlist.id)
        try:
            await asyncio.sleep(self._desk.options.write_hold_ms / 1000)
            yield
        finally:
            self._busy.discard(playlist.id)

    def _position(self, snippet: Snippet, playlist: Playlist, *, request: web.Request) -> int:
        if snippet.position is None:
            return len(playlist.items)
        if self._desk.fault("not_manual", request):
            message = "The playlist is not sorted by hand."
            raise Refused(400, message, code="manualSortRequired", title=ITEM)
        if not 0 <= snippet.position <= len(playlist.items):
            raise Refused(400, "Invalid position.", code="invalidPlaylistItemPosition", title=ITEM)
        return snippet.position

    def _refuse_video(self, video_id: str, request: web.Request) -> None:
        fault = self._desk.fault("poison", request)
        if fault and video_id in (*fault.poison_ids, *fault.ids):
            message = "Internal error encountered."
            raise Refused(fault.status or 500, message, code="backendError", title="global")
        dead = self._desk.fault("dead_ids", request)
        if dead and video_id in dead.ids:
            raise Refused(400, "Precondition check failed.", code="failedPrecondition", title="global")
        if video_id not in self._desk.catalog.by_id:
            raise not_found("video")

    def _rows(self, playlist: Playlist) -> list[dict[str, Any]]:
        now_s = self._desk.clock.now_s()
        seen = [
            (own_id, item)
            for own_id, item in zip(objects.item_ids(playlist), playlist.items, strict=True)
            if item.visible_at_s <= now_s
        ]
        return [
            self._row(playlist, item, own_id=own_id, position=place)
            for place, (own_id, item) in enumerate(seen)
        ]

    def _row(self, playlist: Playlist, item: Item, *, own_id: str, position: int) -> dict[str, Any]:
        recording = self._desk.catalog.by_id.get(item.track_id or "")
        known = (
            objects.own_video(item, owner=playlist.owner)
            if recording is None
            else objects.video_of(recording)
        )
        return objects.playlist_item(
            own_id,
            playlist_id=playlist.id,
            owner=playlist.owner,
            position=position,
            known=known,
            item=item,
        )

    def _album_rows(self, album: Album, request: web.Request) -> Sequence[dict[str, Any]]:
        dead = self._desk.fault("dead_ids", request)
        videos = [objects.video_of(recording) for recording in album.tracks]
        own_id = objects.album_playlist_id(album)
        return [
            objects.playlist_item(
                objects.etag(own_id, place),
                playlist_id=own_id,
                owner=f"{album.artist} - Topic",
                position=place,
                known=known,
            )
            for place, known in enumerate(one for one in videos if not dead or one.id not in dead.ids)
        ]


def _checked(snippet: Snippet) -> Resource:
    """Return what is to be added. Raises Refused(400) for a body that lacks something."""
    if not snippet.playlist_id:
        raise Refused(400, "No playlist.", code="playlistIdRequired", title=ITEM)
    if snippet.playlist_id in {"WL", "HL"}:
        raise Refused(400, "Not for this list.", code="playlistOperationUnsupported", title=ITEM)
    if snippet.resource_id is None or not snippet.resource_id.video_id:
        raise Refused(400, "No resource.", code="resourceIdRequired", title=ITEM)
    if snippet.resource_id.kind != "youtube#video":
        raise Refused(400, "Not a video.", code="invalidResourceType", title=ITEM)
    return snippet.resource_id
