"""The routes of simulated Deezer: its API at the root, its sign-in under /oauth."""

from collections.abc import Awaitable, Callable, Iterator
from typing import NoReturn

from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.deezer.catalog import MusicCatalog
from deploy.sandbox.deezer.library import Library
from deploy.sandbox.deezer.oauth import Accounts
from deploy.sandbox.deezer.playlists import Playlists
from deploy.sandbox.desk import Desk
from deploy.sandbox.faults import Operation
from deploy.sandbox.kept import Kind

Handler = Callable[[web.Request], Awaitable[web.Response]]


def deezer_routes(desk: Desk) -> list[web.RouteDef]:
    """Return every route; the last takes whatever is left."""
    catalog = MusicCatalog(desk)
    playlists = Playlists(desk, catalog=catalog)
    accounts = Accounts(desk)
    rows = (
        ("me", "GET", "/user/me", playlists.me),
        ("list_playlists", "GET", "/user/me/playlists", playlists.list_mine),
        ("create_playlist", "POST", "/user/me/playlists", playlists.create),
        ("get_user", "GET", "/user/{user_id}", playlists.get_user),
        ("list_playlists", "GET", "/user/{user_id}/playlists", playlists.list_of_user),
        ("create_playlist", "POST", "/user/{user_id}/playlists", playlists.create),
        ("get_playlist", "GET", "/playlist/{id}", playlists.get),
        ("change_playlist", "POST", "/playlist/{id}", playlists.change),
        ("delete_playlist", "DELETE", "/playlist/{id}", playlists.delete),
        ("list_items", "GET", "/playlist/{id}/tracks", playlists.list_items),
        ("add_items", "POST", "/playlist/{id}/tracks", playlists.add),
        ("remove_items", "DELETE", "/playlist/{id}/tracks", playlists.remove),
        ("lookup_isrc", "GET", "/track/isrc:{isrc}", catalog.lookup_isrc),
        ("get_track", "GET", "/track/{id}", catalog.get_track),
        ("get_artist", "GET", "/artist/{id}", catalog.get_artist),
        ("get_album", "GET", "/album/{id}", catalog.get_album),
        ("get_album_tracks", "GET", "/album/{id}/tracks", catalog.get_album_tracks),
        ("search", "GET", "/search", catalog.search),
        ("search", "GET", "/search/track", catalog.search),
        ("search", "GET", "/search/album", catalog.search_albums),
        ("search", "GET", "/search/artist", catalog.search_artists),
        *_kept(Library(desk, catalog=catalog)),
        ("authorize", "GET", "/oauth/auth.php", accounts.authorize),
        ("token", "GET", "/oauth/access_token.php", accounts.token),
        ("token", "POST", "/oauth/access_token.php", accounts.token),
        ("unknown", "*", "/{tail:.*}", _not_found),
    )
    return [
        _route(desk, name, method=method, path=path, handler=handler) for name, method, path, handler in rows
    ]


def _kept(library: Library) -> Iterator[tuple[str, str, str, Handler]]:
    """Yield the routes of what an account keeps."""
    for kind in Kind:
        for path in (f"/user/me/{kind}s", f"/user/{{user_id}}/{kind}s"):
            yield f"list_{kind}s", "GET", path, library.reader(kind)
            yield f"add_{kind}s", "POST", path, library.adder(kind)
            yield f"remove_{kind}s", "DELETE", path, library.remover(kind)


async def _not_found(_: web.Request) -> NoReturn:
    raise Refused(404, "Not Found")


def _route(desk: Desk, name: str, *, method: str, path: str, handler: Handler) -> web.RouteDef:
    operation = Operation(
        name=name, is_write=method in {"POST", "DELETE"}, is_account=path.startswith("/oauth/")
    )
    return web.route(method, path, desk.gate.guard(operation, handler))
