"""The playlists of a transfer that does not fit into one: which there are, and how it goes on to the next."""

from collections.abc import Sequence

import msgspec

from shared.db.pool import Connection, Pool, Row
from shared.models import Playlist, PlaylistId, TransferId

SCHEMA_NUMBER = 10
"""The migration that made these tables: workers of releases before it would take all parts for one."""


class TargetPart(msgspec.Struct, frozen=True, kw_only=True):
    """One playlist. base_count: tracks that stood there first; track_count: of all when it was closed."""

    part: int
    playlist_id: PlaylistId | None
    name: str
    url: str | None
    is_new: bool
    base_count: int
    track_count: int
    is_closed: bool


OF = "SELECT * FROM target_parts WHERE transfer_id = ANY($1::uuid[]) ORDER BY part"
HAS_OLDER = """
SELECT EXISTS (SELECT FROM workers WHERE schema_number < $1 AND seen_at > now() - interval '30 seconds')
"""
CLOSE = """
INSERT INTO target_parts (
    transfer_id, part, playlist_id, name, url, is_new, base_count, track_count, is_closed)
SELECT id, $2, target_playlist_id, target_name, target_url, target_is_new, coalesce(target_base_count, 0),
       coalesce(target_count, 0), true
FROM transfers WHERE id = $1
ON CONFLICT (transfer_id, part) DO UPDATE SET track_count = excluded.track_count, is_closed = true
"""
BEGIN = "INSERT INTO target_parts (transfer_id, part, name, is_new) VALUES ($1, $2, $3, true)"
# It is ours and nobody else's from the start; whoever waits for the one that is full has it now.
GO_ON = """
UPDATE transfers SET target_playlist_id = NULL, target_url = NULL, target_is_new = true,
       target_base_count = NULL, target_count = NULL, is_target_claimed = false, repair_count = 0
WHERE id = $1
"""
MADE = "UPDATE target_parts SET playlist_id = $3, name = $4, url = $5 WHERE transfer_id = $1 AND part = $2"
PUT = """
INSERT INTO item_parts SELECT $1, position, $2 FROM unnest($3::int[]) AS position
ON CONFLICT (transfer_id, position) DO UPDATE SET part = excluded.part
"""
IS_OUT_OF_PLACE = """
SELECT EXISTS (
    SELECT FROM placed_items WHERE transfer_id = $1 AND is_written AND position > $3 AND part < $2)
"""
CLOSE_LAST = """
UPDATE target_parts SET is_closed = true, playlist_id = CASE WHEN $3 THEN NULL ELSE playlist_id END
WHERE transfer_id = $1 AND part = $2
"""
GO_BACK = """
UPDATE transfers SET target_playlist_id = one.playlist_id, target_url = one.url, target_is_new = one.is_new,
       is_target_claimed = false
FROM (
    SELECT * FROM target_parts WHERE transfer_id = $1 AND NOT is_closed ORDER BY part DESC LIMIT 1
) AS one
WHERE transfers.id = $1
RETURNING true
"""


def name_of(name: str, *, part: int) -> str:
    """Return what a playlist is called that is made for a transfer to `name`."""
    return name if part == 1 else f"{name} ({part})"


async def of(connection: Connection, transfer_ids: Sequence[TransferId]) -> dict[str, list[TargetPart]]:
    """Return the parts of each transfer that has some, in order."""
    found: dict[str, list[TargetPart]] = {}
    for row in await connection.fetch(OF, list(transfer_ids)):
        found.setdefault(str(row["transfer_id"]), []).append(_from_row(row))
    return found


async def must_wait(pool: Pool) -> bool:
    """Say whether a worker is alive whose release knows of one playlist only."""
    return bool(await pool.fetchval(HAS_OLDER, SCHEMA_NUMBER))


async def go_on(connection: Connection, transfer_id: TransferId, *, part: int, name: str) -> None:
    """Close the playlist that is full and begin the next one. name: of the first one."""
    await connection.execute(CLOSE, transfer_id, part)
    await connection.execute(BEGIN, transfer_id, part + 1, name_of(name, part=part + 1))
    await connection.execute(GO_ON, transfer_id)


async def made(connection: Connection, transfer_id: TransferId, *, part: int, playlist: Playlist) -> None:
    """Note the playlist that was made."""
    await connection.execute(MADE, transfer_id, part, playlist.id, playlist.name, playlist.url)


async def put(
    connection: Connection, transfer_id: TransferId, *, part: int, positions: Sequence[int]
) -> None:
    """Note to which playlist items were written."""
    await connection.execute(PUT, transfer_id, part, list(positions))


async def is_out_of_place(
    connection: Connection, transfer_id: TransferId, *, part: int, positions: Sequence[int]
) -> bool:
    """Say whether an item stands in a playlist before this one, though it is behind one of these."""
    return bool(await connection.fetchval(IS_OUT_OF_PLACE, transfer_id, part, min(positions)))


async def go_back(connection: Connection, transfer_id: TransferId, *, part: int, is_deleted: bool) -> bool:
    """Let an undo go on with the playlist before; False where there is none."""
    await connection.execute(CLOSE_LAST, transfer_id, part, is_deleted)
    return bool(await connection.fetchval(GO_BACK, transfer_id))


def _from_row(row: Row) -> TargetPart:
    return msgspec.convert({name: row[name] for name in TargetPart.__struct_fields__}, TargetPart)
