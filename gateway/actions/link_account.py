"""Make a connection of fresh tokens, once the platform has said whose they are."""

from loguru import logger

from gateway.actions.accounts import PlatformsPort
from shared.db import connections
from shared.db.connect_sessions import ConnectSession
from shared.db.connections import Connection, NewSignIn
from shared.db.pool import Pool
from shared.errors import ConnectFailed, ReconnectRequired
from shared.models import Account, ConnectionId, Platform, TokenSet, UserId
from shared.platforms.forms import SignInInput
from shared.tokens import Sessions, TrialSession


class LinkAccount:
    """Called with a connect session and what its sign-in has brought."""

    def __init__(self, *, pool: Pool, platforms: PlatformsPort, sessions: Sessions) -> None:
        self._pool = pool
        self._platforms = platforms
        self._sessions = sessions

    async def __call__(self, session: ConnectSession, found: SignInInput) -> Connection:
        """Store the tokens; transfers that waited for the account go on.

        Raises ConnectFailed where the platform does not accept its own tokens, AccountMismatch,
        ConnectionMissing, PlatformError.
        """
        platform = session.platform
        if self._platforms.is_kept_here(platform):
            return await self.at_home(session.user_id, platform)
        adapter = self._platforms.adapter(platform, session=TrialSession(found.tokens, server=found.server))
        try:
            account = await adapter.account()
        except ReconnectRequired as error:
            label = self._platforms.label(platform)
            raise ConnectFailed(f"{label} does not accept this sign-in: sign in there again.") from error
        sign_in = NewSignIn(
            platform=platform,
            account=account,
            life_months=self._platforms.sign_in_terms(platform).life_months,
            renews=session.renews,
            is_another=session.is_another,
        )
        return await self._store(session.user_id, sign_in, found)

    async def at_home(self, user_id: UserId, platform: Platform) -> Connection:
        """Connect a platform whose playlists stand in our own database: whoever asks is who signs in.

        Idempotent. What a client sends as a token has no part in it.
        """
        account = Account(id=user_id, label=self._platforms.label(platform), market="")
        found = SignInInput(tokens=TokenSet(access_token=user_id))
        return await self._store(user_id, NewSignIn(platform=platform, account=account), found)

    async def _store(self, user_id: UserId, sign_in: NewSignIn, found: SignInInput) -> Connection:
        def seal(connection_id: ConnectionId) -> str:
            return self._sessions.seal(
                connection_id, platform=sign_in.platform, tokens=found.tokens, server=found.server
            )

        connection = await connections.upsert(self._pool, user_id, sign_in, seal=seal)
        await self._sessions.forget(connection.id)
        logger.bind(connection_id=connection.id, platform=sign_in.platform).info("Account connected")
        return connection
