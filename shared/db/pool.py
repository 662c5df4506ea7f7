"""The connection pool to Postgres, the one way to open it, and what a call raises when it is away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeAlias, TypeVar

import asyncpg
import msgspec

from shared.meters import meters
from shared.secret import Secret

T = TypeVar("T")

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = (
    "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
)
Row: TypeAlias = "asyncpg.Record"

STORE_ERRORS = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # its session was ended just when a call began
    asyncpg.OperatorInterventionError,  # it is shutting down, or starting, or took too long
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.PostgresSystemError,  # its disk has a fault
    asyncpg.ReadOnlySQLTransactionError,  # a replica, or one that is kept from changes
    asyncpg.TransactionRollbackError,  # serialization conflict, deadlock
    asyncpg.InvalidCachedStatementError,  # a migration has changed a table whose rows were read before
    asyncpg.IdleInTransactionSessionTimeoutError,  # we were frozen inside a transaction
    asyncpg.InvalidAuthorizationSpecificationError,  # its password was changed
    asyncpg.InvalidCatalogNameError,  # its database is being restored
    OSError,
    TimeoutError,
)
"""What a call raises when Postgres is away or cannot serve now; worth another attempt."""

CONNECT_S = 3.0
ACQUIRE_S = 4.0
"""How long a call waits for a free connection, or for a new one."""
REPLY_S = 6.0
"""How long a call waits for an answer. The server ends a statement before (see _LIMITS), so a connection
that is silent for longer is dead, and so are the others that were open with it."""

LONG_REPLY_S = 26.0
_LONG_LIMIT = "SET LOCAL statement_timeout = '25s'"

# What the server ends by itself, so that a client that is frozen or gone holds no row for long. Set by a
# statement and not at the connect, because poolers in between refuse parameters that they do not know.
_LIMITS = """
SET statement_timeout = '5s';
SET idle_in_transaction_session_timeout = '5s';
SET tcp_user_timeout = '15s';
SET tcp_keepalives_idle = 10;
SET tcp_keepalives_interval = 5;
SET tcp_keepalives_count = 3
"""


async def open_pool(database_url: Secret, *, size: int = 10) -> Pool:
    """Open a pool of at most `size` connections whose jsonb columns hold any JSON value.

    Asks nothing of the server, which may come later. A call fails after ACQUIRE_S + REPLY_S at the latest.
    """

    async def init(connection: _Connection) -> None:
        connection.pool = pool
        await connection.execute(_LIMITS)
        await connection.set_type_codec(
            "jsonb",
            schema="pg_catalog",
            encoder=lambda value: msgspec.json.encode(value).decode(),
            decoder=msgspec.json.decode,
        )

    pool = _Pool(
        database_url.reveal(),
        min_size=0,
        max_size=size,
        max_queries=50_000,
        max_inactive_connection_lifetime=300,
        loop=asyncio.get_running_loop(),
        connection_class=_Connection,
        record_class=asyncpg.Record,
        init=init,
        reset=_reset,
        timeout=CONNECT_S,
        command_timeout=REPLY_S,
        server_settings={"application_name": "crossplay", "timezone": "UTC"},
    )
    return await pool


async def execute_long(connection: Connection, statement: str, *arguments: Any) -> int:
    """Execute, inside a transaction, what may touch each item of a transfer: 100,000 take seconds.

    Returns how many rows it has touched.
    """
    await connection.execute(_LONG_LIMIT)
    tag: str = await connection.execute(statement, *arguments, timeout=LONG_REPLY_S)
    return changed_count(tag)


async def fetch_long(connection: Connection, statement: str, *arguments: Any) -> list[Row]:
    """Do the same with a statement that returns rows."""
    await connection.execute(_LONG_LIMIT)
    rows: list[Row] = await connection.fetch(statement, *arguments, timeout=LONG_REPLY_S)
    return rows


def changed_count(tag: str) -> int:
    """Read from a command's tag how many rows it has touched."""
    return int(tag.rsplit(" ", 1)[-1])


class _Pool(asyncpg.Pool):  # type: ignore[misc]  # asyncpg has no types
    """A pool in which nobody waits for ever, whoever asks."""

    def acquire(self, *, timeout: float = ACQUIRE_S) -> Any:
        return super().acquire(timeout=timeout)

    async def _acquire(self, timeout: float) -> Any:  # noqa: ASYNC109  # asyncpg's own, awaited by what `acquire` returns
        try:
            return await super()._acquire(timeout)
        except STORE_ERRORS:
            meters.store_failed("postgres")
            raise


class _Connection(asyncpg.Connection):  # type: ignore[misc]  # asyncpg has no types
    """A connection that is dropped when its answer does not come, or when nobody waits for it any more.

    asyncpg would ask the server to cancel, over another connection, and wait for that: on a dead network
    as long once more for each call, with the caller's cancellation held up meanwhile.
    """

    pool: "Pool | None" = None

    async def execute(self, *args: Any, **kwargs: Any) -> Any:
        return await self._answer(super().execute(*args, **kwargs))

    async def fetch(self, *args: Any, **kwargs: Any) -> Any:
        return await self._answer(super().fetch(*args, **kwargs))

    async def fetchrow(self, *args: Any, **kwargs: Any) -> Any:
        return await self._answer(super().fetchrow(*args, **kwargs))

    async def fetchval(self, *args: Any, **kwargs: Any) -> Any:
        return await self._answer(super().fetchval(*args, **kwargs))

    def transaction(self, **kwargs: Any) -> Any:
        return _transaction(super().transaction(**kwargs))

    async def close(self, **kwargs: Any) -> None:
        # One that cannot say goodbye is closed all the same.
        with contextlib.suppress(*STORE_ERRORS):
            await super().close(**kwargs)

    async def _answer(self, call: Awaitable[T]) -> T:
        try:
            return await call
        except (TimeoutError, asyncio.CancelledError, asyncpg.InternalClientError) as error:
            self.terminate()
            if isinstance(error, TimeoutError) and self.pool is not None:
                await self.pool.expire_connections()
            _count(error)
            raise
        except STORE_ERRORS as error:
            _count(error)
            raise


def _count(error: BaseException) -> None:
    """Count what means that Postgres is in trouble; two transactions in each other's way are none."""
    if not isinstance(error, asyncio.CancelledError | asyncpg.TransactionRollbackError):
        meters.store_failed("postgres")


@contextlib.asynccontextmanager
async def _transaction(inner: Any) -> AsyncIterator[None]:
    """Run a transaction; where it cannot be rolled back, still raise what ended it."""
    await inner.start()
    try:
        yield
    except BaseException:
        with contextlib.suppress(*STORE_ERRORS):
            await inner.rollback()
        raise
    await inner.commit()


async def _reset(_: Connection) -> None:
    """Leave a connection that goes back as it is: we change no setting, and it would cost a round trip."""
