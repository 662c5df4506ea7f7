"""Deezer's sign-in: an authorization code without PKCE, and a token that has no end if that was asked for."""

import hmac
import secrets
from html import escape
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.changes import Token, TokenIssued
from deploy.sandbox.desk import Desk
from deploy.sandbox.pages import page, sign_in_form

ACCESS_LIFE_S = 3600.0
ENDLESS_S = 100 * 366 * 86400.0
CODE_LIFE_S = 600.0
OWN_PARAMETERS = frozenset({"sandbox_user", "sandbox_allow", "sandbox_deny"})


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind a code until it is used."""

    user: str
    app_id: str
    perms: tuple[str, ...]
    ends_at_s: float


class Accounts:
    """GET /oauth/auth.php and /oauth/access_token.php."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._options = desk.options
        self._consents: dict[str, Consent] = {}

    async def authorize(self, request: web.Request) -> web.Response:
        """Send the browser back with a code or error_reason=user_denied; or show the page that asks first."""
        query = request.query
        if not self._is_app(query.get("app_id", "")) or not self._is_registered(
            query.get("redirect_uri", "")
        ):
            return page("Sandbox Deezer", "<p>This application or its address is not known.</p>", status=400)
        back = {"state": query["state"]} if "state" in query else {}
        if "sandbox_deny" in query or self._desk.fault("deny", request):
            return _back(query["redirect_uri"], {"error_reason": "user_denied", **back})
        if not self._options.auto_approve and "sandbox_allow" not in query:
            return self._asked(request)
        code = f"fr{secrets.token_hex(16)}"
        self._consents[code] = Consent(
            user=query.get("sandbox_user") or self._options.user,
            app_id=query["app_id"],
            perms=tuple(perm.strip() for perm in query.get("perms", "basic_access").split(",")),
            ends_at_s=self._desk.clock.now_s() + CODE_LIFE_S,
        )
        return _back(query["redirect_uri"], {"code": code, **back})

    def _asked(self, request: web.Request) -> web.Response:
        kept = {name: value for name, value in request.query.items() if name not in OWN_PARAMETERS}
        user = request.query.get("sandbox_user") or self._options.user
        form = sign_in_form(method="get", action="/oauth/auth.php", kept=kept, user=user)
        asked = escape(request.query.get("perms", "basic_access"))
        return page("Sandbox Deezer", f"<p>An app asks for: {asked}</p>{form}")

    def _is_app(self, app_id: str) -> bool:
        return bool(app_id) and (not self._options.clients or app_id in self._options.clients)

    def _is_registered(self, uri: str) -> bool:
        return bool(uri) and (not self._options.redirect_uris or uri in self._options.redirect_uris)

    async def token(self, request: web.Request) -> web.Response:
        """Swap a code. Refusals are bare words with status 200."""
        asked = {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
        consent = self._consents.pop(asked.get("code", ""), None)
        expected = self._options.clients.get(asked.get("app_id", ""), "")
        secret = asked.get("secret", "")
        is_right = hmac.compare_digest(secret.encode(), expected.encode()) if expected else bool(secret)
        if not self._is_app(asked.get("app_id", "")) or not is_right:
            raise Refused(200, "wrong app_id or secret")
        now_s = self._desk.clock.now_s()
        if consent is None or consent.app_id != asked["app_id"] or consent.ends_at_s <= now_s:
            raise Refused(200, "wrong code")
        is_endless = "offline_access" in consent.perms
        token = Token(
            value=f"fr{secrets.token_urlsafe(36)}",
            kind="access",
            user=consent.user,
            issued_at_s=now_s,
            ends_at_s=now_s + (ENDLESS_S if is_endless else ACCESS_LIFE_S),
            authorized_at_s=now_s,
            client_id=consent.app_id,
            scopes=consent.perms,
        )
        self._desk.store.record(TokenIssued(token=token))
        answer = {"access_token": token.value, "expires": 0 if is_endless else int(ACCESS_LIFE_S)}
        return json_answer(answer) if asked.get("output") == "json" else web.Response(text=urlencode(answer))


def _back(redirect_uri: str, query: dict[str, str]) -> web.Response:
    joint = "&" if "?" in redirect_uri else "?"
    return web.Response(status=302, headers={"Location": f"{redirect_uri}{joint}{urlencode(query)}"})
