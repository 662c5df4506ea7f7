"""Items: one row per position of the source playlist, with what became of it."""

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from shared.db.pool import Connection, Pool, Row, execute_long
from shared.models import (
    Candidate,
    Evidence,
    Outcome,
    Planned,
    SourceItem,
    Track,
    TrackId,
    TransferId,
    UserId,
)


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One position.

    target: the chosen track where there is one. score, evidence: of it, else of the nearest candidate.
    alternatives: other candidates, best first, at most five. refused_track_ids: what was chosen before and
    the platform would not take. is_users_choice: its user has named the target.
    """

    position: int
    source: SourceItem
    outcome: Outcome
    reason: str
    score: float | None
    target: Track | None
    evidence: Evidence | None
    alternatives: tuple[Candidate, ...]
    is_written: bool
    refused_track_ids: tuple[TrackId, ...] = ()
    is_users_choice: bool = False


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What matching decided for one position."""

    position: int
    outcome: Outcome
    reason: str
    score: float | None = None
    target: Track | None = None
    evidence: Evidence | None = None
    alternatives: tuple[Candidate, ...] = ()


INSERT = """
INSERT INTO items (transfer_id, position, source, outcome, reason)
SELECT $1, * FROM unnest($2::int[], $3::jsonb[], $4::text[], $5::text[])
ON CONFLICT DO NOTHING
"""
SETTLE = """
UPDATE items SET outcome = new.outcome, reason = new.reason, score = new.score, target = new.target,
       target_track_id = new.track_id, evidence = new.evidence, alternatives = new.alternatives
FROM unnest($2::int[], $3::text[], $4::text[], $5::real[], $6::jsonb[], $7::text[], $8::jsonb[], $9::jsonb[])
     AS new (position, outcome, reason, score, target, track_id, evidence, alternatives)
WHERE items.transfer_id = $1 AND items.position = new.position AND NOT items.is_written
      AND items.outcome <> 'failed'
"""
# In two steps, for no two rows may have one position in between.
AWAY = "UPDATE items SET position = -1 - position WHERE transfer_id = $1"
BACK = "UPDATE items SET position = $2 + position WHERE transfer_id = $1"
RANGE = "SELECT * FROM items WHERE transfer_id = $1 AND position BETWEEN $2 AND $3 ORDER BY position"
PAGE = """
SELECT items.* FROM items JOIN transfers ON transfers.id = items.transfer_id
WHERE items.transfer_id = $1 AND transfers.user_id = $2 AND position > $3
      AND ($4::text[] IS NULL OR outcome = ANY($4))
ORDER BY position LIMIT $5
"""


def from_row(row: Row) -> Item:
    values: dict[str, Any] = {name: row[name] for name in Item.__struct_fields__}
    return msgspec.convert({**values, "alternatives": row["alternatives"] or ()}, Item)


async def insert(
    connection: Connection, transfer_id: TransferId, *, first: int, items: Sequence[SourceItem]
) -> None:
    """Store a page of the source from position `first` on; what can never be moved is settled at once."""
    await connection.execute(
        INSERT,
        transfer_id,
        list(range(first, first + len(items))),
        [msgspec.to_builtins(item) for item in items],
        [Outcome.NOT_TRANSFERABLE if item.not_transferable else Outcome.PENDING for item in items],
        [item.not_transferable or "" for item in items],
    )


async def turn(connection: Connection, transfer_id: TransferId, *, count: int) -> None:
    """Turn the order of all items round: the last one of that many becomes the first."""
    await execute_long(connection, AWAY, transfer_id)
    await execute_long(connection, BACK, transfer_id, count)


async def settle(connection: Connection, transfer_id: TransferId, settled: Sequence[Settled]) -> None:
    """Store decisions; a position that is written or has failed already stays as it is."""
    await connection.execute(
        SETTLE,
        transfer_id,
        [one.position for one in settled],
        [one.outcome for one in settled],
        [one.reason for one in settled],
        [one.score for one in settled],
        [msgspec.to_builtins(one.target) if one.target else None for one in settled],
        [one.target.id if one.target else None for one in settled],
        [msgspec.to_builtins(one.evidence) if one.evidence else None for one in settled],
        [msgspec.to_builtins(one.alternatives) if one.alternatives else None for one in settled],
    )


async def read_range(pool: Pool, transfer_id: TransferId, *, first: int, last: int) -> list[Item]:
    return [from_row(row) for row in await pool.fetch(RANGE, transfer_id, first, last)]


async def page(
    pool: Pool,
    transfer_id: TransferId,
    *,
    user_id: UserId,
    after: int,
    outcomes: Sequence[Outcome] | None,
    limit: int,
) -> list[Item]:
    """Return a user's items behind position `after`, in order, filtered by outcome where asked."""
    rows = await pool.fetch(
        PAGE, transfer_id, user_id, after, None if outcomes is None else list(outcomes), limit
    )
    return [from_row(row) for row in rows]


# part: which of the transfer's playlists is meant. What is not written has none yet: it goes to the last one.
UNWRITTEN = """
SELECT position, target_track_id AS track_id, target ->> 'title' AS title FROM items
WHERE transfer_id = $1 AND NOT is_written AND is_matched
ORDER BY position LIMIT $2
"""
WRITTEN = """
SELECT position, track_id, title FROM placed_items
WHERE transfer_id = $1 AND is_written AND part = $2 AND position > $3 ORDER BY position LIMIT $4
"""
OF_OUTCOME = """
SELECT position, track_id, title FROM placed_items
WHERE transfer_id = $1 AND outcome = $2 AND part = $3 ORDER BY position
"""
AT = """
SELECT position, target_track_id AS track_id, target ->> 'title' AS title FROM items
WHERE transfer_id = $1 AND position = ANY($2) ORDER BY position
"""
WRITTEN_BEFORE = """
SELECT position, track_id, title FROM (
    SELECT position, track_id, title FROM placed_items
    WHERE transfer_id = $1 AND is_written AND part = $2 AND position < $3
    ORDER BY position DESC LIMIT $4
) AS last ORDER BY position
"""
NEXT_WRITTEN = """
SELECT position FROM placed_items
WHERE transfer_id = $1 AND is_written AND part = $2 AND position > $3 ORDER BY position LIMIT 1
"""
LAST_WRITTEN = """
SELECT max(position) FROM placed_items WHERE transfer_id = $1 AND is_written AND part = $2
"""
COUNT_BEFORE = """
SELECT count(*) FROM placed_items WHERE transfer_id = $1 AND is_written AND part = $2 AND position < $3
"""
# Written since a transfer was last opened again, which is when its items got its own mark.
IS_ADDED = """
SELECT EXISTS (
    SELECT FROM items JOIN transfers ON transfers.id = items.transfer_id
    WHERE transfer_id = $1 AND is_written AND items.reopened_at = transfers.reopened_at)
"""
ADDED_OF = """
SELECT position FROM items JOIN transfers ON transfers.id = items.transfer_id
WHERE transfer_id = $1 AND position = ANY($2) AND items.reopened_at = transfers.reopened_at
ORDER BY position
"""
STANDING = """
SELECT track_id, count(*) AS n FROM placed_items
WHERE transfer_id = $1 AND is_written AND part = $2 AND track_id = ANY($3) GROUP BY 1
"""


async def unwritten(pool: Pool, transfer_id: TransferId, *, limit: int | None) -> list[Planned]:
    """Return the first matched positions that are not in the target yet, all of them without a limit."""
    return _planned(await pool.fetch(UNWRITTEN, transfer_id, limit))


async def written(pool: Pool, transfer_id: TransferId, *, part: int, after: int, limit: int) -> list[Planned]:
    """Return the first positions behind one that were written, in order: what the target must show."""
    return _planned(await pool.fetch(WRITTEN, transfer_id, part, after, limit))


async def of_outcome(pool: Pool, transfer_id: TransferId, *, part: int, outcome: Outcome) -> list[Planned]:
    """Return the positions of one outcome that have a track, in order."""
    return _planned(await pool.fetch(OF_OUTCOME, transfer_id, outcome, part))


async def at(pool: Pool, transfer_id: TransferId, *, positions: Sequence[int]) -> list[Planned]:
    """Return certain matched positions, in order."""
    return _planned(await pool.fetch(AT, transfer_id, list(positions)))


async def written_before(
    pool: Pool, transfer_id: TransferId, *, part: int, position: int, limit: int
) -> list[Planned]:
    """Return the last written positions before one, in order."""
    return _planned(await pool.fetch(WRITTEN_BEFORE, transfer_id, part, position, limit))


async def next_written(pool: Pool, transfer_id: TransferId, *, part: int, position: int) -> int | None:
    """Return the next written position behind one."""
    found: int | None = await pool.fetchval(NEXT_WRITTEN, transfer_id, part, position)
    return found


async def last_written(pool: Pool, transfer_id: TransferId, *, part: int) -> int | None:
    """Return the last written position of a part; looks at each of them."""
    found: int | None = await pool.fetchval(LAST_WRITTEN, transfer_id, part)
    return found


async def count_before(pool: Pool, transfer_id: TransferId, *, part: int, position: int) -> int:
    """Return how many written positions stand before one; looks at each of them."""
    found: int = await pool.fetchval(COUNT_BEFORE, transfer_id, part, position)
    return found


async def is_added(pool: Pool, transfer_id: TransferId) -> bool:
    """Say whether anything was written since the transfer was last opened again."""
    return bool(await pool.fetchval(IS_ADDED, transfer_id))


async def added_of(pool: Pool, transfer_id: TransferId, *, positions: Sequence[int]) -> tuple[int, ...]:
    """Return those of some positions that belong to the last opening of the transfer, in order."""
    rows = await pool.fetch(ADDED_OF, transfer_id, list(positions))
    return tuple(row["position"] for row in rows)


async def standing(
    pool: Pool, transfer_id: TransferId, *, part: int, track_ids: Collection[TrackId]
) -> Counter[TrackId]:
    """Return how often we have written each of these tracks."""
    rows = await pool.fetch(STANDING, transfer_id, part, list(track_ids))
    return Counter({TrackId(row["track_id"]): row["n"] for row in rows})


def _planned(rows: Sequence[Row]) -> list[Planned]:
    return [Planned(position=row["position"], track_id=row["track_id"], title=row["title"]) for row in rows]
