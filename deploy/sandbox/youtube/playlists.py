"""YouTube's playlists and channels: listed, read, made, changed, deleted."""

import secrets
from typing import Any

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer, json_body
from deploy.sandbox.changes import DetailsChanged, Item, PlaylistCreated, PlaylistDeleted
from deploy.sandbox.desk import Desk
from deploy.sandbox.kept import Kind, shown
from deploy.sandbox.recordings import playlist_id
from deploy.sandbox.store import Playlist
from deploy.sandbox.youtube import objects
from deploy.sandbox.youtube.access import Caller, account, anybody
from deploy.sandbox.youtube.paging import asked_page, listing
from deploy.sandbox.youtube.quota import Quota

WRITE_UNITS = 50
LONGEST_TITLE = 150
PARAMETER = "youtube.parameter"


class Snippet(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    description: str = ""


class Status(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    privacy_status: str = "public"


class PlaylistBody(msgspec.Struct, frozen=True, kw_only=True):
    snippet: Snippet
    status: Status | None = None
    id: str = ""


def parts_of(request: web.Request) -> list[str]:
    """Read `part`, which every call needs. Raises Refused(400)."""
    parts = [part for part in ",".join(request.query.getall("part", [])).split(",") if part]
    if not parts:
        raise Refused(
            400, "Required parameter: part", code="missingRequiredParameter", title="global", parameter="part"
        )
    return parts


def ids_of(request: web.Request) -> list[str]:
    return [one for one in ",".join(request.query.getall("id", [])).split(",") if one]


class Playlists:
    """/playlists and /channels."""

    def __init__(self, desk: Desk, *, quota: Quota) -> None:
        self._desk = desk
        self._quota = quota

    async def list_channels(self, request: web.Request) -> web.Response:
        caller = anybody(self._desk, request)
        self._quota.spend()
        parts = parts_of(request)
        users = [caller.user] if request.query.get("mine") == "true" else []
        if users == [""]:
            raise Refused(401, "Login Required", code="required", title="global", parameter="Authorization")
        rows = [objects.chosen(objects.channel(user), parts) for user in users]
        return json_answer(listing("channel", rows, page=asked_page(request)))

    async def list_mine(self, request: web.Request) -> web.Response:
        """List own playlists, the newest first, or those of a channel."""
        caller = anybody(self._desk, request)
        self._quota.spend()
        parts = parts_of(request)
        owner = request.query.get("channelId")
        if request.query.get("mine") == "true":
            caller = account(self._desk, request)
            owner = objects.channel_id(caller.user)
        elif owner is None:
            message = "No filter selected. Expected one of: mine, id, channelId"
            raise Refused(
                400, message, code="missingRequiredParameter", title=PARAMETER, parameter="parameters."
            )
        now_s = self._desk.clock.now_s()
        rows = [
            playlist
            for playlist in reversed(self._desk.store.playlists.values())
            if objects.channel_id(playlist.owner) == owner
            and playlist.visible_at_s <= now_s
            and (playlist.is_public or playlist.owner == caller.user)
        ]
        shapes = [self._shape(playlist, parts) for playlist in rows]
        return json_answer(listing("playlist", shapes, page=asked_page(request)))

    async def get(self, request: web.Request) -> web.Response:
        """Read playlists by their ids; one that is not there, or not to be seen, is left out."""
        caller = anybody(self._desk, request)
        self._quota.spend()
        parts = parts_of(request)
        found = []
        for own_id in ids_of(request):
            album = self._desk.catalog.albums.by_id.get(objects.album_id_in(own_id))
            playlist = self._known(own_id, caller=caller)
            if playlist is not None and caller.sees(playlist):
                found.append(self._shape(playlist, parts))
            elif own_id.startswith(objects.ALBUM_PREFIX) and album is not None:
                found.append(objects.chosen(objects.album_playlist(album), parts))
        return json_answer(listing("playlist", found, page=asked_page(request)))

    async def create(self, request: web.Request) -> web.Response:
        """Create a playlist, public where nothing else is said; names need not be unique."""
        caller = account(self._desk, request, writes=True)
        self._quota.spend(WRITE_UNITS)
        parts = parts_of(request)
        body = await self._body(request)
        created = PlaylistCreated(
            playlist_id=playlist_id("youtube", f"created:{secrets.token_hex(16)}"),
            owner=caller.user,
            name=body.snippet.title,
            description=body.snippet.description,
            is_public=body.status is None or body.status.privacy_status != "private",
            created_at_s=self._desk.clock.now_s(),
            visible_at_s=self._desk.visible_at_s(request),
        )
        self._desk.store.record(created)
        return json_answer(self._shape(self._desk.store.playlists[created.playlist_id], parts))

    async def change(self, request: web.Request) -> web.Response:
        caller = account(self._desk, request, writes=True)
        self._quota.spend(WRITE_UNITS)
        parts = parts_of(request)
        body = await self._body(request)
        playlist = self.own(body.id, caller=caller)
        change = DetailsChanged(
            playlist_id=playlist.id,
            name=body.snippet.title,
            description=body.snippet.description,
            is_public=None if body.status is None else body.status.privacy_status != "private",
        )
        self._desk.store.record(change)
        return json_answer(self._shape(playlist, parts))

    async def delete(self, request: web.Request) -> web.Response:
        caller = account(self._desk, request, writes=True)
        self._quota.spend(WRITE_UNITS)
        playlist = self.own(request.query.get("id", ""), caller=caller)
        self._desk.store.record(PlaylistDeleted(playlist_id=playlist.id))
        return web.Response(status=204)

    def own(self, own_id: str, *, caller: Caller) -> Playlist:
        """Return a playlist of the caller's. Raises Refused(404), or 403 for somebody else's."""
        playlist = self.seen(own_id, caller=caller)
        if playlist.owner != caller.user or own_id == objects.LIKED:
            raise Refused(403, "Forbidden", code="playlistForbidden", title="youtube.playlist")
        return playlist

    def seen(self, own_id: str, *, caller: Caller) -> Playlist:
        """Return a playlist that the caller may see. Raises Refused(404)."""
        playlist = self._known(own_id, caller=caller)
        if playlist is None or not caller.sees(playlist):
            raise not_found("playlist")
        return playlist

    def _known(self, own_id: str, *, caller: Caller) -> Playlist | None:
        """Return a playlist, or what the caller likes as one: the last liked video is the first of it."""
        if own_id != objects.LIKED or not caller.user:
            return self._desk.store.playlists.get(own_id)
        rows = shown(self._desk, user=caller.user, kind=Kind.TRACK)
        items = [Item(track_id=video_id, added_at_s=at_s) for video_id, at_s in rows]
        return Playlist(id=own_id, owner=caller.user, name="Liked videos", items=items, is_public=False)

    def _shape(self, playlist: Playlist, parts: list[str]) -> dict[str, Any]:
        count = len(playlist.visible_items(self._desk.clock.now_s()))
        return objects.chosen(objects.playlist(playlist, item_count=count), parts)

    async def _body(self, request: web.Request) -> PlaylistBody:
        try:
            body = msgspec.convert(await json_body(request), PlaylistBody)
        except msgspec.ValidationError as error:
            raise Refused(
                400, "Title is required.", code="playlistTitleRequired", title="youtube.playlist"
            ) from error
        title = body.snippet.title
        if not title.strip() or len(title) > LONGEST_TITLE or set("<>") & set(title):
            raise Refused(400, "Invalid snippet.", code="invalidPlaylistSnippet", title="youtube.playlist")
        return body


def not_found(what: str) -> Refused:
    """Say that something is not there, with the parameter that names it."""
    message = f"The {what} identified with the request's parameter cannot be found."
    return Refused(404, message, code=f"{what}NotFound", title=f"youtube.{what}", parameter=f"{what}Id")
