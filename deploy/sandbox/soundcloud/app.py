"""The routes of simulated SoundCloud: its API at the root, its sign-in beside it."""

from typing import NoReturn

from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.faults import Operation
from deploy.sandbox.soundcloud.catalog import Tracks
from deploy.sandbox.soundcloud.oauth import SignIn
from deploy.sandbox.soundcloud.playlists import Playlists
from deploy.sandbox.soundcloud.users import Users

READING = frozenset({"GET", "*"})


def soundcloud_routes(desk: Desk) -> list[web.RouteDef]:
    """Return every route. All writes to a playlist's tracks are one call, and so one operation."""
    sign_in = SignIn(desk)
    playlists = Playlists(desk)
    tracks = Tracks(desk, playlists=playlists)
    users = Users(desk)
    rows = (
        ("me", "GET", "/me", tracks.me),
        ("list_playlists", "GET", "/me/playlists", playlists.list_mine),
        ("list_likes", "GET", "/me/likes/tracks", tracks.list_likes),
        ("list_followings", "GET", "/me/followings", users.list_followed),
        ("get_playlist", "GET", "/playlists/{urn}", playlists.get),
        ("list_items", "GET", "/playlists/{urn}/tracks", playlists.list_tracks),
        ("search", "GET", "/tracks", tracks.search),
        ("get_track", "GET", "/tracks/{urn}", tracks.get),
        ("search_users", "GET", "/users", users.search),
        ("resolve", "GET", "/resolve", tracks.resolve),
        ("create_playlist", "POST", "/playlists", playlists.create),
        ("replace_playlist", "PUT", "/playlists/{urn}", playlists.replace),
        ("delete_playlist", "DELETE", "/playlists/{urn}", playlists.delete),
        ("like", "POST", "/likes/tracks/{urn}", tracks.like),
        ("unlike", "DELETE", "/likes/tracks/{urn}", tracks.unlike),
        ("follow", "PUT", "/me/followings/{urn}", users.follow),
        ("unfollow", "DELETE", "/me/followings/{urn}", users.unfollow),
        ("unknown", "*", "/{tail:.*}", _not_found),
    )
    routes = [
        web.route(method, path, desk.gate.guard(Operation(name=name, is_account=True), handler))
        for name, method, path, handler in (
            ("authorize", "GET", "/authorize", sign_in.authorize),
            ("token", "POST", "/oauth/token", sign_in.token),
        )
    ]
    for name, method, path, handler in rows:
        operation = Operation(name=name, is_write=method not in READING)
        routes.append(web.route(method, path, desk.gate.guard(operation, handler)))
    return routes


async def _not_found(_: web.Request) -> NoReturn:
    raise Refused(404, "404 - Not Found")
