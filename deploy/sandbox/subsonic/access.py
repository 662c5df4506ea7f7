"""Who calls a simulated Subsonic server, and with which parameters."""

import binascii
import hashlib
import hmac

import msgspec
from aiohttp import web
from multidict import MultiDict

from deploy.sandbox.answers import Refused
from deploy.sandbox.changes import Token, TokenIssued
from deploy.sandbox.desk import Desk

PARAMETERS = web.RequestKey("parameters", MultiDict[str])

GENERIC, MISSING, WRONG, NO_SUCH_WAY, CONFLICT, WRONG_KEY, FORBIDDEN, NOT_FOUND = (
    *("0", "10", "40", "42", "43", "44"),
    *("50", "70"),
)
_FAR_FUTURE_S = 32_503_680_000.0


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling. is_by_key: an API key said so."""

    user: str
    is_by_key: bool


def refused(code: str, message: str) -> Refused:
    """Refuse a call as these servers do: with a number, and HTTP's 200."""
    return Refused(200, message, code=code)


def required(request: web.Request, name: str) -> str:
    value = request[PARAMETERS].get(name, "")
    if not value:
        raise refused(MISSING, f"Required parameter is missing: {name}")
    return value


class Access:
    """Knows the account's password, and what the control routes have given out: passwords and keys alike."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        password, user = desk.options.password, desk.options.user
        if password not in desk.store.tokens:
            token = Token(value=password, kind="user", user=user, issued_at_s=0, ends_at_s=_FAR_FUTURE_S)
            desk.store.record(TokenIssued(token=token))

    def subject(self, request: web.Request) -> Subject:
        """Raises Refused where the caller is nobody, or says too little or too much."""
        given = request[PARAMETERS]
        for name in ("v", "c"):
            required(request, name)
        if "apiKey" in given:
            if {"u", "p", "t", "s"} & set(given):
                raise refused(CONFLICT, "Multiple conflicting authentication mechanisms provided")
            return Subject(user=self._key_owner(given["apiKey"]), is_by_key=True)
        user = required(request, "u")
        if not any(_opens(token.value, request) for token in self._valid() if token.user == user):
            raise refused(WRONG, "Wrong username or password")
        return Subject(user=user, is_by_key=False)

    def _key_owner(self, key: str) -> str:
        if not (self._desk.options.api_keys and self._desk.options.open_subsonic):
            raise refused(NO_SUCH_WAY, "Provided authentication mechanism not supported")
        for token in self._valid():
            if hmac.compare_digest(token.value.encode(), key.encode()) and token.user:
                return token.user
        raise refused(WRONG_KEY, "Invalid API key")

    def _valid(self) -> list[Token]:
        now_s, store = self._desk.clock.now_s(), self._desk.store
        return [
            token
            for token in store.tokens.values()
            if token.kind == "user" and token.value not in store.revoked and token.ends_at_s > now_s
        ]


def _opens(password: str, request: web.Request) -> bool:
    given = request[PARAMETERS]
    if "t" in given and "s" in given:
        digest = hashlib.md5((password + given["s"]).encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(digest.encode(), given["t"].encode())
    plain = required(request, "p")
    if plain.startswith("enc:"):
        try:
            plain = bytes.fromhex(plain.removeprefix("enc:")).decode()
        except (ValueError, binascii.Error):
            return False
    return hmac.compare_digest(password.encode(), plain.encode())
