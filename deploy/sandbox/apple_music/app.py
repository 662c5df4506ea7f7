"""The routes of simulated Apple Music."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.apple_music.access import Access
from deploy.sandbox.apple_music.catalog import MusicCatalog
from deploy.sandbox.apple_music.library import MusicLibrary
from deploy.sandbox.apple_music.musickit import MusicKit
from deploy.sandbox.apple_music.paging import bad_parameter
from deploy.sandbox.apple_music.saved import Saved
from deploy.sandbox.apple_music.shared_playlists import SharedPlaylists
from deploy.sandbox.desk import Desk
from deploy.sandbox.faults import Operation

Handler = Callable[[web.Request], Awaitable[web.Response]]

# What MusicKit calls from pages of other origins, which a browser only lets it do if these are named.
CALLED_BY_PAGES = frozenset({"/v1/test", "/musickit/unauthorize"})
FOR_PAGES = {"Access-Control-Allow-Origin": "*"}
PREFLIGHT = {
    **FOR_PAGES,
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Music-User-Token",
}


def apple_music_routes(desk: Desk) -> list[web.RouteDef]:
    """Return every route; the last takes whatever is left."""
    access = Access(desk)
    catalog = MusicCatalog(desk, access=access)
    shared = SharedPlaylists(desk, catalog=catalog)
    library = MusicLibrary(desk, access=access, catalog=catalog)
    saved = Saved(desk, access=access)
    rows = (
        ("test", "GET", "/v1/test", catalog.test),
        ("list_storefronts", "GET", "/v1/storefronts", catalog.list_storefronts),
        ("search", "GET", "/v1/catalog/{storefront}/search", catalog.search),
        ("get_song", "GET", "/v1/catalog/{storefront}/songs/{id}", catalog.get_song),
        ("get_album", "GET", "/v1/catalog/{storefront}/albums/{id}", catalog.get_album),
        ("get_album_tracks", "GET", "/v1/catalog/{storefront}/albums/{id}/tracks", catalog.get_album_tracks),
        ("get_shared_playlist", "GET", "/v1/catalog/{storefront}/playlists/{id}", shared.get_playlist),
        ("list_shared_items", "GET", "/v1/catalog/{storefront}/playlists/{id}/tracks", shared.list_tracks),
        ("get_storefront", "GET", "/v1/me/storefront", library.get_storefront),
        ("list_playlists", "GET", "/v1/me/library/playlists", library.list_playlists),
        ("create_playlist", "POST", "/v1/me/library/playlists", library.create_playlist),
        ("get_playlist", "GET", "/v1/me/library/playlists/{id}", library.get_playlist),
        ("list_items", "GET", "/v1/me/library/playlists/{id}/tracks", library.list_items),
        ("add_items", "POST", "/v1/me/library/playlists/{id}/tracks", library.add_items),
        ("list_songs", "GET", "/v1/me/library/songs", saved.list_songs),
        ("list_albums", "GET", "/v1/me/library/albums", saved.list_albums),
        ("save_library", "POST", "/v1/me/library", saved.save),
        ("unsupported", "PUT", "/v1/me/library/{tail:.*}", library.unsupported),
        ("unsupported", "PATCH", "/v1/me/library/{tail:.*}", library.unsupported),
        ("unsupported", "DELETE", "/v1/me/library/{tail:.*}", library.unsupported),
        ("unknown", "*", "/{tail:.*}", _not_found),
    )
    routes = [
        _route(desk, name, method=method, path=path, handler=handler) for name, method, path, handler in rows
    ]
    songs = _songs(desk, catalog)
    return [
        web.get("/v1/catalog/{storefront}/songs", songs),
        *(web.options(path, _preflight) for path in sorted(CALLED_BY_PAGES)),
        *_musickit_routes(desk, access=access),
        *routes,
    ]


def _musickit_routes(desk: Desk, *, access: Access) -> list[web.RouteDef]:
    """The hosts of the script and of the sign-in: in reality others than the API's."""
    musickit = MusicKit(desk, access=access)
    rows = (
        ("musickit_script", "GET", "/musickit/v3/musickit.js", musickit.script),
        ("musickit_authorize", "GET", "/musickit/authorize", musickit.ask),
        ("musickit_authorize", "POST", "/musickit/authorize", musickit.decide),
        ("musickit_authorize", "GET", "/musickit/answer.js", musickit.answer_script),
        ("musickit_unauthorize", "POST", "/musickit/unauthorize", musickit.sign_out),
    )
    return [
        _guarded(desk, Operation(name=name, is_account=True), method=method, path=path, handler=handler)
        for name, method, path, handler in rows
    ]


def _route(desk: Desk, name: str, *, method: str, path: str, handler: Handler) -> web.RouteDef:
    operation = Operation(name=name, is_write=method != "GET" and name != "unknown")
    return _guarded(desk, operation, method=method, path=path, handler=handler)


def _guarded(desk: Desk, operation: Operation, *, method: str, path: str, handler: Handler) -> web.RouteDef:
    guarded = desk.gate.guard(operation, handler)
    return web.route(method, path, _for_pages(guarded) if path in CALLED_BY_PAGES else guarded)


def _for_pages(handler: Handler) -> Handler:
    """Let pages read the answer, refusals too: without that a script sees a failed network only."""

    async def answer(request: web.Request) -> web.Response:
        response = await handler(request)
        response.headers.update(FOR_PAGES)
        return response

    return answer


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(status=204, headers=PREFLIGHT)


def _songs(desk: Desk, catalog: MusicCatalog) -> Handler:
    """One path, three calls: which one it is, its parameters say."""
    by_parameter = {
        "filter[isrc]": desk.gate.guard(Operation(name="lookup_isrc"), catalog.lookup_isrc),
        "ids": desk.gate.guard(Operation(name="get_songs"), catalog.get_songs),
        "filter[equivalents]": desk.gate.guard(Operation(name="equivalents"), catalog.equivalents),
    }
    nothing_asked = desk.gate.guard(Operation(name="get_songs"), _nothing_asked)

    async def songs(request: web.Request) -> web.Response:
        for parameter, handler in by_parameter.items():
            if parameter in request.query:
                return await handler(request)
        return await nothing_asked(request)

    return songs


async def _nothing_asked(_: web.Request) -> web.Response:
    raise bad_parameter("ids", "Either ids or a filter must be given")


async def _not_found(_: web.Request) -> web.Response:
    raise Refused(404, "No such resource", code="40400", title="Resource Not Found")
