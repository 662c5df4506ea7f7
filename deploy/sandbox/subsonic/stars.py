"""What has a star on a Subsonic server: songs, albums, artists."""

from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from deploy.sandbox.answers import json_answer
from deploy.sandbox.desk import Desk
from deploy.sandbox.kept import Kind, add_anew, change, known, shown
from deploy.sandbox.subsonic.access import MISSING, NOT_FOUND, PARAMETERS, Access, refused
from deploy.sandbox.subsonic.objects import album_head, artist_head, song
from deploy.sandbox.subsonic.voice import wrapped

PARAMETER_OF = {Kind.TRACK: "id", Kind.ALBUM: "albumId", Kind.ARTIST: "artistId"}


class Stars:
    """getStarred2, star and unstar."""

    def __init__(self, desk: Desk, *, access: Access) -> None:
        self._desk = desk
        self._access = access
        self._is_open = desk.options.open_subsonic

    async def list_starred(self, request: web.Request) -> web.Response:
        """Everything at once, the newest first; a kind of which there is nothing is left out."""
        user = self._access.subject(request).user
        if self._desk.fault("empty_page", request):
            return self._say({})
        catalog = self._desk.catalog
        found = {
            "song": [
                song(catalog.by_id[own_id], is_open=self._is_open) | _since(at_s)
                for own_id, at_s in shown(self._desk, user=user, kind=Kind.TRACK)
            ],
            "album": [
                album_head(catalog.albums.by_id[own_id]) | _since(at_s)
                for own_id, at_s in shown(self._desk, user=user, kind=Kind.ALBUM)
            ],
            "artist": [
                artist_head(catalog.artists.by_id[own_id]) | _since(at_s)
                for own_id, at_s in shown(self._desk, user=user, kind=Kind.ARTIST)
            ],
        }
        return self._say({"starred2": {kind: rows for kind, rows in found.items() if rows}})

    async def star(self, request: web.Request) -> web.Response:
        """Give a star to each thing; what has one gets the date of now."""
        user = self._access.subject(request).user
        for kind, ids in self._named(request).items():
            add_anew(self._desk, request, user=user, kind=kind, ids=ids)
        return self._say({})

    async def unstar(self, request: web.Request) -> web.Response:
        user = self._access.subject(request).user
        for kind, ids in self._named(request).items():
            change(self._desk, request, user=user, kind=kind, ids=ids, is_saved=False)
        return self._say({})

    def _named(self, request: web.Request) -> dict[Kind, list[str]]:
        """Return what is meant, all of it or, where one thing is not there, nothing."""
        given, fault = request[PARAMETERS], self._desk.fault("poison", request)
        named = {kind: given.getall(name) for kind, name in PARAMETER_OF.items() if name in given}
        if not named:
            raise refused(MISSING, "Required parameter is missing: id, albumId or artistId")
        poisoned = {*fault.poison_ids, *fault.ids} if fault else set()
        for kind, ids in named.items():
            there = known(self._desk.catalog, kind)
            if any(own_id not in there or own_id in poisoned for own_id in ids):
                raise refused(NOT_FOUND, "There is nothing with this id")
        return named

    def _say(self, content: dict[str, Any]) -> web.Response:
        return json_answer(wrapped(content, status="ok", is_open=self._is_open))


def _since(at_s: float) -> dict[str, str]:
    return {"starred": datetime.fromtimestamp(at_s, UTC).isoformat().replace("+00:00", "Z")}
