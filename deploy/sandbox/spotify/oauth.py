"""Spotify's accounts host: authorization code with PKCE or client secret, and refresh."""

import re
import secrets
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.changes import TokenRevoked
from deploy.sandbox.desk import Desk
from deploy.sandbox.sign_in import Consents, NewToken, back, basic, challenge_of, is_known, is_right, issue
from deploy.sandbox.spotify.consent import consent_page, has_agreed, remember, signed_in

ACCESS_LIFE_S = 3600.0
# Six months from the user's consent; refreshing does not extend it.
REFRESH_LIFE_S = 182 * 86400.0
VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
NO_GRANT_TYPE = "grant_type must be client_credentials, authorization_code or refresh_token"


class Accounts:
    """GET /authorize and POST /api/token."""

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
        state = {"state": query["state"]} if "state" in query else {}
        target = query["redirect_uri"]
        if query.get("response_type") != "code":
            return back(target, {"error": "unsupported_response_type", **state})
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            return back(target, {"error": "invalid_request", **state})
        if "sandbox_deny" in query or self._desk.fault("deny", request):
            return back(target, {"error": "access_denied", **state})
        user = signed_in(request) or self._options.user
        if self._must_ask(request):
            return consent_page(request, user=user)
        code = self._consents.give(
            secrets.token_urlsafe(48),
            user=user,
            client_id=query["client_id"],
            redirect_uri=target,
            challenge=query.get("code_challenge", ""),
            scopes=tuple(query.get("scope", "").split()),
        )
        answer = back(target, {"code": code, **state})
        if "sandbox_allow" in query:
            remember(answer, user=user)
        return answer

    def _must_ask(self, request: web.Request) -> bool:
        """Whether a person has to agree on the page, as the real platform asks: once per account and app."""
        query = request.query
        if self._options.auto_approve or "sandbox_allow" in query:
            return False
        user = signed_in(request)
        if not user or query.get("show_dialog") == "true":
            return True
        asked = frozenset(query.get("scope", "").split())
        return not has_agreed(self._desk, user=user, client_id=query["client_id"], scopes=asked)

    def _page_problem(self, client_id: str, redirect_uri: str) -> str | None:
        """Faults that are told to the user on a page, never to the redirect address."""
        if not is_known(self._desk, client_id):
            return "INVALID_CLIENT: Invalid client"
        registered = self._options.redirect_uris
        if not is_allowed_redirect(redirect_uri) or (
            registered and not any(_matches(redirect_uri, known) for known in registered)
        ):
            return "INVALID_CLIENT: Invalid redirect URI"
        return None

    async def token(self, request: web.Request) -> web.Response:
        """Exchange a code, refresh, or give a token without a user. Refusals are {error, ...}."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        client_id, has_secret = self._client(request, form)
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(form, client_id=client_id, has_secret=has_secret)
            case "refresh_token":
                return self._refresh(form, client_id=client_id)
            case "client_credentials" if has_secret:
                return json_answer(self._access(user=None, client_id=client_id, scopes=()))
            case "client_credentials":
                raise Refused(400, "Invalid client secret", code="invalid_client")
            case _:
                raise Refused(400, NO_GRANT_TYPE, code="unsupported_grant_type")

    def _client(self, request: web.Request, form: dict[str, str]) -> tuple[str, bool]:
        """Return the client's id and whether it proved itself with its secret."""
        client_id, secret = basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        if not is_known(self._desk, client_id):
            raise Refused(400, "Invalid client", code="invalid_client")
        if secret and not is_right(self._desk, client_id, secret=secret):
            raise Refused(400, "Invalid client secret", code="invalid_client")
        return client_id, bool(secret)

    def _exchange(self, form: dict[str, str], *, client_id: str, has_secret: bool) -> web.Response:
        consent = self._consents.take(form.get("code", ""), client_id=client_id)
        if consent is None:
            raise Refused(400, "Invalid authorization code", code="invalid_grant")
        if self._consents.is_over(consent):
            raise Refused(400, "Authorization code expired", code="invalid_grant")
        if consent.redirect_uri != form.get("redirect_uri"):
            raise Refused(400, "Invalid redirect URI", code="invalid_grant")
        verifier = form.get("code_verifier", "")
        if consent.challenge:
            if not VERIFIER.fullmatch(verifier) or challenge_of(verifier) != consent.challenge:
                raise Refused(400, "code_verifier was incorrect", code="invalid_grant")
        elif not has_secret:
            raise Refused(400, "code_verifier required", code="invalid_request")
        now_s = self._desk.clock.now_s()
        refresh = self._refresh_token(
            user=consent.user, client_id=client_id, scopes=consent.scopes, authorized_at_s=now_s
        )
        answer = self._access(user=consent.user, client_id=client_id, scopes=consent.scopes)
        return json_answer({**answer, "refresh_token": refresh})

    def _refresh(self, form: dict[str, str], *, client_id: str) -> web.Response:
        value = form.get("refresh_token", "")
        if not value:
            raise Refused(400, "refresh_token must be supplied", code="invalid_request")
        token = self._desk.store.tokens.get(value)
        if token is None or token.kind != "refresh" or token.client_id != client_id:
            raise Refused(400, "Invalid refresh token", code="invalid_grant")
        if value in self._desk.store.revoked:
            raise Refused(400, "Refresh token revoked", code="invalid_grant")
        if token.ends_at_s <= self._desk.clock.now_s():
            raise Refused(400, "Refresh token expired", code="invalid_grant")
        answer = self._access(user=token.user, client_id=client_id, scopes=token.scopes)
        if self._options.refresh_tokens == "empty":
            answer["refresh_token"] = ""
        if self._options.refresh_tokens == "rotate":
            self._desk.store.record(TokenRevoked(value=value))
            answer["refresh_token"] = self._refresh_token(
                user=token.user or "",
                client_id=client_id,
                scopes=token.scopes,
                authorized_at_s=token.authorized_at_s,
            )
        return json_answer(answer)

    def _access(self, *, user: str | None, client_id: str, scopes: tuple[str, ...]) -> dict[str, object]:
        life_s = ACCESS_LIFE_S
        return {
            "access_token": issue(
                self._desk,
                NewToken(
                    kind="access", user=user, client_id=client_id, life_s=life_s, scopes=scopes, prefix="BQ"
                ),
            ),
            "token_type": "Bearer",
            "expires_in": int(life_s),
            "scope": " ".join(scopes),
        }

    def _refresh_token(
        self, *, user: str, client_id: str, scopes: tuple[str, ...], authorized_at_s: float
    ) -> str:
        return issue(
            self._desk,
            NewToken(
                kind="refresh",
                user=user,
                client_id=client_id,
                life_s=REFRESH_LIFE_S,
                scopes=scopes,
                prefix="AQ",
                authorized_at_s=authorized_at_s,
            ),
        )


def is_allowed_redirect(uri: str) -> bool:
    """Allow https and app schemes; http only to a loopback address literal; never the name localhost."""
    try:
        parts = urlsplit(uri)
        host = parts.hostname or ""
    except ValueError:
        return False
    if not parts.scheme or not parts.netloc or host == "localhost" or parts.fragment:
        return False
    if parts.scheme != "http":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _matches(uri: str, registered: str) -> bool:
    """Exact; only a loopback address that was registered without a port takes every port."""
    if uri == registered:
        return True
    known, asked = urlsplit(registered), urlsplit(uri)
    if known.scheme != "http" or known.port is not None:
        return False
    return (known.hostname, known.path, known.query) == (asked.hostname, asked.path, asked.query)
