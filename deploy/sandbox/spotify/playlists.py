"""Spotify's playlists: lists, details and their items, read and created."""

import base64
import hashlib
import secrets
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer, json_body
from deploy.sandbox.changes import DetailsChanged, Item, PlaylistCreated
from deploy.sandbox.desk import Desk
from deploy.sandbox.recordings import playlist_id
from deploy.sandbox.spotify.access import Caller, account, anybody, owns
from deploy.sandbox.spotify.fields import parse_mask
from deploy.sandbox.spotify.objects import Shapes
from deploy.sandbox.spotify.paging import Page, asked_page, paging
from deploy.sandbox.store import Playlist

NESTED_PAGE = Page(limit=100, offset=0)


def snapshot_id(playlist: Playlist, *, now_s: float | None = None) -> str:
    """Base64 of a counter and a hash. With now_s: what readers see, which settles later if so ordered."""
    is_settled = now_s is None or now_s >= playlist.snapshot_settles_at_s
    text = f"{playlist.id}:{playlist.revision}:{'' if is_settled else 'between'}"
    digest = hashlib.sha256(text.encode()).digest()[:20]
    return base64.b64encode(playlist.revision.to_bytes(4) + digest).decode()


class NewPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    public: bool | None = None
    collaborative: bool | None = None
    description: str | None = None


class Details(msgspec.Struct, frozen=True, kw_only=True):
    name: str | None = None
    public: bool | None = None
    collaborative: bool | None = None
    description: str | None = None


class Playlists:
    """Reads of playlists, and the writes that do not touch their items."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._is_extended = desk.options.regime == "extended"

    def shapes(self, request: web.Request) -> Shapes:
        return Shapes(origin=str(request.url.origin()), options=self._desk.options)

    def find(self, request: web.Request, *, caller: Caller) -> Playlist:
        """Return the playlist of the path. Raises Refused(404) when it is not there for this caller."""
        playlist = self._desk.store.playlists.get(request.match_info["id"])
        if playlist is None or not (playlist.is_public or owns(playlist, caller)):
            raise Refused(404, "Resource not found")
        return playlist

    async def list_mine(self, request: web.Request) -> web.Response:
        caller = account(self._desk, request, "playlist-read-private")
        return self._list(request, user=caller.user)

    async def list_of_user(self, request: web.Request) -> web.Response:
        anybody(self._desk, request)
        return self._list(request, user=request.match_info["user_id"])

    def _list(self, request: web.Request, *, user: str) -> web.Response:
        page = asked_page(request, largest=50, default=20)
        now_s = self._desk.clock.now_s()
        rows = [p for p in self._desk.store.playlists.values() if user in p.followers]
        # Newest first, as the app shows them; the world's own lists keep the files' order behind.
        rows = [p for p in reversed(rows) if p.visible_at_s <= now_s]
        shapes = self.shapes(request)
        # The links name the path of another endpoint, which development-mode apps may not call.
        return json_answer(
            paging(
                [self._simplified(p, shapes=shapes) for p in page.of(rows)],
                page=page,
                total=len(rows),
                address=shapes.href(f"users/{user}/playlists"),
                extra={},
            )
        )

    def _details(self, playlist: Playlist, *, shapes: Shapes) -> dict[str, Any]:
        return {
            "collaborative": playlist.is_collaborative,
            "description": playlist.description,
            "external_urls": {"spotify": f"https://open.spotify.com/playlist/{playlist.id}"},
            "href": shapes.href(f"playlists/{playlist.id}"),
            "id": playlist.id,
            "images": [shapes.image(playlist.id)] if playlist.has_cover else [],
            "name": playlist.name,
            "owner": {**shapes.user(playlist.owner), "display_name": playlist.owner},
            "primary_color": None,
            "public": playlist.is_public,
            "snapshot_id": snapshot_id(playlist, now_s=self._desk.clock.now_s()),
            "type": "playlist",
            "uri": f"spotify:playlist:{playlist.id}",
        }

    def _simplified(self, playlist: Playlist, *, shapes: Shapes) -> dict[str, Any]:
        total = len(playlist.visible_items(self._desk.clock.now_s()))
        address = shapes.href(f"playlists/{playlist.id}")
        items = shapes.under_item_keys(lambda name: {"href": f"{address}/{name}", "total": total})
        return {**self._details(playlist, shapes=shapes), **items}

    async def get(self, request: web.Request) -> web.Response:
        caller = anybody(self._desk, request)
        playlist = self.find(request, caller=caller)
        shape = self._full(playlist, request=request, caller=caller)
        return json_answer(_masked(shape, request))

    def _full(self, playlist: Playlist, *, request: web.Request, caller: Caller) -> dict[str, Any]:
        shapes = self.shapes(request)
        shape = self._details(playlist, shapes=shapes)
        shape["followers"] = {"href": None, "total": len(playlist.followers - {playlist.owner})}
        if not (self._is_extended or owns(playlist, caller)):
            return shape  # development mode: others' playlists show their cover, not their content
        items = playlist.visible_items(self._desk.clock.now_s())
        rows = self._rows(NESTED_PAGE.of(items), playlist=playlist, request=request)
        address = shapes.href(f"playlists/{playlist.id}")

        def nested(name: str) -> dict[str, Any]:
            value = paging(rows, page=NESTED_PAGE, total=len(items), address=f"{address}/{name}", extra={})
            if name == "items" and value["next"]:
                # /items gives 50 at most, so the link asks for no more.
                value["next"] = f"{address}/items?offset={NESTED_PAGE.limit}&limit=50"
            return value

        return {**shape, **shapes.under_item_keys(nested)}

    async def list_items(self, request: web.Request) -> web.Response:
        """Page through a playlist. The old path gives up to 100 rows, the new one 50."""
        caller = anybody(self._desk, request)
        playlist = self.find(request, caller=caller)
        if not (self._is_extended or owns(playlist, caller)):
            raise Refused(403, "Forbidden")
        if not playlist.is_public:
            caller.needs("playlist-read-private", "playlist-read-collaborative")
        last = request.path.rpartition("/")[2]
        page = asked_page(request, largest=100 if last == "tracks" else 50, default=20)
        if self._desk.fault("empty_page", request):
            return json_answer({})
        items = playlist.visible_items(self._desk.clock.now_s())
        extra = {name: request.query[name] for name in ("market", "fields") if name in request.query}
        shape = paging(
            self._rows(page.of(items), playlist=playlist, request=request),
            page=page,
            total=len(items),
            address=self.shapes(request).href(f"playlists/{playlist.id}/{last}"),
            extra=extra,
        )
        return json_answer(_masked(shape, request))

    def _rows(
        self, items: Sequence[Item], *, playlist: Playlist, request: web.Request
    ) -> list[dict[str, Any]]:
        shapes = self.shapes(request)
        market = request.query.get("market")
        return [
            shapes.playlist_item(
                item, content=self._content(item, shapes=shapes, market=market), owner=playlist.owner
            )
            for item in items
        ]

    def _content(self, item: Item, *, shapes: Shapes, market: str | None) -> dict[str, Any] | None:
        if item.kind == "local":
            return shapes.local_track(item)
        if item.kind in {"episode", "video"}:
            return shapes.episode(item)
        recording = self._desk.catalog.by_id.get(item.track_id or "")
        if item.kind == "removed" or recording is None:
            return None
        return shapes.playlist_track(recording, is_unplayable=item.kind == "unplayable", market=market)

    async def create(self, request: web.Request) -> web.Response:
        """Create an empty playlist; names need not be unique, and nothing makes it idempotent."""
        caller = account(self._desk, request)
        if request.match_info.get("user_id", caller.user) != caller.user:
            raise Refused(403, "Forbidden")
        try:
            wanted = msgspec.convert(await json_body(request), NewPlaylist)
        except msgspec.ValidationError as error:
            raise Refused(400, "Missing required field: name") from error
        is_public = wanted.public is not False
        caller.needs("playlist-modify-public" if is_public else "playlist-modify-private")
        created = PlaylistCreated(
            playlist_id=playlist_id("spotify", f"created:{secrets.token_hex(16)}"),
            owner=caller.user,
            name=wanted.name,
            description=wanted.description or "",
            is_public=is_public,
            is_collaborative=bool(wanted.collaborative),
            created_at_s=self._desk.clock.now_s(),
            visible_at_s=self._desk.visible_at_s(request),
        )
        self._desk.store.record(created)
        playlist = self._desk.store.playlists[created.playlist_id]
        return json_answer(self._full(playlist, request=request, caller=caller), status=201)

    async def change(self, request: web.Request) -> web.Response:
        caller = account(self._desk, request)
        playlist = self.find(request, caller=caller)
        caller.may_write(playlist)
        try:
            wanted = msgspec.convert(await json_body(request), Details)
        except msgspec.ValidationError as error:
            raise Refused(400, "Error parsing JSON.") from error
        self._desk.store.record(
            DetailsChanged(
                playlist_id=playlist.id,
                name=wanted.name,
                description=wanted.description,
                is_public=wanted.public,
                is_collaborative=wanted.collaborative,
            )
        )
        return web.Response()

    async def get_images(self, request: web.Request) -> web.Response:
        playlist = self.find(request, caller=anybody(self._desk, request))
        return json_answer([self.shapes(request).image(playlist.id)] if playlist.has_cover else [])

    async def put_image(self, request: web.Request) -> web.Response:
        caller = account(self._desk, request, "ugc-image-upload")
        playlist = self.find(request, caller=caller)
        caller.may_write(playlist)
        try:
            cover = base64.b64decode(await request.read(), validate=True)
        except ValueError as error:
            raise Refused(400, "Image data is not base64") from error
        if not cover.startswith(b"\xff\xd8") or len(cover) > 256 * 1024:
            raise Refused(400, "Image must be a JPEG of at most 256 KB")
        self._desk.store.record(DetailsChanged(playlist_id=playlist.id, has_cover=True))
        return web.Response(status=202)


def _masked(shape: dict[str, Any], request: web.Request) -> Any:
    fields = request.query.get("fields")
    return parse_mask(fields).apply(shape) if fields else shape
