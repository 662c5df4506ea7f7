"""The shelf in Postgres: playlists of files, in order, with repeats; each write is one transaction."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import msgspec

from shared.db.pool import STORE_ERRORS, Connection, Pool, Row, changed_count, execute_long
from shared.errors import PlatformUnavailable
from shared.models import Platform, PlaylistId, SourceItem, Track, TrackId
from shared.platforms.base import Gate
from shared.platforms.shelf import ShelfPage, Shelved

Items: TypeAlias = Sequence[SourceItem]

COUNT = "SELECT count(*) FROM shelf_playlists WHERE user_id = $1"
HEADS = """
SELECT * FROM shelf_playlists WHERE user_id = $1 ORDER BY created_at, id OFFSET $2 LIMIT $3
"""
HEAD = "SELECT * FROM shelf_playlists WHERE user_id = $1 AND id = $2"
FIND = """
SELECT * FROM shelf_playlists WHERE user_id = $1 AND position($2 IN description) > 0
ORDER BY created_at, id LIMIT 1
"""
ITEMS = """
SELECT track, odd FROM shelf_items LEFT JOIN shelf_tracks
       ON shelf_tracks.user_id = shelf_items.user_id AND shelf_tracks.id = shelf_items.track_id
WHERE playlist_id = $1 AND position >= $2 AND position < $3 ORDER BY position
"""
# Sorted, so that two that store the same tracks do not lock each other out.
KEEP = """
INSERT INTO shelf_tracks (user_id, id, track)
SELECT $1, * FROM unnest($2::text[], $3::jsonb[]) ORDER BY 2
ON CONFLICT (user_id, id) DO UPDATE SET kept_at = now()
"""
TRACKS = "SELECT track FROM shelf_tracks WHERE user_id = $1 AND id = ANY($2)"
CREATE = """
INSERT INTO shelf_playlists (id, user_id, name, description, format, rest, track_count)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *
"""
LOCK = "SELECT track_count FROM shelf_playlists WHERE user_id = $1 AND id = $2 FOR UPDATE"
KNOWN = "SELECT count(*) FROM shelf_tracks WHERE user_id = $1 AND id = ANY($2)"
MAKE_ROOM = "UPDATE shelf_items SET position = position + $3 WHERE playlist_id = $1 AND position >= $2"
PUT = """
INSERT INTO shelf_items (playlist_id, user_id, position, track_id, odd)
SELECT $1, $2, $3 + place - 1, track_id, odd
FROM unnest($4::text[], $5::jsonb[]) WITH ORDINALITY AS new (track_id, odd, place)
"""
TAKE = "DELETE FROM shelf_items WHERE playlist_id = $1 AND track_id = ANY($2)"
CLOSE_UP = """
UPDATE shelf_items SET position = numbered.place - 1
FROM (SELECT position, row_number() OVER (ORDER BY position) AS place
      FROM shelf_items WHERE playlist_id = $1) AS numbered
WHERE playlist_id = $1 AND shelf_items.position = numbered.position AND shelf_items.position <> place - 1
"""
GROW = """
UPDATE shelf_playlists SET track_count = track_count + $2, changed_at = clock_timestamp() WHERE id = $1
"""
DELETE = "DELETE FROM shelf_playlists WHERE user_id = $1 AND id = $2"

_PART_COUNT = 1000  # rows of one statement


class PostgresShelf:
    """Implements the Shelf port."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def count(self, owner: str) -> int:
        async with _served("count"):
            return int(await self._pool.fetchval(COUNT, owner))

    async def heads(self, owner: str, *, offset: int, limit: int) -> tuple[Shelved, ...]:
        async with _served("list_playlists"):
            return tuple(map(_head, await self._pool.fetch(HEADS, owner, offset, limit)))

    async def head(self, owner: str, playlist_id: PlaylistId) -> Shelved | None:
        async with _served("get_playlist"):
            row = await self._pool.fetchrow(HEAD, owner, playlist_id)
            return _head(row) if row else None

    async def find(self, owner: str, marker: str) -> Shelved | None:
        async with _served("find_playlist"):
            row = await self._pool.fetchrow(FIND, owner, marker)
            return _head(row) if row else None

    async def items(
        self, owner: str, playlist_id: PlaylistId, *, offset: int, limit: int
    ) -> ShelfPage | None:
        async with (
            _served("read_items"),
            self._pool.acquire() as connection,
            # Length and rows are of one moment.
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            head = await connection.fetchrow(HEAD, owner, playlist_id)
            if head is None:
                return None
            rows = await connection.fetch(ITEMS, playlist_id, offset, offset + limit)
            return ShelfPage(items=tuple(map(item_of, rows)), total=head["track_count"])

    async def keep(self, owner: str, tracks: Sequence[Track]) -> None:
        async with _served("adopt"), self._pool.acquire() as connection, connection.transaction():
            await _keep(connection, owner, tracks)

    async def tracks(self, owner: str, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        async with _served("read_tracks"):
            rows = await self._pool.fetch(TRACKS, owner, list(ids))
        found = (msgspec.convert(row["track"], Track) for row in rows)
        return {track.id: track for track in found}

    async def create(self, owner: str, name: str, *, description: str, gate: Gate) -> Shelved:
        async with self._write("create_playlist", gate) as connection:
            return await create(connection, owner, name=name, description=description)

    async def insert(
        self,
        owner: str,
        playlist_id: PlaylistId,
        *,
        track_ids: Sequence[TrackId],
        position: int,
        gate: Gate,
    ) -> bool | None:
        async with self._write("add_tracks", gate) as connection:
            length = await connection.fetchval(LOCK, owner, playlist_id)
            if length is None:
                return None
            known = await connection.fetchval(KNOWN, owner, list(track_ids))
            if known < len(set(track_ids)):
                return False
            place = max(0, min(position, length))
            await connection.execute(MAKE_ROOM, playlist_id, place, len(track_ids))
            await connection.execute(PUT, playlist_id, owner, place, list(track_ids), [None] * len(track_ids))
            await connection.execute(GROW, playlist_id, len(track_ids))
        return True

    async def remove(
        self, owner: str, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate
    ) -> bool:
        async with self._write("remove_tracks", gate) as connection:
            if await connection.fetchval(LOCK, owner, playlist_id) is None:
                return False
            gone = changed_count(await connection.execute(TAKE, playlist_id, list(track_ids)))
            if gone:
                await connection.execute(CLOSE_UP, playlist_id)
                await connection.execute(GROW, playlist_id, -gone)
        return True

    async def delete(self, owner: str, playlist_id: PlaylistId, *, gate: Gate) -> None:
        async with self._write("delete_playlist", gate) as connection:
            await execute_long(connection, DELETE, owner, playlist_id)

    @asynccontextmanager
    async def _write(self, operation: str, gate: Gate) -> AsyncIterator[Connection]:
        """Run a transaction and ask the gate before its commit, which is what others can see of it."""
        async with _served(operation), self._pool.acquire() as connection, connection.transaction():
            yield connection
            gate()


async def create(
    connection: Connection,
    owner: str,
    *,
    name: str,
    description: str = "",
    form: str | None = None,
    rest: Sequence[Any] = (),
) -> Shelved:
    """Store the head of an empty playlist. form, rest: of the file that it was read from."""
    row = await connection.fetchrow(
        CREATE, uuid.uuid4(), owner, name, description, form, msgspec.to_builtins(rest), 0
    )
    return _head(row)


async def fill(connection: Connection, owner: str, playlist_id: PlaylistId, *, items: Items) -> None:
    """Store all items of a new playlist."""
    for start in range(0, len(items), _PART_COUNT):
        part = items[start : start + _PART_COUNT]
        await _keep(connection, owner, [item.track for item in part if item.track])
        await connection.execute(
            PUT,
            playlist_id,
            owner,
            start,
            [item.track.id if item.track else None for item in part],
            [None if item.track else msgspec.to_builtins(item) for item in part],
        )
    await connection.execute(GROW, playlist_id, len(items))


async def _keep(connection: Connection, owner: str, tracks: Sequence[Track]) -> None:
    known = {track.id: track for track in tracks}
    for start in range(0, len(known), _PART_COUNT):
        part = list(known.values())[start : start + _PART_COUNT]
        await connection.execute(
            KEEP, owner, [track.id for track in part], [msgspec.to_builtins(track) for track in part]
        )


@asynccontextmanager
async def _served(operation: str) -> AsyncIterator[None]:
    """Raise PlatformUnavailable where Postgres is away or cannot serve now."""
    try:
        yield
    except STORE_ERRORS as error:
        raise PlatformUnavailable(
            "This server's database does not answer; it will be asked again.",
            platform=Platform.FILE,
            operation=operation,
        ) from error


def _head(row: Row) -> Shelved:
    return Shelved(
        id=PlaylistId(str(row["id"])),
        name=row["name"],
        description=row["description"],
        track_count=row["track_count"],
    )


def item_of(row: Row) -> SourceItem:
    if row["track"] is None:
        return msgspec.convert(row["odd"], SourceItem)
    track = msgspec.convert(row["track"], Track)
    return SourceItem(track=track, title=track.title)
