"""Playlists of the catalog: what a user has made public, under an id of everybody's, for developer tokens."""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.apple_music.catalog import MusicCatalog
from deploy.sandbox.apple_music.objects import catalog_playlist, catalog_video, global_id
from deploy.sandbox.apple_music.paging import asked_page, no_related
from deploy.sandbox.changes import Item
from deploy.sandbox.desk import Desk
from deploy.sandbox.store import Playlist

MOST_TRACKS = 300
DEFAULT_TRACKS = 100


class SharedPlaylists:
    """Everything under /catalog/{storefront}/playlists; it needs the developer token only."""

    def __init__(self, desk: Desk, *, catalog: MusicCatalog) -> None:
        self._desk = desk
        self._catalog = catalog

    async def get_playlist(self, request: web.Request) -> web.Response:
        storefront = self._catalog.storefront(request)
        return json_answer({"data": [catalog_playlist(self._playlist(request), storefront=storefront)]})

    async def list_tracks(self, request: web.Request) -> web.Response:
        """Its tracks as songs of the catalog, ISRCs and all; how many there are is not told."""
        storefront = self._catalog.storefront(request)
        playlist = self._playlist(request)
        page = asked_page(request, largest=MOST_TRACKS, default=DEFAULT_TRACKS)
        rows = list(self._rows(playlist.visible_items(self._desk.clock.now_s()), storefront=storefront))
        if not page.of(rows):
            raise no_related("tracks")
        return json_answer({"data": page.of(rows), **page.next_of(request, total=len(rows))})

    def _playlist(self, request: web.Request) -> Playlist:
        asked = request.match_info["id"]
        playlists = self._desk.store.playlists.values()
        found = next((one for one in playlists if one.is_public and global_id(one) == asked), None)
        if found is None:
            raise Refused(404, "Resource with requested id was not found", code="40400")
        return found

    def _rows(self, items: Iterable[Item], *, storefront: str) -> Iterable[dict[str, Any]]:
        """Uploads, and what is gone from the catalog, nobody else sees."""
        for item in items:
            known = self._desk.catalog.by_id.get(item.track_id or "")
            if item.kind == "video":
                yield catalog_video(item, recording=known, storefront=storefront)
            elif known is not None and item.kind not in ("local", "removed"):
                yield self._catalog.shape(known, storefront=storefront)
