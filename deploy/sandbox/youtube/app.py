"""The routes of simulated YouTube: the Data API under /youtube/v3, Google's sign-in beside it."""

from collections.abc import Awaitable, Callable
from typing import NoReturn

from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.faults import Operation
from deploy.sandbox.youtube.catalog import Videos
from deploy.sandbox.youtube.items import PlaylistItems
from deploy.sandbox.youtube.oauth import AUTHORIZE_PATH, Accounts
from deploy.sandbox.youtube.objects import ALBUM_PREFIX
from deploy.sandbox.youtube.playlists import Playlists
from deploy.sandbox.youtube.quota import Quota

Handler = Callable[[web.Request], Awaitable[web.Response]]
BASE = "/youtube/v3"


def youtube_routes(desk: Desk) -> list[web.RouteDef]:
    """Return every route; the last takes whatever is left."""
    quota = Quota(desk.options, clock=desk.clock)
    playlists = Playlists(desk, quota=quota)
    items = PlaylistItems(desk, playlists=playlists, quota=quota)
    videos = Videos(desk, quota=quota)
    accounts = Accounts(desk)

    def guarded(name: str, handler: Handler, *, is_write: bool = False) -> Handler:
        return desk.gate.guard(Operation(name=name, is_write=is_write), handler)

    list_playlists = _picked(
        lambda request: "id" in request.query,
        guarded("get_playlist", playlists.get),
        guarded("list_playlists", playlists.list_mine),
    )
    list_items = _picked(
        lambda request: request.query.get("playlistId", "").startswith(ALBUM_PREFIX),
        guarded("get_album_tracks", items.list_album),
        guarded("list_items", items.list_items),
    )
    return [
        web.get(f"{BASE}/channels", guarded("me", playlists.list_channels)),
        web.get(f"{BASE}/playlists", list_playlists),
        web.post(f"{BASE}/playlists", guarded("create_playlist", playlists.create, is_write=True)),
        web.put(f"{BASE}/playlists", guarded("change_playlist", playlists.change, is_write=True)),
        web.delete(f"{BASE}/playlists", guarded("delete_playlist", playlists.delete, is_write=True)),
        web.get(f"{BASE}/playlistItems", list_items),
        web.post(f"{BASE}/playlistItems", guarded("add_items", items.add, is_write=True)),
        web.delete(f"{BASE}/playlistItems", guarded("remove_items", items.remove, is_write=True)),
        web.get(f"{BASE}/search", guarded("search", videos.search)),
        web.get(f"{BASE}/videos", guarded("get_videos", videos.get_videos)),
        web.post(f"{BASE}/videos/rate", guarded("rate_video", videos.rate, is_write=True)),
        web.get(f"{BASE}/videos:batchGetStats", guarded("get_stats", videos.get_stats)),
        *_accounts(desk, accounts),
        web.route("*", "/{tail:.*}", guarded("unknown", _not_found)),
    ]


def _accounts(desk: Desk, accounts: Accounts) -> list[web.RouteDef]:
    authorize = Operation(name="authorize", is_account=True)
    token = Operation(name="token", is_write=True, is_account=True)
    return [
        web.get(AUTHORIZE_PATH, desk.gate.guard(authorize, accounts.authorize)),
        web.post("/token", desk.gate.guard(token, accounts.token)),
    ]


def _picked(is_first: Callable[[web.Request], bool], first: Handler, second: Handler) -> Handler:
    """One path that is two operations: the query says which."""

    async def handler(request: web.Request) -> web.Response:
        return await (first if is_first(request) else second)(request)

    return handler


async def _not_found(_: web.Request) -> NoReturn:
    raise Refused(404, "Not Found", code="notFound", title="global")
