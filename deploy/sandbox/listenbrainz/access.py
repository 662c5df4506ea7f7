"""Who calls: the account of the user token, if there is one."""

import re
import uuid

from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.store import Playlist

MBID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def token_of(request: web.Request) -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme.lower() == "token" else ""


def user_of(desk: Desk, value: str) -> str | None:
    """Return whose token this is, None for one that is not good."""
    token = desk.store.tokens.get(value)
    is_dead = token is None or token.kind != "user" or value in desk.store.revoked
    return None if token is None or is_dead else token.user


def caller(desk: Desk, request: web.Request) -> str:
    """Return the account, "" without a token. Raises Refused(401) for one that is not good."""
    if "Authorization" not in request.headers:
        return ""
    user = user_of(desk, token_of(request))
    if user is None:
        raise Refused(401, "Invalid authorization token.")
    return user


def account(desk: Desk, request: web.Request) -> str:
    """Return the account. Raises Refused(401)."""
    user = caller(desk, request)
    if not user:
        raise Refused(401, "You need to provide an Authorization header.")
    return user


def shown(desk: Desk, request: web.Request, *, user: str) -> Playlist:
    """Return the playlist of the path, if this account may see it. Raises Refused(400 or 404)."""
    own_id = request.match_info["mbid"]
    if not MBID.fullmatch(own_id):
        raise Refused(400, "Provided playlist ID is invalid.")
    playlist = desk.store.playlists.get(str(uuid.UUID(own_id)))
    if playlist is None or not (playlist.is_public or user == playlist.owner):
        raise Refused(404, f"Cannot find playlist: {own_id}")
    return playlist


def asked_number(request: web.Request, name: str, *, default: int) -> int:
    """Return a number of the query. Raises Refused(400)."""
    raw = request.query.get(name, str(default))
    if not raw.isascii() or not raw.isdigit():
        raise Refused(400, f"'{name}' should be a positive integer")
    return int(raw)
