"""SoundCloud's sign-in: authorization code with PKCE, and refresh tokens that work once."""

import secrets
from html import escape

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.changes import TokenRevoked
from deploy.sandbox.desk import Desk
from deploy.sandbox.pages import page, sign_in_form
from deploy.sandbox.sign_in import (
    Consents,
    NewToken,
    alive,
    asked_again,
    back,
    basic,
    challenge_of,
    is_known,
    is_right,
    issue,
)

ACCESS_LIFE_S = 3600.0
REFRESH_LIFE_S = 365 * 86400.0  # nothing is published
APP_TOKENS, APP_WINDOW_S = 50, 12 * 3600.0  # tokens without a user: so many for one app in twelve hours


class SignIn:
    """GET /authorize and POST /oauth/token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._options = desk.options
        self._consents = Consents(desk)

    async def authorize(self, request: web.Request) -> web.Response:
        """Send the browser back with a code, or with error=access_denied; or show the page that asks first.

        `sandbox_user` names the account that agrees, `sandbox_allow=1` agrees, `sandbox_deny=1` refuses.
        """
        query = request.query
        if problem := self._page_problem(query.get("client_id", ""), query.get("redirect_uri", "")):
            return web.Response(status=400, text=problem)
        client_id, target = query["client_id"], query["redirect_uri"]
        state = {"state": query["state"]} if "state" in query else {}
        if query.get("response_type") != "code":
            return back(target, {"error": "unsupported_response_type", **state})
        if not query.get("code_challenge") or query.get("code_challenge_method") != "S256":
            return back(target, {"error": "invalid_request", **state})
        if "sandbox_deny" in query or self._desk.fault("deny", request):
            return back(target, {"error": "access_denied", **state})
        user = query.get("sandbox_user") or self._options.user
        if not self._options.auto_approve and "sandbox_allow" not in query:
            return _consent_page(request, user=user)
        code = self._consents.give(
            secrets.token_urlsafe(32),
            user=user,
            client_id=client_id,
            redirect_uri=target,
            challenge=query["code_challenge"],
        )
        return back(target, {"code": code, **state})

    def _page_problem(self, client_id: str, redirect_uri: str) -> str | None:
        """Faults that are told to the user on a page, never to the redirect address."""
        registered = self._options.redirect_uris
        if not is_known(self._desk, client_id):
            return "invalid_client"
        if not redirect_uri or (registered and redirect_uri not in registered):
            return "redirect_uri is not one of the app's"
        return None

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code, refresh, or give a token without a user."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        client_id = self._client(request, form)
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(form, client_id=client_id)
            case "refresh_token":
                return self._refresh(form, client_id=client_id)
            case "client_credentials":
                return self._app_token(client_id)
            case _:
                raise _refused("unsupported_grant_type")

    def _client(self, request: web.Request, form: dict[str, str]) -> str:
        """Return the client, which proves itself with its secret: in the form, or by Basic."""
        by_header = basic(request) if form.get("grant_type") == "client_credentials" else None
        client_id, secret = by_header or (form.get("client_id", ""), form.get("client_secret", ""))
        is_proved = bool(secret) and is_right(self._desk, client_id, secret=secret)
        if not is_known(self._desk, client_id) or not is_proved:
            raise _refused("invalid_client", status=401)
        return client_id

    def _exchange(self, form: dict[str, str], *, client_id: str) -> web.Response:
        consent = self._consents.take(form.get("code", ""), client_id=client_id)
        if (
            consent is None
            or consent.redirect_uri != form.get("redirect_uri")
            or self._consents.is_over(consent)
            or challenge_of(form.get("code_verifier", "")) != consent.challenge
        ):
            raise _refused("invalid_grant")
        return json_answer(self._issued(consent.user, client_id=client_id))

    def _refresh(self, form: dict[str, str], *, client_id: str) -> web.Response:
        """Replace a refresh token: the old one is dead from now on, whether or not the answer arrives."""
        token = alive(self._desk, form.get("refresh_token", ""), client_id=client_id)
        if token is None:
            raise _refused("invalid_grant")
        self._desk.store.record(TokenRevoked(value=token.value))
        return json_answer(self._issued(token.user or "", client_id=client_id))

    def _app_token(self, client_id: str) -> web.Response:
        since_s = self._desk.clock.now_s() - APP_WINDOW_S
        issued = [
            token
            for token in self._desk.store.tokens.values()
            if token.client_id == client_id and token.user is None and token.issued_at_s > since_s
        ]
        if len(issued) >= APP_TOKENS:
            raise _refused("rate_limit_exceeded", status=429)
        access = self._new("access", user=None, client_id=client_id, life_s=ACCESS_LIFE_S)
        return json_answer(_answer(access))

    def _issued(self, user: str, *, client_id: str) -> dict[str, object]:
        access = self._new("access", user=user, client_id=client_id, life_s=ACCESS_LIFE_S)
        refresh = self._new("refresh", user=user, client_id=client_id, life_s=REFRESH_LIFE_S)
        return {**_answer(access), "refresh_token": refresh}

    def _new(self, kind: str, *, user: str | None, client_id: str, life_s: float) -> str:
        return issue(
            self._desk, NewToken(kind=kind, user=user, client_id=client_id, life_s=life_s, prefix="2-")
        )


def _answer(access: str) -> dict[str, object]:
    return {"access_token": access, "token_type": "bearer", "expires_in": int(ACCESS_LIFE_S) - 1, "scope": ""}


def _refused(error: str, *, status: int = 400) -> Refused:
    return Refused(status, error, code=error)


def _consent_page(request: web.Request, *, user: str) -> web.Response:
    form = sign_in_form(method="get", action="/authorize", kept=asked_again(request), user=user)
    body = f"<p>The app <b>{escape(request.query['client_id'])}</b> asks for your account.</p>{form}"
    return page("Sandbox SoundCloud", body)
