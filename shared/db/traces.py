"""The trace that the coming jobs of a transfer belong to."""

from collections.abc import Mapping

from shared.db.pool import Pool
from shared.models import TransferId

# A row that somebody holds, maybe a frozen worker, must keep nobody waiting: the next to come tries again.
GO_ON = """
UPDATE transfers SET trace = $3 || jsonb_build_object('started_at', clock_timestamp())
WHERE id = (SELECT id FROM transfers WHERE id = $1 AND trace = $2 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING true
"""


async def go_on(
    pool: Pool, transfer_id: TransferId, *, before: Mapping[str, str], trace: Mapping[str, str]
) -> bool:
    """Let a transfer's trace be followed by another one; False where somebody else has just done it."""
    return bool(await pool.fetchval(GO_ON, transfer_id, dict(before), dict(trace)))
