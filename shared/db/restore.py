"""Fills an empty database from a backup, in one transaction, and leaves it so that work can go on."""

from collections.abc import AsyncIterator, Iterator
from itertools import groupby

import asyncpg

from shared.backup_file import BackupReader, Manifest
from shared.db import catalog, migrate, schema, workers
from shared.db.pool import Connection, changed_count
from shared.errors import MaintenanceRefused

_CONNECT_S = 10.0
LOCK = "SELECT pg_advisory_xact_lock(1685221219)"

# What triggers do was done when the rows were first written; webhooks are not told again what is long past.
SILENCE = """
DO $$ DECLARE one text; BEGIN
    FOR one IN SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
               WHERE NOT tgisinternal AND relnamespace = current_schema()::regnamespace
    LOOP EXECUTE 'ALTER TABLE ' || one || ' DISABLE TRIGGER USER'; END LOOP;
END $$
"""
SPEAK = SILENCE.replace("DISABLE", "ENABLE")
COUNT_ON = """
DO $$ DECLARE one record; BEGIN
    FOR one IN SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
               WHERE attidentity <> '' AND relkind = 'r' AND relnamespace = current_schema()::regnamespace
    LOOP EXECUTE format(
        'SELECT setval(pg_get_serial_sequence(%L, %L), (SELECT coalesce(max(%I), 0) + 1 FROM %I), false)',
        quote_ident(one.relname), one.attname, one.attname, one.relname);
    END LOOP;
END $$
"""
# Nobody holds anything any more, and whoever wakes up with an old epoch, version or revision is told so:
# these numbers went on after the backup, and must never stand for two different things.
RELEASE_JOBS = """
UPDATE jobs SET epoch = epoch + 1000000, lease_owner = NULL, lease_until = NULL, queued_at = NULL
WHERE state <> 'done'
"""
RELEASE_WEBHOOKS = "UPDATE webhooks SET epoch = epoch + 1000000, lease_until = NULL"
RELEASE_CONNECTIONS = """
UPDATE connections SET version = version + 1000000, refresh_owner = NULL, refresh_until = NULL
"""
REVISE = "UPDATE transfers SET revision = revision + 1000000"
# What was added to a target after the backup is found by reading it before anything is sent: the worker takes
# all that is still to be added for one write without an answer, and what was under way is a part of that.
DOUBT = """
INSERT INTO doubtful_targets SELECT id FROM transfers WHERE undoes IS NULL
ON CONFLICT (transfer_id) DO UPDATE SET part = 1
"""
FORGET_ADDS = """
DELETE FROM intents USING jobs, transfers
WHERE intents.kind = 'add' AND jobs.id = intents.job_id AND transfers.id = jobs.transfer_id
      AND NOT transfers.is_cancelling AND transfers.state <> 'cancelled'
"""
# What an existing target held before our first write was not noted yet, and cannot be told any more from what
# was added after the backup. So a track that stands there is not added again, and is named as present.
SKIP_PRESENT = """
UPDATE transfers SET on_duplicate = 'skip'
WHERE NOT target_is_new AND target_base_count IS NULL AND undoes IS NULL
      AND state IN ('queued', 'running', 'paused', 'failed')
"""
AFTERWARDS = (
    COUNT_ON,
    RELEASE_JOBS,
    RELEASE_WEBHOOKS,
    RELEASE_CONNECTIONS,
    REVISE,
    FORGET_ADDS,
    DOUBT,
    SKIP_PRESENT,
)


async def restore(database_url: str, reader: BackupReader) -> Manifest:
    """Fill an empty database, bring it to this release's schema, and let transfers go on where that is safe.

    All or nothing. Raises MaintenanceRefused where the database is not empty, the backup is damaged or was
    made by a newer release.
    """
    steps = _schema_of(reader)
    connection = await asyncpg.connect(database_url, timeout=_CONNECT_S)
    try:
        async with connection.transaction():
            await connection.execute(LOCK)
            await _require_empty(connection)
            await migrate.prepare(connection)
            for step in steps:
                await migrate.apply(connection, step)
            await connection.execute(SILENCE)
            await _fill(connection, reader)
            for step in schema.compare(await schema.read_applied(connection)).pending:
                await migrate.apply(connection, step)
            await _settle(connection)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    assert reader.manifest is not None  # noqa: S101 - or the reader would have raised
    return reader.manifest


async def adopt(database_url: str) -> int:
    """Do the same for a database that was put back by other means; return how many transfers there are.

    Raises MaintenanceRefused while a gateway or worker is alive on it.
    """
    connection = await asyncpg.connect(database_url, timeout=_CONNECT_S)
    try:
        async with connection.transaction():
            await connection.execute(LOCK)
            alive = await workers.processes(connection)
            if alive:
                raise MaintenanceRefused(
                    f"{len(alive)} gateways and workers were alive in the last half minute. Stop them first."
                )
            await _settle(connection)
            return int(await connection.fetchval("SELECT count(*) FROM transfers"))
    finally:
        await connection.close()


async def _settle(connection: Connection) -> None:
    """Leave rows that are older than the world so that work can go on."""
    await connection.execute(SILENCE)
    for statement in AFTERWARDS:
        await connection.execute(statement)
    await connection.execute(SPEAK)


def _schema_of(reader: BackupReader) -> tuple[schema.Migration, ...]:
    """Return the migrations that make the schema that the backup's rows are of."""
    standing = schema.compare(reader.header.migrations)
    if standing.unknown:
        raise MaintenanceRefused(
            f"The backup was made by release {reader.header.release}, whose migration {standing.unknown[0]} "
            "this release does not know. Restore it with that release or a newer one."
        )
    return tuple(one for one in schema.migrations() if one.name in reader.header.migrations)


async def _require_empty(connection: Connection) -> None:
    names = await catalog.first_names(connection)
    if names:
        raise MaintenanceRefused(
            f"The database is not empty: it has {', '.join(names)}. A backup is restored into a new one: "
            "make it with `createdb`, and let CROSSPLAY_DATABASE_URL lead there."
        )


async def _fill(connection: Connection, reader: BackupReader) -> None:
    columns = {table.name: table.columns for table in await catalog.tables(connection)}
    filled: dict[str, int] = {}
    for table, parts in groupby(reader.parts(), key=lambda part: part[0]):
        if table not in columns:
            raise MaintenanceRefused(f"The backup has rows of a table {table!r}, which its schema has not.")
        # One statement for a table, because rows refer to each other.
        tag = await connection.copy_to_table(
            table, source=_rows(parts), columns=columns[table], format="text"
        )
        filled[table] = changed_count(tag)
    _compare(filled, manifest=reader.manifest, columns=columns)


def _compare(
    filled: dict[str, int], *, manifest: Manifest | None, columns: dict[str, tuple[str, ...]]
) -> None:
    for told in manifest.tables if manifest else ():
        if told.columns != columns.get(told.name) or told.row_count != filled.get(told.name, 0):
            raise MaintenanceRefused(f"The backup's {told.name} are not what its manifest says.")


async def _rows(parts: Iterator[tuple[str, bytes]]) -> AsyncIterator[bytes]:
    for _, rows in parts:
        yield rows
