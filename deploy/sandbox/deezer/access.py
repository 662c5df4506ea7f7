"""Who calls: everybody may, and an access token in the query says whose account it is."""

from aiohttp import web

from deploy.sandbox.changes import Item
from deploy.sandbox.deezer.objects import loved_id
from deploy.sandbox.deezer.voice import refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.kept import Kind
from deploy.sandbox.kept import shown as shown_kept
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


def loved(desk: Desk, *, user: str) -> Playlist:
    """Return the favorite tracks as the playlist that they are as well; it is read alone."""
    rows = shown_kept(desk, user=user, kind=Kind.TRACK)[::-1]
    items = [Item(track_id=own_id, added_at_s=at_s) for own_id, at_s in rows]
    return Playlist(id=loved_id(user), owner=user, name="Loved Tracks", items=items)


def shown(desk: Desk, request: web.Request, *, user: str, is_written: bool = False) -> Playlist:
    """Return the playlist of the path if this account, or nobody in particular, may see it."""
    own_id = request.match_info["id"]
    playlist = desk.store.playlists.get(own_id)
    if user and own_id == loved_id(user) and not is_written:
        playlist = loved(desk, user=user)
    if playlist is None:
        raise refused(800)
    if not playlist.is_public and playlist.owner != user and not playlist.is_collaborative:
        raise refused(200, "This playlist is private")
    return playlist
