"""Make a connection of fresh tokens, once the platform has said whose they are."""

from loguru import logger

from gateway.actions.accounts import PlatformsPort
from shared.db import connections
from shared.db.connect_sessions import ConnectSession
from shared.db.connections import Connection, NewSignIn
from shared.db.pool import Pool
from shared.errors import ConnectFailed, ReconnectRequired
from shared.models import ConnectionId
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
        adapter = self._platforms.adapter(platform, session=TrialSession(found.tokens, server=found.server))
        try:
            account = await adapter.account()
        except ReconnectRequired as error:
            label = self._platforms.label(platform)
            raise ConnectFailed(f"{label} does not accept this sign-in: sign in there again.") from error

        def seal(connection_id: ConnectionId) -> str:
            return self._sessions.seal(
                connection_id, platform=platform, tokens=found.tokens, server=found.server
            )

        connection = await connections.upsert(
            self._pool,
            session.user_id,
            NewSignIn(
                platform=platform,
                account=account,
                life_months=self._platforms.sign_in_terms(platform).life_months,
                renews=session.renews,
                is_another=session.is_another,
            ),
            seal=seal,
        )
        await self._sessions.forget(connection.id)
        logger.bind(connection_id=connection.id, platform=platform).info("Account connected")
        return connection
