"""The connection pool to Postgres, and the one way to open it."""

from typing import Any, TypeAlias

import asyncpg
import msgspec

from shared.settings import Secret

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)
Row: TypeAlias = "asyncpg.Record"

STORE_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,  # it is shutting down, or starting
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    OSError,
    TimeoutError,
)
"""What a call raises when Postgres is away; worth another attempt."""


async def open_pool(database_url: Secret, *, size: int = 10) -> Pool:
    """Open a pool of at most `size` connections whose jsonb columns hold any JSON value.

    Statements end after 30 s. Whoever is frozen inside of a transaction loses it after 5 s, for it holds
    rows that others wait for. Raises OSError or asyncpg.PostgresError where the server is out of reach.
    """
    return await asyncpg.create_pool(
        database_url.reveal(),
        min_size=0,
        max_size=size,
        command_timeout=30,
        timeout=10,
        init=_init,
        server_settings={
            "application_name": "crossplay",
            "timezone": "UTC",
            "idle_in_transaction_session_timeout": "5s",
        },
    )


async def _init(connection: Any) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: msgspec.json.encode(value).decode(),
        decoder=msgspec.json.decode,
    )
