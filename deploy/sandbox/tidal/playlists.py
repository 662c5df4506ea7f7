"""TIDAL's playlists: lists and heads, made, changed and deleted."""

import secrets
from datetime import datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.changes import DetailsChanged, FollowChanged, PlaylistCreated
from deploy.sandbox.desk import Desk
from deploy.sandbox.recordings import playlist_id
from deploy.sandbox.store import Playlist
from deploy.sandbox.tidal.access import account, anybody
from deploy.sandbox.tidal.catalog import values_of
from deploy.sandbox.tidal.documents import (
    PAGE,
    Json,
    Tree,
    Writer,
    cursor_of,
    include_of,
    links_of,
    name_items,
    offset_of,
    user_id,
)
from deploy.sandbox.tidal.holdings import PLATFORM, Holdings
from deploy.sandbox.tidal.voice import MEDIA_TYPE, document

Wanted = TypeVar("Wanted")
AccessType = Literal["PUBLIC", "UNLISTED"]


class NewAttributes(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    description: str = ""
    access_type: AccessType = "PUBLIC"
    created_at: datetime | None = None


class NewPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["playlists"]
    attributes: NewAttributes


class Creation(msgspec.Struct, frozen=True, kw_only=True):
    data: NewPlaylist


class Details(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    name: Annotated[str, msgspec.Meta(min_length=1)] | None = None
    description: str | None = None
    access_type: AccessType | None = None


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    type: Literal["playlists"]
    id: str
    attributes: Details


class Change(msgspec.Struct, frozen=True, kw_only=True):
    data: Changed


class Playlists:
    """Reads of playlists, and the writes that do not touch their items."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def find(self, request: web.Request) -> Playlist:
        """Return the playlist of the path, be it another's. Raises Refused(404) where there is none."""
        playlist = self._desk.store.playlists.get(request.match_info["id"])
        if playlist is None or not playlist.followers:
            raise Refused(404, "The playlist was not found")
        name_items(playlist)
        return playlist

    async def me(self, request: web.Request) -> web.Response:
        """Read the account itself; of others nothing can be read."""
        caller = account(self._desk, request, "user.read")
        own_id = user_id(caller.user)
        if request.match_info["id"] not in {"me", own_id}:
            raise Refused(404, "The user was not found")
        attributes = {
            "username": caller.user,
            "country": self._desk.options.country,
            "developerAccessTier": "THIRD_PARTY",
        }
        resource = {"id": own_id, "type": "users", "attributes": attributes}
        return document({"data": resource, "links": links_of(request, next_cursor=None)})

    async def list_playlists(self, request: web.Request) -> web.Response:
        """List by owner, which is the caller, or by id; newest first."""
        include = include_of(request, "playlists")
        if ids := values_of(request, "filter[id]"):
            anybody(self._desk, request)
            found = [one for own_id in ids if (one := self._desk.store.playlists.get(own_id))]
        else:
            found = self._own(request)
        found = [one for one in found if one.followers and one.visible_at_s <= self._desk.clock.now_s()]
        offset = offset_of(request)
        rows, following = found[offset : offset + PAGE], offset + PAGE
        writer = Writer(Holdings(self._desk, request))
        return document(
            {
                "data": [self._shape(one, writer=writer, include=include) for one in rows],
                "included": writer.included,
                "links": links_of(
                    request, next_cursor=cursor_of(following) if following < len(found) else None
                ),
            }
        )

    def _own(self, request: web.Request) -> list[Playlist]:
        owners = values_of(request, "filter[owners.id]")
        if not owners:
            raise Refused(400, "A filter is required", parameter="filter[owners.id]")
        caller = account(self._desk, request, "playlists.read")
        if set(owners) - {"me", user_id(caller.user)}:
            return []
        # Newest first; the world's own lists keep the files' order behind.
        found = [one for one in reversed(self._desk.store.playlists.values()) if one.owner == caller.user]
        sort = request.query.get("sort", "-createdAt")
        if sort.removeprefix("-") not in {"createdAt", "lastModifiedAt", "name"}:
            raise Refused(400, "Unknown sort", parameter="sort")
        if sort.removeprefix("-") == "name":
            found.sort(key=lambda one: one.name)
        return found[::-1] if sort in {"createdAt", "lastModifiedAt", "-name"} else found

    async def get_playlist(self, request: web.Request) -> web.Response:
        anybody(self._desk, request)
        include = include_of(request, "playlists")
        return self._single(request, self.find(request), include=include)

    async def create(self, request: web.Request) -> web.Response:
        """Create an empty playlist; names need not be unique."""
        caller = account(self._desk, request, "playlists.write")
        wanted = (await read_body(request, Creation)).data.attributes
        made_at_s = wanted.created_at.timestamp() if wanted.created_at else self._desk.clock.now_s()
        created = PlaylistCreated(
            playlist_id=playlist_id(PLATFORM, f"created:{secrets.token_hex(16)}"),
            owner=caller.user,
            name=wanted.name,
            description=wanted.description,
            is_public=wanted.access_type == "PUBLIC",
            created_at_s=made_at_s,
            visible_at_s=self._desk.visible_at_s(request),
        )
        self._desk.store.record(created)
        playlist = self._desk.store.playlists[created.playlist_id]
        return self._single(request, playlist, include={}, status=201)

    async def change(self, request: web.Request) -> web.Response:
        caller = account(self._desk, request, "playlists.write")
        playlist = self.find(request)
        caller.may_write(playlist)
        wanted = (await read_body(request, Change)).data.attributes
        is_public = None if wanted.access_type is None else wanted.access_type == "PUBLIC"
        self._desk.store.record(
            DetailsChanged(
                playlist_id=playlist.id,
                name=wanted.name,
                description=wanted.description,
                is_public=is_public,
            )
        )
        return self._single(request, playlist, include={})

    async def delete(self, request: web.Request) -> web.Response:
        caller = account(self._desk, request, "playlists.write")
        playlist = self.find(request)
        caller.may_write(playlist)
        for user in tuple(playlist.followers):
            self._desk.store.record(FollowChanged(playlist_id=playlist.id, user=user, follows=False))
        return document({"links": links_of(request, next_cursor=None)})

    def _single(
        self, request: web.Request, playlist: Playlist, *, include: Tree, status: int = 200
    ) -> web.Response:
        writer = Writer(Holdings(self._desk, request))
        shape = self._shape(playlist, writer=writer, include=include)
        answer = {"data": shape, "links": links_of(request, next_cursor=None)}
        return document({**answer, "included": writer.included} if include else answer, status=status)

    def _shape(self, playlist: Playlist, *, writer: Writer, include: Tree) -> Json:
        name_items(playlist)
        items = playlist.visible_items(self._desk.clock.now_s())
        return writer.playlist(playlist, items=items, include=include)


async def read_body(request: web.Request, form: type[Wanted]) -> Wanted:
    """Read a document that was sent. Raises Refused(415 or 400)."""
    if request.content_type != MEDIA_TYPE:
        raise Refused(415, f"The content type must be {MEDIA_TYPE}")
    try:
        return msgspec.json.decode(await request.read(), type=form)
    except msgspec.DecodeError as error:
        # The text of the error ends with where: - at `$.data.attributes.name`
        place = str(error).rpartition("`$")[2].rstrip("`").replace(".", "/").replace("[...]", "")
        pointer = place if place.startswith("/") else "/"
        raise Refused(400, "The document is not what this call takes", parameter=pointer) from error
