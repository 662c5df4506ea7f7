"""Who calls the Web API, and with which scopes."""

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.store import Playlist


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The account behind an access token. user "": a client-credentials token, which has none."""

    user: str
    scopes: frozenset[str]

    def needs(self, *scopes: str) -> None:
        """Raise Refused(403) unless one of the scopes was granted."""
        if not self.scopes.intersection(scopes):
            raise Refused(403, "Insufficient client scope")

    def may_write(self, playlist: Playlist) -> None:
        """Raise Refused unless the caller may change this playlist."""
        self.needs("playlist-modify-public" if playlist.is_public else "playlist-modify-private")
        if not owns(playlist, self):
            raise Refused(403, "Forbidden")


def owns(playlist: Playlist, caller: Caller) -> bool:
    """Whether the caller is owner or collaborator."""
    is_collaborator = playlist.is_collaborative and caller.user in playlist.followers
    return playlist.owner == caller.user or is_collaborator


def anybody(desk: Desk, request: web.Request) -> Caller:
    """Return the caller of any valid access token. Raises Refused(401)."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if not value:
        raise Refused(401, "No token provided")
    token = desk.store.tokens.get(value)
    is_bearer = scheme.lower() == "bearer"
    if not is_bearer or token is None or token.kind != "access" or value in desk.store.revoked:
        raise Refused(401, "Invalid access token")
    if token.ends_at_s <= desk.clock.now_s():
        raise Refused(401, "The access token expired")
    return Caller(user=token.user or "", scopes=frozenset(token.scopes))


def account(desk: Desk, request: web.Request, *scopes: str) -> Caller:
    """Return the caller, who must be a user and have one of the scopes. Raises Refused(401 or 403)."""
    caller = anybody(desk, request)
    if not caller.user:
        raise Refused(401, "Valid user authentication required")
    if scopes:
        caller.needs(*scopes)
    return caller
