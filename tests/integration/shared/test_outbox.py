"""The rows as outbox: fair dispatch, and a second wake-up for what was lost."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from redis.asyncio import Redis

from shared import outbox
from shared.db import jobs, workers
from shared.db.jobs import NextJob
from shared.db.pool import Pool
from shared.lifecycle import Phase
from shared.models import JobId, Platform, TransferId
from shared.secret import Secret
from shared.streams import STORE_ERRORS, Streams, open_redis
from tests.integration.worker.engine import APPENDING, LEASE_S, Engine

pytestmark = pytest.mark.integration

TARGET = Platform.APPLE_MUSIC
SOURCE = Platform.SPOTIFY


@pytest.fixture
def engine(pool: Pool, redis: Redis) -> Engine:
    return Engine(pool, redis, target=APPENDING)


@pytest.fixture
def streams(redis: Redis) -> Streams:
    return Streams(redis)


async def with_jobs(engine: Engine, job_count: int, *, user: str) -> TransferId:
    """Start a transfer that has so many match jobs ready and nothing else."""
    transfer_id = await engine.transfer([1], user=user)
    row = await engine.pool.fetchrow("SELECT * FROM jobs WHERE transfer_id = $1", transfer_id)
    assert row is not None
    async with engine.pool.acquire() as connection, connection.transaction():
        following = [NextJob(platform=TARGET, phase=Phase.MATCH, batch=batch) for batch in range(job_count)]
        await jobs.add(connection, jobs.from_row(row), following)
        await connection.execute("UPDATE jobs SET state = 'done' WHERE phase = 'read'")
    return transfer_id


async def queued(engine: Engine) -> Counter[str]:
    """Return how many jobs of each transfer are marked as queued."""
    rows = await engine.pool.fetch(
        "SELECT transfer_id, count(*) AS n FROM jobs WHERE queued_at IS NOT NULL GROUP BY 1"
    )
    return Counter({str(row["transfer_id"]): row["n"] for row in rows})


async def test_a_dwarf_of_another_user_gets_a_turn_in_the_first_window(
    engine: Engine, streams: Streams
) -> None:
    await with_jobs(engine, 200, user="giant")
    dwarf = await with_jobs(engine, 1, user="dwarf")

    dispatched_count = await outbox.dispatch(engine.pool, streams, TARGET)

    assert dispatched_count == 7
    assert (await queued(engine))[dwarf] == 1


async def test_a_dwarf_of_the_same_user_gets_a_turn_in_the_first_window(
    engine: Engine, streams: Streams
) -> None:
    giant = await with_jobs(engine, 200, user="mira")
    dwarf = await with_jobs(engine, 3, user="mira")

    await outbox.dispatch(engine.pool, streams, TARGET)

    assert await queued(engine) == Counter({giant: 3, dwarf: 3})


async def test_a_dwarf_that_comes_late_is_next_although_the_giant_has_the_whole_window(
    engine: Engine, streams: Streams
) -> None:
    giant = await with_jobs(engine, 200, user="giant")
    await outbox.dispatch(engine.pool, streams, TARGET)
    dwarf = await with_jobs(engine, 1, user="dwarf")
    await take_one(engine, giant)

    await outbox.dispatch(engine.pool, streams, TARGET)

    assert (await queued(engine))[dwarf] == 1


async def test_a_dwarf_behind_more_jobs_than_are_looked_at_is_found_soon(engine: Engine) -> None:
    await with_jobs(engine, 400, user="giant")
    await with_jobs(engine, 400, user="giant")
    same_user = await with_jobs(engine, 1, user="giant")
    other_user = await with_jobs(engine, 1, user="dwarf")
    seen: set[TransferId] = set()

    for _ in range(400):  # a few do as a rule: which users and transfers are looked at is left to chance
        chosen = await jobs.choose(engine.pool, TARGET, window=8, user_cap=6, oldest_count=50)
        seen |= {job.transfer_id for job in chosen}
        if {same_user, other_user} <= seen:
            break
        await jobs.unqueue(engine.pool, [job.id for job in chosen])

    assert {same_user, other_user} <= seen


async def test_users_share_the_window_however_many_jobs_each_has(engine: Engine, streams: Streams) -> None:
    transfer_ids = [await with_jobs(engine, count, user=f"user-{count}") for count in (100, 50, 20, 5)]

    await outbox.dispatch(engine.pool, streams, TARGET)

    assert await queued(engine) == Counter(dict.fromkeys(transfer_ids, 2))


async def test_the_window_grows_with_the_fleet_and_is_never_passed(engine: Engine, streams: Streams) -> None:
    await workers.seen(engine.pool, "a", slot_count=16)
    await with_jobs(engine, 50, user="mira")
    await with_jobs(engine, 50, user="noor")

    counts = [await outbox.dispatch(engine.pool, streams, TARGET) for _ in range(3)]

    assert counts == [18, 0, 0]
    assert len(await streams.queued_jobs(TARGET)) == 18


async def test_one_user_never_has_all_slots(engine: Engine, streams: Streams) -> None:
    await workers.seen(engine.pool, "a", slot_count=16)
    await with_jobs(engine, 50, user="mira")
    await with_jobs(engine, 50, user="mira")

    counts = [await outbox.dispatch(engine.pool, streams, TARGET) for _ in range(3)]

    assert counts == [12, 0, 0]


async def test_dispatchers_at_the_same_time_queue_nothing_twice(
    engine: Engine, streams: Streams, redis: Redis
) -> None:
    await with_jobs(engine, 60, user="mira")
    await with_jobs(engine, 60, user="noor")
    await workers.seen(engine.pool, "a", slot_count=20)

    counts = await asyncio.gather(*(outbox.dispatch(engine.pool, streams, TARGET) for _ in range(12)))

    assert sum(counts) == 22
    assert await redis.xlen("{crossplay:apple_music}:jobs") == 22
    assert len(await streams.queued_jobs(TARGET)) == 22


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE jobs SET run_at = now() + interval '1 hour'",
        "UPDATE jobs SET state = 'dead'",
        "UPDATE jobs SET lease_until = now() + interval '1 hour'",
        "UPDATE transfers SET state = 'paused'",
        "UPDATE transfers SET state = 'failed'",
    ],
)
async def test_what_may_not_run_now_is_not_queued(engine: Engine, streams: Streams, change: str) -> None:
    await with_jobs(engine, 3, user="mira")
    await engine.pool.execute(change)

    assert await outbox.dispatch(engine.pool, streams, TARGET) == 0


async def test_a_job_whose_owner_died_is_queued_again(engine: Engine, streams: Streams) -> None:
    transfer_id = await with_jobs(engine, 1, user="mira")
    await outbox.dispatch(engine.pool, streams, TARGET)
    await take_one(engine, transfer_id)
    assert await outbox.dispatch(engine.pool, streams, TARGET) == 0

    await engine.skip(LEASE_S + 1)

    assert await outbox.dispatch(engine.pool, streams, TARGET) == 1


async def test_only_what_is_gone_from_the_stream_is_rescued(
    engine: Engine, streams: Streams, redis: Redis
) -> None:
    await with_jobs(engine, 5, user="mira")
    await outbox.dispatch(engine.pool, streams, TARGET)
    await engine.skip(outbox.LOST_AFTER_S + 1)
    entries: Any = await redis.xrange("{crossplay:apple_music}:jobs", count=1)
    await redis.xdel("{crossplay:apple_music}:jobs", entries[0][0])

    rescued_count = await outbox.rescue(engine.pool, streams, TARGET)

    assert rescued_count == 1
    assert await outbox.dispatch(engine.pool, streams, TARGET) == 1
    assert await outbox.rescue(engine.pool, streams, TARGET) == 0


async def test_what_was_delivered_and_not_acknowledged_is_not_rescued(
    engine: Engine, streams: Streams, redis: Redis
) -> None:
    await with_jobs(engine, 3, user="mira")
    await streams.ensure_group(TARGET)
    await outbox.dispatch(engine.pool, streams, TARGET)
    await streams.read(redis, TARGET, consumer="w", count=3, block_ms=100)
    await engine.skip(outbox.LOST_AFTER_S + 1)

    assert await outbox.rescue(engine.pool, streams, TARGET) == 0


async def test_a_wiped_redis_loses_no_job(engine: Engine, streams: Streams, redis: Redis) -> None:
    await with_jobs(engine, 5, user="mira")
    await outbox.dispatch(engine.pool, streams, TARGET)
    await redis.flushall()
    assert await outbox.rescue(engine.pool, streams, TARGET) == 0  # too fresh to call it lost
    await engine.skip(outbox.LOST_AFTER_S + 1)

    assert await outbox.rescue(engine.pool, streams, TARGET) == 5
    assert await outbox.dispatch(engine.pool, streams, TARGET) == 5


async def test_jobs_that_do_not_reach_redis_can_be_chosen_again(engine: Engine, streams: Streams) -> None:
    await with_jobs(engine, 3, user="mira")
    async with open_redis(Secret("redis://127.0.0.1:1/0")) as nobody:
        with pytest.raises(STORE_ERRORS):
            await outbox.dispatch(engine.pool, Streams(nobody), TARGET)

    assert await outbox.dispatch(engine.pool, streams, TARGET) == 3


async def take_one(engine: Engine, transfer_id: str) -> None:
    """Let a worker take one queued job of a transfer."""
    job_id = await engine.pool.fetchval(
        "SELECT id FROM jobs WHERE transfer_id = $1 AND queued_at IS NOT NULL LIMIT 1", transfer_id
    )
    await jobs.acquire(engine.pool, JobId(str(job_id)), owner="w", lease_s=LEASE_S)
