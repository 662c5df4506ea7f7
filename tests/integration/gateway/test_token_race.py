"""Eight real processes want the same token refreshed at once: one asks, and nobody is logged out."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared.cipher import Cipher
from shared.db import connections, users
from shared.db.connections import NewSignIn
from shared.db.pool import Pool
from shared.models import Account, ConnectionId, Platform
from shared.secret import Secret
from shared.settings import parse_key_ring
from shared.streams import open_redis
from shared.tokens import Sessions
from tests.integration.gateway.token_client import KEY_RING
from tests.integration.gateway.token_server import FIRST, TokenServer
from tests.waiting import within

pytestmark = pytest.mark.integration

PROCESS_COUNT = 8
EXPIRY_COUNT = 5
LEASE_S = 2.0
PATIENCE_S = 15.0


class Caller:
    """One of the processes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, pid: int) -> None:
        self._reader = reader
        self._writer = writer
        self._pid = pid

    async def tell(self, word: str) -> str:
        """Give an order; return what comes back."""
        self._writer.write(f"{word}\n".encode())
        return (await self._reader.readline()).decode().strip()

    def kill(self) -> None:
        os.kill(self._pid, signal.SIGKILL)

    def leave(self) -> None:
        self._writer.close()


@asynccontextmanager
async def crew(
    connection_id: ConnectionId, url: str, *, environ: dict[str, str]
) -> AsyncIterator[list[Caller]]:
    """Start the processes; they end when we let go of them."""
    callers: asyncio.Queue[Caller] = asyncio.Queue()

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        callers.put_nowait(Caller(reader, writer, pid=int(await reader.readline())))

    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "orders")
        async with await asyncio.start_unix_server(welcome, path):
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.integration.gateway.token_client"),
                *(str(PROCESS_COUNT), connection_id, url, path, str(LEASE_S)),
                env=environ,
            )
            started: list[Caller] = []
            try:
                started += [await within(callers.get()) for _ in range(PROCESS_COUNT)]
                yield started
            finally:
                for caller in started:
                    caller.leave()
                await within(process.wait())


async def sign_in(pool: Pool, redis_url: str) -> ConnectionId:
    async with open_redis(Secret(redis_url)) as redis:
        cipher = Cipher(parse_key_ring(KEY_RING))
        sessions = Sessions(pool=pool, redis=redis, cipher=cipher, refresher_of=lambda _: None)
        connection = await connections.upsert(
            pool,
            await users.ensure(pool, name="mira"),
            NewSignIn(platform=Platform.SPOTIFY, account=Account(id="acc-1", label="Mira Holt", market="DE")),
            seal=lambda one: sessions.seal(one, platform=Platform.SPOTIFY, tokens=FIRST),
        )
    return connection.id


async def test_one_of_eight_processes_refreshes_at_each_expiry_also_when_one_is_killed_at_it(
    pool: Pool, database_url: str, redis_url: str
) -> None:
    environ = {"TEST_DATABASE_URL": database_url, "TEST_REDIS_URL": redis_url}
    connection_id = await sign_in(pool, redis_url)
    async with (
        TokenServer() as server,
        crew(connection_id, server.url, environ=environ) as callers,
        asyncio.timeout(PATIENCE_S),
    ):
        for number in range(1, EXPIRY_COUNT + 1):
            server.expire()
            told = await asyncio.gather(*(caller.tell("call") for caller in callers))
            assert set(told) == {str(number)}
            assert (server.asked_count, server.reused_count) == (number, 0)

        server.expire()
        first, *others = callers
        assert await first.tell("stall") == "stalled"
        first.kill()
        assert server.asked_count == EXPIRY_COUNT  # nothing had been sent
        told = await asyncio.gather(*(caller.tell("call") for caller in others))

    assert set(told) == {str(EXPIRY_COUNT + 1)}
    assert (server.asked_count, server.reused_count) == (EXPIRY_COUNT + 1, 0)
    assert await pool.fetchval("SELECT state FROM connections") == "connected"
