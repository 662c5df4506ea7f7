"""A Postgres and a Redis that a test may disturb: each behind a proxy, each with the troubles it knows."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from deploy.dev.embedded import EmbeddedServers
from deploy.dev.processes import Process
from deploy.dev.servers import free_port
from shared.models import Platform
from shared.streams import GROUP, key
from tests.faults.proxy import Proxy
from tests.waiting import until_answered

READY_TIMEOUT_S = 30.0
ROLE = "app"
_TABLES = ("transfers", "items", "jobs", "intents", "workers", "api_keys")
_HANG_UP = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{ROLE}'"
_NO_SPACE = """
CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full'; END $$
"""
_CONTRADICTION_COUNT = 40
_BLOCKING_S = 0.5
_BLOCKED_BY = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid)))"
_LOADING = ("--key-load-delay", "500")  # microseconds; it answers after each 1024 keys


class Stores:
    """Open them with `run`. postgres, redis: the proxies, for whatever is to go through them.

    The system's own role is no superuser, so that the limits of the database count for it.
    """

    def __init__(self, servers: EmbeddedServers, *, postgres: Proxy, redis: Proxy, database_url: str) -> None:
        self.postgres = postgres
        self.redis = redis
        self._database_url = database_url
        self._redis_url = servers.redis_url
        self._postgres_process = servers.postgres.process
        self._redis_process = servers.valkey.process

    @classmethod
    @asynccontextmanager
    async def run(cls, directory: Path) -> AsyncIterator[Self]:
        async with AsyncExitStack() as stack:
            servers = await stack.enter_async_context(EmbeddedServers(directory, fsync=False))
            as_superuser = urlsplit(servers.database_url)
            for statement in (
                f"CREATE ROLE {ROLE} LOGIN PASSWORD '{ROLE}'",
                f"CREATE DATABASE {ROLE} OWNER {ROLE}",
                f"ALTER ROLE {ROLE} SET deadlock_timeout = '20ms'",
            ):
                await _execute(servers.database_url, statement)
            as_role = as_superuser._replace(
                netloc=f"{ROLE}:{ROLE}@127.0.0.1:{as_superuser.port}", path=f"/{ROLE}"
            )
            postgres = await stack.enter_async_context(Proxy(urlunsplit(as_role)))
            redis = await stack.enter_async_context(Proxy(servers.redis_url))
            stores = cls(
                servers,
                postgres=postgres,
                redis=redis,
                database_url=urlunsplit(as_superuser._replace(path=f"/{ROLE}")),
            )
            stack.push_async_callback(stores._stop)
            yield stores

    @property
    def environ(self) -> dict[str, str]:
        return {"CROSSPLAY_DATABASE_URL": self.postgres.url, "CROSSPLAY_REDIS_URL": self.redis.url}

    async def fetchval(self, statement: str, *arguments: Any) -> Any:
        """Ask Postgres as its superuser, past the proxy."""
        connection = await asyncpg.connect(self._database_url)
        try:
            return await connection.fetchval(statement, *arguments)
        finally:
            await connection.close()

    async def hang_up(self) -> None:
        """End every connection of the system."""
        await _execute(self._database_url, _HANG_UP)

    async def crash_postgres(self) -> None:
        """Stop Postgres without a shutdown and start it again: it recovers first."""
        self._postgres_process.send_signal(signal.SIGQUIT)
        await self._postgres_process.wait()
        self._postgres_process = await Process.start(self._postgres_process._spec)
        await self._postgres_process.wait_ready(self._postgres_answers, timeout_s=READY_TIMEOUT_S)

    @asynccontextmanager
    async def read_only_postgres(self) -> AsyncIterator[None]:
        await _execute(self._database_url, f"ALTER ROLE {ROLE} SET default_transaction_read_only = on")
        await self.hang_up()
        yield
        await _execute(self._database_url, f"ALTER ROLE {ROLE} RESET default_transaction_read_only")
        await self.hang_up()

    @asynccontextmanager
    async def full_disk(self) -> AsyncIterator[None]:
        await _execute(self._database_url, _NO_SPACE)
        for table in _TABLES:
            await _execute(
                self._database_url,
                f"CREATE TRIGGER no_space BEFORE INSERT OR UPDATE OR DELETE ON {table} "
                "EXECUTE FUNCTION no_space()",
            )
        yield
        await _execute(self._database_url, "DROP FUNCTION no_space CASCADE")

    @asynccontextmanager
    async def too_few_connections(self) -> AsyncIterator[None]:
        await _execute(self._database_url, f"ALTER ROLE {ROLE} CONNECTION LIMIT 1")
        await self.hang_up()
        yield
        await _execute(self._database_url, f"ALTER ROLE {ROLE} CONNECTION LIMIT -1")

    @asynccontextmanager
    async def serializable_postgres(self) -> AsyncIterator[None]:
        """Refuse what could not have happened one after the other."""
        await _execute(
            self._database_url, f"ALTER ROLE {ROLE} SET default_transaction_isolation = serializable"
        )
        await self.hang_up()
        yield
        await _execute(self._database_url, f"ALTER ROLE {ROLE} RESET default_transaction_isolation")
        await self.hang_up()

    def complaint_count(self, text: str) -> int:
        """Return how often Postgres has logged a text."""
        return self._postgres_process._spec.log_path.read_text().count(text)

    @asynccontextmanager
    async def deadlocks(self) -> AsyncIterator[None]:
        """Lock rows in the other order than the workers do, again and again."""
        task = asyncio.create_task(self._contradict())
        yield
        await task

    async def _contradict(self) -> None:
        connection = await asyncpg.connect(self._database_url)
        try:
            for _ in range(_CONTRADICTION_COUNT):
                with contextlib.suppress(asyncpg.DeadlockDetectedError):  # this time it was ours to yield
                    await _lock_backwards(connection)
                await asyncio.sleep(0.03)  # the workers' turn: a lock that is never free stops them for good
        finally:
            await connection.close()

    async def command(self, *words: str) -> Any:
        """Tell Redis something, past the proxy."""
        async with redis.asyncio.Redis.from_url(self._redis_url, retry=Retry(NoBackoff(), 0)) as client:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it so

    @asynccontextmanager
    async def full_redis(self) -> AsyncIterator[None]:
        await self.command("CONFIG", "SET", "maxmemory", "1")
        yield
        await self.command("CONFIG", "SET", "maxmemory", "0")

    @asynccontextmanager
    async def lonely_redis(self) -> AsyncIterator[None]:
        """Take no writes, because the replica is away that has to have them, too."""
        await self.command("CONFIG", "SET", "min-replicas-to-write", "1")
        yield
        await self.command("CONFIG", "SET", "min-replicas-to-write", "0")

    @asynccontextmanager
    async def read_only_redis(self) -> AsyncIterator[None]:
        """Make it the replica of a server that is dead."""
        await self.command("REPLICAOF", "127.0.0.1", str(free_port()))
        yield
        await self.command("REPLICAOF", "NO", "ONE")

    async def drop_streams(self) -> None:
        await self.command("DEL", *_streams())

    async def drop_groups(self) -> None:
        for stream in _streams():
            if await self.command("EXISTS", stream):
                await self.command("XGROUP", "DESTROY", stream, GROUP)

    async def kill_redis(self, *, loads_slowly: bool = False) -> None:
        """Kill Redis and start it again with what it had. loads_slowly: for seconds it only says so."""
        spec = self._redis_process._spec
        await self._redis_process.kill()
        slow = msgspec.structs.replace(spec, command=(*spec.command, *_LOADING))
        self._redis_process = await Process.start(slow if loads_slowly else spec)
        if not loads_slowly:
            await self._redis_process.wait_ready(self.redis_answers, timeout_s=READY_TIMEOUT_S)

    async def fill_redis(self, *, key_count: int) -> None:
        async with redis.asyncio.Redis.from_url(self._redis_url) as client, client.pipeline() as pipe:
            for number in range(key_count):
                pipe.set(f"ballast:{number}", "x")
            await pipe.execute()

    async def redis_says(self) -> str:
        """Return what Redis answers to a question, in one exchange, for which it has time while it loads."""
        address = urlsplit(self._redis_url)
        try:
            reader, writer = await asyncio.open_connection(address.hostname, address.port)
        except OSError:
            return ""
        try:
            writer.write(f"AUTH {address.password}\r\nEXISTS x\r\n".encode())
            return (await reader.readline() + await reader.readline()).decode()
        except OSError:
            return ""
        finally:
            writer.close()

    async def redis_answers(self) -> bool:
        return ":0" in await self.redis_says()

    async def redis_is_loading(self) -> bool:
        return "-LOADING" in await self.redis_says()

    async def settle(self) -> None:
        """Heal the proxies and wait until both stores answer."""
        self.postgres.heal()
        self.redis.heal()
        await until_answered(self.redis_answers)
        await until_answered(self._postgres_answers)

    async def _postgres_answers(self) -> bool:
        try:
            return bool(await self.fetchval("SELECT true"))
        except (OSError, asyncpg.PostgresError):
            return False

    async def _stop(self) -> None:
        await self._postgres_process.stop()
        await self._redis_process.stop()


def _streams() -> Sequence[str]:
    return [key(platform, "jobs") for platform in Platform]


async def _lock_backwards(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    async with connection.transaction():
        if await connection.fetch("SELECT 1 FROM transfers WHERE state = 'running' FOR UPDATE"):
            await _until_blocking(connection)  # a checkpoint holds jobs now, and waits for the transfer
        await connection.fetch("SELECT 1 FROM jobs WHERE state = 'open' FOR UPDATE")


async def _until_blocking(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Wait until somebody waits for a lock of this connection; not for long, there may be nobody."""
    own_pid = connection.get_server_pid()

    async def is_blocking() -> bool:
        return bool(await connection.fetchval(_BLOCKED_BY, own_pid))

    with contextlib.suppress(TimeoutError):
        await until_answered(is_blocking, patience_s=_BLOCKING_S)


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
