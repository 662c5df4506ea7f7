"""Connect sessions: one attempt to link an account, good for one success and a short time."""

from datetime import datetime
from enum import StrEnum

import msgspec

from shared.db.pool import Pool, Row
from shared.models import ConnectionId, Platform, UserId


class ConnectFlow(StrEnum):
    """How an account is linked.

    By way of the platform's sign-in, by a token that a browser is given, or by a form that its user fills in.
    """

    REDIRECT = "redirect"
    BROWSER_TOKEN = "browser_token"  # noqa: S105 - the name of a way
    FORM = "form"


class ConnectStatus(StrEnum):
    """What became of an attempt to connect."""

    PENDING = "pending"
    CONNECTED = "connected"
    DENIED = "denied"
    EXPIRED = "expired"
    FAILED = "failed"


class NewConnectSession(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to be stored.

    renews: the connection that must be the outcome. is_another: make one more where the platform names no
    account. redirect_uri: where the platform sends the browser; is_handed_in: that is not to us.
    """

    id: str
    user_id: UserId
    platform: Platform
    flow: ConnectFlow
    renews: ConnectionId | None = None
    is_another: bool = False
    redirect_uri: str | None = None
    is_handed_in: bool = False


class ConnectSession(NewConnectSession, frozen=True, kw_only=True):
    """An attempt as stored. failure: why it has not succeeded (yet), for the user. is_used: its answer came.

    state_sha256, sealed_verifier, browser_sha256: of the latest time that somebody set out.
    """

    state_sha256: bytes | None
    sealed_verifier: str | None
    browser_sha256: bytes | None
    status: ConnectStatus
    failure_code: str | None
    failure: str | None
    connection_id: ConnectionId | None
    expires_at: datetime
    is_used: bool

    def __repr__(self) -> str:
        return f"ConnectSession(platform={self.platform!r}, status={self.status!r}, …)"


INSERT = """
WITH forgotten AS (DELETE FROM connect_sessions WHERE expires_at < now() - interval '1 day')
INSERT INTO connect_sessions
    (id, user_id, platform, flow, renews, is_another, redirect_uri, is_handed_in, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, now() + make_interval(secs => $9))
RETURNING *, false AS is_over
"""
SET_OUT = """
UPDATE connect_sessions SET state_sha256 = $2, sealed_verifier = $3, browser_sha256 = $4
WHERE id = $1 AND status = 'pending' AND used_at IS NULL AND expires_at > now()
RETURNING true
"""
TAKE = """
UPDATE connect_sessions SET used_at = now()
WHERE id = $1 AND state_sha256 = $2 AND status = 'pending' AND used_at IS NULL AND expires_at > now()
RETURNING true
"""
BY_STATE = """
SELECT *, expires_at <= now() AS is_over FROM connect_sessions WHERE state_sha256 = $1 AND platform = $2
"""
GET = "SELECT *, expires_at <= now() AS is_over FROM connect_sessions WHERE id = $1"
NOTE = "UPDATE connect_sessions SET failure_code = $2, failure = $3 WHERE id = $1 AND status = 'pending'"
FINISH = """
UPDATE connect_sessions SET status = $2, failure_code = $3, failure = $4, connection_id = $5
WHERE id = $1 AND status = 'pending'
"""


def from_row(row: Row) -> ConnectSession:
    is_expired = row["status"] == ConnectStatus.PENDING and row["is_over"] and row["used_at"] is None
    values = {name: row[name] for name in ConnectSession.__struct_fields__ if name != "is_used"}
    ids = {name: str(values[name]) for name in ("id", "user_id")}
    links = {name: str(values[name]) if values[name] else None for name in ("renews", "connection_id")}
    status = ConnectStatus.EXPIRED if is_expired else values["status"]
    return msgspec.convert(
        {**values, **ids, **links, "status": status, "is_used": row["used_at"] is not None}, ConnectSession
    )


async def insert(pool: Pool, new: NewConnectSession, *, life_s: float) -> ConnectSession:
    """Store an attempt; those that ended a day ago are forgotten."""
    row = await pool.fetchrow(
        INSERT,
        new.id,
        new.user_id,
        new.platform,
        new.flow,
        new.renews,
        new.is_another,
        new.redirect_uri,
        new.is_handed_in,
        life_s,
    )
    return from_row(row)


async def set_out(
    pool: Pool, session_id: str, *, state_sha256: bytes, sealed_verifier: str, browser_sha256: bytes | None
) -> bool:
    """Note who leaves for the platform and with what, which makes an earlier leave void.

    Returns False where it is too late.
    """
    return bool(await pool.fetchval(SET_OUT, session_id, state_sha256, sealed_verifier, browser_sha256))


async def take(pool: Pool, session_id: str, *, state_sha256: bytes) -> bool:
    """Use up the attempt with the answer to this state; False if it is void, expired or used before."""
    return bool(await pool.fetchval(TAKE, session_id, state_sha256))


async def find_by_state(pool: Pool, *, state_sha256: bytes, platform: Platform) -> ConnectSession | None:
    row = await pool.fetchrow(BY_STATE, state_sha256, platform)
    return from_row(row) if row else None


async def get(pool: Pool, session_id: str) -> ConnectSession | None:
    row = await pool.fetchrow(GET, session_id)
    return from_row(row) if row else None


async def note(pool: Pool, session_id: str, *, code: str, failure: str) -> None:
    """Say why a try has failed, after which another one may be made."""
    await pool.execute(NOTE, session_id, code, failure)


async def finish(
    pool: Pool,
    session_id: str,
    *,
    status: ConnectStatus,
    code: str | None = None,
    failure: str | None = None,
    connection_id: ConnectionId | None = None,
) -> None:
    """End an attempt; one that has ended stays as it is."""
    await pool.execute(FINISH, session_id, status, code, failure, connection_id)
