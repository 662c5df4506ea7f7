"""Connect sessions: one attempt to link an account by redirect, good for one use and a short time."""

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.db.pool import Pool, Row
from shared.models import ConnectionId, Platform, UserId


class ConnectStatus(StrEnum):
    """What became of an attempt to connect."""

    PENDING = "pending"
    CONNECTED = "connected"
    DENIED = "denied"
    EXPIRED = "expired"
    FAILED = "failed"


class ConnectSession(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt as stored. failure: why it did not succeed, for the user. is_used: its answer came."""

    id: str
    user_id: UserId
    platform: Platform
    sealed_verifier: str
    redirect_uri: str
    status: ConnectStatus
    failure: str | None
    connection_id: ConnectionId | None
    expires_at: datetime
    is_used: bool


INSERT = """
INSERT INTO connect_sessions (id, user_id, platform, state_sha256, sealed_verifier, redirect_uri, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
RETURNING expires_at
"""
TAKE = """
UPDATE connect_sessions SET used_at = now()
WHERE state_sha256 = $1 AND platform = $2 AND status = 'pending' AND used_at IS NULL AND expires_at > now()
RETURNING *, false AS is_over
"""
BY_STATE = """
SELECT *, expires_at <= now() AS is_over FROM connect_sessions WHERE state_sha256 = $1 AND platform = $2
"""
GET = "SELECT *, expires_at <= now() AS is_over FROM connect_sessions WHERE id = $1"
FINISH = "UPDATE connect_sessions SET status = $2, failure = $3, connection_id = $4 WHERE id = $1"


class NewConnectSession(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to be stored. state_sha256: hash of the state that comes back with the answer."""

    id: str
    user_id: UserId
    platform: Platform
    state_sha256: bytes
    sealed_verifier: str
    redirect_uri: str
    life_s: float


def from_row(row: Row) -> ConnectSession:
    is_expired = row["status"] == ConnectStatus.PENDING and row["is_over"]
    connection_id = row["connection_id"]
    return ConnectSession(
        id=str(row["id"]),
        user_id=UserId(str(row["user_id"])),
        platform=Platform(row["platform"]),
        sealed_verifier=row["sealed_verifier"],
        redirect_uri=row["redirect_uri"],
        status=ConnectStatus.EXPIRED if is_expired else ConnectStatus(row["status"]),
        failure=row["failure"],
        connection_id=ConnectionId(str(connection_id)) if connection_id else None,
        expires_at=row["expires_at"],
        is_used=row["used_at"] is not None,
    )


async def insert(pool: Pool, new: NewConnectSession) -> datetime:
    """Store an attempt; return when it expires."""
    expires_at: datetime = await pool.fetchval(
        INSERT,
        new.id,
        new.user_id,
        new.platform,
        new.state_sha256,
        new.sealed_verifier,
        new.redirect_uri,
        new.life_s,
    )
    return expires_at


async def take(pool: Pool, *, state_sha256: bytes, platform: Platform) -> ConnectSession | None:
    """Use up the attempt that this state belongs to; None if it is unknown, expired or used before."""
    row = await pool.fetchrow(TAKE, state_sha256, platform)
    return from_row(row) if row else None


async def find_by_state(pool: Pool, *, state_sha256: bytes, platform: Platform) -> ConnectSession | None:
    row = await pool.fetchrow(BY_STATE, state_sha256, platform)
    return from_row(row) if row else None


async def get(pool: Pool, session_id: str) -> ConnectSession | None:
    row = await pool.fetchrow(GET, session_id)
    return from_row(row) if row else None


async def finish(
    pool: Pool,
    session_id: str,
    *,
    status: ConnectStatus,
    failure: str | None = None,
    connection_id: ConnectionId | None = None,
) -> None:
    await pool.execute(FINISH, session_id, status, failure, connection_id)
