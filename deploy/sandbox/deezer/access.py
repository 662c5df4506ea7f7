"""Who calls: everybody may, and an access token in the query says whose account it is."""

from aiohttp import web

from deploy.sandbox.deezer.voice import refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.store import Playlist


def caller(desk: Desk, request: web.Request) -> str:
    """Return the account of the access token, "" without one. Raises Refused(300) for a dead one."""
    value = request.query.get("access_token", "")
    if not value:
        return ""
    token = desk.store.tokens.get(value)
    is_dead = token is None or token.kind != "access" or value in desk.store.revoked
    if token is None or is_dead or token.ends_at_s <= desk.clock.now_s():
        raise refused(300)
    return token.user or ""


def account(desk: Desk, request: web.Request, *, perm: str = "basic_access") -> str:
    """Return the account, which must have allowed this. Raises Refused(200 or 300)."""
    user = caller(desk, request)
    if not user:
        raise refused(200)
    if perm not in desk.store.tokens[request.query["access_token"]].scopes:
        raise refused(200, f"This application needs the permission {perm}")
    return user


def shown(desk: Desk, request: web.Request, *, user: str) -> Playlist:
    """Return the playlist of the path if this account, or nobody in particular, may see it."""
    playlist = desk.store.playlists.get(request.match_info["id"])
    if playlist is None:
        raise refused(800)
    if not playlist.is_public and playlist.owner != user and not playlist.is_collaborative:
        raise refused(200, "This playlist is private")
    return playlist
