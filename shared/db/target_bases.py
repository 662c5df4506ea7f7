"""What stood in an existing target before our first write: the ground that a read-back is measured from.

Only a transfer's first playlist can be one that was there before; in all others nothing stood.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from shared.db.pool import Connection, Pool
from shared.models import TrackId, TransferId

CLEAR = "DELETE FROM target_base_tracks WHERE transfer_id = $1"
ADD = """
INSERT INTO target_base_tracks (transfer_id, track_id, times)
SELECT $1, track_id, count(*) FROM unnest($2::text[]) AS track_id GROUP BY track_id
ON CONFLICT (transfer_id, track_id) DO UPDATE SET times = target_base_tracks.times + excluded.times
"""
PUT = "INSERT INTO target_bases (transfer_id, tail) VALUES ($1, $2) ON CONFLICT (transfer_id) DO NOTHING"
TAIL = "SELECT tail FROM target_bases WHERE transfer_id = $1"
COUNTS = "SELECT track_id, times FROM target_base_tracks WHERE transfer_id = $1"
TIMES = """
SELECT track_id, times FROM target_base_tracks WHERE transfer_id = $1 AND track_id = ANY($2)
"""


async def clear(connection: Connection, transfer_id: TransferId) -> None:
    """Forget a reading that did not come to its end."""
    await connection.execute(CLEAR, transfer_id)


async def add(connection: Connection, transfer_id: TransferId, *, track_ids: Sequence[TrackId]) -> None:
    """Count one more page of the target."""
    await connection.execute(ADD, transfer_id, list(track_ids))


async def put(connection: Connection, transfer_id: TransferId, *, tail: Sequence[TrackId]) -> None:
    """Keep the target's last tracks, when all of it has been counted."""
    await connection.execute(PUT, transfer_id, list(tail))


async def tail(pool: Pool, transfer_id: TransferId, *, part: int) -> tuple[TrackId, ...]:
    """Return the last tracks; none for a playlist that is new."""
    return tuple(await pool.fetchval(TAIL, transfer_id) or ()) if part == 1 else ()


async def times(
    pool: Pool, transfer_id: TransferId, *, part: int, track_ids: Collection[TrackId]
) -> Counter[TrackId]:
    """Return how often each of these tracks stood there."""
    rows = await pool.fetch(TIMES, transfer_id, list(track_ids)) if part == 1 else []
    return Counter({TrackId(row["track_id"]): row["times"] for row in rows})


async def counts(pool: Pool, transfer_id: TransferId, *, part: int) -> dict[TrackId, int]:
    """Return how often every track stood there."""
    rows = await pool.fetch(COUNTS, transfer_id) if part == 1 else []
    return {row["track_id"]: row["times"] for row in rows}
