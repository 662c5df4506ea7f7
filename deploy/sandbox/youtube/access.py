"""Who calls, and with which scopes: an access token, or an API key that stands for nobody."""

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.store import Playlist

_SCOPE = "https://www.googleapis.com/auth/"
WRITING = frozenset({f"{_SCOPE}youtube", f"{_SCOPE}youtube.force-ssl"})
READING = WRITING | {f"{_SCOPE}youtube.readonly"}


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """user "": an API key alone."""

    user: str
    scopes: frozenset[str] = frozenset()

    def sees(self, playlist: Playlist) -> bool:
        return playlist.is_public or playlist.owner == self.user


def anybody(desk: Desk, request: web.Request) -> Caller:
    """Return the caller of a valid token or of an API key. Raises Refused."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if not value:
        if request.query.get("key"):
            return Caller(user="")
        message = "The request is missing a valid API key."
        raise Refused(403, message, code="forbidden", title="global")
    token = desk.store.tokens.get(value)
    is_known = scheme.lower() == "bearer" and token is not None and token.kind == "access"
    if token is None or not is_known or value in desk.store.revoked or token.ends_at_s <= desk.clock.now_s():
        raise _unauthorized("Invalid Credentials", code="authError")
    caller = Caller(user=token.user or "", scopes=frozenset(token.scopes))
    _need(caller, READING)
    return caller


def account(desk: Desk, request: web.Request, *, writes: bool = False) -> Caller:
    """Return the caller, who must be a user; with the scope to write, if asked for. Raises Refused."""
    caller = anybody(desk, request)
    if not caller.user:
        raise _unauthorized("Login Required", code="required")
    if writes:
        _need(caller, WRITING)
    return caller


def _need(caller: Caller, scopes: frozenset[str]) -> None:
    if not caller.scopes & scopes:
        raise Refused(403, "Insufficient Permission", code="insufficientPermissions", title="global")


def _unauthorized(message: str, *, code: str) -> Refused:
    return Refused(401, message, code=code, title="global", parameter="Authorization")
