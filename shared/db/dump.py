"""Reads everything that a system knows out of one moment of its database, into a backup."""

from collections.abc import Mapping
from datetime import datetime
from typing import IO

import asyncpg

from shared.backup_file import FORMAT, PART_BYTES, BackupWriter, Header, Manifest
from shared.db import catalog, schema, seals
from shared.db.pool import Connection

# Texts that mean the same wherever they are read again.
_FORMS = """
SET timezone = 'UTC'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'iso_8601'; SET bytea_output = 'hex'
"""
_CONNECT_S = 10.0


async def dump(
    database_url: str,
    stream: IO[bytes],
    *,
    taken_at: datetime,
    settings: Mapping[str, str],
    part_bytes: int = PART_BYTES,
) -> Manifest:
    """Write a backup; the system may run meanwhile, and all of it is of one moment.

    Raises SchemaMismatch for a database of a newer release, and OSError where the stream takes no more.
    """
    connection = await asyncpg.connect(database_url, timeout=_CONNECT_S)
    try:
        await connection.execute(_FORMS)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            applied = await schema.read_applied(connection)
            schema.compare(applied).refuse_newer()
            header = Header(format=FORMAT, release=schema.release(), taken_at=taken_at, migrations=applied)
            with BackupWriter(stream, header=header) as writer:
                for table in await catalog.tables(connection):
                    await _copy(connection, writer, table=table, part_bytes=part_bytes)
                uses = await seals.key_uses(connection)
                kids = tuple(sorted({use.kid for use in uses if use.kid is not None}))
                return writer.end(key_ids=kids, settings=dict(settings))
    finally:
        await connection.close()


async def _copy(
    connection: Connection, writer: BackupWriter, *, table: catalog.TableColumns, part_bytes: int
) -> None:
    held = bytearray()

    async def take(data: bytes) -> None:
        held.extend(data)
        if len(held) >= part_bytes:
            # A line break inside a value is written as two letters, so each one here ends a row.
            end = held.rfind(b"\n") + 1
            if end:
                writer.add_part(table.name, bytes(held[:end]))
                del held[:end]

    await connection.copy_from_table(table.name, columns=table.columns, output=take, format="text")
    if held:
        writer.add_part(table.name, bytes(held))
    writer.end_table(table.name, columns=table.columns)
