"""What the simulated sign-ins have in common: consents behind codes, proofs of clients, tokens."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from deploy.sandbox.changes import Token, TokenIssued
from deploy.sandbox.desk import Desk

CODE_LIFE_S = 600.0
OWN_PARAMETERS = frozenset({"sandbox_user", "sandbox_allow", "sandbox_deny"})
"""Of an address to sign in at: who agrees, that they agree, or that they refuse."""


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """What stands behind an authorization code until it is used. is_offline: a refresh token is wanted."""

    user: str
    client_id: str
    redirect_uri: str
    ends_at_s: float
    challenge: str = ""
    scopes: tuple[str, ...] = ()
    is_offline: bool = True


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that is to be made. authorized_at_s: of the consent that its life counts from; None: now."""

    kind: str
    user: str | None
    client_id: str
    life_s: float
    scopes: tuple[str, ...] = ()
    prefix: str = ""
    authorized_at_s: float | None = None


class Consents:
    """The codes that are not used yet."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._by_code: dict[str, Consent] = {}

    def give(self, code: str, *, user: str, client_id: str, redirect_uri: str, **more: object) -> str:
        """Remember what a code stands for; return the code."""
        ends_at_s = self._desk.clock.now_s() + CODE_LIFE_S
        facts = {"user": user, "client_id": client_id, "redirect_uri": redirect_uri, **more}
        self._by_code[code] = msgspec.convert({**facts, "ends_at_s": ends_at_s}, Consent)
        return code

    def take(self, code: str, *, client_id: str) -> Consent | None:
        """Return what a code stands for, once, to the app that it was given to; it may be too old."""
        consent = self._by_code.pop(code, None)
        return consent if consent is not None and consent.client_id == client_id else None

    def is_over(self, consent: Consent) -> bool:
        return consent.ends_at_s <= self._desk.clock.now_s()


def back(redirect_uri: str, query: Mapping[str, str]) -> web.Response:
    """Send the browser back to the app."""
    joint = "&" if "?" in redirect_uri else "?"
    return web.Response(status=302, headers={"Location": f"{redirect_uri}{joint}{urlencode(query)}"})


def asked_again(request: web.Request) -> dict[str, str]:
    """Return what a page that asks first has to send on."""
    return {name: value for name, value in request.query.items() if name not in OWN_PARAMETERS}


def basic(request: web.Request) -> tuple[str, str] | None:
    """Return id and secret of a client that proves itself in the header, both empty if that is garbled."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return client_id, secret


def is_known(desk: Desk, client_id: str) -> bool:
    """Say whether an app is one of the named ones; where none is named, all are."""
    return bool(client_id) and (not desk.options.clients or client_id in desk.options.clients)


def is_right(desk: Desk, client_id: str, *, secret: str) -> bool:
    """Say whether a secret is the app's; where none is set, every one is."""
    expected = desk.options.clients.get(client_id, "")
    return not expected or hmac.compare_digest(secret.encode(), expected.encode())


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def alive(desk: Desk, value: str, *, client_id: str) -> Token | None:
    """Return the app's refresh token of that value, unless it is revoked or over."""
    token = desk.store.tokens.get(value)
    if token is None or (token.kind, token.client_id) != ("refresh", client_id):
        return None
    is_over = value in desk.store.revoked or token.ends_at_s <= desk.clock.now_s()
    return None if is_over else token


def issue(desk: Desk, new: NewToken) -> str:
    """Make a token and return its value."""
    now_s = desk.clock.now_s()
    since_s = now_s if new.authorized_at_s is None else new.authorized_at_s
    token = Token(
        value=new.prefix + secrets.token_urlsafe(64),
        kind=new.kind,
        user=new.user,
        issued_at_s=now_s,
        ends_at_s=since_s + new.life_s,
        authorized_at_s=since_s,
        client_id=new.client_id,
        scopes=new.scopes,
    )
    desk.store.record(TokenIssued(token=token))
    return token.value
