"""The routes of a simulated Subsonic server: every method by GET, and by POST where forms are taken."""

from collections.abc import Awaitable, Callable

from aiohttp import web
from multidict import MultiDict

from deploy.sandbox.desk import Desk
from deploy.sandbox.faults import Operation
from deploy.sandbox.subsonic.access import PARAMETERS, Access
from deploy.sandbox.subsonic.library import Library
from deploy.sandbox.subsonic.stars import Stars

Handler = Callable[[web.Request], Awaitable[web.Response]]
Choose = Callable[[MultiDict[str]], Handler]


def subsonic_routes(desk: Desk) -> list[web.RouteDef]:
    """Return every route; the last takes whatever is left."""
    access = Access(desk)
    library, stars = Library(desk, access=access), Stars(desk, access=access)

    def guarded(name: str, handler: Handler, *, is_write: bool = False) -> Handler:
        return desk.gate.guard(Operation(name=name, is_write=is_write), handler)

    def only(name: str, handler: Handler, *, is_write: bool = False) -> Choose:
        known = guarded(name, handler, is_write=is_write)
        return lambda _: known

    methods: dict[str, Choose] = {
        "ping": only("ping", library.ping),
        "getOpenSubsonicExtensions": only("extensions", library.extensions),
        "tokenInfo": only("me", library.token_info),
        "getUser": only("get_user", library.get_user),
        "getScanStatus": only("scan_status", library.scan_status),
        "getSong": only("get_track", library.get_song),
        "getAlbum": only("get_album", library.get_album),
        "search3": only("search", library.search),
        "getStarred2": only("list_starred", stars.list_starred),
        "star": only("star", stars.star, is_write=True),
        "unstar": only("unstar", stars.unstar, is_write=True),
        "getPlaylists": only("list_playlists", library.list_playlists),
        "getPlaylist": only("list_items", library.get_playlist),
        "deletePlaylist": only("delete_playlist", library.delete_playlist, is_write=True),
        "createPlaylist": _by_parameter(
            {"playlistId": guarded("replace_playlist", library.replace_playlist, is_write=True)},
            otherwise=guarded("create_playlist", library.create_playlist, is_write=True),
        ),
        "updatePlaylist": _by_parameter(
            {
                "songIdToAdd": guarded("add_items", library.update_playlist, is_write=True),
                "songIndexToRemove": guarded("remove_items", library.update_playlist, is_write=True),
            },
            otherwise=guarded("change_playlist", library.update_playlist, is_write=True),
        ),
    }
    takes_forms = desk.options.form_post and desk.options.open_subsonic
    unknown = guarded("unknown", _not_found)
    return [
        *(
            web.route("*", f"/rest/{method}{ending}", _method(choose, takes_forms=takes_forms))
            for method, choose in methods.items()
            for ending in ("", ".view")
        ),
        web.route("*", "/{tail:.*}", unknown),
    ]


def _by_parameter(handlers: dict[str, Handler], *, otherwise: Handler) -> Choose:
    """Tell apart what one method does by what it is given."""
    return lambda given: next((handlers[name] for name in handlers if name in given), otherwise)


def _method(choose: Choose, *, takes_forms: bool) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        given = MultiDict(request.query)
        if request.method == "POST" and takes_forms:
            for name, value in (await request.post()).items():
                given.add(name, str(value))
        elif request.method not in ("GET", "HEAD"):
            return web.Response(status=405, text="405 method not allowed")
        request[PARAMETERS] = given
        return await choose(given)(request)

    return answer


async def _not_found(_: web.Request) -> web.Response:
    return web.Response(status=404, text="404 page not found")
