"""SoundCloud's playlists: listed, read, made, deleted, and replaced as a whole."""

import secrets
from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.changes import DetailsChanged, FollowChanged, Item, ItemsReplaced, PlaylistCreated
from deploy.sandbox.desk import Desk
from deploy.sandbox.recordings import playlist_id
from deploy.sandbox.soundcloud import objects
from deploy.sandbox.soundcloud.access import account, anybody
from deploy.sandbox.soundcloud.paging import linked
from deploy.sandbox.store import Playlist

LARGEST_PLAYLIST = 500
LEVELS = frozenset({"playable", "preview", "blocked"})
DEFAULT_LEVELS = "playable,preview"

Body = TypeVar("Body")


class TrackRef(msgspec.Struct, frozen=True, kw_only=True):
    urn: str


class NewPlaylist(msgspec.Struct, frozen=True, kw_only=True):
    title: Annotated[str, msgspec.Meta(min_length=1)]
    description: str | None = None
    sharing: Literal["public", "private"] = "public"
    tracks: list[TrackRef] = []


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    title: str | None = None
    description: str | None = None
    sharing: Literal["public", "private"] | None = None
    tracks: list[TrackRef] | None = None


class Playlists:
    """A row of kind `removed` is counted and never shown; one of kind `unplayable` is blocked."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def list_mine(self, request: web.Request) -> web.Response:
        user = account(self._desk, request)
        now_s = self._desk.clock.now_s()
        rows = [
            playlist
            for playlist in reversed(self._desk.store.playlists.values())
            if playlist.owner == user and playlist.followers and playlist.visible_at_s <= now_s
        ]
        return linked(request, rows, shape=lambda row: self._shape(row, request=request))

    async def get(self, request: web.Request) -> web.Response:
        playlist = self._found(request, user=anybody(self._desk, request))
        return json_answer(self._shape(playlist, request=request))

    async def list_tracks(self, request: web.Request) -> web.Response:
        """Page through a playlist; the page size cannot be chosen."""
        playlist = self._found(request, user=anybody(self._desk, request))
        if self._desk.fault("empty_page", request):
            return json_answer({})
        levels = asked_levels(request)
        items = playlist.visible_items(self._desk.clock.now_s())
        return linked(
            request,
            items,
            shape=lambda item: self._track(item, owner=playlist.owner, levels=levels),
            has_limit=False,
        )

    async def create(self, request: web.Request) -> web.Response:
        user = account(self._desk, request)
        wanted = await _body(request, NewPlaylist)
        items = self._desk.as_written(self._items(wanted.tracks, request=request), request=request)
        created = PlaylistCreated(
            playlist_id=playlist_id("soundcloud", f"created:{secrets.token_hex(16)}"),
            owner=user,
            name=wanted.title,
            description=wanted.description or "",
            is_public=wanted.sharing == "public",
            created_at_s=self._desk.clock.now_s(),
            visible_at_s=self._desk.visible_at_s(request),
        )
        self._desk.store.record(created)
        if items:
            self._desk.store.record(ItemsReplaced(playlist_id=created.playlist_id, items=items))
        playlist = self._desk.store.playlists[created.playlist_id]
        return json_answer(self._shape(playlist, request=request), status=201)

    async def replace(self, request: web.Request) -> web.Response:
        """Change details; where tracks are named they are all that the playlist has from now on."""
        playlist = self._own(request)
        wanted = await _body(request, Changes)
        if wanted.tracks is not None:
            fresh = self._items(wanted.tracks, request=request)
            written = self._replaced(playlist, fresh, request=request)
            self._desk.store.record(ItemsReplaced(playlist_id=playlist.id, items=written))
            late_s = max((item.visible_at_s for item in written), default=0)
            playlist.all_visible_at_s = max(playlist.all_visible_at_s, late_s)
        details = DetailsChanged(
            playlist_id=playlist.id,
            name=wanted.title,
            description=wanted.description,
            is_public=None if wanted.sharing is None else wanted.sharing == "public",
        )
        if (details.name, details.description, details.is_public) != (None, None, None):
            self._desk.store.record(details)
        return json_answer(self._shape(playlist, request=request))

    async def delete(self, request: web.Request) -> web.Response:
        playlist = self._own(request)
        self._desk.store.record(FollowChanged(playlist_id=playlist.id, user=playlist.owner, follows=False))
        return json_answer({"status": "200 - OK"})

    def named(self, path: str) -> Playlist | None:
        """Return the playlist that stands under this path of the site."""
        return next(
            (p for p in self._desk.store.playlists.values() if objects.playlist_path(p) == path), None
        )

    def _found(self, request: web.Request, *, user: str) -> Playlist:
        """Return the playlist of the path, named by its URN, or by the number that it had before."""
        own_id = request.match_info["urn"]
        urn = f"soundcloud:playlists:{own_id}" if own_id.isdecimal() else own_id
        playlist = self._desk.store.playlists.get(urn)
        if playlist is None or not playlist.followers or not (playlist.is_public or playlist.owner == user):
            raise Refused(404, "404 - Not Found")
        return playlist

    def _own(self, request: web.Request) -> Playlist:
        user = account(self._desk, request)
        playlist = self._found(request, user=user)
        if playlist.owner != user:
            raise Refused(403, "403 - Forbidden")
        return playlist

    def _items(self, tracks: Sequence[TrackRef], *, request: web.Request) -> list[Item]:
        """Turn URNs into items. Raises Refused(422) for the whole call where one of them is not good."""
        ids = [track.urn for track in tracks]
        fault = self._desk.fault("poison", request)
        poison = {*fault.poison_ids, *fault.ids} if fault else set()
        if len(ids) > LARGEST_PLAYLIST or not all(
            i in self._desk.catalog.by_id and i not in poison for i in ids
        ):
            raise Refused(fault.status or 422 if fault else 422, "422 - Unprocessable Entity")
        return [Item(track_id=own_id) for own_id in ids]

    def _replaced(
        self, playlist: Playlist, wanted: Sequence[Item], *, request: web.Request
    ) -> tuple[Item, ...]:
        """Return the new list: what stood there before stays what it was, the rest is written now."""
        before: dict[str, list[Item]] = defaultdict(list)
        for item in reversed(playlist.items):
            before[item.track_id or ""].append(item)
        kept = [_taken(before[item.track_id or ""]) for item in wanted]
        fresh = [item for item, old in zip(wanted, kept, strict=True) if old is None]
        written = iter(self._desk.as_written(fresh, request=request))
        return tuple(filter(None, (old or next(written, None) for old in kept)))

    def _shape(self, playlist: Playlist, *, request: web.Request) -> dict[str, Any]:
        items = playlist.visible_items(self._desk.clock.now_s())
        head = objects.playlist_head(playlist, track_count=len(items))
        if request.query.get("show_tracks") == "false":
            return head
        levels = asked_levels(request)
        tracks = [self._track(item, owner=playlist.owner, levels=levels) for item in items]
        return {**head, "tracks": [track for track in tracks if track is not None]}

    def _track(self, item: Item, *, owner: str, levels: frozenset[str]) -> dict[str, Any] | None:
        if item.kind == "removed":
            return None
        access = "blocked" if item.kind == "unplayable" else "playable"
        if access not in levels:
            return None
        recording = self._desk.catalog.by_id.get(item.track_id or "")
        if recording is None:
            return objects.own_upload(item, owner=owner)
        return objects.track(recording, access=access)


def _taken(items: list[Item]) -> Item | None:
    return items.pop() if items else None


def asked_levels(request: web.Request, *, default: str = DEFAULT_LEVELS) -> frozenset[str]:
    """Return which tracks are asked for, by what the caller may do with them."""
    asked = frozenset(request.query.get("access", default).split(","))
    if not asked <= LEVELS:
        raise Refused(400, "access must be playable, preview or blocked")
    return asked


async def _body(request: web.Request, form: type[Body]) -> Body:
    """Read what stands under `playlist`. Raises Refused(400), or (422) where it is not of this form.

    Tracks that are named by their old numbers are refused too: that was seen of some.
    """
    try:
        raw = msgspec.json.decode(await request.read(), type=dict[str, Any])
        return msgspec.convert(raw.get("playlist"), form)
    except msgspec.ValidationError as error:
        raise Refused(422, "422 - Unprocessable Entity") from error
    except msgspec.DecodeError as error:
        raise Refused(400, "The body is not JSON.") from error
