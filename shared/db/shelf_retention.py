"""Retention of files: those that nobody has changed for long, and tracks that no file holds any more."""

from datetime import datetime

import asyncpg
import msgspec

from shared.db.pool import Connection, Pool, execute_long


class ShelfTally(msgspec.Struct, frozen=True, kw_only=True):
    """How much is old, or was removed."""

    file_count: int = 0
    unused_track_count: int = 0


# What is under way is read, or written to.
_OLD = """
FROM shelf_playlists
WHERE changed_at < $1 AND NOT EXISTS (
    SELECT FROM transfers
    WHERE state IN ('queued', 'running', 'paused')
          AND ((source_platform = 'file' AND source_playlist_id = shelf_playlists.id::text)
               OR (target_platform = 'file' AND target_playlist_id = shelf_playlists.id::text)))
"""
COUNT = f"SELECT count(*) {_OLD}"
REMOVE = f"""
DELETE FROM shelf_playlists WHERE id IN (SELECT id {_OLD} ORDER BY changed_at LIMIT 20 FOR UPDATE SKIP LOCKED)
"""  # noqa: S608  # both parts are ours
# A track is kept for a transfer that has matched it and writes it later, and for a rule that names it.
REMOVE_TRACKS = """
DELETE FROM shelf_tracks WHERE (user_id, id) IN (
    SELECT user_id, id FROM shelf_tracks AS one
    WHERE kept_at < $1
          AND NOT EXISTS (
              SELECT FROM shelf_items
              WHERE shelf_items.user_id = one.user_id AND shelf_items.track_id = one.id)
          AND NOT EXISTS (
              SELECT FROM transfers
              WHERE transfers.user_id = one.user_id AND target_platform = 'file'
                    AND (finished_at IS NULL OR finished_at >= $1))
          AND NOT EXISTS (
              SELECT FROM match_rules
              WHERE match_rules.user_id = one.user_id AND target_platform = 'file'
                    AND target ->> 'id' = one.id)
    LIMIT 5000 FOR UPDATE SKIP LOCKED)
"""


async def old(pool: Pool, *, before: datetime) -> ShelfTally:
    """Count the files that would be removed."""
    return ShelfTally(file_count=await pool.fetchval(COUNT, before))


async def remove(pool: Pool, *, before: datetime, has_files: bool) -> ShelfTally:
    """Remove in batches what is older: files only where has_files, and tracks that are in no file."""
    file_count = await _repeat(pool, REMOVE, before) if has_files else 0
    return ShelfTally(file_count=file_count, unused_track_count=await _repeat(pool, REMOVE_TRACKS, before))


async def _repeat(pool: Pool, statement: str, before: datetime) -> int:
    total = 0
    while True:
        async with pool.acquire() as connection:
            count = await _once(connection, statement, before)
        total += count
        if not count:
            return total


async def _once(connection: Connection, statement: str, before: datetime) -> int:
    try:
        async with connection.transaction():
            return await execute_long(connection, statement, before)
    except asyncpg.ForeignKeyViolationError:  # somebody puts one of the tracks into a file just now
        return 0
