"""A user's Apple Music library: playlists and their tracks."""

import secrets
from typing import Any

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer, json_body
from deploy.sandbox.apple_music.access import Access
from deploy.sandbox.apple_music.catalog import MusicCatalog, storefront_shape
from deploy.sandbox.apple_music.objects import library_playlist, library_song
from deploy.sandbox.apple_music.paging import asked_page, collection, no_related
from deploy.sandbox.apple_music.saved import songs_of
from deploy.sandbox.changes import Item, ItemsInserted, PlaylistCreated
from deploy.sandbox.desk import Desk
from deploy.sandbox.recordings import playlist_id
from deploy.sandbox.store import Playlist

NESTED_TRACKS = 100
TRACK_TYPES = frozenset({"songs", "library-songs", "music-videos", "library-music-videos"})


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    type: str


class References(msgspec.Struct, frozen=True, kw_only=True):
    data: tuple[Reference, ...] = ()


class NewAttributes(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    description: str | None = None
    is_public: bool = msgspec.field(default=False, name="isPublic")


class Relationships(msgspec.Struct, frozen=True, kw_only=True):
    tracks: References = References()


class NewPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    attributes: NewAttributes
    relationships: Relationships = Relationships()


class MusicLibrary:
    """Everything under /me; it needs both tokens."""

    def __init__(self, desk: Desk, *, access: Access, catalog: MusicCatalog) -> None:
        self._desk = desk
        self._access = access
        self._catalog = catalog

    def _playlist(self, request: web.Request, *, user: str) -> Playlist:
        playlist = self._desk.store.playlists.get(request.match_info["id"])
        if playlist is None or user not in playlist.followers:
            raise Refused(404, "Resource with requested id was not found", code="40400")
        return playlist

    async def get_storefront(self, request: web.Request) -> web.Response:
        self._access.user(request)
        return json_answer({"data": [storefront_shape(self._desk.options.storefront)]})

    async def list_playlists(self, request: web.Request) -> web.Response:
        """By name. New playlists may be missing for a while."""
        user = self._access.user(request)
        page = asked_page(request, largest=100, default=25)
        now_s = self._desk.clock.now_s()
        playlists = self._desk.store.playlists.values()
        mine = [p for p in playlists if user in p.followers and p.visible_at_s <= now_s]
        mine.sort(key=lambda playlist: (playlist.name.casefold(), playlist.id))
        rows = [library_playlist(playlist, user=user) for playlist in page.of(mine)]
        return json_answer(collection(rows, page=page, total=len(mine), request=request))

    async def get_playlist(self, request: web.Request) -> web.Response:
        user = self._access.user(request)
        playlist = self._playlist(request, user=user)
        shape = library_playlist(playlist, user=user)
        if "tracks" in request.query.get("include", "").split(","):
            items = playlist.visible_items(self._desk.clock.now_s())
            address = f"/v1/me/library/playlists/{playlist.id}/tracks"
            tracks: dict[str, Any] = {
                "href": address,
                "data": self._rows(items[:NESTED_TRACKS], request=request, user=user),
                "meta": {"total": len(items)},
            }
            if len(items) > NESTED_TRACKS:
                tracks["next"] = f"{address}?offset={NESTED_TRACKS}"
            shape["relationships"] = {"tracks": tracks}
        return json_answer({"data": [shape]})

    async def list_items(self, request: web.Request) -> web.Response:
        """Page through a playlist; an empty one is answered as if it were missing."""
        user = self._access.user(request)
        playlist = self._playlist(request, user=user)
        page = asked_page(request, largest=100, default=25)
        items = playlist.visible_items(self._desk.clock.now_s())
        if not items:
            raise no_related("tracks")
        if self._desk.fault("empty_page", request):
            return json_answer({})
        rows = self._rows(page.of(items), request=request, user=user)
        return json_answer(collection(rows, page=page, total=len(items), request=request))

    def _rows(self, items: Any, *, request: web.Request, user: str) -> list[dict[str, Any]]:
        hidden = self._desk.fault("no_catalog_id", request)
        wants_catalog = "catalog" in request.query.get("include", "").split(",")
        is_include_empty = bool(wants_catalog and self._desk.fault("empty_include", request))
        rows = []
        for item in items:
            known = self._desk.catalog.by_id.get(item.track_id or "")
            is_hidden = hidden is not None and (not hidden.ids or item.track_id in hidden.ids)
            row = library_song(item, recording=known, user=user, has_catalog_id=not is_hidden)
            if wants_catalog:
                is_there = known is not None and not is_hidden and not is_include_empty
                storefront = self._desk.options.storefront
                data = [self._catalog.shape(known, storefront=storefront)] if known and is_there else []
                row["relationships"] = {"catalog": {"href": f"{row['href']}/catalog", "data": data}}
            rows.append(row)
        return rows

    async def create_playlist(self, request: web.Request) -> web.Response:
        """Create a playlist, with tracks if the body has some; nothing makes it idempotent."""
        user = self._access.user(request)
        try:
            wanted = msgspec.convert(await json_body(request), NewPlaylist)
        except msgspec.ValidationError as error:
            raise Refused(400, str(error), code="40007", title="Invalid Request Body") from error
        items = self._items(wanted.relationships.tracks.data, request=request, user=user)
        now_s = self._desk.clock.now_s()
        created = PlaylistCreated(
            playlist_id=playlist_id("apple_music", f"created:{secrets.token_hex(16)}"),
            owner=user,
            name=wanted.attributes.name,
            description=wanted.attributes.description or "",
            is_public=wanted.attributes.is_public,
            created_at_s=now_s,
            visible_at_s=self._desk.visible_at_s(request),
        )
        self._desk.store.record(created)
        if items:
            written = self._desk.as_written(items, request=request)
            change = ItemsInserted(playlist_id=created.playlist_id, position=0, items=written)
            self._desk.store.record(change)
        playlist = self._desk.store.playlists[created.playlist_id]
        return json_answer({"data": [library_playlist(playlist, user=user)]}, status=201)

    async def add_items(self, request: web.Request) -> web.Response:
        """Append tracks. One unknown id fails the whole batch; 204 says nothing about when they show."""
        user = self._access.user(request)
        playlist = self._playlist(request, user=user)
        if playlist.owner != user:
            raise Refused(403, "Playlist is not editable", code="40300", title="Forbidden")
        try:
            wanted = msgspec.convert(await json_body(request), References)
        except msgspec.ValidationError as error:
            raise Refused(400, str(error), code="40007", title="Invalid Request Body") from error
        if not wanted.data:
            raise Refused(400, "No tracks in body", code="40007", title="Invalid Request Body")
        items = self._items(wanted.data, request=request, user=user)
        written = self._desk.as_written(items, request=request)
        change = ItemsInserted(playlist_id=playlist.id, position=len(playlist.items), items=written)
        self._desk.store.record(change)
        return web.Response(status=204)

    def _items(self, references: tuple[Reference, ...], *, request: web.Request, user: str) -> list[Item]:
        fault = self._desk.fault("poison", request)
        poisoned = {*fault.poison_ids, *fault.ids} if fault else set()
        known = (
            songs_of(self._desk, user=user) if any(r.type.startswith("library-") for r in references) else {}
        )
        items = []
        for reference in references:
            item = known.get(reference.id)
            if reference.type == "songs" and reference.id in self._desk.catalog.by_id:
                item = Item(track_id=reference.id)
            if item is None or reference.id in poisoned or reference.type not in TRACK_TYPES:
                status = fault.status if fault and fault.status and reference.id in poisoned else 500
                raise Refused(status, "Unable to update tracks", code="50001", title="Upstream Service Error")
            items.append(item)
        return items

    async def unsupported(self, request: web.Request) -> web.Response:
        """Rename, delete, reorder: Apple answers as if nobody were signed in."""
        self._access.user(request)
        raise Refused(401, "not possible on the public API")
