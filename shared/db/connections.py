"""Connections: a user's linked accounts with their sealed tokens, each change under a rising version."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from shared.db import transfers
from shared.db.pool import Pool, Row
from shared.errors import AccountMismatch, ConnectionMissing
from shared.models import Account, ConnectionId, Platform, UserId


class ConnectionState(StrEnum):
    """Whether a connection can be used, as far as we know."""

    CONNECTED = "connected"
    RECONNECT_REQUIRED = "reconnect_required"
    DISCONNECTED = "disconnected"


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """A linked account without its tokens. account_id is None where the platform names no account.

    sign_in_ends_at: when the platform asks its user to sign in again at the latest, None where nobody knows.
    read_at: when the row was read, by the clock that has set the other times.
    """

    id: ConnectionId
    user_id: UserId
    platform: Platform
    account_id: str | None
    label: str
    market: str
    state: ConnectionState
    authorized_at: datetime
    sign_in_ends_at: datetime | None
    created_at: datetime
    read_at: datetime


class NewSignIn(msgspec.Struct, frozen=True, kw_only=True):
    """An account that has just been authorized.

    life_months: how long the platform lets this sign-in live, None where it sets no known end. renews: the
    connection that it must belong to. is_another: it is one more, where the platform does not say whose.
    """

    platform: Platform
    account: Account
    life_months: int | None = None
    renews: ConnectionId | None = None
    is_another: bool = False


class SealedConnection(msgspec.Struct, frozen=True, kw_only=True):
    """What it takes to speak in a connection's name. version rises with each new token set."""

    id: ConnectionId
    platform: Platform
    market: str
    state: ConnectionState
    version: int
    sealed_tokens: str


LOCK_USER = "SELECT true FROM users WHERE id = $1 FOR NO KEY UPDATE"
UPSERT = """
INSERT INTO connections (id, user_id, platform, account_id, label, market, sealed_tokens, authorized_at,
                         sign_in_ends_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, now(), now() + make_interval(months => $8))
ON CONFLICT (id) DO UPDATE SET label = excluded.label, market = excluded.market, state = 'connected',
    sealed_tokens = excluded.sealed_tokens, version = connections.version + 1, authorized_at = now(),
    sign_in_ends_at = excluded.sign_in_ends_at, refresh_owner = NULL, refresh_until = NULL
RETURNING *, now() AS read_at
"""
GET = "SELECT *, now() AS read_at FROM connections WHERE id = $1 AND user_id = $2"
KNOWN = """
SELECT *, now() AS read_at FROM connections WHERE user_id = $1 AND platform = $2 ORDER BY created_at, id
"""
LIST = """
SELECT *, now() AS read_at FROM connections
WHERE user_id = $1 AND ($2::text IS NULL OR platform = $2)
      AND CASE WHEN $3::text IS NULL THEN state <> 'disconnected' ELSE state = $3 END
ORDER BY created_at, id
"""
READ_SEALED = "SELECT * FROM connections WHERE id = $1"
LEASE_REFRESH = """
UPDATE connections SET refresh_owner = $3, refresh_until = clock_timestamp() + make_interval(secs => $4)
WHERE id = $1 AND version = $2 AND state = 'connected'
      AND (refresh_until IS NULL OR refresh_until < clock_timestamp())
RETURNING true
"""
RELEASE_REFRESH = """
UPDATE connections SET refresh_owner = NULL, refresh_until = NULL WHERE id = $1 AND refresh_owner = $2
"""
STORE_TOKENS = """
UPDATE connections SET sealed_tokens = $3, version = connections.version + 1, state = 'connected',
       refresh_owner = NULL, refresh_until = NULL
FROM (SELECT id, state FROM connections WHERE id = $1 FOR UPDATE) AS before
WHERE connections.id = before.id AND connections.version = $2 RETURNING before.state
"""
MARK_RECONNECT_REQUIRED = """
UPDATE connections SET state = 'reconnect_required', refresh_owner = NULL, refresh_until = NULL
WHERE id = $1 AND version = $2 RETURNING true
"""
REFUSE = """
UPDATE connections SET state = 'reconnect_required', refresh_owner = NULL, refresh_until = NULL
WHERE id = $1 AND authorized_at = $2 AND state = 'connected'
"""
# The version rises, so that the answer to a refresh that is under way comes too late.
DISCONNECT = """
UPDATE connections SET state = 'disconnected', sealed_tokens = '', version = version + 1,
       sign_in_ends_at = NULL, refresh_owner = NULL, refresh_until = NULL
WHERE id = $1 AND user_id = $2 RETURNING *, now() AS read_at
"""


def from_row(row: Row) -> Connection:
    values = {name: row[name] for name in Connection.__struct_fields__}
    return msgspec.convert({**values, "id": str(row["id"]), "user_id": str(row["user_id"])}, Connection)


async def upsert(
    pool: Pool, user_id: UserId, sign_in: NewSignIn, *, seal: Callable[[ConnectionId], str]
) -> Connection:
    """Store an account that has just been authorized; transfers that waited for it go on.

    The same account keeps its connection id. seal: makes the sealed tokens, which are bound to the id.
    Raises AccountMismatch, and ConnectionMissing for a connection that is none of this user's.
    """
    account = sign_in.account
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_USER, user_id)
        known = [from_row(row) for row in await connection.fetch(KNOWN, user_id, sign_in.platform)]
        place = place_of(sign_in, known)
        connection_id = place.id if place else ConnectionId(str(uuid.uuid4()))
        row = await connection.fetchrow(
            UPSERT,
            connection_id,
            user_id,
            sign_in.platform,
            account.id,
            place.label if place and account.id is None else _label(account, known),
            account.market,
            seal(connection_id),
            sign_in.life_months,
        )
        await transfers.resume_connection(connection, connection_id)
        return from_row(row)


def place_of(sign_in: NewSignIn, known: Sequence[Connection]) -> Connection | None:
    """Return which of a user's connections to the platform the sign-in renews; None for a new one.

    Where the platform does not say whose account it is, the only connection is meant, or the only one that
    waits for a sign-in. Raises AccountMismatch, ConnectionMissing.
    """
    account_id = sign_in.account.id
    if sign_in.renews is not None:
        wanted = next((one for one in known if one.id == sign_in.renews), None)
        if wanted is None:
            raise ConnectionMissing("This connection does not exist any more: connect the account anew.")
        if wanted.account_id != account_id:
            raise AccountMismatch(
                f"You signed in as {sign_in.account.label}, but this connection is {wanted.label}: sign in "
                "with that account, or connect this one without naming a connection."
            )
        return wanted
    if account_id is not None:
        return next((one for one in known if one.account_id == account_id), None)
    if sign_in.is_another:
        return None
    waiting = [one for one in known if one.state is not ConnectionState.CONNECTED]
    meant = known if len(known) == 1 else waiting
    return meant[0] if len(meant) == 1 else None


def _label(account: Account, known: Sequence[Connection]) -> str:
    """Return the account's label; accounts without a name of their own are numbered."""
    taken = {one.label for one in known}
    if account.id is not None or account.label not in taken:
        return account.label
    return next(
        label for number in range(2, len(taken) + 3) if (label := f"{account.label} {number}") not in taken
    )


async def get(pool: Pool, connection_id: ConnectionId, *, user_id: UserId) -> Connection | None:
    row = await pool.fetchrow(GET, connection_id, user_id)
    return from_row(row) if row else None


async def list_of(
    pool: Pool, user_id: UserId, *, platform: Platform | None = None, state: ConnectionState | None = None
) -> list[Connection]:
    """Return a user's connections, oldest first: those in a state, by default all but the disconnected."""
    return [from_row(row) for row in await pool.fetch(LIST, user_id, platform, state)]


async def disconnect(pool: Pool, connection_id: ConnectionId, *, user_id: UserId) -> Connection | None:
    """Wipe a connection's tokens and let what needs it wait; None where the user has no such one.

    Idempotent. The row stays: earlier transfers name it, and the same account comes back to it.
    """
    async with pool.acquire() as connection, connection.transaction():
        row = await connection.fetchrow(DISCONNECT, connection_id, user_id)
        if row is None:
            return None
        await transfers.pause_connection(connection, connection_id)
        return from_row(row)


async def read_sealed(pool: Pool, connection_id: ConnectionId) -> SealedConnection | None:
    row = await pool.fetchrow(READ_SEALED, connection_id)
    if row is None:
        return None
    values = {name: row[name] for name in SealedConnection.__struct_fields__}
    return msgspec.convert({**values, "id": str(row["id"])}, SealedConnection)


async def lease_refresh(
    pool: Pool, connection_id: ConnectionId, *, version: int, owner: str, lease_s: float
) -> bool:
    """Become the one who asks for fresh tokens; False while somebody else is, or where they are there."""
    return bool(await pool.fetchval(LEASE_REFRESH, connection_id, version, owner, lease_s))


async def release_refresh(pool: Pool, connection_id: ConnectionId, *, owner: str) -> None:
    await pool.execute(RELEASE_REFRESH, connection_id, owner)


async def store_tokens(pool: Pool, connection_id: ConnectionId, *, version: int, sealed_tokens: str) -> bool:
    """Replace the tokens of this version; False where somebody has replaced them already.

    Where another process has found the old ones dead meanwhile, transfers that wait for their user go on.
    """
    async with pool.acquire() as connection, connection.transaction():
        before = await connection.fetchval(STORE_TOKENS, connection_id, version, sealed_tokens)
        if before == ConnectionState.RECONNECT_REQUIRED:
            await transfers.resume_connection(connection, connection_id)
        return before is not None


async def mark_reconnect_required(pool: Pool, connection_id: ConnectionId, *, version: int) -> bool:
    """Say that the platform refuses the tokens of this version; False where newer ones are there."""
    return bool(await pool.fetchval(MARK_RECONNECT_REQUIRED, connection_id, version))


async def mark_refused(pool: Pool, connection_id: ConnectionId, *, authorized_at: datetime) -> None:
    """Say that the platform refuses the sign-in of that moment, whatever its tokens; a later one stands."""
    await pool.execute(REFUSE, connection_id, authorized_at)
