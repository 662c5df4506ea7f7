"""Workers: who is alive, so that shares and the dispatch window follow the fleet."""

from shared.db.pool import Pool

SEEN = """
INSERT INTO workers (id, slot_count) VALUES ($1, $2)
ON CONFLICT (id) DO UPDATE SET seen_at = now(), slot_count = excluded.slot_count
"""
ALIVE = """
SELECT count(*) AS n, coalesce(sum(slot_count), 0) AS slots FROM workers
WHERE seen_at > now() - interval '6 seconds' -- three heartbeats
"""


async def seen(pool: Pool, worker_id: str, *, slot_count: int) -> None:
    """Record a heartbeat and forget workers that have been silent for an hour."""
    await pool.execute(SEEN, worker_id, slot_count)
    await pool.execute("DELETE FROM workers WHERE seen_at < now() - interval '1 hour'")


async def leave(pool: Pool, worker_id: str) -> None:
    await pool.execute("DELETE FROM workers WHERE id = $1", worker_id)


async def alive(pool: Pool) -> tuple[int, int]:
    """Return how many workers are alive and how many slots per platform they have together."""
    row = await pool.fetchrow(ALIVE)
    return (row["n"], row["slots"]) if row else (0, 0)
