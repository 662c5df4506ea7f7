"""Developer tokens and user tokens of Apple Music."""

from typing import Any

import jwt
from aiohttp import web
from jwt.types import Options

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk

UNTIMED: Options = {"verify_exp": False, "verify_iat": False, "verify_aud": False, "verify_nbf": False}
LONGEST_LIFE_S = 15_777_000
TEAM_ID_LENGTH = 10
KEY_ID_LENGTH = 10


class Access:
    """Checks both tokens; the signature only when the public key is known."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._public_key = desk.options.developer_public_key

    def developer(self, request: web.Request) -> None:
        """Raise Refused(401), which has an empty body, unless the developer token is good."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise Refused(401, "no bearer token")
        self.check(token, origin=request.headers.get("Origin", ""))

    def check(self, token: str, *, origin: str) -> None:
        """Raise Refused(401) unless a developer token is good for this origin.

        origin: of the page that uses the token, "" where there is none.
        """
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != "ES256":
                raise Refused(401, "not an ES256 token")
            claims = self._claims(token)
        except jwt.InvalidTokenError as error:
            raise Refused(401, "unreadable token") from error
        has_key_id = len(str(header.get("kid", ""))) == KEY_ID_LENGTH
        if not has_key_id or not self._is_current(claims) or not _is_for(origin, claims):
            raise Refused(401, "token refused")

    def _claims(self, token: str) -> dict[str, Any]:
        # Times are checked by the sandbox's own clock, which can be moved.
        if self._public_key is None:
            return jwt.decode(token, options={"verify_signature": False})
        return jwt.decode(token, self._public_key, algorithms=["ES256"], options=UNTIMED)

    def _is_current(self, claims: dict[str, Any]) -> bool:
        issued_s, ends_s = claims.get("iat"), claims.get("exp")
        if not isinstance(issued_s, int | float) or not isinstance(ends_s, int | float):
            return False
        now_s = self._desk.clock.now_s()
        is_team = len(str(claims.get("iss", ""))) == TEAM_ID_LENGTH
        # Nobody tells whether Apple looks at iat; whoever is good for the strict reading is good for both.
        return is_team and issued_s <= now_s < ends_s <= now_s + LONGEST_LIFE_S

    def user(self, request: web.Request) -> str:
        """Return the account of the user token. Raises Refused(401 or 403)."""
        self.developer(request)
        value = request.headers.get("Music-User-Token", "")
        token = self._desk.store.tokens.get(value)
        if (
            token is None
            or token.kind != "user"
            or value in self._desk.store.revoked
            or token.ends_at_s <= self._desk.clock.now_s()
        ):
            raise Refused(403, "Invalid authentication", code="40300", title="Forbidden")
        return token.user or ""


def _is_for(origin: str, claims: dict[str, Any]) -> bool:
    """A token bound to web origins serves pages of these only."""
    bound_to = claims.get("origin")
    return not (bound_to and origin) or origin in bound_to
