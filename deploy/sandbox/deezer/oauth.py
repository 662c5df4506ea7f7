"""Deezer's sign-in: an authorization code without PKCE, and a token that has no end if that was asked for."""

import secrets
from html import escape
from urllib.parse import urlencode

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.desk import Desk
from deploy.sandbox.pages import page, sign_in_form
from deploy.sandbox.sign_in import Consents, NewToken, asked_again, back, is_known, is_right, issue

ACCESS_LIFE_S = 3600.0
ENDLESS_S = 100 * 366 * 86400.0


class Accounts:
    """GET /oauth/auth.php and /oauth/access_token.php."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._options = desk.options
        self._consents = Consents(desk)

    async def authorize(self, request: web.Request) -> web.Response:
        """Send the browser back with a code or error_reason=user_denied; or show the page that asks first."""
        query = request.query
        if not is_known(self._desk, query.get("app_id", "")) or not self._is_registered(
            query.get("redirect_uri", "")
        ):
            return page("Sandbox Deezer", "<p>This application or its address is not known.</p>", status=400)
        state = {"state": query["state"]} if "state" in query else {}
        if "sandbox_deny" in query or self._desk.fault("deny", request):
            return back(query["redirect_uri"], {"error_reason": "user_denied", **state})
        if not self._options.auto_approve and "sandbox_allow" not in query:
            return self._asked(request)
        code = self._consents.give(
            f"fr{secrets.token_hex(16)}",
            user=query.get("sandbox_user") or self._options.user,
            client_id=query["app_id"],
            redirect_uri=query["redirect_uri"],
            scopes=tuple(perm.strip() for perm in query.get("perms", "basic_access").split(",")),
        )
        return back(query["redirect_uri"], {"code": code, **state})

    def _asked(self, request: web.Request) -> web.Response:
        user = request.query.get("sandbox_user") or self._options.user
        form = sign_in_form(method="get", action="/oauth/auth.php", kept=asked_again(request), user=user)
        asked = escape(request.query.get("perms", "basic_access"))
        return page("Sandbox Deezer", f"<p>An app asks for: {asked}</p>{form}")

    def _is_registered(self, uri: str) -> bool:
        return bool(uri) and (not self._options.redirect_uris or uri in self._options.redirect_uris)

    async def token(self, request: web.Request) -> web.Response:
        """Swap a code. Refusals are bare words with status 200."""
        asked = {**request.query, **{name: str(value) for name, value in (await request.post()).items()}}
        app_id, secret = asked.get("app_id", ""), asked.get("secret", "")
        consent = self._consents.take(asked.get("code", ""), client_id=app_id)
        is_proved = bool(secret) and is_right(self._desk, app_id, secret=secret)
        if not is_known(self._desk, app_id) or not is_proved:
            raise Refused(200, "wrong app_id or secret")
        if consent is None or self._consents.is_over(consent):
            raise Refused(200, "wrong code")
        is_endless = "offline_access" in consent.scopes
        token = issue(
            self._desk,
            NewToken(
                kind="access",
                user=consent.user,
                client_id=app_id,
                life_s=ENDLESS_S if is_endless else ACCESS_LIFE_S,
                scopes=consent.scopes,
                prefix="fr",
            ),
        )
        answer = {"access_token": token, "expires": 0 if is_endless else int(ACCESS_LIFE_S)}
        return json_answer(answer) if asked.get("output") == "json" else web.Response(text=urlencode(answer))
