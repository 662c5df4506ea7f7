"""Who calls SoundCloud's API."""

from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk

SCHEMES = frozenset({"oauth", "bearer"})  # the second one was seen to work, the first one is documented


def anybody(desk: Desk, request: web.Request) -> str:
    """Return the account behind a valid access token, "" for one without a user. Raises Refused(401)."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    token = desk.store.tokens.get(value)
    if scheme.lower() not in SCHEMES or token is None or token.kind != "access":
        raise Refused(401, "A request must contain the Authorization header.")
    if value in desk.store.revoked or token.ends_at_s <= desk.clock.now_s():
        raise Refused(401, "The access token is not valid any more.")
    return token.user or ""


def account(desk: Desk, request: web.Request) -> str:
    """Return the caller, who must be a user. Raises Refused(401)."""
    user = anybody(desk, request)
    if not user:
        raise Refused(401, "This needs the token of a user.")
    return user
