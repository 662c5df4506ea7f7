"""List a user's connections, try one out, or end it."""

from enum import StrEnum

import msgspec
from loguru import logger

from gateway.actions.accounts import Accounts, PlatformsPort, parse_id
from gateway.actions.list_playlists import ListPlaylists
from gateway.actions.refusals import ConnectAgain
from shared.db import connections
from shared.db.connections import Connection, ConnectionState
from shared.db.pool import Pool
from shared.errors import NotFound, PlatformError, PlatformNotConfigured, TokensLocked
from shared.models import ConnectionId, Platform, UserId
from shared.tokens import Sessions


class Health(StrEnum):
    """What a trial of a connection has shown."""

    OK = "ok"
    RECONNECT_REQUIRED = "reconnect_required"
    UNAVAILABLE = "unavailable"


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """A connection after it was tried out. text: the platform's side of it, for people."""

    connection: Connection
    health: Health
    text: str


class Farewell(msgspec.Struct, frozen=True, kw_only=True):
    """A connection that has ended here. revoke_url: where its user ends the platform's permission."""

    connection: Connection
    revoke_url: str
    text: str


class KeepConnections:
    """Connections of one user after another; foreign ones are as missing as those that never were."""

    def __init__(
        self,
        *,
        pool: Pool,
        platforms: PlatformsPort,
        accounts: Accounts,
        sessions: Sessions,
        playlists: ListPlaylists,
    ) -> None:
        self._pool = pool
        self._platforms = platforms
        self._accounts = accounts
        self._sessions = sessions
        self._playlists = playlists

    async def every(
        self, user_id: UserId, *, platform: Platform | None, state: ConnectionState | None
    ) -> list[Connection]:
        """Return the connections, oldest first; disconnected ones only where that state is asked for."""
        return await connections.list_of(self._pool, user_id, platform=platform, state=state)

    async def get(self, user_id: UserId, connection_id: str) -> Connection:
        """Raises NotFound."""
        parsed = parse_id(connection_id)
        found = parsed and await connections.get(self._pool, ConnectionId(parsed), user_id=user_id)
        if not found:
            raise _not_found()
        return found

    async def try_out(self, user_id: UserId, connection_id: str) -> Trial:
        """Ask the platform now whose account it is; one that it refuses has to be connected again.

        Raises NotFound.
        """
        connection = await self.get(user_id, connection_id)
        health, text = await self._ask(connection)
        return Trial(connection=await self.get(user_id, connection_id), health=health, text=text)

    async def disconnect(self, user_id: UserId, connection_id: str) -> Farewell:
        """Wipe the tokens; transfers that need them wait until the account is connected again.

        Idempotent. Raises NotFound.
        """
        parsed = parse_id(connection_id)
        gone = parsed and await connections.disconnect(self._pool, ConnectionId(parsed), user_id=user_id)
        if not gone:
            raise _not_found()
        await self._sessions.forget(gone.id)
        await self._playlists.forget(gone)
        logger.bind(connection_id=gone.id, platform=gone.platform).info("Account disconnected")
        terms, label = self._platforms.sign_in_terms(gone.platform), self._platforms.label(gone.platform)
        if self._platforms.is_kept_here(gone.platform):
            text = f"{label} are disconnected, and kept: each is deleted by itself, at `/files/{{id}}`."
            return Farewell(connection=gone, revoke_url="/files", text=text)
        return Farewell(
            connection=gone,
            revoke_url=terms.revoke_url,
            text=f"The tokens of {gone.label} are deleted here. {label} lets only its user end what was "
            f"allowed to this app: in {terms.revoke_place}.",
        )

    async def _ask(self, connection: Connection) -> tuple[Health, str]:
        label = self._platforms.label(connection.platform)
        try:
            self._accounts.check_usable(connection)
            async with self._accounts.speak_for(connection) as adapter:
                await adapter.account()
        except ConnectAgain as error:
            return Health.RECONNECT_REQUIRED, str(error)
        except (PlatformError, PlatformNotConfigured, TokensLocked) as error:
            return Health.UNAVAILABLE, str(error)
        return Health.OK, f"{label} answers to {connection.label}."


def _not_found() -> NotFound:
    return NotFound("You have no such connection.")
