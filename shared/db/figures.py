"""How the whole fleet stands, counted in few and cheap statements for whoever tells its metrics."""

from typing import TypeVar

import msgspec

from shared.db.connections import ConnectionState
from shared.db.pool import Connection, Pool
from shared.lifecycle import State
from shared.models import Platform

T = TypeVar("T", bound=msgspec.Struct)


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Jobs of a platform that wait for the same. oldest_s: how long the first of them could have run."""

    platform: Platform
    reason: str
    job_count: int
    oldest_s: float


class Active(msgspec.Struct, frozen=True, kw_only=True):
    """Unfinished transfers in one state. idle_s: the longest time without a checkpoint."""

    state: State
    transfer_count: int
    idle_s: float


class Deferred(msgspec.Struct, frozen=True, kw_only=True):
    """Items of unfinished transfers to a platform that could not be looked up yet."""

    platform: Platform
    item_count: int


class Linked(msgspec.Struct, frozen=True, kw_only=True):
    """Connections of a platform in one state. expires_in_s: until the next sign-in ends, if one does."""

    platform: Platform
    state: ConnectionState
    connection_count: int
    within_1d_count: int
    within_7d_count: int
    within_30d_count: int
    expires_in_s: float | None


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """What moves from second to second. silent_s: of the worker that was heard of the longest ago."""

    waiting: tuple[Waiting, ...]
    active: tuple[Active, ...]
    deferred: tuple[Deferred, ...]
    paused: frozenset[Platform]
    worker_count: int
    silent_s: float
    dead_count: int
    due_delivery_count: int


class Stock(msgspec.Struct, frozen=True, kw_only=True):
    """What changes slowly, and what costs a look at each connection or each file."""

    linked: tuple[Linked, ...]
    database_bytes: int


WAITING = """
SELECT jobs.platform,
       CASE WHEN transfers.pause_reason = 'operator' THEN 'platform_paused'
            WHEN transfers.state = 'paused' THEN 'transfer_paused'
            WHEN jobs.run_at > now() THEN 'later'
            WHEN jobs.queued_at IS NOT NULL THEN 'queued'
            ELSE 'no_slot' END AS reason,
       count(*) AS job_count,
       greatest(0, extract(epoch FROM now() - min(jobs.run_at)))::float8 AS oldest_s
FROM transfers JOIN jobs ON jobs.transfer_id = transfers.id AND jobs.state = 'open'
WHERE transfers.state IN ('queued', 'running', 'paused')
      AND (jobs.lease_until IS NULL OR jobs.lease_until < now())
GROUP BY 1, 2
"""
# A job that is done is a checkpoint. Its time stands in no column of transfers: the release before reads
# their whole rows inside transactions, which break where such a table gets a column.
ACTIVE = """
SELECT state, count(*) AS transfer_count,
       greatest(0, max(extract(epoch FROM now() - coalesce(
           (SELECT max(finished_at) FROM jobs WHERE jobs.transfer_id = transfers.id), started_at, created_at
       ))))::float8 AS idle_s
FROM transfers WHERE state IN ('queued', 'running', 'paused') GROUP BY state
"""
DEFERRED = """
SELECT transfers.target_platform AS platform, sum(item_count) AS item_count
FROM transfers JOIN item_counts ON item_counts.transfer_id = transfers.id AND outcome = 'deferred'
WHERE transfers.state IN ('queued', 'running', 'paused') GROUP BY 1
"""
PAUSED = "SELECT platform FROM platform_pauses"
WORKERS = """
SELECT count(*) FILTER (WHERE seen_at > now() - interval '6 seconds') AS worker_count,
       coalesce(greatest(0, extract(epoch FROM now() - min(seen_at))), 0)::float8 AS silent_s
FROM workers
"""
DEAD = """
SELECT count(*) FROM jobs JOIN transfers ON transfers.id = jobs.transfer_id
WHERE jobs.state = 'dead' AND transfers.state = 'failed'
"""
DUE_DELIVERIES = """
SELECT count(*) FROM webhooks JOIN webhook_deliveries ON webhook_deliveries.webhook_id = webhooks.id
WHERE webhooks.is_enabled AND webhook_deliveries.state = 'pending' AND next_try_at <= now()
"""
LINKED = """
SELECT platform, state, count(*) AS connection_count,
       count(*) FILTER (WHERE sign_in_ends_at BETWEEN now() AND now() + interval '1 day') AS within_1d_count,
       count(*) FILTER (WHERE sign_in_ends_at BETWEEN now() AND now() + interval '7 days') AS within_7d_count,
       count(*) FILTER (WHERE sign_in_ends_at BETWEEN now() AND now() + interval '30 days')
       AS within_30d_count,
       extract(epoch FROM min(sign_in_ends_at) FILTER (WHERE sign_in_ends_at > now()) - now())::float8
       AS expires_in_s
FROM connections GROUP BY platform, state
"""
SIZE = "SELECT pg_database_size(current_database())"


async def work(pool: Pool) -> Work:
    """Count what moves. Raises pool.STORE_ERRORS, as `stock` does."""
    async with pool.acquire() as connection:
        workers = await connection.fetchrow(WORKERS)
        return Work(
            waiting=await _rows(connection, WAITING, Waiting),
            active=await _rows(connection, ACTIVE, Active),
            deferred=await _rows(connection, DEFERRED, Deferred),
            paused=frozenset(Platform(row["platform"]) for row in await connection.fetch(PAUSED)),
            worker_count=workers["worker_count"],
            silent_s=workers["silent_s"],
            dead_count=await connection.fetchval(DEAD),
            due_delivery_count=await connection.fetchval(DUE_DELIVERIES),
        )


async def stock(pool: Pool) -> Stock:
    async with pool.acquire() as connection:
        return Stock(
            linked=await _rows(connection, LINKED, Linked), database_bytes=await connection.fetchval(SIZE)
        )


async def _rows(connection: Connection, statement: str, kind: type[T]) -> tuple[T, ...]:
    return tuple(msgspec.convert(dict(row), kind) for row in await connection.fetch(statement))
