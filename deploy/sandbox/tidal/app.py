"""The routes of simulated TIDAL: the API under /v2, sign-in page and token server beside it."""

from collections.abc import Awaitable, Callable
from typing import NoReturn

from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.faults import Operation
from deploy.sandbox.tidal.bucket import Buckets
from deploy.sandbox.tidal.catalog import Catalog
from deploy.sandbox.tidal.collections import Collections
from deploy.sandbox.tidal.idempotency import Replays
from deploy.sandbox.tidal.items import PlaylistItems
from deploy.sandbox.tidal.oauth import Accounts
from deploy.sandbox.tidal.playlists import Playlists
from deploy.sandbox.tidal.voice import MEDIA_TYPE

Handler = Callable[[web.Request], Awaitable[web.Response]]
ITEMS = "/v2/playlists/{id}/relationships/items"
COLLECTION = "/v2/userCollection{kind:Tracks|Albums|Artists}/{id}"
TAKEN = ("*/*", "application/*", MEDIA_TYPE)


def tidal_routes(desk: Desk) -> list[web.RouteDef]:
    """Return every route; mutations take idempotency keys, all calls of the API cost tokens."""
    accounts, catalog, playlists = Accounts(desk), Catalog(desk), Playlists(desk)
    items = PlaylistItems(desk, playlists=playlists)
    collections, buckets, replays = Collections(desk), Buckets(desk), Replays(desk)
    reads = (
        ("me", "/v2/users/{id}", playlists.me),
        ("list_playlists", "/v2/playlists", playlists.list_playlists),
        ("get_playlist", "/v2/playlists/{id}", playlists.get_playlist),
        ("list_items", ITEMS, items.list_items),
        ("get_tracks", "/v2/tracks", catalog.get_tracks),
        ("get_track", "/v2/tracks/{id}", catalog.get_track),
        ("get_album", "/v2/albums/{id}", catalog.get_album),
        ("get_album_tracks", "/v2/albums/{id}/relationships/items", catalog.get_album_tracks),
        ("search", "/v2/searchResults", catalog.search),
        ("search", "/v2/searchResults/{query}", catalog.search_by_path),
        ("search_tracks", "/v2/searchResults/{id}/relationships/tracks", catalog.search_tracks),
        ("get_collection", COLLECTION, collections.get),
        ("list_collection", f"{COLLECTION}/relationships/items", collections.list_items),
    )
    writes = (
        ("create_playlist", "POST", "/v2/playlists", playlists.create),
        ("change_playlist", "PATCH", "/v2/playlists/{id}", playlists.change),
        ("delete_playlist", "DELETE", "/v2/playlists/{id}", playlists.delete),
        ("add_items", "POST", ITEMS, items.add),
        ("move_items", "PATCH", ITEMS, items.move),
        ("remove_items", "DELETE", ITEMS, items.remove),
        ("add_to_collection", "POST", f"{COLLECTION}/relationships/items", collections.add),
        ("remove_from_collection", "DELETE", f"{COLLECTION}/relationships/items", collections.remove),
    )
    routes = [
        web.get(path, desk.gate.guard(Operation(name=name), _negotiated(buckets.metered(handler))))
        for name, path, handler in reads
    ]
    for name, method, path, handler in writes:
        guarded = _negotiated(buckets.metered(replays.once(handler)))
        routes.append(web.route(method, path, desk.gate.guard(Operation(name=name, is_write=True), guarded)))
    for name, method, path, handler in (
        ("authorize", "GET", "/authorize", accounts.authorize),
        ("token", "POST", "/v1/oauth2/token", accounts.token),
    ):
        operation = Operation(name=name, is_write=method == "POST", is_account=True)
        routes.append(web.route(method, path, desk.gate.guard(operation, handler)))
    unknown = desk.gate.guard(Operation(name="unknown"), _not_found)
    return [*routes, web.route("*", "/{tail:.*}", unknown)]


def _negotiated(handler: Handler) -> Handler:
    """Refuse callers that do not take the one media type there is."""

    async def negotiated(request: web.Request) -> web.Response:
        accepted = request.headers.get("Accept", "*/*").replace(" ", "").split(",")
        if not any(one.partition(";")[0] in TAKEN for one in accepted):
            raise Refused(406, f"Answers are of the type {MEDIA_TYPE}")
        return await handler(request)

    return negotiated


async def _not_found(_: web.Request) -> NoReturn:
    raise Refused(404, "There is no such resource")
