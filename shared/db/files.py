"""Files as their user meets them: what was imported, what a transfer has made, and their ends."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.db import shelf
from shared.db.connections import LOCK_USER
from shared.db.pool import Pool, Row, execute_long
from shared.formats.imported import Imported, NamedRest
from shared.models import PlaylistId, SourceItem, UserId


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist on the shelf.

    format: of the file that it was read from, None where a transfer has made it. rest: rows of that file that
    are no items.
    """

    id: PlaylistId
    name: str
    format: str | None
    track_count: int
    rest: tuple[NamedRest, ...]
    created_at: datetime
    changed_at: datetime


GET = "SELECT * FROM shelf_playlists WHERE id = $1 AND user_id = $2"
PAGE = """
SELECT * FROM shelf_playlists
WHERE user_id = $1 AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
ORDER BY created_at DESC, id DESC LIMIT $4
"""
ITEMS = """
SELECT track, odd FROM shelf_items LEFT JOIN shelf_tracks
       ON shelf_tracks.user_id = shelf_items.user_id AND shelf_tracks.id = shelf_items.track_id
WHERE playlist_id = $1 AND position >= $2 ORDER BY position LIMIT $3
"""
DELETE = "DELETE FROM shelf_playlists WHERE id = $1 AND user_id = $2"

_PART_COUNT = 5000


def from_row(row: Row) -> File:
    values = {name: row[name] for name in File.__struct_fields__}
    return msgspec.convert({**values, "id": str(row["id"])}, File)


async def store(pool: Pool, user_id: UserId, imported: Imported) -> list[File]:
    """Store every list of a file, or none."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK_USER, user_id)
        stored = []
        for one in imported.lists:
            head = await shelf.create(connection, user_id, name=one.name, form=imported.format, rest=one.rest)
            await shelf.fill(connection, user_id, head.id, items=one.items)
            stored.append(from_row(await connection.fetchrow(GET, head.id, user_id)))
        return stored


async def get(pool: Pool, file_id: PlaylistId, *, user_id: UserId) -> File | None:
    row = await pool.fetchrow(GET, file_id, user_id)
    return from_row(row) if row else None


async def page(
    pool: Pool, user_id: UserId, *, before: tuple[datetime, PlaylistId] | None, limit: int
) -> list[File]:
    """Return a user's files, newest first, those older than `before`."""
    at, file_id = before or (None, None)
    return [from_row(row) for row in await pool.fetch(PAGE, user_id, at, file_id, limit)]


async def items(pool: Pool, file_id: PlaylistId) -> Sequence[SourceItem]:
    """Return everything that stands in a file, of one moment."""
    found: list[SourceItem] = []
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        while rows := await connection.fetch(ITEMS, file_id, len(found), _PART_COUNT):
            found += map(shelf.item_of, rows)
    return found


async def remove(pool: Pool, file_id: PlaylistId, *, user_id: UserId) -> bool:
    """Delete a file; False if the user has no such one."""
    async with pool.acquire() as connection, connection.transaction():
        return bool(await execute_long(connection, DELETE, file_id, user_id))
