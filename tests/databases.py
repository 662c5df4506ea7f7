"""Databases of tests: copied from a migrated template, emptied and used again, since a copy takes longer."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg

# What a test may have changed besides rows; a database that differs is not used again.
FINGERPRINT = """
SELECT md5(string_agg(line, ',' ORDER BY line)) FROM (
    SELECT concat_ws(' ', c.relname, a.attname, a.atttypid) AS line
    FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
    WHERE c.relnamespace = 'public'::regnamespace
    UNION ALL SELECT p.proname || md5(p.prosrc) FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', t.tgrelid::regclass, t.tgname, t.tgenabled)
    FROM pg_trigger t WHERE NOT t.tgisinternal
    UNION ALL SELECT name || sha256 FROM schema_changes
    UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
)
"""
TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
SEQUENCES = "SELECT relname FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
HANG_UP = """
SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
MIGRATIONS = "schema_changes"


class Databases:
    """One database at a time for the tests of one process, which run one after another.

    wipe: deletes all rows, inside a transaction. To truncate so many small tables takes twenty times as long.
    """

    def __init__(self, server_url: str, *, template: str) -> None:
        self._server_url = server_url
        self._template = template
        self._name: str | None = None
        self._cleaner: asyncpg.Connection[asyncpg.Record] | None = None
        self._fingerprint = ""
        self.wipe = ""

    async def __aenter__(self) -> Self:
        connection = await asyncpg.connect(with_path(self._server_url, self._template))
        try:
            self._fingerprint = await connection.fetchval(FINGERPRINT)
            tables = [row[0] for row in await connection.fetch(TABLES)]
            sequences = [row[0] for row in await connection.fetch(SEQUENCES)]
        finally:
            await connection.close()
        self.wipe = "; ".join(
            (
                "SET LOCAL session_replication_role = replica",  # no triggers, no order among tables
                *(f'DELETE FROM "{table}"' for table in tables if table != MIGRATIONS),
                *(f'ALTER SEQUENCE "{sequence}" RESTART' for sequence in sequences),
            )
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._drop()

    async def take(self) -> str:
        """Return the name of a migrated database without rows."""
        if self._name is None:
            self._name = f"crossplay_test_{secrets.token_hex(6)}"
            await execute(self._server_url, f'CREATE DATABASE "{self._name}" TEMPLATE "{self._template}"')
            self._cleaner = await asyncpg.connect(with_path(self._server_url, self._name))
        return self._name

    async def give_back(self) -> None:
        """Empty the database for the next test; whoever is still connected is hung up on."""
        assert self._cleaner is not None
        await self._cleaner.execute(HANG_UP)
        if await self._cleaner.fetchval(FINGERPRINT) != self._fingerprint:
            await self._drop()
            return
        async with self._cleaner.transaction():
            await self._cleaner.execute(self.wipe)

    async def _drop(self) -> None:
        if self._cleaner is not None:
            await self._cleaner.close()
            self._cleaner = None
        if self._name is not None:
            await execute(self._server_url, f'DROP DATABASE "{self._name}" WITH (FORCE)')
            self._name = None


@asynccontextmanager
async def connected(database_url: str) -> AsyncIterator[Any]:
    """Open a connection of one's own."""
    connection = await asyncpg.connect(database_url)
    try:
        yield connection
    finally:
        await connection.close()


async def is_waited_for(connection: Any) -> bool:
    """Whether anybody waits for a lock."""
    return bool(await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))


async def execute(database_url: str, statement: str) -> None:
    """Run one statement on a connection of its own."""
    async with connected(database_url) as connection:
        await connection.execute(statement)


def with_path(url: str, name: str) -> str:
    """Return the address of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
