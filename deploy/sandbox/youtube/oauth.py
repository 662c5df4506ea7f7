"""Google's sign-in: authorization code with the client's secret or PKCE, and refresh."""

import secrets
from urllib.parse import urlsplit

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

ACCESS_LIFE_S = 3599.0
# A refresh token of a published app ends after half a year without use; nobody waits so long here.
REFRESH_LIFE_S = 10 * 365 * 86400.0
AUTHORIZE_PATH = "/o/oauth2/v2/auth"


class Accounts:
    """GET /o/oauth2/v2/auth and POST /token; in reality two hosts."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._options = desk.options
        self._consents = Consents(desk)

    async def authorize(self, request: web.Request) -> web.Response:
        """Send the browser back with a code or error=access_denied; or show the page that asks first."""
        query = request.query
        if problem := self._page_problem(query.get("client_id", ""), query.get("redirect_uri", "")):
            return web.Response(status=400, text=problem)
        if query.get("response_type") != "code" or not query.get("scope"):
            return web.Response(status=400, text="Error 400: invalid_request")
        state = {"state": query["state"]} if "state" in query else {}
        if "sandbox_deny" in query or self._desk.fault("deny", request):
            return back(query["redirect_uri"], {"error": "access_denied", **state})
        user = query.get("sandbox_user") or self._options.user
        if not self._options.auto_approve and "sandbox_allow" not in query:
            kept = asked_again(request)
            form = sign_in_form(method="get", action=AUTHORIZE_PATH, kept=kept, user=user)
            return page("Sandbox YouTube", form)
        scopes = tuple(query["scope"].split())
        # A refresh token is given where the user agrees anew; who has agreed before is not asked again.
        is_offline = query.get("access_type") == "offline" and (
            "consent" in query.get("prompt", "").split() or not self._has_agreed(user, query["client_id"])
        )
        code = self._consents.give(
            f"4/{secrets.token_urlsafe(48)}",
            user=user,
            client_id=query["client_id"],
            redirect_uri=query["redirect_uri"],
            challenge=query.get("code_challenge", ""),
            scopes=scopes,
            is_offline=is_offline,
        )
        return back(query["redirect_uri"], {**state, "code": code, "scope": " ".join(scopes)})

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
        registered = self._options.redirect_uris
        if not is_known(self._desk, client_id):
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
        by_form = form.get("client_id", ""), form.get("client_secret", "")
        client_id, secret = basic(request) or by_form
        if not is_known(self._desk, client_id):
            raise Refused(401, "The OAuth client was not found.", code="invalid_client")
        if not secret:
            raise Refused(400, "client_secret is missing.", code="invalid_request")
        if not is_right(self._desk, client_id, secret=secret):
            raise Refused(401, "The provided client secret is invalid.", code="invalid_client")
        return client_id

    def _exchange(self, form: dict[str, str], *, client_id: str) -> web.Response:
        consent = self._consents.take(form.get("code", ""), client_id=client_id)
        if consent is None or self._consents.is_over(consent):
            raise Refused(400, "Malformed auth code.", code="invalid_grant")
        if consent.redirect_uri != form.get("redirect_uri"):
            raise Refused(400, "Bad Request", code="redirect_uri_mismatch")
        if consent.challenge and challenge_of(form.get("code_verifier", "")) != consent.challenge:
            raise Refused(400, "Invalid code verifier.", code="invalid_grant")
        answer = self._access(user=consent.user, client_id=client_id, scopes=consent.scopes)
        if consent.is_offline:
            answer["refresh_token"] = issue(
                self._desk,
                NewToken(
                    kind="refresh",
                    user=consent.user,
                    client_id=client_id,
                    life_s=REFRESH_LIFE_S,
                    scopes=consent.scopes,
                    prefix="1//",
                ),
            )
        return json_answer(answer)

    def _refresh(self, form: dict[str, str], *, client_id: str) -> web.Response:
        """Give a new access token; the refresh token stays and is not said again."""
        token = alive(self._desk, form.get("refresh_token", ""), client_id=client_id)
        if token is None:
            raise Refused(400, "Token has been expired or revoked.", code="invalid_grant")
        user = token.user or ""
        return json_answer(self._access(user=user, client_id=client_id, scopes=token.scopes))

    def _access(self, *, user: str, client_id: str, scopes: tuple[str, ...]) -> dict[str, object]:
        life_s = ACCESS_LIFE_S
        return {
            "access_token": issue(
                self._desk,
                NewToken(
                    kind="access",
                    user=user,
                    client_id=client_id,
                    life_s=life_s,
                    scopes=scopes,
                    prefix="ya29.",
                ),
            ),
            "expires_in": int(life_s),
            "scope": " ".join(scopes),
            "token_type": "Bearer",
        }
