"""The actor on a real stream: a wiped server, a dead neighbour, a lost answer."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.messages import RunJob
from shared.models import JobId, Platform, TransferId
from shared.secret import Secret
from shared.streams import GROUP, Streams, key, open_redis
from tests.faults.proxy import Proxy
from tests.waiting import until
from worker.consumer import Beat, Consumer

pytestmark = pytest.mark.integration

PLATFORM = Platform.SPOTIFY
STREAM = key(PLATFORM, "jobs")


def job(number: int) -> RunJob:
    return RunJob(job_id=JobId(f"job-{number}"), transfer_id=TransferId("transfer"))


class Done:
    """Executes at once and remembers what."""

    def __init__(self) -> None:
        self.job_ids: list[str] = []

    async def __call__(self, message: RunJob, _: Beat) -> tuple[bool, tuple[Platform, ...]]:
        self.job_ids.append(message.job_id)
        return True, ()


async def wake(_: Sequence[Platform]) -> None:
    return


@pytest_asyncio.fixture
async def reader(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(Secret(redis_url), connection_count=1, socket_timeout_s=None) as client:
        yield client


def consumer(redis: Redis, reader: Redis, done: Done, *, name: str = "w", lease_s: float = 30) -> Consumer:
    return Consumer(
        PLATFORM,
        streams=Streams(redis),
        reader=reader,
        name=name,
        slot_count=4,
        lease_s=lease_s,
        execute=done,
        wake=wake,
    )


async def stopped(task: "asyncio.Task[None]", stop: asyncio.Event, one: Consumer) -> None:
    stop.set()
    await task
    await one.drain()
    await one.leave()


async def test_a_wiped_server_is_served_again(redis: Redis, reader: Redis) -> None:
    done, stop = Done(), asyncio.Event()
    one = consumer(redis, reader, done)
    task = asyncio.create_task(one.run(stop))
    await Streams(redis).add(PLATFORM, [job(1)])
    await until(lambda: done.job_ids == ["job-1"])

    await redis.flushall()
    await Streams(redis).add(PLATFORM, [job(2)])

    await until(lambda: done.job_ids == ["job-1", "job-2"])
    await stopped(task, stop, one)


async def test_the_entries_of_a_dead_worker_are_taken_over(redis: Redis, reader: Redis) -> None:
    streams = Streams(redis)
    await streams.ensure_group(PLATFORM)
    await streams.add(PLATFORM, [job(1), job(2)])
    entries = await streams.read(reader, PLATFORM, consumer="dead", count=2, block_ms=100)
    await redis.xclaim(STREAM, GROUP, "dead", 0, [entry.id for entry in entries], idle=60_000, justid=True)
    done, stop = Done(), asyncio.Event()
    one = consumer(redis, reader, done)

    task = asyncio.create_task(one.run(stop))

    await until(lambda: sorted(done.job_ids) == ["job-1", "job-2"])
    await stopped(task, stop, one)
    assert await redis.xlen(STREAM) == 0


@pytest.mark.parametrize("value", [b"run_job.v9", b"\xff\xfe"], ids=["unknown", "no-text"])
async def test_an_entry_that_nobody_can_read_is_dropped_and_blocks_nothing(
    redis: Redis, reader: Redis, value: bytes
) -> None:
    await Streams(redis).ensure_group(PLATFORM)
    await redis.xadd(STREAM, {b"type": value, b"job_id": b"job-0", b"transfer_id": value})
    await Streams(redis).add(PLATFORM, [job(1)])
    done, stop = Done(), asyncio.Event()
    one = consumer(redis, reader, done)

    task = asyncio.create_task(one.run(stop))

    await until(lambda: done.job_ids == ["job-1"])
    await stopped(task, stop, one)
    assert await redis.xlen(STREAM) == 0


async def test_entries_whose_delivery_was_lost_are_executed(redis: Redis, redis_url: str) -> None:
    done, stop = Done(), asyncio.Event()
    await Streams(redis).add(PLATFORM, [job(1), job(2), job(3)])
    async with (
        Proxy(redis_url) as proxy,
        open_redis(Secret(proxy.url), connection_count=1, socket_timeout_s=None) as shaky,
    ):
        proxy.swallow(b"XREADGROUP")
        one = consumer(redis, shaky, done)

        task = asyncio.create_task(one.run(stop))

        await until(lambda: len(done.job_ids) >= 3)
        await stopped(task, stop, one)
    assert proxy.swallowed_count == 1
    assert sorted(done.job_ids) == ["job-1", "job-2", "job-3"]


async def test_a_worker_that_leaves_takes_its_name_off_the_group(redis: Redis, reader: Redis) -> None:
    done, stop = Done(), asyncio.Event()
    one = consumer(redis, reader, done)
    task = asyncio.create_task(one.run(stop))
    await Streams(redis).add(PLATFORM, [job(1)])
    await until(lambda: done.job_ids == ["job-1"])

    await stopped(task, stop, one)

    assert await redis.xinfo_consumers(STREAM, GROUP) == []
