"""SoundCloud's sign-in: authorization code with PKCE, and refresh tokens that work once."""

import base64
import binascii
import hashlib
import hmac
import secrets
from html import escape
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.changes import Token, TokenIssued, TokenRevoked
from deploy.sandbox.desk import Desk
from deploy.sandbox.pages import page, sign_in_form

ACCESS_LIFE_S = 3600.0
REFRESH_LIFE_S = 365 * 86400.0  # nothing is published
CODE_LIFE_S = 600.0
APP_TOKENS, APP_WINDOW_S = 50, 12 * 3600.0  # tokens without a user: so many for one app in twelve hours
OWN_PARAMETERS = frozenset({"sandbox_user", "sandbox_allow", "sandbox_deny"})


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind an authorization code until it is used."""

    user: str
    client_id: str
    redirect_uri: str
    challenge: str
    ends_at_s: float


class SignIn:
    """GET /authorize and POST /oauth/token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._options = desk.options
        self._consents: dict[str, Consent] = {}

    async def authorize(self, request: web.Request) -> web.Response:
        """Send the browser back with a code, or with error=access_denied; or show the page that asks first.

        `sandbox_user` names the account that agrees, `sandbox_allow=1` agrees, `sandbox_deny=1` refuses.
        """
        query = request.query
        if problem := self._page_problem(query.get("client_id", ""), query.get("redirect_uri", "")):
            return web.Response(status=400, text=problem)
        client_id, target = query["client_id"], query["redirect_uri"]
        back = {"state": query["state"]} if "state" in query else {}
        if query.get("response_type") != "code":
            return _back(target, {"error": "unsupported_response_type", **back})
        if not query.get("code_challenge") or query.get("code_challenge_method") != "S256":
            return _back(target, {"error": "invalid_request", **back})
        if "sandbox_deny" in query or self._desk.fault("deny", request):
            return _back(target, {"error": "access_denied", **back})
        user = query.get("sandbox_user") or self._options.user
        if not self._options.auto_approve and "sandbox_allow" not in query:
            return _consent_page(request, user=user)
        code = secrets.token_urlsafe(32)
        self._consents[code] = Consent(
            user=user,
            client_id=client_id,
            redirect_uri=target,
            challenge=query["code_challenge"],
            ends_at_s=self._desk.clock.now_s() + CODE_LIFE_S,
        )
        return _back(target, {"code": code, **back})

    def _page_problem(self, client_id: str, redirect_uri: str) -> str | None:
        """Faults that are told to the user on a page, never to the redirect address."""
        clients, registered = self._options.clients, self._options.redirect_uris
        if not client_id or (clients and client_id not in clients):
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
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic" and form.get("grant_type") == "client_credentials":
            client_id, secret = _basic(encoded)
        else:
            client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        clients = self._options.clients
        expected = clients.get(client_id, "")
        is_known = bool(client_id) and (not clients or client_id in clients)
        is_proved = bool(secret) and (not expected or hmac.compare_digest(secret.encode(), expected.encode()))
        if not is_known or not is_proved:
            raise _refused("invalid_client", status=401)
        return client_id

    def _exchange(self, form: dict[str, str], *, client_id: str) -> web.Response:
        consent = self._consents.pop(form.get("code", ""), None)
        if (
            consent is None
            or (consent.client_id, consent.redirect_uri) != (client_id, form.get("redirect_uri"))
            or consent.ends_at_s <= self._desk.clock.now_s()
            or _challenge(form.get("code_verifier", "")) != consent.challenge
        ):
            raise _refused("invalid_grant")
        return json_answer(self._issued(consent.user, client_id=client_id))

    def _refresh(self, form: dict[str, str], *, client_id: str) -> web.Response:
        """Replace a refresh token: the old one is dead from now on, whether or not the answer arrives."""
        value = form.get("refresh_token", "")
        token = self._desk.store.tokens.get(value)
        if (
            token is None
            or (token.kind, token.client_id) != ("refresh", client_id)
            or value in self._desk.store.revoked
            or token.ends_at_s <= self._desk.clock.now_s()
        ):
            raise _refused("invalid_grant")
        self._desk.store.record(TokenRevoked(value=value))
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
        now_s = self._desk.clock.now_s()
        token = Token(
            value=f"2-{secrets.token_urlsafe(32)}",
            kind=kind,
            user=user,
            issued_at_s=now_s,
            ends_at_s=now_s + life_s,
            authorized_at_s=now_s,
            client_id=client_id,
        )
        self._desk.store.record(TokenIssued(token=token))
        return token.value


def _answer(access: str) -> dict[str, object]:
    return {"access_token": access, "token_type": "bearer", "expires_in": int(ACCESS_LIFE_S) - 1, "scope": ""}


def _refused(error: str, *, status: int = 400) -> Refused:
    return Refused(status, error, code=error)


def _consent_page(request: web.Request, *, user: str) -> web.Response:
    kept = {name: value for name, value in request.query.items() if name not in OWN_PARAMETERS}
    form = sign_in_form(method="get", action="/authorize", kept=kept, user=user)
    body = f"<p>The app <b>{escape(request.query['client_id'])}</b> asks for your account.</p>{form}"
    return page("Sandbox SoundCloud", body)


def _back(redirect_uri: str, query: dict[str, str]) -> web.Response:
    joint = "&" if "?" in redirect_uri else "?"
    return web.Response(status=302, headers={"Location": f"{redirect_uri}{joint}{urlencode(query)}"})


def _basic(encoded: str) -> tuple[str, str]:
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _refused("invalid_client", status=401) from error
    return client_id, secret


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
