"""The chart's triggers move a real queue's workers: up while there is work for more, and down after it.

The queue is kept short on purpose, so a trigger that waits for a long one would never fire. Here Postgres and
Redis are the real ones, the triggers those of the chart; KEDA's question and the autoscaler's arithmetic are
played as their documentation has them.
"""

import math
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis

from shared import outbox
from shared.db import jobs, workers
from shared.db.jobs import NextJob
from shared.db.pool import Pool
from shared.lifecycle import Phase
from shared.models import Platform
from shared.streams import Streams
from tests.charts import Manifest, one, render
from tests.integration.worker.engine import APPENDING, Engine

pytestmark = pytest.mark.integration

TARGET = Platform.APPLE_MUSIC
SLOTS = 8
MOST = 6
TOLERANCE = 0.1  # a ratio nearer to one than this changes nothing


class Fleet(msgspec.Struct, kw_only=True):
    """So many workers, each with as many entries of the stream as it has slots."""

    pool: Pool
    redis: Redis
    count: int = 1

    async def fill(self) -> None:
        streams = Streams(self.redis)
        await streams.ensure_group(TARGET)
        for number in range(self.count):
            await workers.seen(self.pool, f"w{number}", slot_count=SLOTS)
        await outbox.dispatch(self.pool, streams, TARGET)
        for number in range(self.count):
            taken = await self.redis.xpending_range(key(), "workers", "-", "+", SLOTS, f"w{number}")
            free = SLOTS - len(taken)
            if free:
                await streams.read(self.redis, TARGET, consumer=f"w{number}", count=free, block_ms=1)

    async def finish(self) -> None:
        streams = Streams(self.redis)
        await streams.read(self.redis, TARGET, consumer="w0", count=1000, block_ms=1)
        entries: Any = await self.redis.xrange(key())
        for entry_id, _ in entries:
            await streams.ack(TARGET, entry_id)
        await self.pool.execute("UPDATE jobs SET state = 'done'")


def key() -> str:
    return next(iter(triggers()))["stream"]


def triggers() -> list[dict[str, str]]:
    keda: Manifest = {"kind": "keda", "maxReplicas": MOST, "keda": {"redis": {"addresses": "redis:6379"}}}
    manifests = render({"secret": {"existing": "kept"}, "worker": {"autoscaling": keda}})
    asked = [each["metadata"] for each in one(manifests, "ScaledObject")["spec"]["triggers"]]
    return [each for each in asked if TARGET in each["stream"]]


async def wanted_count(redis: Redis, *, now: int) -> int:
    """Return what the autoscaler makes of the triggers: the greatest number that any of them calls for."""
    (group,) = await redis.xinfo_groups(key())
    wanted = [_now_or_more(_figure(group, each), now=now) for each in triggers()]
    return min(MOST, max(1, *wanted))


def _figure(group: dict[str, Any], trigger: dict[str, str]) -> float:
    if "lagCount" in trigger:
        assert group["lag"] is not None, "Redis does not know the lag: the trigger would fail"
        return float(group["lag"]) / int(trigger["lagCount"])
    return float(group["pending"]) / int(trigger["pendingEntriesCount"])


def _now_or_more(workers_worth: float, *, now: int) -> int:
    return now if abs(workers_worth / now - 1) <= TOLERANCE else math.ceil(workers_worth)


async def with_work(engine: Engine, *, user: str) -> None:
    transfer_id = await engine.transfer([1], user=user)
    row = await engine.pool.fetchrow("SELECT * FROM jobs WHERE transfer_id = $1", transfer_id)
    assert row is not None
    async with engine.pool.acquire() as connection, connection.transaction():
        following = [NextJob(platform=TARGET, phase=Phase.MATCH, batch=batch) for batch in range(200)]
        await jobs.add(connection, jobs.from_row(row), following)
        await connection.execute("UPDATE jobs SET state = 'done' WHERE phase = 'read'")


@pytest.mark.parametrize("users", [["mira"], ["mira", "noor"]], ids=len)
async def test_workers_come_while_their_slots_are_full_and_leave_after_it(
    pool: Pool, redis: Redis, users: list[str]
) -> None:
    engine, fleet = Engine(pool, redis, target=APPENDING), Fleet(pool=pool, redis=redis)
    for user in users:
        await with_work(engine, user=user)

    counts = [fleet.count]
    while fleet.count < MOST and len(counts) < 2 * MOST:
        await fleet.fill()
        fleet.count = await wanted_count(redis, now=fleet.count)
        counts.append(fleet.count)
    await fleet.finish()

    assert counts[-1] == MOST, counts
    assert counts == sorted(counts)
    assert await wanted_count(redis, now=MOST) == 1


async def test_work_that_nobody_takes_calls_for_workers(pool: Pool, redis: Redis) -> None:
    """All workers are gone, or stuck: nothing is pending, and only the lag can tell."""
    engine, fleet = Engine(pool, redis, target=APPENDING), Fleet(pool=pool, redis=redis, count=0)
    await with_work(engine, user="mira")

    await fleet.fill()

    assert await wanted_count(redis, now=1) == MOST


async def test_one_job_needs_one_worker(pool: Pool, redis: Redis) -> None:
    engine, fleet = Engine(pool, redis, target=APPENDING), Fleet(pool=pool, redis=redis)
    await with_work(engine, user="mira")
    await pool.execute("UPDATE jobs SET state = 'done' WHERE batch > 0")

    await fleet.fill()

    (group,) = await redis.xinfo_groups(key())
    assert (group["pending"], group["lag"]) == (1, 0)
    assert await wanted_count(redis, now=1) == 1


async def test_redis_names_a_version_by_which_keda_believes_in_lag(redis: Redis) -> None:
    """KEDA refuses to ask for lag before Redis 7, and reads the version from INFO, also Valkey's."""
    told = (await redis.info("server"))["redis_version"]

    assert int(told.partition(".")[0]) >= 7
