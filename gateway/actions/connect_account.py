"""Connect an account: by redirect with PKCE, or with a token that a browser was given."""

import hashlib
import secrets
import uuid
from collections.abc import Callable
from datetime import datetime

import msgspec
from loguru import logger

from gateway.actions.accounts import PlatformsPort, SignIn, parse_id
from gateway.actions.redirect_uri import redirect_uri
from shared.cipher import Cipher
from shared.db import connect_sessions, connections
from shared.db.connect_sessions import ConnectSession, ConnectStatus, NewConnectSession
from shared.db.connections import Connection
from shared.db.pool import Pool
from shared.errors import (
    ConnectFailed,
    CrossplayError,
    FieldFault,
    NotFound,
    ReconnectRequired,
    ValidationFailed,
)
from shared.models import ConnectionId, Platform, TokenSet, UserId
from shared.platforms.oauth import Verifier, new_verifier
from shared.tokens import Sessions, TrialSession

SESSION_LIFE_S = 600.0


class Redirect(msgspec.Struct, frozen=True, kw_only=True):
    """Where the user has to go now, in a browser."""

    session_id: str
    authorize_url: str
    redirect_uri: str
    expires_at: datetime


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform's sign-in sent back through the browser."""

    state: str = ""
    code: str | None = None
    error: str | None = None

    def __repr__(self) -> str:
        return f"Answer(error={self.error!r}, …)"


class ConnectAccount:
    """Links accounts to users. A connection stands only after the platform said whose account it is."""

    def __init__(
        self,
        *,
        pool: Pool,
        platforms: PlatformsPort,
        sessions: Sessions,
        cipher: Cipher,
        public_url: Callable[[], str],
    ) -> None:
        self._pool = pool
        self._platforms = platforms
        self._sessions = sessions
        self._cipher = cipher
        self._public_url = public_url

    async def start(
        self, user_id: UserId, platform: Platform, *, user_token: str | None
    ) -> Redirect | Connection:
        """Begin the platform's own flow; one that needs no browser redirect ends it too.

        Raises PlatformNotConfigured, RedirectUriImpossible, ValidationFailed, and as `connect` does.
        """
        sign_in = self._platforms.oauth(platform)
        if sign_in is not None:
            if user_token is not None:
                raise self._token_fault(platform, "is connected in a browser: send no token, open the link.")
            return await self._start_redirect(user_id, platform, sign_in=sign_in)
        if user_token is None:
            raise self._token_fault(
                platform, "gives its user token to a browser (MusicKit JS, `authorize()`): send that here."
            )
        return await self._connect(user_id, platform, tokens=TokenSet(access_token=user_token))

    async def finish(self, platform: Platform, answer: Answer) -> str:
        """Take what the browser brought back; return the session, which then knows its end.

        Raises ConnectFailed where no session waits for this answer.
        """
        session = await self._take(platform, answer.state)
        if answer.error is not None:
            is_denied = answer.error == "access_denied"
            label = self._platforms.label(platform)
            text = "You did not allow it." if is_denied else f"{label} broke the sign-in off: start again."
            await self._close(session, ConnectStatus.DENIED if is_denied else ConnectStatus.FAILED, text)
            return session.id
        try:
            connection = await self._exchange(session, answer)
        except CrossplayError as error:
            await self._close(session, ConnectStatus.FAILED, str(error))
        except Exception:
            await self._close(session, ConnectStatus.FAILED, "An unexpected fault: start again.")
            raise
        else:
            await connect_sessions.finish(
                self._pool, session.id, status=ConnectStatus.CONNECTED, connection_id=connection.id
            )
        return session.id

    async def session(self, session_id: str, *, user_id: UserId | None = None) -> ConnectSession:
        """Return a session, of this user where one is given. Raises NotFound."""
        parsed = parse_id(session_id)
        session = await connect_sessions.get(self._pool, parsed) if parsed else None
        if session is None or user_id not in (None, session.user_id):
            raise NotFound("There is no such attempt to connect.")
        return session

    async def connection_of(self, session: ConnectSession) -> Connection | None:
        if session.connection_id is None:
            return None
        return await connections.get(self._pool, session.connection_id, user_id=session.user_id)

    async def _start_redirect(self, user_id: UserId, platform: Platform, *, sign_in: SignIn) -> Redirect:
        uri = redirect_uri(self._public_url(), platform=platform)
        session_id, state, verifier = str(uuid.uuid4()), secrets.token_urlsafe(32), new_verifier()
        expires_at = await connect_sessions.insert(
            self._pool,
            NewConnectSession(
                id=session_id,
                user_id=user_id,
                platform=platform,
                state_sha256=_digest(state),
                sealed_verifier=self._cipher.seal(verifier, context=_context(session_id, platform)),
                redirect_uri=uri,
                life_s=SESSION_LIFE_S,
            ),
        )
        return Redirect(
            session_id=session_id,
            authorize_url=sign_in.authorize_url(state=state, verifier=verifier, redirect_uri=uri),
            redirect_uri=uri,
            expires_at=expires_at,
        )

    async def _take(self, platform: Platform, state: str) -> ConnectSession:
        session = await connect_sessions.take(self._pool, state_sha256=_digest(state), platform=platform)
        if session is not None:
            return session
        earlier = await connect_sessions.find_by_state(
            self._pool, state_sha256=_digest(state), platform=platform
        )
        if earlier is None:
            raise ConnectFailed("This sign-in was not started here, or long ago: start to connect again.")
        if earlier.is_used:
            raise ConnectFailed("This sign-in has been used already: each one works once.")
        raise ConnectFailed("This sign-in took more than ten minutes: start to connect again.")

    async def _exchange(self, session: ConnectSession, answer: Answer) -> Connection:
        sign_in = self._platforms.oauth(session.platform)
        if sign_in is None or not answer.code:
            raise ConnectFailed("The sign-in came back without a code: start to connect again.")
        context = _context(session.id, session.platform)
        tokens = await sign_in.exchange(
            code=answer.code,
            verifier=Verifier(self._cipher.open(session.sealed_verifier, context=context)),
            redirect_uri=session.redirect_uri,
        )
        missing = set(sign_in.scopes) - set(tokens.scopes)
        if tokens.scopes and missing:
            raise ConnectFailed("Not everything was allowed that a transfer needs: connect again, allow all.")
        return await self._connect(session.user_id, session.platform, tokens=tokens)

    async def _connect(self, user_id: UserId, platform: Platform, *, tokens: TokenSet) -> Connection:
        """Store tokens with which the platform says whose they are. Raises ConnectFailed, PlatformError."""
        adapter = self._platforms.adapter(platform, session=TrialSession(tokens))
        try:
            account = await adapter.account()
        except ReconnectRequired as error:
            label = self._platforms.label(platform)
            raise ConnectFailed(f"{label} does not accept this sign-in: sign in there again.") from error

        def seal(connection_id: ConnectionId) -> str:
            return self._sessions.seal(connection_id, platform=platform, tokens=tokens)

        connection = await connections.upsert(
            self._pool,
            user_id,
            platform=platform,
            account=account,
            seal=seal,
            life_months=self._platforms.sign_in_terms(platform).life_months,
        )
        await self._sessions.forget(connection.id)
        logger.bind(connection_id=connection.id, platform=platform).info("account connected")
        return connection

    async def _close(self, session: ConnectSession, status: ConnectStatus, failure: str) -> None:
        await connect_sessions.finish(self._pool, session.id, status=status, failure=failure)
        logger.bind(platform=session.platform, status=status).info("account not connected")

    def _token_fault(self, platform: Platform, what: str) -> ValidationFailed:
        fault = FieldFault("/music_user_token", f"{self._platforms.label(platform)} {what}")
        return ValidationFailed("The body does not fit this platform.", faults=(fault,))


def _digest(state: str) -> bytes:
    return hashlib.sha256(state.encode(errors="replace")).digest()


def _context(session_id: str, platform: Platform) -> str:
    return f"{session_id}|{platform}|verifier"
