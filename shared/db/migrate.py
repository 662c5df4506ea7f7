"""Brings a database to this release's schema: numbered SQL files, each applied once, in order."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import msgspec

from shared.db import schema, workers
from shared.db.pool import Connection
from shared.db.schema import Migration, Moment, Plan, Process
from shared.errors import MaintenanceRefused

ALL = frozenset(Moment)
_ADVISORY_LOCK = 0x63726F7373  # one migrating process at a time
_LOCK_TIMEOUT = "SELECT set_config('lock_timeout', $1, true)"
_TURN_TIMEOUT = "SET lock_timeout = '120s'"

TABLE = """
CREATE TABLE IF NOT EXISTS schema_changes (
    name       text PRIMARY KEY,
    sha256     text NOT NULL,
    release    text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""
TAKE_OVER = """
INSERT INTO schema_changes (name, sha256, release, applied_at)
SELECT name, sha256, '0.1.0', applied_at FROM schema_migrations
"""
NOTE = "INSERT INTO schema_changes (name, sha256, release) VALUES ($1, $2, $3)"

_IN_THE_WAY = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How a file gets its locks: nobody queues behind us for longer than lock_ms, and again after a pause."""

    lock_ms: int = 4000
    attempt_count: int = 8
    pause_s: float = 0.5


PATIENCE = Patience()


class Migrated(msgspec.Struct, frozen=True, kw_only=True):
    """What was applied; what waits, and why, in words."""

    applied: tuple[str, ...]
    waiting: tuple[str, ...]
    why: str


async def migrate(
    database_url: str, *, wanted: frozenset[Moment] = ALL, patience: Patience = PATIENCE
) -> Migrated:
    """Apply what is missing, each file in its own transaction.

    Raises SchemaMismatch where an applied file has changed since or a newer release has
    gone on from there, MaintenanceRefused where it is not possible now.
    """
    async with _connection(database_url) as connection:
        await connection.execute(_TURN_TIMEOUT)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _ADVISORY_LOCK)
        except asyncpg.LockNotAvailableError as error:
            raise MaintenanceRefused(
                "Another process has been migrating this database for minutes."
            ) from error
        plan = await _plan(connection, wanted=wanted)
        if plan.is_stuck:
            raise MaintenanceRefused(f"{', '.join(plan.waiting)} cannot be applied now. {plan.why}")
        if plan.steps:
            await _prepare(connection)
        for step in plan.steps:
            await _apply_patiently(connection, step, patience=patience)
    return Migrated(applied=tuple(step.name for step in plan.steps), waiting=plan.waiting, why=plan.why)


async def look(database_url: str, *, wanted: frozenset[Moment] = ALL) -> Plan:
    """Say what `migrate` would do now; changes nothing. Raises SchemaMismatch as it does."""
    async with _connection(database_url) as connection:
        return await _plan(connection, wanted=wanted)


async def prepare(connection: Connection) -> None:
    """Make the table that notes what was applied, inside the caller's transaction."""
    await connection.execute(TABLE)


async def apply(connection: Connection, step: Migration) -> None:
    """Apply one file and note it, inside the caller's transaction."""
    await connection.execute(step.sql)
    await connection.execute(NOTE, step.name, step.sha256, schema.release())


async def _plan(connection: Connection, *, wanted: frozenset[Moment]) -> Plan:
    standing = schema.compare(await schema.read_applied(connection))
    standing.refuse_newer()
    alive: list[Process] = []
    if any(one.moment is Moment.POST for one in standing.pending):
        alive = await workers.processes(connection)
    return schema.plan(standing.pending, wanted=wanted, alive=alive)


async def _prepare(connection: Connection) -> None:
    async with connection.transaction():
        is_new = not await connection.fetchval(schema.HAS_TABLE, "schema_changes")
        await prepare(connection)
        if is_new and await connection.fetchval(schema.HAS_TABLE, "schema_migrations"):
            await connection.execute(TAKE_OVER)


async def _apply_patiently(connection: Connection, step: Migration, *, patience: Patience) -> None:
    for attempt in range(1, patience.attempt_count + 1):
        try:
            async with connection.transaction():
                await connection.execute(_LOCK_TIMEOUT, f"{patience.lock_ms}ms")
                await apply(connection, step)
        except _IN_THE_WAY as error:
            if attempt == patience.attempt_count:
                raise MaintenanceRefused(
                    f"{step.name} did not get its lock in {attempt} attempts; nothing of it is "
                    "applied. Something holds a table for long: look for it in pg_stat_activity, then repeat."
                ) from error
            await asyncio.sleep(patience.pause_s * attempt * random.uniform(0.5, 1.5))
        else:
            return


@asynccontextmanager
async def _connection(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        yield connection
    finally:
        await connection.close()
