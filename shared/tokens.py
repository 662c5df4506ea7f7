"""Sessions: a connection's fresh tokens, refreshed in good time and by one process at a time."""

import asyncio
import secrets
from collections.abc import Callable
from typing import Protocol
from weakref import WeakValueDictionary

import msgspec
from loguru import logger
from redis.asyncio import Redis

from shared.cache import Cache
from shared.cipher import Cipher
from shared.clock import Clock, SystemClock
from shared.db.pool import Pool
from shared.errors import PlatformError, PlatformUnavailable, ReconnectRequired, StoreUnavailable
from shared.meters import meters
from shared.models import ConnectionId, Platform, TokenSet
from shared.token_store import Held, TokenStore

LEASE_S = 30.0
"""How long one process may take to refresh; after it another one tries."""

_LEASE_SHARE = 2 / 3  # of the lease may pass until the platform answers
_PATIENCE_S = 5.0  # beyond the lease: a refresher that died is waited out
_POLL_S = 0.1
_REST_S = 30.0  # after a failed early refresh the old tokens serve on for so long


class Refresher(Protocol):
    """A platform's way to replace tokens. Raises as OAuthClient.refresh does."""

    async def refresh(self, tokens: TokenSet) -> TokenSet: ...


class ConnectionSession:
    """Implements the Session port for one connection."""

    is_personal = True

    def __init__(
        self, sessions: "Sessions", *, connection_id: ConnectionId, market: str, server: str
    ) -> None:
        self._sessions = sessions
        self._connection_id = connection_id
        self._market = market
        self._server = server

    @property
    def market(self) -> str:
        return self._market

    @property
    def server(self) -> str:
        return self._server

    async def tokens(self) -> TokenSet:
        return await self._sessions.tokens(self._connection_id)

    async def refresh(self, *, rejected: TokenSet) -> TokenSet:
        return await self._sessions.refresh(self._connection_id, rejected=rejected)


class TrialSession:
    """Implements the Session port for tokens that are tried before a connection is made of them."""

    is_personal = True
    market = ""

    def __init__(self, tokens: TokenSet, *, server: str = "") -> None:
        self.server = server
        self._tokens = tokens

    async def tokens(self) -> TokenSet:
        return self._tokens

    async def refresh(self, *, rejected: TokenSet) -> TokenSet:  # noqa: ARG002 - the port has it
        raise ReconnectRequired("The platform does not accept what it has just given out.")


class Sessions:
    """Opens sessions; one object per process.

    refresher_of: None for a platform whose tokens cannot be refreshed. lease_s: another lease than LEASE_S,
    for tests. No connection to Postgres is held while a platform is called, and Redis only makes it faster.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        redis: Redis,
        cipher: Cipher,
        refresher_of: Callable[[Platform], Refresher | None],
        clock: Clock | None = None,
        lease_s: float = LEASE_S,
    ) -> None:
        self._clock = clock or SystemClock()
        self._lease_s = lease_s
        self._store = TokenStore(pool=pool, cache=Cache(redis), cipher=cipher, clock=self._clock)
        self._refresher_of = refresher_of
        self._locks: WeakValueDictionary[ConnectionId, asyncio.Lock] = WeakValueDictionary()
        self._rests_until_s: dict[ConnectionId, float] = {}
        self._refreshes: set[asyncio.Task[Held]] = set()

    async def open(self, connection_id: ConnectionId) -> ConnectionSession:
        """Return a connection's session. Raises ConnectionMissing, ReconnectRequired, StoreUnavailable."""
        held = await self._store.look_up(connection_id)
        return ConnectionSession(
            self, connection_id=connection_id, market=held.row.market, server=held.server
        )

    async def tokens(self, connection_id: ConnectionId) -> TokenSet:
        """Return tokens that are valid now, replaced at four fifths of their life.

        Raises as `open` does and, where nothing valid is left, what the refresh raises.
        """
        held = await self._store.look_up(connection_id)
        if held.is_expired(self._clock.now()):
            return (await self._replace(connection_id, rejected=None)).tokens
        if not held.is_due(self._clock.now()) or self._rests(connection_id):
            return held.tokens
        try:
            return (await self._replace(connection_id, rejected=None, is_patient=False)).tokens
        except (PlatformError, StoreUnavailable) as error:
            # A passing fault of the early refresh; the tokens we have are still good.
            self._rests_until_s[connection_id] = self._clock.monotonic() + _REST_S
            logger.bind(connection_id=connection_id, error=type(error).__name__).warning(
                "Early token refresh failed"
            )
            return held.tokens

    async def refresh(self, connection_id: ConnectionId, *, rejected: TokenSet) -> TokenSet:
        """Return other tokens than those which the platform has refused. Raises as `tokens` does."""
        return (await self._replace(connection_id, rejected=rejected)).tokens

    async def forget(self, connection_id: ConnectionId) -> None:
        """Drop what is cached of a connection, because its row has changed."""
        self._rests_until_s.pop(connection_id, None)
        await self._store.forget(connection_id)

    def seal(
        self, connection_id: ConnectionId, *, platform: Platform, tokens: TokenSet, server: str = ""
    ) -> str:
        """Seal tokens that were issued just now, for the connection's row, with the server they are for."""
        return self._store.seal(connection_id, platform=platform, tokens=tokens, server=server)

    async def close(self) -> None:
        """Wait for refreshes that are under way, for a while, so that no rotated token gets lost."""
        if self._refreshes:
            await asyncio.wait(self._refreshes, timeout=_LEASE_SHARE * self._lease_s)

    async def _replace(
        self, connection_id: ConnectionId, *, rejected: TokenSet | None, is_patient: bool = True
    ) -> Held:
        """Return tokens that are neither the rejected ones nor due, whoever gets them from the platform."""
        async with self._locks.setdefault(connection_id, asyncio.Lock()):
            held = self._store.peek(connection_id)
            if held and self._serves(held, rejected=rejected):
                return held
            owner = secrets.token_hex(8)
            give_up_s = self._clock.monotonic() + self._lease_s + _PATIENCE_S
            while True:
                held = await self._store.read(connection_id)
                if self._serves(held, rejected=rejected):
                    return held
                if await self._store.lease(held, owner=owner, lease_s=self._lease_s):
                    return await self._refresh_apart(held, owner=owner)
                if not is_patient:
                    return held  # somebody else is at it, and these still serve
                if self._clock.monotonic() >= give_up_s:
                    raise _unavailable(held)
                await self._clock.sleep(_POLL_S)

    async def _refresh_apart(self, held: Held, *, owner: str) -> Held:
        """Refresh in a task of its own: a caller that is cancelled must not lose a rotated token."""
        task = asyncio.create_task(self._refresh(held, owner=owner))
        self._refreshes.add(task)
        task.add_done_callback(self._refreshes.discard)
        return await asyncio.shield(task)

    async def _refresh(self, held: Held, *, owner: str) -> Held:
        platform = held.row.platform
        refresher = self._refresher_of(platform)
        if refresher is None:
            meters.tokens_refreshed(platform=platform, result="refused")
            return await self._store.give_up(held)
        try:
            async with asyncio.timeout(_LEASE_SHARE * self._lease_s):
                fresh = await refresher.refresh(held.tokens)
        except ReconnectRequired:
            meters.tokens_refreshed(platform=platform, result="refused")
            return await self._store.give_up(held)
        except BaseException as error:
            meters.tokens_refreshed(platform=platform, result="failed")
            await self._store.release(held, owner=owner)
            if isinstance(error, TimeoutError):
                raise _unavailable(held) from error
            raise
        meters.tokens_refreshed(platform=platform, result="refreshed")
        if not fresh.refresh_token:  # omitted means: keep the one you have
            fresh = msgspec.structs.replace(fresh, refresh_token=held.tokens.refresh_token)
        return await self._store.replace(held, fresh)

    def _serves(self, held: Held, *, rejected: TokenSet | None) -> bool:
        if rejected is not None:
            return held.tokens.access_token != rejected.access_token
        return not held.is_due(self._clock.now())

    def _rests(self, connection_id: ConnectionId) -> bool:
        return self._clock.monotonic() < self._rests_until_s.get(connection_id, 0.0)


def _unavailable(held: Held) -> PlatformUnavailable:
    return PlatformUnavailable(
        "The platform does not answer to the refresh of its tokens.",
        platform=held.row.platform,
        operation="refresh_token",
    )
