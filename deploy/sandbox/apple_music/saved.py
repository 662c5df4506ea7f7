"""The songs and albums of a user's library: what was saved, and what else brings them there."""

from collections.abc import Sequence
from typing import Any

from aiohttp import web

from deploy.sandbox.albums import Album, album_id
from deploy.sandbox.answers import json_answer
from deploy.sandbox.apple_music.access import Access
from deploy.sandbox.apple_music.objects import album_head, library_album, library_id, library_song
from deploy.sandbox.apple_music.paging import asked_page, collection, no_related
from deploy.sandbox.changes import Item
from deploy.sandbox.desk import Desk
from deploy.sandbox.kept import Kind, change, known, shown

KINDS = {"songs": Kind.TRACK, "albums": Kind.ALBUM}


def songs_of(desk: Desk, *, user: str) -> dict[str, Item]:
    """Return the songs of a library by their ids there: each once, however it came there."""
    albums = (desk.catalog.albums.by_id[own_id] for own_id, _ in shown(desk, user=user, kind=Kind.ALBUM))
    items = [Item(track_id=own_id) for own_id, _ in shown(desk, user=user, kind=Kind.TRACK)]
    items += [Item(track_id=track.ids["apple_music"]) for album in albums for track in album.tracks]
    if desk.options.playlist_songs:
        now_s = desk.clock.now_s()
        own = [playlist for playlist in desk.store.playlists.values() if playlist.owner == user]
        items += [item for one in own for item in one.visible_items(now_s) if item.kind != "video"]
    return {library_id(item, user=user): item for item in items}


class Saved:
    """GET /me/library/songs and /albums, POST /me/library; they need both tokens."""

    def __init__(self, desk: Desk, *, access: Access) -> None:
        self._desk = desk
        self._access = access

    async def list_songs(self, request: web.Request) -> web.Response:
        """All songs by name, without their ISRCs."""
        user = self._access.user(request)
        recordings = self._desk.catalog.by_id
        rows = [
            library_song(item, recording=recordings.get(item.track_id or ""), user=user)
            for item in songs_of(self._desk, user=user).values()
        ]
        return _listed("songs", rows, request=request)

    async def list_albums(self, request: web.Request) -> web.Response:
        """All albums by name of which at least one song is there, and what each is in the catalog."""
        user = self._access.user(request)
        wants_catalog = "catalog" in request.query.get("include", "").split(",")
        is_include_empty = bool(wants_catalog and self._desk.fault("empty_include", request))
        rows = []
        for album, songs in self._by_album(user):
            row = library_album(songs, album=album, user=user)
            if wants_catalog:
                head = album_head(album, storefront=self._desk.options.storefront) if album else None
                data = [head] if head and not is_include_empty else []
                row["relationships"] = {"catalog": {"href": f"{row['href']}/catalog", "data": data}}
            rows.append(row)
        return _listed("albums", rows, request=request)

    def _by_album(self, user: str) -> list[tuple[Album | None, Sequence[Item]]]:
        catalog = self._desk.catalog
        groups: dict[str, list[Item]] = {}
        for item in songs_of(self._desk, user=user).values():
            recording = catalog.by_id.get(item.track_id or "")
            own_id = album_id(recording, platform="apple_music") if recording else ""
            groups.setdefault(own_id or f"{item.album}|{item.artist}", []).append(item)
        return [(catalog.albums.by_id.get(key), songs) for key, songs in groups.items()]

    async def save(self, request: web.Request) -> web.Response:
        """Save songs and albums. 202 is all that is ever said: unknown ids are dropped without a word."""
        user = self._access.user(request)
        fault = self._desk.fault("ignore_ids", request)
        ignored = frozenset(fault.ids) if fault else frozenset()
        for name, kind in KINDS.items():
            there = known(self._desk.catalog, kind)
            asked = request.query.get(f"ids[{name}]", "").split(",")
            ids = [own_id for own_id in asked if own_id in there and own_id not in ignored]
            if ids:
                change(self._desk, request, user=user, kind=kind, ids=ids, is_saved=True)
        return web.Response(status=202)


def _listed(what: str, rows: list[dict[str, Any]], *, request: web.Request) -> web.Response:
    """Answer a page; an empty list is answered as if it were missing."""
    page = asked_page(request, largest=100, default=25)
    if not rows:
        raise no_related(what)
    rows.sort(key=lambda row: (row["attributes"]["name"].casefold(), row["id"]))
    return json_answer(collection(page.of(rows), page=page, total=len(rows), request=request))
