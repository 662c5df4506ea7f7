"""The routes of simulated Spotify: Web API under /v1, accounts host beside it."""

from collections.abc import Awaitable, Callable
from typing import NoReturn

from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.faults import Operation
from deploy.sandbox.spotify.access import anybody
from deploy.sandbox.spotify.catalog import CatalogGets
from deploy.sandbox.spotify.items import PlaylistItems
from deploy.sandbox.spotify.library import Library
from deploy.sandbox.spotify.oauth import Accounts
from deploy.sandbox.spotify.playlists import Playlists
from deploy.sandbox.spotify.search import Search

Handler = Callable[[web.Request], Awaitable[web.Response]]
Row = tuple[str, str, str, Handler]

# Calls that development-mode apps lost in 2026 and that this sandbox does not play for extended ones.
GONE_IN_DEV = (
    ("GET", "/v1/{kind:albums|artists|episodes|shows|audiobooks|chapters}"),
    ("GET", "/v1/artists/{id}/top-tracks"),
    ("GET", "/v1/browse/{tail:.*}"),
    ("GET", "/v1/markets"),
    ("*", "/v1/me/{kind:albums|episodes|shows|audiobooks|following}"),
    ("GET", "/v1/me/{kind:tracks|albums|episodes|shows|audiobooks|following}/contains"),
    ("GET", "/v1/playlists/{id}/followers/contains"),
)


def spotify_routes(desk: Desk) -> list[web.RouteDef]:
    """Return every route; what the regime took away answers 403 Forbidden."""
    accounts = Accounts(desk)
    playlists = Playlists(desk)
    items = PlaylistItems(desk, playlists=playlists)
    library = Library(desk)
    rows = [
        *_reads(desk, playlists=playlists, library=library),
        *_writes(playlists, items=items, library=library),
    ]
    routes = [_route(desk, row) for row in rows]
    routes += [
        _route(desk, row) for row in _old_rows(desk, playlists=playlists, items=items, library=library)
    ]
    for name, method, path, handler in (
        ("authorize", "GET", "/authorize", accounts.authorize),
        ("token", "POST", "/api/token", accounts.token),
    ):
        operation = Operation(name=name, is_write=method == "POST", is_account=True)
        routes.append(web.route(method, path, desk.gate.guard(operation, handler)))
    if desk.options.regime == "dev":
        routes += [
            _route(desk, ("removed_endpoint", method, path, _gone(desk))) for method, path in GONE_IN_DEV
        ]
    return [*routes, _route(desk, ("unknown", "*", "/{tail:.*}", _not_found))]


def _reads(desk: Desk, *, playlists: Playlists, library: Library) -> list[Row]:
    catalog = CatalogGets(desk)
    return [
        ("me", "GET", "/v1/me{slash:/?}", library.me),
        ("list_playlists", "GET", "/v1/me/playlists", playlists.list_mine),
        ("get_playlist", "GET", "/v1/playlists/{id}", playlists.get),
        ("list_items", "GET", "/v1/playlists/{id}/items", playlists.list_items),
        ("get_images", "GET", "/v1/playlists/{id}/images", playlists.get_images),
        ("list_saved_tracks", "GET", "/v1/me/tracks", library.list_tracks),
        ("list_saved_albums", "GET", "/v1/me/albums", library.list_albums),
        ("list_following", "GET", "/v1/me/following", library.list_following),
        ("library_contains", "GET", "/v1/me/library/contains", library.contains),
        ("get_track", "GET", "/v1/tracks/{id}", catalog.get_track),
        ("get_tracks", "GET", "/v1/tracks{slash:/?}", _extended(desk, catalog.get_tracks)),
        ("get_album", "GET", "/v1/albums/{id}", catalog.get_album),
        ("get_album_tracks", "GET", "/v1/albums/{id}/tracks", catalog.get_album_tracks),
        ("get_artist", "GET", "/v1/artists/{id}", catalog.get_artist),
        ("search", "GET", "/v1/search", Search(desk).search),
    ]


def _writes(playlists: Playlists, *, items: PlaylistItems, library: Library) -> list[Row]:
    return [
        ("create_playlist", "POST", "/v1/me/playlists", playlists.create),
        ("change_playlist", "PUT", "/v1/playlists/{id}", playlists.change),
        ("add_items", "POST", "/v1/playlists/{id}/items", items.add),
        ("update_items", "PUT", "/v1/playlists/{id}/items", items.update),
        ("remove_items", "DELETE", "/v1/playlists/{id}/items", items.remove),
        ("put_image", "PUT", "/v1/playlists/{id}/images", playlists.put_image),
        ("save_library", "PUT", "/v1/me/library", library.save),
        ("remove_library", "DELETE", "/v1/me/library", library.remove),
    ]


def _old_rows(desk: Desk, *, playlists: Playlists, items: PlaylistItems, library: Library) -> list[Row]:
    """The paths that only extended-quota apps still have; counted under the name of the new call."""
    rows: list[Row] = [
        ("get_user", "GET", "/v1/users/{user_id}", library.get_user),
        ("list_playlists", "GET", "/v1/users/{user_id}/playlists", playlists.list_of_user),
        ("create_playlist", "POST", "/v1/users/{user_id}/playlists", playlists.create),
        ("list_items", "GET", "/v1/playlists/{id}/tracks", playlists.list_items),
        ("add_items", "POST", "/v1/playlists/{id}/tracks", items.add),
        ("update_items", "PUT", "/v1/playlists/{id}/tracks", items.update),
        ("remove_items", "DELETE", "/v1/playlists/{id}/tracks", items.remove),
        ("save_library", "PUT", "/v1/me/tracks", library.save_tracks),
        ("remove_library", "DELETE", "/v1/me/tracks", library.remove_tracks),
        ("save_library", "PUT", "/v1/playlists/{id}/followers", library.follow),
        ("remove_library", "DELETE", "/v1/playlists/{id}/followers", library.unfollow),
    ]
    if desk.options.regime == "extended":
        return rows
    return [("removed_endpoint", method, path, _gone(desk)) for _, method, path, _ in rows]


def _extended(desk: Desk, handler: Handler) -> Handler:
    return handler if desk.options.regime == "extended" else _gone(desk)


def _gone(desk: Desk) -> Handler:
    async def gone(request: web.Request) -> NoReturn:
        anybody(desk, request)
        raise Refused(403, "Forbidden")

    return gone


async def _not_found(_: web.Request) -> NoReturn:
    raise Refused(404, "Service not found")


def _route(desk: Desk, row: Row) -> web.RouteDef:
    name, method, path, handler = row
    operation = Operation(name=name, is_write=method in {"POST", "PUT", "DELETE"})
    return web.route(method, path, desk.gate.guard(operation, handler))
