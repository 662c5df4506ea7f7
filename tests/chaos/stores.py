"""The stores of one arena: a Postgres that can crash, a Redis that forgets, each behind a proxy."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import asyncpg
import redis.asyncio
from redis.exceptions import RedisError

from deploy.dev.datadir import DataDir
from deploy.dev.postgres import PostgresServer, run_postgres
from deploy.dev.processes import Process
from deploy.dev.servers import free_port
from shared.db.pool import STORE_ERRORS
from tests.e2e.stack import clean_environ
from tests.faults.proxy import Proxy
from tests.faults.redis_server import forgetful_redis
from tests.waiting import until_answered

_ASK_EVERY_S = 0.02


class Stores:
    """Runs while it is open. What the system is told are the proxies' addresses; tests go around them."""

    def __init__(self, directory: Path, *, postgres: PostgresServer, redis_port: int) -> None:
        self._directory = directory
        self._postgres = postgres
        self._redis_port = redis_port
        self._redis_life = AsyncExitStack()
        self._redis: Process | None = None
        self.postgres = Proxy(postgres.database_url)
        self.redis = Proxy(self.redis_url)

    @classmethod
    @asynccontextmanager
    async def run(cls, directory: Path) -> AsyncIterator[Self]:
        data_dir = await DataDir.open(directory)
        try:
            async with run_postgres(data_dir, environ=clean_environ(), fsync=False) as postgres:
                stores = cls(directory, postgres=postgres, redis_port=free_port())
                await stores._start_redis()
                try:
                    async with stores.postgres, stores.redis:
                        yield stores
                finally:
                    await stores._redis_life.aclose()
        finally:
            data_dir.close()

    @property
    def redis_url(self) -> str:
        return f"redis://127.0.0.1:{self._redis_port}/0"

    async def fetch(self, statement: str) -> list[Any]:
        """Ask Postgres itself, not through its proxy; waits while it recovers from a crash."""
        rows: list[Any] = []

        async def ask() -> bool:
            connection = None
            try:
                connection = await asyncpg.connect(self._postgres.database_url, timeout=10)
                rows.extend(await connection.fetch(statement))
            except (*STORE_ERRORS, asyncpg.PostgresError):
                return False
            finally:
                if connection is not None:
                    connection.terminate()
            return True

        await until_answered(ask, every_s=_ASK_EVERY_S)
        return rows

    async def crash_postgres(self) -> None:
        """Kill one server process, on which the others throw everything away and recover from the log."""
        connection = await asyncpg.connect(self._postgres.database_url, timeout=10)
        os.kill(connection.get_server_pid(), signal.SIGKILL)
        connection.terminate()
        await self.fetch("SELECT 1")

    @contextlib.asynccontextmanager
    async def open_redis(self) -> AsyncIterator["redis.asyncio.Redis"]:
        """Open a client that goes around the proxy."""
        async with redis.asyncio.Redis.from_url(self.redis_url, decode_responses=True) as client:
            yield client

    async def flush_redis(self) -> bool:
        """Make Redis forget everything; False where it is not there."""
        try:
            async with self.open_redis() as client:
                return bool(await client.flushall())
        except (RedisError, OSError):
            return False

    async def restart_redis(self, *, down_s: float) -> None:
        """Kill Redis and start it again, empty, some time later."""
        if self._redis is None:
            return  # it is dead already, and whoever killed it starts it
        process, self._redis = self._redis, None
        await process.kill()
        await self._redis_life.aclose()
        await asyncio.sleep(down_s)
        await self._start_redis()

    async def _start_redis(self) -> None:
        self._redis_life = AsyncExitStack()
        self._redis = await self._redis_life.enter_async_context(
            forgetful_redis(self._directory, port=self._redis_port, environ=clean_environ())
        )

    def heal(self) -> None:
        """End what the proxies do; a Redis that is down comes back by itself."""
        self.postgres.heal()
        self.redis.heal()
