"""What a Deezer account keeps beside its playlists: tracks, albums and artists, the last one last."""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from deploy.sandbox.answers import json_answer
from deploy.sandbox.deezer.access import account
from deploy.sandbox.deezer.catalog import MusicCatalog
from deploy.sandbox.deezer.objects import album_kept, artist_found, user_id
from deploy.sandbox.deezer.paging import asked_page, listing
from deploy.sandbox.deezer.voice import refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.kept import Kind, change, known, shown

Handler = Callable[[web.Request], Awaitable[web.Response]]
MOST_TRACKS = 10_000


class Library:
    """/user/{id}/tracks, albums and artists, of the own account alone."""

    def __init__(self, desk: Desk, *, catalog: MusicCatalog) -> None:
        self._desk = desk
        self._catalog = catalog

    def reader(self, kind: Kind) -> Handler:
        async def handler(request: web.Request) -> web.Response:
            user = self._own(request, perm="basic_access")
            page = asked_page(request)
            if self._desk.fault("empty_page", request):
                return json_answer({})
            rows = shown(self._desk, user=user, kind=kind)[::-1]
            told = [{**self._row(kind, own_id), "time_add": int(at_s)} for own_id, at_s in page.of(rows)]
            return json_answer(listing(told, page=page, total=len(rows), request=request))

        return handler

    def adder(self, kind: Kind) -> Handler:
        """Add one by `track_id`, several by `track_ids`; one that is there stays where it is."""

        async def handler(request: web.Request) -> web.Response:
            user = self._own(request, perm="manage_library")
            ids = self._named(request, kind, (f"{kind}_ids", f"{kind}_id"))
            there = {own_id for own_id, _ in shown(self._desk, user=user, kind=kind)}
            if kind is Kind.TRACK and len(there.union(ids)) > MOST_TRACKS:
                raise refused(100, "Items limit exceeded")
            change(self._desk, request, user=user, kind=kind, ids=ids, is_saved=True)
            return json_answer(True)

        return handler

    def remover(self, kind: Kind) -> Handler:
        """Remove one; that it is not there is no error."""

        async def handler(request: web.Request) -> web.Response:
            self._own(request, perm="manage_library")
            user = self._own(request, perm="delete_library")
            ids = self._named(request, kind, (f"{kind}_id",))
            change(self._desk, request, user=user, kind=kind, ids=ids[:1], is_saved=False)
            return json_answer(True)

        return handler

    def _own(self, request: web.Request, *, perm: str) -> str:
        """Return the account, which the path must name. Raises Refused(200 or 300)."""
        name = account(self._desk, request, perm=perm)
        if request.match_info.get("user_id", str(user_id(name))) != str(user_id(name)):
            raise refused(200)
        return name

    def _named(self, request: web.Request, kind: Kind, parameters: tuple[str, ...]) -> list[str]:
        """Return the ids of the first of these parameters that is there. Raises Refused(501 or 800)."""
        texts = filter(None, (request.query.get(name) for name in parameters))
        ids = [own_id for own_id in next(texts, "").split(",") if own_id]
        if not ids:
            raise refused(501, f"Missing parameter: {kind}_id")
        fault = self._desk.fault("dead_ids", request)
        if not set(ids) <= known(self._desk.catalog, kind).keys() - set(fault.ids if fault else ()):
            raise refused(800)
        return ids

    def _row(self, kind: Kind, own_id: str) -> dict[str, Any]:
        catalog = self._desk.catalog
        match kind:
            case Kind.TRACK:
                return self._catalog.row(catalog.by_id[own_id])
            case Kind.ALBUM:
                return album_kept(catalog.albums.by_id[own_id])
            case Kind.ARTIST:
                return artist_found(catalog.artists.by_id[own_id].name)
