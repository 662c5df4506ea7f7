"""Streams on a real server, and the traps of redis-py that this transport is built around."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.asyncio.connection import parse_url
from redis.exceptions import RedisError, ResponseError

from shared.messages import RunJob
from shared.models import JobId, Platform, TransferId
from shared.secret import Secret
from shared.streams import GROUP, REPLY_S, STORE_ERRORS, Entry, Streams, key, open_redis
from tests.faults.proxy import Proxy
from tests.waiting import until_answered

pytestmark = pytest.mark.integration

PLATFORM = Platform.SPOTIFY
STREAM = key(PLATFORM, "jobs")


def job(number: int) -> RunJob:
    return RunJob(job_id=JobId(f"job-{number}"), transfer_id=TransferId("transfer"))


def job_ids(entries: list[Entry]) -> list[str]:
    return [entry.message.job_id if entry.message else "?" for entry in entries]


@pytest_asyncio.fixture
async def streams(redis: Redis) -> Streams:
    streams = Streams(redis)
    await streams.ensure_group(PLATFORM)
    return streams


@pytest_asyncio.fixture
async def reader(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(Secret(redis_url), connection_count=1, socket_timeout_s=None) as client:
        yield client


@pytest_asyncio.fixture
async def proxy(redis_url: str) -> AsyncIterator[Proxy]:
    async with Proxy(redis_url) as proxy:
        yield proxy


async def read(streams: Streams, reader: Redis, *, consumer: str = "w", count: int = 10) -> list[Entry]:
    return await streams.read(reader, PLATFORM, consumer=consumer, count=count, block_ms=100)


async def pending(redis: Redis) -> list[tuple[str, str]]:
    """Return entry and owner of all that is delivered and not acknowledged."""
    rows = await redis.xpending_range(STREAM, GROUP, min="-", max="+", count=1000)
    return [(str(row["message_id"]), str(row["consumer"])) for row in rows]


# The transport


async def test_entries_are_read_in_order_and_at_most_as_many_as_asked(
    streams: Streams, reader: Redis
) -> None:
    await streams.add(PLATFORM, [job(n) for n in range(5)])

    first, rest = await read(streams, reader, count=2), await read(streams, reader, count=10)

    assert job_ids(first) == ["job-0", "job-1"]
    assert job_ids(rest) == ["job-2", "job-3", "job-4"]


async def test_a_read_of_nothing_ends_after_its_block(streams: Streams, reader: Redis) -> None:
    assert await read(streams, reader) == []


async def test_entries_from_before_the_group_are_delivered(redis: Redis, reader: Redis) -> None:
    streams = Streams(redis)
    await streams.add(PLATFORM, [job(1)])
    await streams.ensure_group(PLATFORM)

    assert job_ids(await read(streams, reader)) == ["job-1"]


async def test_making_the_group_again_is_no_error(streams: Streams) -> None:
    await streams.ensure_group(PLATFORM)


async def test_an_acknowledged_entry_is_gone_from_stream_and_pending(
    streams: Streams, redis: Redis, reader: Redis
) -> None:
    await streams.add(PLATFORM, [job(1), job(2)])
    first, _ = await read(streams, reader)

    await streams.ack(PLATFORM, first.id)

    assert await redis.xlen(STREAM) == 1
    assert len(await pending(redis)) == 1


async def test_what_is_queued_is_what_stands_in_the_stream_delivered_or_not(
    streams: Streams, reader: Redis
) -> None:
    await streams.add(PLATFORM, [job(1), job(2), job(3)])
    first, *_ = await read(streams, reader, count=2)
    await streams.ack(PLATFORM, first.id)

    assert await streams.queued_jobs(PLATFORM) == {"job-2", "job-3"}


async def test_an_entry_that_this_release_cannot_read_comes_without_a_message(
    streams: Streams, redis: Redis, reader: Redis
) -> None:
    await redis.xadd(STREAM, {"type": "run_job.v9", "job_id": "x", "transfer_id": "y"})

    (entry,) = await read(streams, reader)

    assert entry.message is None


async def test_a_stranded_entry_is_read_again(streams: Streams, reader: Redis) -> None:
    await streams.add(PLATFORM, [job(1), job(2)])
    await read(streams, reader, consumer="w")

    again = await streams.read_stranded(PLATFORM, consumer="w", count=10)

    assert job_ids(again) == ["job-1", "job-2"]
    assert await streams.read_stranded(PLATFORM, consumer="other", count=10) == []


async def test_a_claim_takes_what_has_been_silent_and_nothing_fresh(
    streams: Streams, redis: Redis, reader: Redis
) -> None:
    await streams.add(PLATFORM, [job(n) for n in range(3)])
    await read(streams, reader, consumer="dead")

    fresh = await streams.claim(PLATFORM, consumer="heir", idle_ms=60_000, count=10)
    silent = await streams.claim(PLATFORM, consumer="heir", idle_ms=0, count=2)

    assert fresh == []
    assert job_ids(silent) == ["job-0", "job-1"]
    assert [owner for _, owner in await pending(redis)] == ["heir", "heir", "dead"]


async def test_a_claim_scans_to_the_end_however_many_fresh_entries_stand_before(
    streams: Streams, redis: Redis, reader: Redis
) -> None:
    await streams.add(PLATFORM, [job(n) for n in range(60)])
    entries = await read(streams, reader, consumer="dead", count=60)
    for entry in entries[-2:]:
        await redis.xclaim(STREAM, GROUP, "dead", 0, [entry.id], idle=60_000)

    claimed = await streams.claim(PLATFORM, consumer="heir", idle_ms=30_000, count=2)

    assert job_ids(claimed) == ["job-58", "job-59"]


async def test_a_claim_survives_entries_that_were_deleted_while_pending(
    streams: Streams, redis: Redis, reader: Redis
) -> None:
    await streams.add(PLATFORM, [job(1), job(2)])
    first, _ = await read(streams, reader, consumer="dead")
    await redis.xdel(STREAM, first.id)

    claimed = await streams.claim(PLATFORM, consumer="heir", idle_ms=0, count=10)

    assert job_ids(claimed) == ["job-2"]


async def test_a_renewal_resets_the_idle_time_and_counts_no_delivery(
    streams: Streams, redis: Redis, reader: Redis
) -> None:
    await streams.add(PLATFORM, [job(1)])
    (entry,) = await read(streams, reader)
    await redis.xclaim(STREAM, GROUP, "w", 0, [entry.id], idle=60_000, justid=True)

    lost = await streams.renew(PLATFORM, consumer="w", entry_ids=[entry.id])

    (row,) = await redis.xpending_range(STREAM, GROUP, min="-", max="+", count=1)
    assert lost == []
    assert int(row["time_since_delivered"]) < 60_000
    assert row["times_delivered"] == 1


async def test_a_renewal_does_not_steal_an_entry_back(streams: Streams, redis: Redis, reader: Redis) -> None:
    await streams.add(PLATFORM, [job(1), job(2)])
    first, second = await read(streams, reader, consumer="zombie")
    await redis.xclaim(STREAM, GROUP, "heir", 0, [first.id])

    lost = await streams.renew(PLATFORM, consumer="zombie", entry_ids=[first.id, second.id, "1-1"])

    assert lost == [first.id, "1-1"]
    assert await pending(redis) == [(first.id, "heir"), (second.id, "zombie")]


async def test_a_consumer_that_leaves_is_forgotten_unless_something_is_pending(
    streams: Streams, redis: Redis, reader: Redis
) -> None:
    await streams.add(PLATFORM, [job(1)])
    (entry,) = await read(streams, reader)

    await streams.forget(PLATFORM, consumer="w")
    with_pending = [consumer["name"] for consumer in await redis.xinfo_consumers(STREAM, GROUP)]
    await streams.ack(PLATFORM, entry.id)
    await streams.forget(PLATFORM, consumer="w")

    assert with_pending == ["w"]
    assert await redis.xinfo_consumers(STREAM, GROUP) == []


async def test_a_wiped_server_answers_with_an_error_that_is_known(
    streams: Streams, redis: Redis, reader: Redis
) -> None:
    await redis.flushall()

    with pytest.raises(ResponseError, match="NOGROUP"):
        await read(streams, reader)

    await streams.ensure_group(PLATFORM)
    await streams.add(PLATFORM, [job(1)])
    assert job_ids(await read(streams, reader)) == ["job-1"]


async def test_keys_of_one_platform_share_a_cluster_slot() -> None:
    assert key(PLATFORM, "jobs") == "{crossplay:spotify}:jobs"


# What redis-py would do by itself


async def test_a_lost_reply_does_not_add_an_entry_twice(streams: Streams, redis: Redis, proxy: Proxy) -> None:
    async with open_redis(Secret(proxy.url)) as shaky:
        await shaky.ping()
        proxy.swallow(b"XADD")

        with pytest.raises(STORE_ERRORS):
            await Streams(shaky).add(PLATFORM, [job(1)])

    assert proxy.swallowed_count == 1
    assert await redis.xlen(STREAM) == 1


async def test_redis_pys_own_settings_would_add_it_twice(
    streams: Streams, redis: Redis, proxy: Proxy
) -> None:
    options: Any = parse_url(proxy.url)
    async with Redis(**options) as careless:
        await careless.ping()
        proxy.swallow(b"XADD")

        await careless.xadd(STREAM, {"type": "x"})

    assert await redis.xlen(STREAM) == 2  # once this fails, redis-py has mended it


async def test_entries_of_a_lost_reply_are_read_again(streams: Streams, redis: Redis, proxy: Proxy) -> None:
    await streams.add(PLATFORM, [job(1), job(2), job(3)])
    async with open_redis(Secret(proxy.url), connection_count=1, socket_timeout_s=None) as shaky:
        await shaky.ping()
        proxy.swallow(b"XREADGROUP")

        with pytest.raises(STORE_ERRORS):
            await read(streams, shaky, count=2)

        rest = await read(streams, shaky)
    assert job_ids(rest) == ["job-3"]
    stranded = await streams.read_stranded(PLATFORM, consumer="w", count=10)
    assert job_ids(stranded) == ["job-1", "job-2", "job-3"]


async def test_more_callers_than_connections_wait_their_turn(redis_url: str) -> None:
    async with open_redis(Secret(redis_url), connection_count=2) as client:
        lengths = await asyncio.gather(*(client.xadd(STREAM, {"n": str(n)}) for n in range(100)))

    assert len(set(lengths)) == 100


async def test_a_readers_block_may_be_longer_than_any_socket_timeout(
    streams: Streams, redis: Redis, reader: Redis
) -> None:
    options = reader.connection_pool.connection_kwargs
    waiting = asyncio.create_task(streams.read(reader, PLATFORM, consumer="w", count=1, block_ms=1000))

    await streams.add(PLATFORM, [job(1)])

    assert options["socket_timeout"] is None
    assert options["retry"].get_retries() == 0
    assert job_ids(await waiting) == ["job-1"]


async def test_short_calls_do_end_where_the_server_is_silent(redis_url: str) -> None:
    async with open_redis(Secret(redis_url)) as client:
        options = client.connection_pool.connection_kwargs

    assert options["socket_timeout"] == options["socket_connect_timeout"] == REPLY_S
    assert options["retry"].get_retries() == 0


async def test_after_a_call_without_an_answer_the_others_do_not_wait_for_theirs(
    redis: Redis, proxy: Proxy
) -> None:
    async with open_redis(Secret(proxy.url)) as client:
        await asyncio.gather(*(client.ping() for _ in range(4)))
        proxy.go_deaf()

        with pytest.raises(STORE_ERRORS, match="Timeout"):
            await client.ping()
        for _ in range(3):
            with pytest.raises(STORE_ERRORS, match="a moment ago"):
                await client.ping()

        proxy.heal()
        await until_answered(lambda: _answers(client))
        # What was open beside the silent connection went with it: no second one has to be found out.
        assert await asyncio.gather(*(client.ping() for _ in range(4))) == [True] * 4


async def _answers(client: Redis) -> bool:
    try:
        return bool(await client.ping())
    except STORE_ERRORS:
        return False


async def test_a_read_behind_a_dead_router_ends_some_time_after_its_block(redis: Redis, proxy: Proxy) -> None:
    streams = Streams(redis, grace_s=0.2)
    await streams.ensure_group(PLATFORM)
    async with open_redis(Secret(proxy.url), connection_count=1, socket_timeout_s=None) as shaky:
        await shaky.ping()
        proxy.stall()

        with pytest.raises(TimeoutError):
            await streams.read(shaky, PLATFORM, consumer="w", count=1, block_ms=50)

        proxy.heal()
        assert await read(streams, shaky) == []


async def test_what_a_silent_server_raises_is_a_store_error() -> None:
    assert issubclass(RedisError, STORE_ERRORS)
    assert issubclass(TimeoutError, STORE_ERRORS)
