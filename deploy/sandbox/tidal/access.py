"""Who calls TIDAL's API, with which scopes, and from which country."""

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.store import Playlist

USER_ID_LENGTH = 9


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """The account behind an access token. user "": a client-credentials token, which has none."""

    user: str
    client_id: str
    scopes: frozenset[str]

    def may_write(self, playlist: Playlist) -> None:
        """Raise Refused unless the caller may change this playlist; what is another's is not there."""
        if playlist.owner != self.user:
            raise Refused(404, "The playlist was not found")


def anybody(desk: Desk, request: web.Request) -> Caller:
    """Return the caller of any valid access token. Raises Refused(401)."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    token = desk.store.tokens.get(value)
    is_alive = (
        scheme.lower() == "bearer"
        and token is not None
        and token.kind == "access"
        and value not in desk.store.revoked
        and token.ends_at_s > desk.clock.now_s()
    )
    if token is None or not is_alive:
        raise Refused(401, "The token has expired")
    return Caller(user=token.user or "", client_id=token.client_id, scopes=frozenset(token.scopes))


def account(desk: Desk, request: web.Request, scope: str) -> Caller:
    """Return the caller, who must be a user that granted the scope. Raises Refused(401 or 403)."""
    caller = anybody(desk, request)
    if not caller.user or scope not in caller.scopes:
        raise Refused(403, f"The token lacks the scope {scope}", code="INSUFFICIENT_SCOPE")
    return caller
