"""Migrations: each once, in order, and never over a schema that others made."""

import asyncio

import asyncpg
import pytest

from shared.db.migrate import SchemaMismatch, migrate, migrations, pending

pytestmark = pytest.mark.integration


async def test_an_empty_database_gets_every_migration_once(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    await migrate(empty_database_url)

    connection = await asyncpg.connect(empty_database_url)
    try:
        rows = await connection.fetch("SELECT name FROM schema_migrations ORDER BY applied_at, name")
    finally:
        await connection.close()
    assert [row["name"] for row in rows] == list(migrations())


async def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    await asyncio.gather(*(migrate(empty_database_url) for _ in range(4)))

    assert await pending_names(empty_database_url) == []


async def test_what_is_missing_is_named(empty_database_url: str) -> None:
    assert await pending_names(empty_database_url) == list(migrations())


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO schema_migrations (name, sha256) VALUES ('9999_pre_future.sql', 'x')",
        "UPDATE schema_migrations SET sha256 = 'x'",
    ],
    ids=["of a newer release", "changed since"],
)
async def test_a_schema_of_other_files_is_refused(empty_database_url: str, change: str) -> None:
    await migrate(empty_database_url)
    connection = await asyncpg.connect(empty_database_url)
    await connection.execute(change)
    await connection.close()

    with pytest.raises(SchemaMismatch):
        await migrate(empty_database_url)


def test_migrations_are_numbered_and_say_when_they_run() -> None:
    names = list(migrations())

    assert names == sorted(names)
    assert all(name[:4].isdigit() and name[4:].startswith(("_pre_", "_post_")) for name in names)


async def pending_names(database_url: str) -> list[str]:
    async with (
        asyncpg.create_pool(database_url, min_size=0, max_size=1) as pool,
        pool.acquire() as connection,
    ):
        return await pending(connection)
