"""Retention: transfers that ended long ago are removed in small batches, with all that belongs to them."""

from collections.abc import Iterable
from datetime import datetime

import asyncpg
import msgspec

from shared.db.pool import Pool, fetch_long
from shared.models import TransferId

BATCH_TRANSFER_COUNT = 200
BATCH_ITEM_COUNT = 20_000
"""What one transaction removes at most; a transfer that has more is removed alone."""


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How much is old, or was removed. An undo counts as a transfer."""

    transfer_count: int = 0
    item_count: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            transfer_count=self.transfer_count + other.transfer_count,
            item_count=self.item_count + other.item_count,
        )


# An undo goes together with what it undoes, when both are old: each is told by the other.
_OLD = """
FROM transfers
WHERE finished_at < $1 AND state IN ('completed', 'failed', 'cancelled') AND undoes IS NULL
      AND NOT EXISTS (
          SELECT FROM transfers AS undo
          WHERE undo.undoes = transfers.id
                AND (undo.finished_at IS NULL OR undo.finished_at >= $1
                     OR undo.state NOT IN ('completed', 'failed', 'cancelled')))
"""
COUNT = f"""
SELECT count(*) AS transfer_count, coalesce(sum(item_count), 0) AS item_count
FROM (
    SELECT (SELECT sum(item_count) FROM item_counts WHERE transfer_id = one.id) AS item_count
    FROM transfers AS one
    WHERE coalesce(one.undoes, one.id) IN (SELECT id {_OLD})
) AS counted
"""  # noqa: S608  # both parts are ours
NEXT = f"""
SELECT id, (
    SELECT coalesce(sum(item_count), 0) FROM item_counts
    WHERE transfer_id = transfers.id OR transfer_id IN (
        SELECT undo.id FROM transfers AS undo WHERE undo.undoes = transfers.id)
) AS item_count
{_OLD}
ORDER BY finished_at LIMIT {BATCH_TRANSFER_COUNT}
"""  # noqa: S608  # same
# Somebody may open a transfer again just now: that one is left alone.
REMOVE = """
DELETE FROM transfers WHERE id IN (
    SELECT id FROM transfers
    WHERE (id = ANY($1::uuid[]) OR undoes = ANY($1::uuid[]))
          AND finished_at < $2 AND state IN ('completed', 'failed', 'cancelled')
    FOR UPDATE SKIP LOCKED)
RETURNING id
"""


async def old(pool: Pool, *, before: datetime) -> Tally:
    """Count what ended before a moment and would be removed."""
    async with pool.acquire() as connection:
        row = await connection.fetchrow(COUNT, before, timeout=600)
    return Tally(transfer_count=row["transfer_count"], item_count=int(row["item_count"]))


async def remove_some(pool: Pool, *, before: datetime, most_items: int = BATCH_ITEM_COUNT) -> Tally | None:
    """Remove a batch of what ended before a moment, the oldest first; None where nothing is left.

    Items, jobs and counts of the transfers go with them. What runs, rules, look-ups, connections and
    webhooks stay. Where somebody is at all of a batch, an empty tally is returned: ask again a little later.
    """
    rows = await pool.fetch(NEXT, before)
    found = ((TransferId(str(row["id"])), int(row["item_count"])) for row in rows)
    chosen = dict(_batch(found, most_items))
    if not chosen:
        return None
    try:
        async with pool.acquire() as connection, connection.transaction():
            gone = await fetch_long(connection, REMOVE, list(chosen), before)
    except asyncpg.ForeignKeyViolationError:  # an undo was made meanwhile: the next look sees it
        return Tally()
    item_counts = (chosen.get(TransferId(str(row["id"])), 0) for row in gone)
    return Tally(transfer_count=len(gone), item_count=sum(item_counts))


def _batch(found: Iterable[tuple[TransferId, int]], most_items: int) -> Iterable[tuple[TransferId, int]]:
    """Take as many as fit into one transaction, one at least."""
    left_count = most_items
    for number, (transfer_id, item_count) in enumerate(found):
        left_count -= item_count
        if number and left_count < 0:
            return
        yield transfer_id, item_count
