"""TIDAL's sign-in page and token server: authorization code with PKCE, refresh, client credentials."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from html import escape
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.changes import Token, TokenIssued
from deploy.sandbox.desk import Desk
from deploy.sandbox.pages import page, sign_in_form
from deploy.sandbox.tidal.documents import user_id

ACCESS_LIFE_S = 86400.0
# Nobody says when one ends.
REFRESH_LIFE_S = 10 * 365 * 86400.0
CODE_LIFE_S = 600.0
VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
SCOPES = frozenset(
    {
        *("user.read", "playlists.read", "playlists.write", "collection.read", "collection.write"),
        *("search.read", "search.write", "recommendations.read", "entitlements.read", "playback"),
    }
)
"""What clients of third parties may ask for; others (r_usr, w_usr) fail on the page."""


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind an authorization code until it is used."""

    user: str
    client_id: str
    redirect_uri: str
    challenge: str
    scopes: tuple[str, ...]
    ends_at_s: float


class Accounts:
    """GET /authorize and POST /v1/oauth2/token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._consents: dict[str, Consent] = {}

    async def authorize(self, request: web.Request) -> web.Response:
        """Send the browser back with a code, or with error=access_denied; or show the page that asks first.

        `sandbox_user` names the account that agrees, `sandbox_allow=1` agrees, `sandbox_deny=1` refuses.
        """
        query = request.query
        if problem := self._page_problem(request):
            return page("Something went wrong", f"<p>{escape(problem)}</p>", status=400)
        back = {"state": query["state"]} if "state" in query else {}
        if "sandbox_deny" in query or self._desk.fault("deny", request):
            return _back(query["redirect_uri"], {"error": "access_denied", **back})
        user = query.get("sandbox_user") or self._desk.options.user
        if not (self._desk.options.auto_approve or "sandbox_allow" in query):
            own = {"sandbox_user", "sandbox_allow", "sandbox_deny"}
            kept = {name: value for name, value in query.items() if name not in own}
            asked = "".join(f"<li>{escape(scope)}</li>" for scope in query.get("scope", "").split())
            form = sign_in_form(method="get", action="/authorize", kept=kept, user=user)
            return page("Sign in to simulated TIDAL", f"<p>An app asks for:</p><ul>{asked}</ul>{form}")
        code = secrets.token_urlsafe(48)
        self._consents[code] = Consent(
            user=user,
            client_id=query["client_id"],
            redirect_uri=query["redirect_uri"],
            challenge=query["code_challenge"],
            scopes=tuple(query.get("scope", "").split()),
            ends_at_s=self._desk.clock.now_s() + CODE_LIFE_S,
        )
        return _back(query["redirect_uri"], {"code": code, **back})

    def _page_problem(self, request: web.Request) -> str | None:
        """Faults that are told to the user on a page, never to the redirect address."""
        query, options = request.query, self._desk.options
        client_id, redirect_uri = query.get("client_id", ""), query.get("redirect_uri", "")
        if not client_id or (options.clients and client_id not in options.clients):
            return "This client is not known."
        if not redirect_uri or (options.redirect_uris and redirect_uri not in options.redirect_uris):
            return "This redirect URI is not registered."
        if query.get("response_type") != "code":
            return "The response type must be code."
        if not query.get("code_challenge") or query.get("code_challenge_method") != "S256":
            return "A code challenge of the method S256 is required."
        if not SCOPES.issuperset(query.get("scope", "").split()):
            return "This client may not ask for these scopes."
        return None

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code, refresh, or give a token without a user."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        client_id, has_secret = self._client(request, form)
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(form, client_id=client_id)
            case "refresh_token":
                return self._refresh(form, client_id=client_id)
            case "client_credentials" if has_secret:
                return json_answer(self._access(user=None, client_id=client_id, scopes=()))
            case "client_credentials":
                raise Refused(401, "Invalid client secret", title="invalid_client")
            case _:
                raise Refused(400, "Unknown grant type", title="unsupported_grant_type")

    def _client(self, request: web.Request, form: dict[str, str]) -> tuple[str, bool]:
        """Return the client's id and whether it proved itself with its secret."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        if scheme.lower() == "basic":
            client_id, secret = _basic(encoded)
        clients = self._desk.options.clients
        if not client_id or (clients and client_id not in clients):
            raise Refused(401, "Client not found", title="invalid_client")
        expected = clients.get(client_id, "")
        if secret and expected and not hmac.compare_digest(secret.encode(), expected.encode()):
            raise Refused(401, "Invalid client secret", title="invalid_client")
        return client_id, bool(secret)

    def _exchange(self, form: dict[str, str], *, client_id: str) -> web.Response:
        consent = self._consents.pop(form.get("code", ""), None)
        if consent is None or consent.client_id != client_id:
            raise Refused(400, "Authorization code not found", title="invalid_grant")
        if consent.ends_at_s <= self._desk.clock.now_s():
            raise Refused(400, "Authorization code expired", title="invalid_grant")
        if consent.redirect_uri != form.get("redirect_uri"):
            raise Refused(400, "Redirect URI mismatch", title="invalid_grant")
        verifier = form.get("code_verifier", "")
        if not VERIFIER.fullmatch(verifier) or _challenge(verifier) != consent.challenge:
            raise Refused(400, "Code verifier mismatch", title="invalid_grant")
        refresh = self._issue("refresh", REFRESH_LIFE_S, consent.user, client_id, consent.scopes)
        answer = self._access(user=consent.user, client_id=client_id, scopes=consent.scopes)
        return json_answer({**answer, "refresh_token": refresh})

    def _refresh(self, form: dict[str, str], *, client_id: str) -> web.Response:
        """Give a new access token; the refresh token stays, and is not told again."""
        value = form.get("refresh_token", "")
        token = self._desk.store.tokens.get(value)
        if token is None or token.kind != "refresh" or token.client_id != client_id:
            raise Refused(400, "Token could not be verified", title="invalid_grant")
        if value in self._desk.store.revoked or token.ends_at_s <= self._desk.clock.now_s():
            raise Refused(400, "Token has been revoked", title="invalid_grant")
        return json_answer(self._access(user=token.user, client_id=client_id, scopes=token.scopes))

    def _access(self, *, user: str | None, client_id: str, scopes: tuple[str, ...]) -> dict[str, object]:
        answer: dict[str, object] = {
            "access_token": self._issue("access", ACCESS_LIFE_S, user, client_id, scopes),
            "token_type": "Bearer",
            "expires_in": int(ACCESS_LIFE_S),
            "scope": " ".join(scopes),
        }
        return {**answer, "user_id": int(user_id(user))} if user else answer

    def _issue(
        self, kind: str, life_s: float, user: str | None, client_id: str, scopes: tuple[str, ...]
    ) -> str:
        now_s = self._desk.clock.now_s()
        token = Token(
            value=secrets.token_urlsafe(64),
            kind=kind,
            user=user,
            issued_at_s=now_s,
            ends_at_s=now_s + life_s,
            authorized_at_s=now_s,
            client_id=client_id,
            scopes=scopes,
        )
        self._desk.store.record(TokenIssued(token=token))
        return token.value


def _back(redirect_uri: str, query: dict[str, str]) -> web.Response:
    joint = "&" if "?" in redirect_uri else "?"
    return web.Response(status=302, headers={"Location": f"{redirect_uri}{joint}{urlencode(query)}"})


def _basic(encoded: str) -> tuple[str, str]:
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused(401, "Client not found", title="invalid_client") from error
    return client_id, secret


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
