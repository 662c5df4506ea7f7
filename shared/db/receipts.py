"""Receipts: how much of what was written a platform has named in its own answers."""

from shared.db.pool import Connection, Pool
from shared.models import TransferId

ADD = """
INSERT INTO receipts (transfer_id, part, proved_count) VALUES ($1, $2, $3)
ON CONFLICT (transfer_id, part) DO UPDATE SET proved_count = receipts.proved_count + excluded.proved_count
"""
COUNT = "SELECT proved_count FROM receipts WHERE transfer_id = $1 AND part = $2"


async def add(connection: Connection, transfer_id: TransferId, *, part: int, count: int) -> None:
    await connection.execute(ADD, transfer_id, part, count)


async def proved_count(pool: Pool, transfer_id: TransferId, *, part: int) -> int:
    """Return how many tracks of a part were named by the platform as they were asked for."""
    return await pool.fetchval(COUNT, transfer_id, part) or 0
