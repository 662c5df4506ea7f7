"""Migrations on a real Postgres: each once, in order, and never half, beside whatever else happens."""

import asyncio
import os
import sys

import asyncpg
import pytest

from shared.db import migrate as runner
from shared.db import schema, workers
from shared.db.migrate import Patience, look, migrate
from shared.db.pool import open_pool
from shared.db.schema import Migration, Moment, SchemaMismatch
from shared.errors import MaintenanceRefused
from shared.schema_gate import until_migrated
from shared.secret import Secret
from tests.databases import connected, is_waited_for
from tests.waiting import until_answered, within

pytestmark = pytest.mark.integration

PRE, POST = frozenset({Moment.PRE}), frozenset({Moment.POST})
FIRST_RELEASE = """
CREATE TABLE schema_migrations (name text PRIMARY KEY, sha256 text, applied_at timestamptz DEFAULT now())
"""
OLD_WORKER = "INSERT INTO workers (id, slot_count) VALUES ('old', 8)"
NAMES = [one.name for one in schema.migrations()]


async def test_an_empty_database_gets_every_migration_once(empty_database_url: str) -> None:
    first = await migrate(empty_database_url)
    second = await migrate(empty_database_url)

    assert (list(first.applied), second.applied) == (NAMES, ())
    assert await applied(empty_database_url) == NAMES


async def test_processes_that_start_together_migrate_once(empty_database_url: str) -> None:
    environ = {**os.environ, "CROSSPLAY_DATABASE_URL": empty_database_url, **OTHER_SETTINGS}
    command = (sys.executable, "-m", "deploy.cli.main", "migrate")
    both = [
        await asyncio.create_subprocess_exec(*command, env=environ, stdout=asyncio.subprocess.PIPE)
        for _ in range(2)
    ]

    told = [(await within(one.communicate()))[0].decode() for one in both]

    assert [one.returncode for one in both] == [0, 0]
    assert sum(text.count("applied ") for text in told) == len(NAMES)
    assert await applied(empty_database_url) == NAMES


async def test_a_database_of_the_first_release_goes_on_from_there_and_the_first_release_sees_no_change(
    empty_database_url: str,
) -> None:
    await make_first_release(empty_database_url)

    done = await migrate(empty_database_url, wanted=PRE)

    assert [name for name in NAMES if name[:4] > "0002" and "_pre_" in name] == list(done.applied)
    async with connected(empty_database_url) as connection:
        seen = await connection.fetch("SELECT name FROM schema_migrations ORDER BY name")
    assert [row["name"] for row in seen] == NAMES[:2]


async def test_a_post_waits_for_older_processes_and_is_done_when_they_are_gone(
    empty_database_url: str,
) -> None:
    await make_first_release(empty_database_url)
    async with connected(empty_database_url) as connection:
        await connection.execute(OLD_WORKER)

    beside = await migrate(empty_database_url)
    with pytest.raises(MaintenanceRefused, match="1 worker"):
        await migrate(empty_database_url, wanted=POST)
    async with connected(empty_database_url) as connection:
        await connection.execute(OLD_WORKER.replace("'old'", "'older'"))  # it still can say that it lives
        await connection.execute("DELETE FROM workers")
    after = await migrate(empty_database_url, wanted=POST)

    assert beside.waiting == after.applied == tuple(name for name in NAMES if "_post_" in name)


async def test_a_gateway_of_an_older_release_holds_a_post_up(empty_database_url: str) -> None:
    await migrate(empty_database_url, wanted=PRE)
    async with connected(empty_database_url) as connection:
        await connection.execute("INSERT INTO gateways (id, release, schema_number) VALUES ('a', '0.2.0', 3)")

    plan = await look(empty_database_url)

    assert (plan.steps, plan.is_stuck) == ((), False)
    assert "1 gateway" in plan.why


async def test_processes_of_this_release_are_seen_and_hold_nothing_up(empty_database_url: str) -> None:
    await migrate(empty_database_url, wanted=PRE)
    async with await open_pool(Secret(empty_database_url), size=1) as pool:
        await workers.seen(pool, "one", slot_count=8)
        await workers.gateway_seen(pool, "two")
        async with pool.acquire() as connection:
            seen = await workers.processes(connection)

    assert {(one.kind, one.schema_number) for one in seen} == {
        ("worker", schema.schema_number()),
        ("gateway", schema.schema_number()),
    }
    assert (await migrate(empty_database_url)).waiting == ()


async def test_a_table_that_is_locked_for_a_while_is_tried_again(empty_database_url: str) -> None:
    patience = Patience(lock_ms=50, pause_s=0.05, attempt_count=2)
    await make_first_release(empty_database_url)
    async with connected(empty_database_url) as connection:
        holding = connection.transaction()
        await holding.start()
        await connection.execute("LOCK TABLE workers IN ACCESS SHARE MODE")

        with pytest.raises(MaintenanceRefused, match="did not get its lock in 2 attempts"):
            await migrate(empty_database_url, patience=patience)
        left = await applied(empty_database_url)
        going_on = asyncio.create_task(
            migrate(empty_database_url, patience=Patience(lock_ms=50, pause_s=0.05, attempt_count=100))
        )
        await until_answered(lambda: is_waited_for(connection))
        await holding.rollback()
        await within(going_on)

    assert left == NAMES[:2]
    assert await applied(empty_database_url) == NAMES


async def test_a_file_that_fails_half_way_leaves_nothing_of_it(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    step = Migration(name="9000_pre_half.sql", sql="CREATE TABLE half (id int); SELECT 1 / 0")

    async with connected(empty_database_url) as connection:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await runner._apply_patiently(connection, step, patience=Patience(attempt_count=1))
        is_there = await connection.fetchval("SELECT to_regclass('half')")

    assert is_there is None
    assert await applied(empty_database_url) == NAMES


async def test_a_look_changes_nothing(empty_database_url: str) -> None:
    plan = await look(empty_database_url)

    assert [step.name for step in plan.steps] == NAMES
    assert await applied(empty_database_url) == []


@pytest.mark.parametrize(
    "change",
    [
        "INSERT INTO schema_changes (name, sha256, release) VALUES ('9999_post_future.sql', 'x', '9')",
        "UPDATE schema_changes SET sha256 = 'x'",
    ],
    ids=["a newer release has taken something away", "changed since"],
)
async def test_a_schema_of_other_files_is_refused(database_url: str, change: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute(change)

    with pytest.raises(SchemaMismatch):
        await migrate(database_url)
    async with await open_pool(Secret(database_url), size=1) as pool:
        with pytest.raises(SchemaMismatch):
            await within(until_migrated(pool, stop=asyncio.Event()))


async def test_a_schema_to_which_a_newer_release_has_only_added_will_do(database_url: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute(
            "INSERT INTO schema_changes (name, sha256, release) VALUES ('9999_pre_future.sql', 'x', '9')"
        )

    async with await open_pool(Secret(database_url), size=1) as pool:
        assert await within(until_migrated(pool, stop=asyncio.Event()))
    assert (await migrate(database_url)).applied == ()


async def test_a_process_waits_for_the_schema_and_begins_when_it_is_there(empty_database_url: str) -> None:
    async with await open_pool(Secret(empty_database_url), size=1) as pool:
        waiting = asyncio.create_task(until_migrated(pool, stop=asyncio.Event(), every_s=0.05))
        stopped = asyncio.Event()
        stopped.set()
        is_there_at_once = await within(until_migrated(pool, stop=stopped))

        await migrate(empty_database_url, wanted=PRE)

        assert (is_there_at_once, await within(waiting)) == (False, True)


OTHER_SETTINGS = {
    "CROSSPLAY_REDIS_URL": "redis://127.0.0.1:1/0",
    "CROSSPLAY_SECRET_KEYS": "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
}


async def make_first_release(database_url: str) -> None:
    """Make a database as the first release left it."""
    async with connected(database_url) as connection:
        await connection.execute(FIRST_RELEASE)
        for one in schema.migrations()[:2]:
            await connection.execute(one.sql)
            await connection.execute(
                "INSERT INTO schema_migrations (name, sha256) VALUES ($1, $2)", one.name, one.sha256
            )


async def applied(database_url: str) -> list[str]:
    async with connected(database_url) as connection:
        return sorted(await schema.read_applied(connection))
