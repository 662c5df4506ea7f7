"""OAuth 2 sign-in with authorization code, the same for every platform that speaks it, dialects too."""

import base64
import hashlib
import secrets
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, NewType

import msgspec
from yarl import URL

from shared.clock import Clock, SystemClock
from shared.errors import (
    ConnectFailed,
    PlatformDenied,
    ReconnectRequired,
)
from shared.models import TokenSet
from shared.platforms.answers import RECONNECT, Refusal
from shared.platforms.call import NO_PROOF, Call, Proof, Sign
from shared.platforms.http import PlatformHttp, Reword
from shared.platforms.profile import Price
from shared.secret import NO_SECRET, Secret

Verifier = NewType("Verifier", str)

EXCHANGE, REFRESH, APP_TOKENS = "exchange_code", "refresh_token", "app_tokens"
SIGN_IN = "sign-in"
SIGN_IN_PRICES = {operation: Price(pool=SIGN_IN) for operation in (EXCHANGE, REFRESH, APP_TOKENS)}
"""The sign-in server counts for itself: an API that is used up must not stop anybody from connecting."""

_LONGEST_LIFE_S = 10 * 366 * 86400.0
_UNKNOWN_APP = "{label} does not know this app: check its client id and secret."

TOKEN_REFUSALS = (
    *(
        Refusal(status=status, word=word, kind=kind, message=message)
        for status in (400, 401)
        for word, kind, message in (
            ("invalid_client", PlatformDenied, _UNKNOWN_APP),
            ("unauthorized_client", PlatformDenied, _UNKNOWN_APP),
            ("invalid_grant", ReconnectRequired, RECONNECT),
        )
    ),
    Refusal(status=401, kind=PlatformDenied, message=_UNKNOWN_APP),
)
"""What the errors of a token endpoint mean (RFC 6749 §5.2).

Only `invalid_grant` is about the user's sign-in: whatever else is refused, or looks odd, the tokens stay.
"""


class OAuthApp(msgspec.Struct, frozen=True, kw_only=True):
    """An app as it is registered at a platform. client_secret is empty for a public client (PKCE alone).

    authorize_url: what a user's browser opens. base_url, token_route: where tokens are. extras: what the
    platform wants in the address that a user opens, beside what the standard asks for. proves_by_form: the
    secret is looked for in the form, not in a header (RFC 6749 §2.3.1 has both). What departs from the
    standard: names are the platform's own for its parameters, scope_joint stands between scopes, has_pkce
    tells whether the sign-in is bound to a verifier; swaps_by_query: a code is swapped by a GET with
    everything in its query. token_extras: what the platform wants there besides. reword: see Endpoint.
    """

    client_id: str
    authorize_url: str
    base_url: str
    token_route: str
    scopes: tuple[str, ...]
    client_secret: Secret = NO_SECRET
    extras: Mapping[str, str] = {}
    proves_by_form: bool = False
    names: Mapping[str, str] = {}
    scope_joint: str = " "
    has_pkce: bool = True
    swaps_by_query: bool = False
    token_extras: Mapping[str, str] = {}
    reword: Reword | None = None

    def named(self, parameters: Mapping[str, str]) -> dict[str, str]:
        return {self.names.get(name, name): value for name, value in parameters.items()}


class _TokenAnswer(msgspec.Struct):
    """expires: an older name for expires_in, where 0 means never."""

    access_token: Annotated[str, msgspec.Meta(min_length=1)]
    expires_in: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_LIFE_S)] | None = None
    expires: Annotated[float, msgspec.Meta(ge=0, le=_LONGEST_LIFE_S)] | None = None
    refresh_token: str | None = None
    scope: str | None = None

    @property
    def life_s(self) -> float | None:
        return self.expires_in if self.expires_in is not None else self.expires or None

    def __repr__(self) -> str:
        return f"_TokenAnswer(expires_in={self.expires_in!r}, scope={self.scope!r}, …)"


class OAuthClient:
    """One app's way to tokens. Its HTTP path has the address of the sign-in server and signs nothing."""

    def __init__(self, http: PlatformHttp, *, app: OAuthApp, clock: Clock | None = None) -> None:
        self._http = http
        self._app = app
        self._clock = clock or SystemClock()

    @property
    def scopes(self) -> tuple[str, ...]:
        return self._app.scopes

    @property
    def sign_in_url(self) -> str:
        """Where users sign in; its origin is what their browsers are led to."""
        return self._app.authorize_url

    def authorize_url(self, *, state: str, verifier: Verifier, redirect_uri: str) -> str:
        """Return the address at which the user allows the app. state comes back with the code."""
        asked = {
            "client_id": self._app.client_id,
            "response_type": "code",
            "redirect_uri": redirect_uri,
            "scope": self._app.scope_joint.join(self._app.scopes),
            "state": state,
        }
        if self._app.has_pkce:
            asked |= {"code_challenge_method": "S256", "code_challenge": challenge_of(verifier)}
        return str(URL(self._app.authorize_url).with_query({**self._app.named(asked), **self._app.extras}))

    async def exchange(self, *, code: str, verifier: Verifier, redirect_uri: str) -> TokenSet:
        """Swap the code for tokens; a code works once. Raises ConnectFailed where it does not."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
        }
        if self._app.has_pkce:
            form["code_verifier"] = verifier
        try:
            return await self._ask(EXCHANGE, form, previous=None)
        except ReconnectRequired as error:
            raise ConnectFailed(
                f"{self._http.label} does not accept the sign-in any more: start to connect again."
            ) from error

    async def refresh(self, tokens: TokenSet) -> TokenSet:
        """Return fresh tokens; a refresh token that the platform does not replace stays.

        Store the answer before using it: where tokens rotate, the old ones are dead.
        Raises ReconnectRequired where the user has to sign in again, PlatformUnavailable on a passing fault.
        """
        if not tokens.refresh_token:
            raise ReconnectRequired(RECONNECT.format(label=self._http.label))
        form = {"grant_type": "refresh_token", "refresh_token": tokens.refresh_token}
        return await self._ask(REFRESH, form, previous=tokens)

    async def app_tokens(self) -> TokenSet:
        """Return tokens that stand for the app alone (RFC 6749 §4.4), for what everybody may see.

        Raises PlatformDenied where the app is not known, PlatformUnavailable on a passing fault.
        """
        return await self._ask(APP_TOKENS, {"grant_type": "client_credentials"}, previous=None)

    async def _ask(self, operation: str, form: dict[str, str], *, previous: TokenSet | None) -> TokenSet:
        call = self._by_query(operation, form) if self._app.swaps_by_query else self._by_form(operation, form)
        answer = await self._http.write(call, session=None, gate=no_gate, into=_TokenAnswer)
        return self._tokens(answer, previous=previous)

    def _by_form(self, operation: str, form: dict[str, str]) -> Call:
        return Call(
            operation=operation,
            method="POST",
            route=self._app.token_route,
            form={**form, **self._credentials()},
            headers=self._basic(),
        )

    def _by_query(self, operation: str, form: dict[str, str]) -> Call:
        query = self._app.named({**form, **self._credentials()})
        return Call(
            operation=operation, route=self._app.token_route, query={**query, **self._app.token_extras}
        )

    def _credentials(self) -> dict[str, str]:
        """Return what the form says about the client: all of it, its id alone, or nothing."""
        app = self._app
        if app.client_secret and app.proves_by_form:
            return {"client_id": app.client_id, "client_secret": app.client_secret.reveal()}
        return {} if app.client_secret else {"client_id": app.client_id}

    def _basic(self) -> dict[str, str]:
        secret = self._app.client_secret
        if not secret or self._app.proves_by_form:
            return {}
        pair = f"{self._app.client_id}:{secret.reveal()}".encode()
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def _tokens(self, answer: _TokenAnswer, *, previous: TokenSet | None) -> TokenSet:
        expires_at = None
        if answer.life_s is not None:
            expires_at = self._clock.now() + timedelta(seconds=answer.life_s)
        return TokenSet(
            access_token=answer.access_token,
            # Omitted and empty both mean: keep the one you have.
            refresh_token=answer.refresh_token or (previous.refresh_token if previous else None),
            expires_at=expires_at,
            scopes=tuple((answer.scope or "").split()) or (previous.scopes if previous else ()),
        )


def signer(scheme: str) -> Sign:
    """Return what signs calls with the access token under a scheme of the header Authorization."""

    def sign(tokens: TokenSet | None) -> Proof:
        return Proof(headers={"Authorization": f"{scheme} {tokens.access_token}"}) if tokens else NO_PROOF

    return sign


def query_signer(parameter: str) -> Sign:
    """Return what signs calls with the access token in a parameter of the query."""

    def sign(tokens: TokenSet | None) -> Proof:
        return Proof(query={parameter: tokens.access_token}) if tokens else NO_PROOF

    return sign


def or_key(parameter: str, key: Secret) -> Sign:
    """Return what signs as `bearer` does, and calls in nobody's name with an API key in the query."""

    def sign(tokens: TokenSet | None) -> Proof:
        return bearer(tokens) if tokens or not key else Proof(query={parameter: key.reveal()})

    return sign


bearer = signer("Bearer")
"""Signs as RFC 6750 has it."""


def new_verifier() -> Verifier:
    """Make a PKCE verifier: 86 characters, 512 bits of chance (RFC 7636 asks for 43 to 128)."""
    return Verifier(secrets.token_urlsafe(64))


def challenge_of(verifier: Verifier) -> str:
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def no_gate() -> None:
    """The gate of a write that needs no lease."""
