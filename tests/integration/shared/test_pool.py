"""The pool on a real Postgres behind a proxy: nobody waits for ever, and what is dead is thrown away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio

from shared.db.pool import STORE_ERRORS, Pool, execute_long, open_pool
from shared.secret import Secret
from tests.faults.proxy import Proxy
from tests.waiting import until, until_answered

pytestmark = pytest.mark.integration

PID = "SELECT pg_backend_pid()"


@pytest_asyncio.fixture
async def proxy(database_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(database_url) as proxy:
        yield proxy


@pytest_asyncio.fixture
async def pool(proxy: Proxy) -> AsyncIterator[Pool]:
    pool = await open_pool(Secret(proxy.url), size=4)
    yield pool
    pool.terminate()


@pytest_asyncio.fixture
async def direct(database_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(Secret(database_url), size=1) as direct:
        yield direct


async def all_pids(pool: Pool) -> set[int]:
    """Use all four connections at once."""
    async with contextlib.AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(pool.acquire()) for _ in range(4)]
        return {await connection.fetchval(PID) for connection in connections}


async def test_a_pool_opens_where_no_server_is_and_works_when_one_comes(proxy: Proxy) -> None:
    proxy.is_refusing = True

    async with await open_pool(Secret(proxy.url)) as pool:
        with pytest.raises(STORE_ERRORS):
            await pool.fetchval("SELECT 1")
        proxy.heal()

        assert await pool.fetchval("SELECT 1") == 1


async def test_one_connection_that_is_found_dead_ends_all_that_were_open_with_it(
    pool: Pool, proxy: Proxy
) -> None:
    before = await all_pids(pool)
    proxy.go_deaf()

    with pytest.raises(TimeoutError):
        await pool.fetchval(PID)
    proxy.heal()

    # Else each of the other three would have to be waited for, one after the other.
    assert not before & await all_pids(pool)


async def test_a_new_connection_to_a_silent_server_is_given_up(pool: Pool, proxy: Proxy) -> None:
    proxy.stall()

    with pytest.raises(TimeoutError):
        await pool.fetchval("SELECT 1")


async def test_nobody_waits_for_ever_for_a_free_connection(pool: Pool) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(4):
            await stack.enter_async_context(pool.acquire())

        with pytest.raises(TimeoutError):
            await pool.fetchval("SELECT 1")

    assert await pool.fetchval("SELECT 1") == 1


async def test_a_cancelled_call_holds_nobody_up_and_its_connection_is_dropped(
    pool: Pool, direct: Pool
) -> None:
    call = asyncio.create_task(pool.execute("SELECT pg_sleep(4)"))
    await until_answered(lambda: _is_running(direct, "SELECT pg_sleep(4)"))

    call.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert pool.get_size() == 0


async def test_the_cancellation_of_a_transaction_stays_one_where_it_cannot_be_rolled_back(
    pool: Pool, proxy: Proxy
) -> None:
    has_begun = asyncio.Event()

    async def work() -> None:
        async with pool.acquire() as connection, connection.transaction():
            proxy.go_deaf()
            has_begun.set()
            await connection.execute("SELECT 1")

    task = asyncio.create_task(work())
    await has_begun.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_error_that_ended_a_transaction_is_told_and_not_that_of_the_roll_back(
    pool: Pool, proxy: Proxy
) -> None:
    async def work() -> None:
        async with pool.acquire() as connection, connection.transaction():
            proxy.cut()
            await until(lambda: pool.get_size() == 0)
            raise LookupError("told")

    with pytest.raises(LookupError, match="told"):
        await work()

    assert await pool.fetchval("SELECT 1") == 1


async def test_a_failed_transaction_leaves_nothing_and_its_connection_serves_on(
    pool: Pool, direct: Pool
) -> None:
    async def work() -> None:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("CREATE TABLE half ()")
            await connection.execute("SELECT 1/0")

    with pytest.raises(asyncpg.DivisionByZeroError):
        await work()

    assert await pool.fetchval("SELECT to_regclass('half')") is None
    assert pool.get_size() == 1


@pytest.mark.parametrize("name", ["statement_timeout", "idle_in_transaction_session_timeout"])
async def test_the_server_ends_what_a_frozen_client_would_hold(pool: Pool, name: str) -> None:
    for _ in range(2):  # the same connection: what was set stays set
        assert await pool.fetchval("SELECT current_setting($1)", name) == "5s"


async def test_what_touches_every_item_has_longer_and_only_that(pool: Pool) -> None:
    async with pool.acquire() as connection:
        async with connection.transaction():
            await execute_long(connection, "SELECT $1::int", 1)
            long = await connection.fetchval("SHOW statement_timeout")
        usual = await connection.fetchval("SHOW statement_timeout")

    assert (long, usual) == ("25s", "5s")


async def test_a_session_that_is_frozen_in_a_transaction_lets_go_of_its_rows(
    pool: Pool, direct: Pool
) -> None:
    await direct.execute("CREATE TABLE held AS SELECT 1 AS n")
    async with pool.acquire() as frozen:
        await frozen.execute("BEGIN; UPDATE held SET n = 2")

        await until_answered(lambda: _can_change(direct))

        with pytest.raises(STORE_ERRORS):
            await frozen.execute("COMMIT")
    assert await direct.fetchval("SELECT n FROM held") == 3


async def _is_running(pool: Pool, query: str) -> bool:
    return bool(await pool.fetchval("SELECT true FROM pg_stat_activity WHERE query = $1", query))


async def _can_change(pool: Pool) -> bool:
    try:
        await pool.execute("UPDATE held SET n = 3")
    except STORE_ERRORS:
        return False
    return True


async def test_a_table_that_a_migration_has_changed_is_read_anew_by_whoever_asks_again(pool: Pool) -> None:
    await pool.execute("CREATE TABLE changing (id int)")
    async with pool.acquire() as connection, connection.transaction():
        await connection.fetch("SELECT * FROM changing")
        pid = await connection.fetchval(PID)
    async with pool.acquire() as connection:
        assert await connection.fetchval(PID) == pid  # the one that has prepared it
        async with pool.acquire() as other:
            await other.execute("ALTER TABLE changing ADD COLUMN name text")
        with pytest.raises(STORE_ERRORS):
            async with connection.transaction():
                await connection.fetch("SELECT * FROM changing")

        async with connection.transaction():
            rows = await connection.fetch("SELECT * FROM changing")

    assert rows == []
