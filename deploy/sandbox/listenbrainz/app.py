"""The routes of simulated ListenBrainz, all under /1."""

from collections.abc import Awaitable, Callable
from typing import NoReturn

from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.faults import Operation
from deploy.sandbox.listenbrainz.catalog import Metadata
from deploy.sandbox.listenbrainz.feedback import Feedback
from deploy.sandbox.listenbrainz.playlists import Playlists
from deploy.sandbox.listenbrainz.voice import limit_headers

Handler = Callable[[web.Request], Awaitable[web.Response]]


def listenbrainz_routes(desk: Desk) -> list[web.RouteDef]:
    """Return every route; the last takes whatever is left."""
    playlists, metadata, feedback = Playlists(desk), Metadata(desk), Feedback(desk)
    rows = (
        ("me", "GET", "/1/validate-token", playlists.validate_token),
        ("list_playlists", "GET", "/1/user/{user_name}/playlists", playlists.list_of_user),
        ("create_playlist", "POST", "/1/playlist/create", playlists.create),
        ("change_playlist", "POST", "/1/playlist/edit/{mbid}", playlists.edit),
        ("add_items", "POST", "/1/playlist/{mbid}/item/add", playlists.add),
        ("add_items", "POST", r"/1/playlist/{mbid}/item/add/{offset:\d+}", playlists.add),
        ("remove_items", "POST", "/1/playlist/{mbid}/item/delete", playlists.remove),
        ("delete_playlist", "POST", "/1/playlist/{mbid}/delete", playlists.delete),
        ("list_feedback", "GET", "/1/feedback/user/{user_name}/get-feedback", feedback.list_of_user),
        ("give_feedback", "POST", "/1/feedback/recording-feedback", feedback.give),
        ("get_recordings", "GET", "/1/metadata/recording/", metadata.recordings),
        ("search", "GET", "/1/metadata/lookup/", metadata.look_up_one),
    )
    routes = [
        _route(desk, name, method=method, path=path, handler=handler) for name, method, path, handler in rows
    ]
    # A question, although it is posted.
    look_up = _told(desk, desk.gate.guard(Operation(name="search"), metadata.look_up))
    unknown = desk.gate.guard(Operation(name="unknown"), _not_found)
    return [
        *routes,
        web.post("/1/metadata/lookup/", look_up),
        web.get("/1/playlist/{mbid}", _playlist(desk, playlists)),
        web.route("*", "/{tail:.*}", unknown),
    ]


def _playlist(desk: Desk, playlists: Playlists) -> Handler:
    """One path, two uses: with the words of its rows a playlist is read, without them it is looked at."""
    head = _told(desk, desk.gate.guard(Operation(name="get_playlist"), playlists.get))
    whole = _told(desk, desk.gate.guard(Operation(name="list_items"), playlists.get))

    async def get(request: web.Request) -> web.Response:
        return await (head if request.query.get("fetch_metadata") == "false" else whole)(request)

    return get


async def _not_found(_: web.Request) -> NoReturn:
    raise Refused(404, "The requested URL was not found on the server.")


def _route(desk: Desk, name: str, *, method: str, path: str, handler: Handler) -> web.RouteDef:
    operation = Operation(name=name, is_write=method == "POST")
    return web.route(method, path, _told(desk, desk.gate.guard(operation, handler)))


def _told(desk: Desk, handler: Handler) -> Handler:
    """Let each answer say how far the caller's window is used."""

    async def answer(request: web.Request) -> web.Response:
        response = await handler(request)
        if (standing := desk.gate.standing(request)) and not response.prepared:
            told = limit_headers(limit=standing.limit, left=standing.left, reset_in_s=standing.reset_in_s)
            for name, value in told.items():
                response.headers.setdefault(name, value)
        return response

    return answer
