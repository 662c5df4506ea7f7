"""Platforms that the operator has paused, and what that does to transfers: level-triggered, both ways."""

import contextlib
from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from shared.db.pool import Connection, Pool, changed_count
from shared.models import Platform

_LOCK = 0x7061757365  # one at a time: two that change the same rows in another order would block each other


class PlatformPause(msgspec.Struct, frozen=True, kw_only=True):
    """A paused platform. reason: the operator's words for users, maybe none."""

    platform: Platform
    reason: str
    paused_at: datetime


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """How many transfers go on, and how many wait from now on or hear another reason."""

    released_count: int
    held_count: int


LOCK = "SELECT pg_advisory_xact_lock($1)"
PAUSE = """
INSERT INTO platform_pauses (platform, reason) VALUES ($1, $2)
ON CONFLICT (platform) DO UPDATE SET reason = excluded.reason
"""
RESUME = "DELETE FROM platform_pauses WHERE platform = $1 RETURNING true"
LIST = "SELECT platform, reason, paused_at FROM platform_pauses ORDER BY platform"
RELEASE = """
UPDATE transfers SET state = CASE WHEN started_at IS NULL THEN 'queued' ELSE 'running' END,
       pause_reason = NULL, pause_platform = NULL, pause_text = '', revision = revision + 1
WHERE state = 'paused' AND pause_reason = 'operator'
      AND NOT EXISTS (SELECT FROM held_transfers AS held WHERE held.id = transfers.id)
"""
HOLD = """
UPDATE transfers SET state = 'paused', pause_reason = 'operator', pause_platform = held.platform,
       pause_text = held.reason, resume_at = NULL, revision = revision + 1
FROM held_transfers AS held
WHERE transfers.id = held.id
      AND (state IN ('queued', 'running')
           OR (state = 'paused' AND pause_reason = 'operator'
               AND (pause_platform, pause_text) IS DISTINCT FROM (held.platform, held.reason)))
"""


async def pause(pool: Pool, platform: Platform, *, reason: str) -> None:
    """Let everything that touches a platform wait; said again, it changes the reason."""
    async with _settling(pool) as connection:
        await connection.execute(PAUSE, platform, reason)


async def resume(pool: Pool, platform: Platform) -> bool:
    """Let it go on; False where it was not paused."""
    async with _settling(pool) as connection:
        return bool(await connection.fetchval(RESUME, platform))


async def paused(pool: Pool) -> list[PlatformPause]:
    return [msgspec.convert(dict(row), PlatformPause) for row in await pool.fetch(LIST)]


async def settle(pool: Pool) -> Settled:
    """Bring every transfer to what the paused platforms mean for it; each sweep does."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK, _LOCK)
        return await _settle(connection)


@contextlib.asynccontextmanager
async def _settling(pool: Pool) -> AsyncIterator[Connection]:
    """Open a transaction that ends with every transfer where it belongs."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK, _LOCK)
        yield connection
        await _settle(connection)


async def _settle(connection: Connection) -> Settled:
    released_count = changed_count(await connection.execute(RELEASE))
    held_count = changed_count(await connection.execute(HOLD))
    return Settled(released_count=released_count, held_count=held_count)
