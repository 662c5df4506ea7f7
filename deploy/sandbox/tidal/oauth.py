"""TIDAL's sign-in page and token server: authorization code with PKCE, refresh, client credentials."""

import re
import secrets
from html import escape

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
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
from deploy.sandbox.tidal.documents import user_id

ACCESS_LIFE_S = 86400.0
# Nobody says when one ends.
REFRESH_LIFE_S = 10 * 365 * 86400.0
VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
SCOPES = frozenset(
    {
        *("user.read", "playlists.read", "playlists.write", "collection.read", "collection.write"),
        *("search.read", "search.write", "recommendations.read", "entitlements.read", "playback"),
    }
)
"""What clients of third parties may ask for; others (r_usr, w_usr) fail on the page."""


class Accounts:
    """GET /authorize and POST /v1/oauth2/token."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._consents = Consents(desk)

    async def authorize(self, request: web.Request) -> web.Response:
        """Send the browser back with a code, or with error=access_denied; or show the page that asks first.

        `sandbox_user` names the account that agrees, `sandbox_allow=1` agrees, `sandbox_deny=1` refuses.
        """
        query = request.query
        if problem := self._page_problem(request):
            return page("Something went wrong", f"<p>{escape(problem)}</p>", status=400)
        state = {"state": query["state"]} if "state" in query else {}
        if "sandbox_deny" in query or self._desk.fault("deny", request):
            return back(query["redirect_uri"], {"error": "access_denied", **state})
        user = query.get("sandbox_user") or self._desk.options.user
        if not (self._desk.options.auto_approve or "sandbox_allow" in query):
            asked = "".join(f"<li>{escape(scope)}</li>" for scope in query.get("scope", "").split())
            form = sign_in_form(method="get", action="/authorize", kept=asked_again(request), user=user)
            return page("Sign in to simulated TIDAL", f"<p>An app asks for:</p><ul>{asked}</ul>{form}")
        code = self._consents.give(
            secrets.token_urlsafe(48),
            user=user,
            client_id=query["client_id"],
            redirect_uri=query["redirect_uri"],
            challenge=query["code_challenge"],
            scopes=tuple(query.get("scope", "").split()),
        )
        return back(query["redirect_uri"], {"code": code, **state})

    def _page_problem(self, request: web.Request) -> str | None:
        """Faults that are told to the user on a page, never to the redirect address."""
        query, options = request.query, self._desk.options
        client_id, redirect_uri = query.get("client_id", ""), query.get("redirect_uri", "")
        if not is_known(self._desk, client_id):
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
        by_form = form.get("client_id", ""), form.get("client_secret", "")
        client_id, secret = basic(request) or by_form
        if not is_known(self._desk, client_id):
            raise Refused(401, "Client not found", title="invalid_client")
        if secret and not is_right(self._desk, client_id, secret=secret):
            raise Refused(401, "Invalid client secret", title="invalid_client")
        return client_id, bool(secret)

    def _exchange(self, form: dict[str, str], *, client_id: str) -> web.Response:
        consent = self._consents.take(form.get("code", ""), client_id=client_id)
        if consent is None:
            raise Refused(400, "Authorization code not found", title="invalid_grant")
        if self._consents.is_over(consent):
            raise Refused(400, "Authorization code expired", title="invalid_grant")
        if consent.redirect_uri != form.get("redirect_uri"):
            raise Refused(400, "Redirect URI mismatch", title="invalid_grant")
        verifier = form.get("code_verifier", "")
        if not VERIFIER.fullmatch(verifier) or challenge_of(verifier) != consent.challenge:
            raise Refused(400, "Code verifier mismatch", title="invalid_grant")
        refresh = self._issue("refresh", REFRESH_LIFE_S, consent.user, client_id, consent.scopes)
        answer = self._access(user=consent.user, client_id=client_id, scopes=consent.scopes)
        return json_answer({**answer, "refresh_token": refresh})

    def _refresh(self, form: dict[str, str], *, client_id: str) -> web.Response:
        """Give a new access token; the refresh token stays, and is not told again."""
        token = alive(self._desk, form.get("refresh_token", ""), client_id=client_id)
        if token is None:
            raise Refused(400, "Token could not be verified", title="invalid_grant")
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
        return issue(
            self._desk, NewToken(kind=kind, user=user, client_id=client_id, life_s=life_s, scopes=scopes)
        )
