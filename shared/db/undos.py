"""Undos: a transfer that removes what another one has added, made once for each, and how far it is."""

from collections.abc import Sequence
from typing import Any

from shared.db import transfers
from shared.db.pool import Connection, Pool, changed_count
from shared.db.transfers import Transfer, from_row
from shared.errors import NotFound, StateConflict
from shared.lifecycle import TERMINAL
from shared.models import Removal, TransferId, UserId

STANDING = "SELECT * FROM transfers WHERE id = $1 AND state <> 'cancelled'"
INSERT = """
INSERT INTO transfers (
    id, user_id, request_sha256, source_connection_id, source_platform, source_playlist_id, source_name,
    target_connection_id, target_platform, target_playlist_id, target_name, target_url, target_is_new,
    policy, explicit, on_duplicate, phase, is_read, undoes, trace)
SELECT $2, user_id, request_sha256, target_connection_id, target_platform,
       coalesce(target_playlist_id, ''), target_name,
       target_connection_id, target_platform, target_playlist_id, target_name, target_url, target_is_new,
       policy, explicit, on_duplicate, 'undo', true, id, $3
FROM transfers WHERE id = $1
RETURNING *
"""
# What an open write may have added belongs to it: a transfer can fail, or end without its platform's word.
# What an earlier undo has removed does not: if it stands there again, somebody else has added it.
ITEMS = """
INSERT INTO items (transfer_id, position, source, target, target_track_id)
SELECT $2, position, source, target, target_track_id FROM items
WHERE transfer_id = $1 AND target_track_id IS NOT NULL
      AND (is_written AND is_matched
           OR position IN (
               SELECT unnest(positions) FROM intents JOIN jobs ON jobs.id = intents.job_id
               WHERE jobs.transfer_id = $1 AND intents.kind = 'add'))
      AND NOT EXISTS (
          SELECT FROM transfers AS earlier JOIN items AS gone ON gone.transfer_id = earlier.id
          WHERE earlier.undoes = $1 AND gone.position = items.position AND gone.outcome = 'removed')
"""
FIRST_JOB = """
INSERT INTO jobs (id, transfer_id, user_id, platform, phase, batch)
VALUES (gen_random_uuid(), $1, $2, $3, 'undo', 0)
"""
# All of its playlists but one that was not made yet; the undo begins with the last one.
PARTS = """
INSERT INTO target_parts (transfer_id, part, playlist_id, name, url, is_new, base_count, track_count)
SELECT $2, part, playlist_id, name, url, is_new, base_count, track_count FROM target_parts
WHERE transfer_id = $1 AND playlist_id IS NOT NULL
"""
ITEM_PARTS = """
INSERT INTO item_parts
SELECT $2, position, part FROM item_parts WHERE transfer_id = $1
"""
OPEN_PARTS = """
INSERT INTO item_parts
SELECT $2, unnest(positions), (SELECT max(part) FROM target_parts WHERE transfer_id = $1)
FROM intents JOIN jobs ON jobs.id = intents.job_id
WHERE jobs.transfer_id = $1 AND intents.kind = 'add'
ON CONFLICT (transfer_id, position) DO UPDATE SET part = excluded.part
"""
BEGIN = """
UPDATE transfers SET source_playlist_id = one.playlist_id, target_playlist_id = one.playlist_id,
       target_url = one.url, target_is_new = one.is_new
FROM (SELECT * FROM target_parts WHERE transfer_id = $1 ORDER BY part DESC LIMIT 1) AS one
WHERE transfers.id = $1
RETURNING transfers.*
"""
LINK = "UPDATE transfers SET undone_by = $2, revision = revision + 1 WHERE id = $1"
SETTLE = """
UPDATE items SET outcome = new.outcome, reason = new.reason
FROM unnest($2::int[], $3::text[], $4::text[]) AS new (position, outcome, reason)
WHERE items.transfer_id = $1 AND items.position = new.position
"""


async def begin(
    pool: Pool, undone_id: TransferId, *, user_id: UserId, new_id: TransferId, trace: dict[str, str]
) -> tuple[Transfer, bool]:
    """Store an undo with its items and its first job; return it and whether it is new.

    A transfer has one undo; a cancelled one does not count. Raises NotFound, and StateConflict for a transfer
    that has not ended, for an undo, and where there is nothing to undo.
    """
    async with pool.acquire() as connection, connection.transaction():
        undone = await transfers.lock(connection, undone_id, user_id=user_id)
        if undone is None:
            raise NotFound("You have no transfer of this id.")
        _check(undone)
        earlier = await connection.fetchrow(STANDING, undone.undone_by)
        if earlier is not None:
            return from_row(earlier), False
        undo = from_row(await connection.fetchrow(INSERT, undone_id, new_id, trace))
        if changed_count(await connection.execute(PARTS, undone_id, new_id)):
            await connection.execute(ITEM_PARTS, undone_id, new_id)
            await connection.execute(OPEN_PARTS, undone_id, new_id)
            undo = from_row(await connection.fetchrow(BEGIN, new_id))
        if undo.target_playlist_id is None:
            raise StateConflict("This transfer has not made its playlist: there is nothing to undo.")
        tag: str = await connection.execute(ITEMS, undone_id, new_id)
        if tag == "INSERT 0 0" and not undo.target_is_new:
            raise StateConflict("This transfer has added nothing: there is nothing to undo.")
        await connection.execute(FIRST_JOB, undo.id, user_id, undo.target_platform)
        await connection.execute(LINK, undone_id, undo.id)
        return undo, True


def _check(undone: Transfer) -> None:
    if undone.undoes is not None:
        raise StateConflict("This is an undo itself: start the transfer again to have the tracks back.")
    if undone.state not in TERMINAL:
        raise StateConflict(f"A transfer that is {undone.state} cannot be undone: cancel it first.")


async def settle(connection: Connection, transfer_id: TransferId, removals: Sequence[Removal]) -> None:
    columns: list[list[Any]] = [
        [getattr(one, name) for one in removals] for name in Removal.__struct_fields__
    ]
    await connection.execute(SETTLE, transfer_id, *columns)
