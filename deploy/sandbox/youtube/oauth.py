"""Google's sign-in: authorization code with the client's secret or PKCE, and refresh."""

import base64
import hashlib
import hmac
import secrets
from urllib.parse import urlencode, urlsplit

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.changes import Token, TokenIssued
from deploy.sandbox.desk import Desk
from deploy.sandbox.pages import page, sign_in_form

ACCESS_LIFE_S = 3599.0
# A refresh token of a published app ends after half a year without use; nobody waits so long here.
REFRESH_LIFE_S = 10 * 365 * 86400.0
CODE_LIFE_S = 600.0
AUTHORIZE_PATH = "/o/oauth2/v2/auth"
_OWN = frozenset({"sandbox_user", "sandbox_allow", "sandbox_deny"})


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind an authorization code until it is used."""

    user: str
    client_id: str
    redirect_uri: str
    challenge: str
    scopes: tuple[str, ...]
    is_offline: bool
    ends_at_s: float


class Accounts:
    """GET /o/oauth2/v2/auth and POST /token; in reality two hosts."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._options = desk.options
        self._consents: dict[str, Consent] = {}

    async def authorize(self, request: web.Request) -> web.Response:
        """Send the browser back with a code or error=access_denied; or show the page that asks first."""
        query = request.query
        if problem := self._page_problem(query.get("client_id", ""), query.get("redirect_uri", "")):
            return web.Response(status=400, text=problem)
        if query.get("response_type") != "code" or not query.get("scope"):
            return web.Response(status=400, text="Error 400: invalid_request")
        back = {"state": query["state"]} if "state" in query else {}
        if "sandbox_deny" in query or self._desk.fault("deny", request):
            return _back(query["redirect_uri"], {"error": "access_denied", **back})
        user = query.get("sandbox_user") or self._options.user
        if not self._options.auto_approve and "sandbox_allow" not in query:
            kept = {name: value for name, value in query.items() if name not in _OWN}
            form = sign_in_form(method="get", action=AUTHORIZE_PATH, kept=kept, user=user)
            return page("Sandbox YouTube", form)
        code = f"4/{secrets.token_urlsafe(48)}"
        scopes = tuple(query["scope"].split())
        # A refresh token is given where the user agrees anew; who has agreed before is not asked again.
        is_offline = query.get("access_type") == "offline" and (
            "consent" in query.get("prompt", "").split() or not self._has_agreed(user, query["client_id"])
        )
        self._consents[code] = Consent(
            user=user,
            client_id=query["client_id"],
            redirect_uri=query["redirect_uri"],
            challenge=query.get("code_challenge", ""),
            scopes=scopes,
            is_offline=is_offline,
            ends_at_s=self._desk.clock.now_s() + CODE_LIFE_S,
        )
        return _back(query["redirect_uri"], {**back, "code": code, "scope": " ".join(scopes)})

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code or refresh. Refusals are {error, error_description}."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        client_id = self._client(request, form)
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(form, client_id=client_id)
            case "refresh_token":
                return self._refresh(form, client_id=client_id)
            case _:
                raise Refused(400, "Invalid grant_type", code="unsupported_grant_type")

    def _has_agreed(self, user: str, client_id: str) -> bool:
        return any(
            (token.kind, token.user, token.client_id) == ("refresh", user, client_id)
            and token.value not in self._desk.store.revoked
            for token in self._desk.store.tokens.values()
        )

    def _page_problem(self, client_id: str, redirect_uri: str) -> str | None:
        """Faults that are told to the user on a page, never to the redirect address."""
        clients, registered = self._options.clients, self._options.redirect_uris
        if not client_id or (clients and client_id not in clients):
            return "Error 401: invalid_client"
        parts = urlsplit(redirect_uri)
        is_local = parts.hostname in {"localhost", "127.0.0.1", "::1"}
        if not parts.netloc or parts.fragment or not (parts.scheme == "https" or is_local):
            return "Error 400: redirect_uri_mismatch"
        if registered and redirect_uri not in registered:
            return "Error 400: redirect_uri_mismatch"
        return None

    def _client(self, request: web.Request, form: dict[str, str]) -> str:
        """Return the id of the client, which proves itself by its secret, beside PKCE too."""
        client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            client_id, _, secret = base64.b64decode(encoded).decode().partition(":")
        clients = self._options.clients
        if not client_id or (clients and client_id not in clients):
            raise Refused(401, "The OAuth client was not found.", code="invalid_client")
        if not secret:
            raise Refused(400, "client_secret is missing.", code="invalid_request")
        expected = clients.get(client_id, "")
        if expected and not hmac.compare_digest(secret.encode(), expected.encode()):
            raise Refused(401, "The provided client secret is invalid.", code="invalid_client")
        return client_id

    def _exchange(self, form: dict[str, str], *, client_id: str) -> web.Response:
        consent = self._consents.pop(form.get("code", ""), None)
        if consent is None or consent.client_id != client_id or consent.ends_at_s <= self._desk.clock.now_s():
            raise Refused(400, "Malformed auth code.", code="invalid_grant")
        if consent.redirect_uri != form.get("redirect_uri"):
            raise Refused(400, "Bad Request", code="redirect_uri_mismatch")
        if consent.challenge and _challenge(form.get("code_verifier", "")) != consent.challenge:
            raise Refused(400, "Invalid code verifier.", code="invalid_grant")
        answer = self._issue("access", user=consent.user, client_id=client_id, scopes=consent.scopes)
        if consent.is_offline:
            refresh = self._token("refresh", user=consent.user, client_id=client_id, scopes=consent.scopes)
            answer["refresh_token"] = refresh.value
        return json_answer(answer)

    def _refresh(self, form: dict[str, str], *, client_id: str) -> web.Response:
        """Give a new access token; the refresh token stays and is not said again."""
        store = self._desk.store
        token = store.tokens.get(form.get("refresh_token", ""))
        if (
            token is None
            or (token.kind, token.client_id) != ("refresh", client_id)
            or token.value in store.revoked
            or token.ends_at_s <= self._desk.clock.now_s()
        ):
            raise Refused(400, "Token has been expired or revoked.", code="invalid_grant")
        user = token.user or ""
        return json_answer(self._issue("access", user=user, client_id=client_id, scopes=token.scopes))

    def _issue(self, kind: str, *, user: str, client_id: str, scopes: tuple[str, ...]) -> dict[str, object]:
        token = self._token(kind, user=user, client_id=client_id, scopes=scopes)
        return {
            "access_token": token.value,
            "expires_in": int(ACCESS_LIFE_S),
            "scope": " ".join(scopes),
            "token_type": "Bearer",
        }

    def _token(self, kind: str, *, user: str, client_id: str, scopes: tuple[str, ...]) -> Token:
        now_s = self._desk.clock.now_s()
        prefix, life_s = ("1//", REFRESH_LIFE_S) if kind == "refresh" else ("ya29.", ACCESS_LIFE_S)
        token = Token(
            value=prefix + secrets.token_urlsafe(64),
            kind=kind,
            user=user,
            issued_at_s=now_s,
            ends_at_s=now_s + life_s,
            client_id=client_id,
            scopes=scopes,
        )
        self._desk.store.record(TokenIssued(token=token))
        return token


def _back(redirect_uri: str, query: dict[str, str]) -> web.Response:
    joint = "&" if "?" in redirect_uri else "?"
    return web.Response(status=302, headers={"Location": f"{redirect_uri}{joint}{urlencode(query)}"})


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
