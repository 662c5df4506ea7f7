"""Brings a database to this release's schema: numbered SQL files, each applied once, in order."""

import hashlib
from importlib.resources import files
from importlib.resources.abc import Traversable

import asyncpg

from shared.errors import CrossplayError

_LOCK = 0x63726F7373  # one migrating process at a time
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name       text PRIMARY KEY,
    sha256     text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
)
"""


class SchemaMismatch(CrossplayError):
    """The database was migrated by other files than ours."""

    code = "schema-behind"


def migrations() -> dict[str, str]:
    """Return SQL by file name, in the order of application."""
    folder = files("shared.db").joinpath("migrations")
    found: list[Traversable] = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return {file.name: file.read_text(encoding="utf-8") for file in sorted(found, key=lambda file: file.name)}


async def migrate(database_url: str) -> None:
    """Apply what is missing, each file in its own transaction; waits at most 4 s for a table lock.

    Raises SchemaMismatch where an applied file has changed since or is unknown to this release.
    """
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await connection.execute(_TABLE)
        applied = await _applied(connection)
        for name, sql in migrations().items():
            if name not in applied:
                async with connection.transaction():
                    await connection.execute("SET LOCAL lock_timeout = '4s'")
                    await connection.execute(sql)
                    await connection.execute(
                        "INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)", name, _digest(sql)
                    )
    finally:
        await connection.close()


async def pending(connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]") -> list[str]:
    """Return the names of files that the database still lacks. Raises as `migrate` does."""
    if await connection.fetchval("SELECT to_regclass('schema_migrations')") is None:
        return list(migrations())
    applied = await _applied(connection)
    return [name for name in migrations() if name not in applied]


async def _applied(
    connection: "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]",
) -> set[str]:
    ours = {name: _digest(sql) for name, sql in migrations().items()}
    rows = await connection.fetch("SELECT name, sha256 FROM schema_migrations")
    for row in rows:
        if row["name"] not in ours:
            raise SchemaMismatch(
                f"The database has the migration {row['name']}, which this release does not know. "
                "Start the newer release, or restore a backup from before the upgrade."
            )
        if ours[row["name"]] != row["sha256"]:
            raise SchemaMismatch(f"The migration {row['name']} was changed after it had been applied.")
    return {row["name"] for row in rows}


def _digest(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()
