"""The page on which a person lets an app use their Spotify account, and what is remembered of it."""

from collections.abc import Set as AbstractSet
from html import escape
from urllib.parse import quote, unquote

from aiohttp import web

from deploy.sandbox.desk import Desk
from deploy.sandbox.pages import page, sign_in_form
from deploy.sandbox.sign_in import asked_again

# Ports share cookies, so the path keeps this one away from an app on the same host.
COOKIE = "sandbox_spotify_user"
PATH = "/authorize"


def signed_in(request: web.Request) -> str:
    """Name the account that the request or, without that, this browser is signed in with; else ""."""
    return request.query.get("sandbox_user") or unquote(request.cookies.get(COOKIE, ""))


def remember(answer: web.Response, *, user: str) -> None:
    """Keep this browser signed in, until it is closed."""
    answer.set_cookie(COOKIE, quote(user, safe=""), path=PATH, httponly=True, samesite="Lax")


def has_agreed(desk: Desk, *, user: str, client_id: str, scopes: AbstractSet[str]) -> bool:
    """Whether the account agreed to all of this before: then a refresh token of the app is still alive."""
    now_s = desk.clock.now_s()
    return any(
        token.kind == "refresh"
        and (token.user, token.client_id) == (user, client_id)
        and token.value not in desk.store.revoked
        and token.ends_at_s > now_s
        and scopes <= set(token.scopes)
        for token in desk.store.tokens.values()
    )


def consent_page(request: web.Request, *, user: str) -> web.Response:
    """Ask who signs in, and whether the app may have what it asks for."""
    client, scopes = request.query["client_id"], request.query.get("scope", "").split()
    asked = "".join(f"<li>{escape(scope)}</li>" for scope in scopes) or "<li>nothing but your name</li>"
    form = sign_in_form(method="get", action=PATH, kept=asked_again(request), user=user)
    body = f"<p>The app <b>{escape(client)}</b> asks for:</p><ul>{asked}</ul>{form}"
    return page("Sandbox Spotify", body)
