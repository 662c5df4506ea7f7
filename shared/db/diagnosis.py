"""What the doctor asks of Postgres: about the server, the workers, and keys against what is stored."""

from datetime import datetime

import msgspec

from shared.cipher import Cipher, SealBroken
from shared.db.pool import Pool
from shared.db.seals import SEALED

SERVER = """
SELECT current_setting('server_version_num')::int AS version_number,
       current_setting('server_version') AS version,
       current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS is_read_only,
       clock_timestamp() AS now,
       current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           AS connection_limit_count,
       (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connection_count,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create_tables,
       ARRAY(
           SELECT name FROM pg_settings
           WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' ORDER BY name
       ) AS unsafe
"""
CREW = """
SELECT id, seen_at > now() - interval '6 seconds' AS is_alive FROM workers ORDER BY id -- three heartbeats
"""
ACTIVE = "SELECT count(*) FROM transfers WHERE state IN ('queued', 'running')"
# The names in braces are those of SEALED, never what came from outside.
SAMPLE = "SELECT * FROM {table} WHERE {column} LIKE 'v1.%.%.%' AND {needed} ORDER BY id DESC LIMIT 20"


class ServerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A Postgres server. connection_limit_count: without those kept for superusers.

    unsafe: the settings by which it may lose a commit that it has confirmed.
    """

    version_number: int
    version: str
    encoding: str
    is_read_only: bool
    now: datetime
    connection_limit_count: int
    connection_count: int
    may_create_tables: bool
    unsafe: tuple[str, ...]


class Crew(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of the workers that are alive and of those that fell silent; how many transfers want them."""

    alive: tuple[str, ...]
    silent: tuple[str, ...]
    active_transfer_count: int


async def server_facts(pool: Pool) -> ServerFacts:
    row = await pool.fetchrow(SERVER)
    return msgspec.convert(dict(row), ServerFacts)


async def crew(pool: Pool) -> Crew:
    rows = await pool.fetch(CREW)
    return Crew(
        alive=tuple(row["id"] for row in rows if row["is_alive"]),
        silent=tuple(row["id"] for row in rows if not row["is_alive"]),
        active_transfer_count=await pool.fetchval(ACTIVE),
    )


async def unopened(pool: Pool, cipher: Cipher) -> tuple[str, ...]:
    """Try the newest sealed texts of each place; return why some cannot be opened, each reason once."""
    reasons: dict[str, None] = {}
    for one in SEALED:
        sample = SAMPLE.format(table=one.table, column=one.column, needed=one.needed)
        for row in await pool.fetch(sample):
            try:
                cipher.open(row[one.column], context=one.context(row))
            except SealBroken as broken:
                reasons[f"{one.place}: {broken}"] = None
    return tuple(reasons)
