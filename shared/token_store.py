"""Where token sets live: sealed in Postgres, which is the truth, sealed in Redis, opened in this process."""

from collections import OrderedDict
from datetime import datetime, timedelta

import msgspec
from loguru import logger

from shared.cache import Cache
from shared.cipher import Cipher, KeyMissing, SealBroken
from shared.clock import Clock
from shared.db import connections, seals
from shared.db.connections import ConnectionState, SealedConnection
from shared.db.pool import STORE_ERRORS, Pool
from shared.errors import ConnectionMissing, ReconnectRequired, StoreUnavailable, TokensLocked
from shared.meters import meters
from shared.models import ConnectionId, Platform, TokenSet

REFRESH_AT = 0.8
"""The share of their life after which tokens are replaced."""

_RECHECK_S = 5.0  # how long this process believes what it holds: others may have disconnected it
_OUTAGE_S = 60.0  # the same where no store can be asked
_CACHE_LIFE_S = 600
_CHANGED = "changed"  # stands in a row's place after a change, so that a read from before it stays out
_CHANGED_S = 60
_HELD_COUNT = 1000
_STORE_PATIENCE_S = 300.0  # a rotated token that is not stored is lost, and its user has to sign in again
_STORE_DELAY_S = 5.0


class _Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """What is sealed into a connection's row.

    server: of the user's own, where the platform has such; beside the tokens, so that nobody who can write to
    the database can have them sent to another one.
    """

    tokens: TokenSet
    issued_at: datetime
    server: str = ""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A connection with its tokens opened. checked_s: monotonic time of the last look into a store."""

    row: SealedConnection
    tokens: TokenSet
    issued_at: datetime
    checked_s: float
    server: str = ""

    def is_due(self, now: datetime) -> bool:
        expires_at = self.tokens.expires_at
        return expires_at is not None and now >= self.issued_at + REFRESH_AT * (expires_at - self.issued_at)

    def is_expired(self, now: datetime) -> bool:
        expires_at = self.tokens.expires_at
        return expires_at is not None and now >= expires_at - timedelta(seconds=5)


class TokenStore:
    """Reads and replaces token sets. Every method that asks Postgres raises StoreUnavailable.

    What the caches hold may be old; the platform's refusal cures that, because then Postgres is asked.
    """

    def __init__(self, *, pool: Pool, cache: Cache, cipher: Cipher, clock: Clock) -> None:
        self._pool = pool
        self._cache = cache
        self._cipher = cipher
        self._clock = clock
        self._held: OrderedDict[ConnectionId, Held] = OrderedDict()

    def peek(self, connection_id: ConnectionId) -> Held | None:
        """Return what this process holds, if it looked lately."""
        return self._held_for(connection_id, _RECHECK_S)

    async def look_up(self, connection_id: ConnectionId) -> Held:
        """Return a connection from the nearest place that knows it. Raises as `read` does."""
        held = self.peek(connection_id)
        if held:
            return held
        row = await self._cache.get(_cache_key(connection_id), into=SealedConnection)
        if row:
            try:
                return self._hold(row)
            except SealBroken:  # by a key that is no longer used: Postgres has it anew
                await self._cache.drop(_cache_key(connection_id))
        try:
            return await self.read(connection_id)
        except StoreUnavailable:
            held = self._held_for(connection_id, _OUTAGE_S)
            if held is None:
                raise
            return held

    async def read(self, connection_id: ConnectionId) -> Held:
        """Return a connection as Postgres has it.

        Raises ConnectionMissing, ReconnectRequired, TokensLocked.
        """
        try:
            row = await connections.read_sealed(self._pool, connection_id)
        except STORE_ERRORS as error:
            raise _unavailable() from error
        if row is None or row.state is not ConnectionState.CONNECTED:
            await self.forget(connection_id)
            if row:
                raise _reconnect_required(row)
            raise ConnectionMissing("This connection does not exist any more: connect the account again.")
        try:
            held = self._hold(row)
        except SealBroken as error:
            raise _locked(row, error) from error
        await self._cache.put(_cache_key(row.id), value=row, life_s=_CACHE_LIFE_S, is_new=True)
        return held

    async def lease(self, held: Held, *, owner: str, lease_s: float) -> bool:
        """Become the one who refreshes these tokens; False where another is, or newer ones are stored."""
        row = held.row
        try:
            return await connections.lease_refresh(
                self._pool, row.id, version=row.version, owner=owner, lease_s=lease_s
            )
        except STORE_ERRORS as error:
            raise _unavailable() from error

    async def release(self, held: Held, *, owner: str) -> None:
        """Let others refresh; where Postgres is away, the lease's end does it."""
        try:
            await connections.release_refresh(self._pool, held.row.id, owner=owner)
        except STORE_ERRORS:
            logger.bind(connection_id=held.row.id).warning("Refresh lease left to its end")

    async def replace(self, held: Held, fresh: TokenSet) -> Held:
        """Store fresh tokens, trying for minutes; where others were stored meanwhile, those count."""
        row = held.row
        sealed = self.seal(row.id, platform=row.platform, tokens=fresh, server=held.server)
        give_up_s = self._clock.monotonic() + _STORE_PATIENCE_S
        delay_s = 0.2
        while True:
            try:
                await connections.store_tokens(self._pool, row.id, version=row.version, sealed_tokens=sealed)
                break
            except STORE_ERRORS as error:
                if self._clock.monotonic() >= give_up_s:
                    raise _unavailable() from error
                await self._clock.sleep(delay_s)
                delay_s = min(_STORE_DELAY_S, 2 * delay_s)
        logger.bind(connection_id=row.id, platform=row.platform).debug("Tokens refreshed")
        await self.forget(row.id)
        return await self.read(row.id)

    async def give_up(self, held: Held) -> Held:
        """Mark that the user has to connect again and raise ReconnectRequired.

        Returns newer tokens instead where somebody has stored some.
        """
        row = held.row
        try:
            is_marked = await connections.mark_reconnect_required(self._pool, row.id, version=row.version)
        except STORE_ERRORS as error:
            raise _unavailable() from error
        if is_marked:
            logger.bind(connection_id=row.id, platform=row.platform).warning("Connection needs its user")
        return await self.read(row.id)

    async def forget(self, connection_id: ConnectionId) -> None:
        """Drop what is cached of a connection, because its row has changed.

        Other processes follow within _RECHECK_S, those without Redis too.
        """
        self._held.pop(connection_id, None)
        await self._cache.put(_cache_key(connection_id), value=_CHANGED, life_s=_CHANGED_S)

    def seal(
        self, connection_id: ConnectionId, *, platform: Platform, tokens: TokenSet, server: str = ""
    ) -> str:
        """Seal tokens that were issued just now, for the connection's row, with the server they are for."""
        sealed = _Sealed(tokens=tokens, issued_at=self._clock.now(), server=server)
        content = msgspec.json.encode(sealed).decode()
        return self._cipher.seal(content, context=seals.tokens_context(connection_id, platform))

    def _held_for(self, connection_id: ConnectionId, most_s: float) -> Held | None:
        held = self._held.get(connection_id)
        is_fresh = held is not None and self._clock.monotonic() - held.checked_s < most_s
        return held if is_fresh else None

    def _hold(self, row: SealedConnection) -> Held:
        text = self._cipher.open(row.sealed_tokens, context=seals.tokens_context(row.id, row.platform))
        sealed = msgspec.json.decode(text, type=_Sealed)
        held = Held(
            row=row,
            tokens=sealed.tokens,
            issued_at=sealed.issued_at,
            checked_s=self._clock.monotonic(),
            server=sealed.server,
        )
        self._held[row.id] = held
        self._held.move_to_end(row.id)
        if len(self._held) > _HELD_COUNT:
            self._held.popitem(last=False)
        return held


def _reconnect_required(row: SealedConnection) -> ReconnectRequired:
    is_own_wish = row.state is ConnectionState.DISCONNECTED
    why = "has been disconnected" if is_own_wish else "is no longer accepted"
    return ReconnectRequired(f"The {row.platform} connection {why}: connect the account again.")


def _locked(row: SealedConnection, error: SealBroken) -> TokensLocked:
    """Tell the operator, who alone can cure it, and return what the user is told."""
    kid = error.kid if isinstance(error, KeyMissing) else None
    logger.bind(
        connection_id=row.id,
        platform=row.platform,
        key_id=kid,
        reason=str(error),
        cure="crossplay keys status",
    ).error("Stored tokens cannot be opened")
    meters.tokens_locked(platform=row.platform)
    return TokensLocked(
        f"This server has lost the key to this {row.platform} connection: its operator has to bring it back, "
        "or connect the account again."
    )


def _unavailable() -> StoreUnavailable:
    return StoreUnavailable("Postgres does not answer; try again in a moment.")


def _cache_key(connection_id: ConnectionId) -> str:
    return f"crossplay:connection:{connection_id}"
