"""Who runs, and of which release: workers, whom shares and the dispatch window follow, and gateways."""

from shared.db import schema
from shared.db.pool import Connection, Pool
from shared.db.schema import Process

SEEN = """
INSERT INTO workers (id, slot_count, release, schema_number) VALUES ($1, $2, $3, $4)
ON CONFLICT (id) DO UPDATE SET seen_at = now(), slot_count = excluded.slot_count
"""
GATEWAY_SEEN = """
INSERT INTO gateways (id, release, schema_number) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET seen_at = now()
"""
ALIVE = """
SELECT count(*) AS n, coalesce(sum(slot_count), 0) AS slots FROM workers
WHERE seen_at > now() - interval '6 seconds' -- three heartbeats
"""
# Whoever was not seen for so long has ended, and was not only slow.
PROCESSES = """
SELECT 'worker' AS kind, release, schema_number FROM workers WHERE seen_at > now() - interval '30 seconds'
UNION ALL
SELECT 'gateway', release, schema_number FROM gateways WHERE seen_at > now() - interval '30 seconds'
"""

# Before migration 0003 nobody says which release it is; all of them are of the one before it.
PROCESSES_BEFORE = """
SELECT 'worker' AS kind, '0.1.0' AS release, 2 AS schema_number FROM workers
WHERE seen_at > now() - interval '30 seconds'
"""


async def seen(pool: Pool, worker_id: str, *, slot_count: int) -> None:
    """Record a heartbeat and forget workers that have been silent for an hour."""
    await pool.execute(SEEN, worker_id, slot_count, schema.release(), schema.schema_number())
    await pool.execute("DELETE FROM workers WHERE seen_at < now() - interval '1 hour'")


async def leave(pool: Pool, worker_id: str) -> None:
    await pool.execute("DELETE FROM workers WHERE id = $1", worker_id)


async def gateway_seen(pool: Pool, gateway_id: str) -> None:
    """Record a gateway's heartbeat and forget those that have been silent for an hour."""
    await pool.execute(GATEWAY_SEEN, gateway_id, schema.release(), schema.schema_number())
    await pool.execute("DELETE FROM gateways WHERE seen_at < now() - interval '1 hour'")


async def gateway_leaves(pool: Pool, gateway_id: str) -> None:
    await pool.execute("DELETE FROM gateways WHERE id = $1", gateway_id)


async def alive(pool: Pool) -> tuple[int, int]:
    """Return how many workers are alive and how many slots per platform they have together."""
    row = await pool.fetchrow(ALIVE)
    return (row["n"], row["slots"]) if row else (0, 0)


async def processes(connection: Connection) -> list[Process]:
    """Return the gateways and workers that were alive lately.

    Gateways of a release before migration 0003 are not among them: they say nothing.
    """
    tables = [await connection.fetchval(schema.HAS_TABLE, name) for name in ("gateways", "workers")]
    if not any(tables):
        return []
    rows = await connection.fetch(PROCESSES if tables[0] else PROCESSES_BEFORE)
    return [
        Process(kind=row["kind"], release=row["release"], schema_number=row["schema_number"]) for row in rows
    ]
