"""What stood in an existing target before our first write: the ground that a read-back is measured from."""

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from shared.db.pool import Connection, Pool
from shared.models import TrackId, TransferId


class TargetBase(msgspec.Struct, frozen=True, kw_only=True):
    """tail: the last tracks. counts: how often each track stood there. Both are empty for a new playlist."""

    tail: tuple[TrackId, ...] = ()
    counts: dict[TrackId, int] = {}


PUT = """
INSERT INTO target_bases (transfer_id, tail, counts) VALUES ($1, $2, $3) ON CONFLICT (transfer_id) DO NOTHING
"""
GET = "SELECT tail, counts FROM target_bases WHERE transfer_id = $1"


async def put(
    connection: Connection, transfer_id: TransferId, *, tail: Sequence[TrackId], counts: Mapping[TrackId, int]
) -> None:
    await connection.execute(PUT, transfer_id, list(tail), dict(counts))


async def get(pool: Pool, transfer_id: TransferId) -> TargetBase:
    row = await pool.fetchrow(GET, transfer_id)
    if row is None:
        return TargetBase()
    return TargetBase(tail=tuple(row["tail"]), counts=Counter(row["counts"]))
