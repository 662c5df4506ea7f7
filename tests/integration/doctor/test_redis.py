"""The doctor finds what is wrong with Redis, its streams, and the workers at them."""

from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis

from deploy.doctor.findings import Verdict
from shared.db import workers
from shared.db.pool import Pool
from shared.messages import RunJob
from shared.models import JobId, Platform, TransferId
from shared.streams import GROUP, Streams, key
from tests.integration.doctor.ward import (
    FAIL,
    OK,
    PASSWORD,
    WARN,
    configured,
    found,
)

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(
    ("policy", "verdict"), [("allkeys-lru", FAIL), ("volatile-ttl", WARN), ("noeviction", OK)]
)
async def test_a_redis_that_throws_things_away_is_told(
    policy: str, verdict: Verdict, redis: Redis, database_url: str, redis_url: str
) -> None:
    async with configured(redis, **{"maxmemory-policy": policy}):
        findings = await found(database_url, redis_url)

    assert findings["redis eviction"].verdict is verdict


@pytest.mark.parametrize(("used", "verdict"), [(0.97, FAIL), (0.8, WARN), (0.1, OK)])
async def test_a_redis_whose_memory_is_nearly_full_is_told(
    used: float, verdict: Verdict, redis: Redis, database_url: str, redis_url: str
) -> None:
    limit = int((await redis.info("memory"))["used_memory"] / used)

    async with configured(redis, maxmemory=str(limit)):
        findings = await found(database_url, redis_url)

    assert findings["redis memory"].verdict is verdict


async def test_a_wrong_password_of_redis_is_told(database_url: str, redis_url: str) -> None:
    parts = urlsplit(redis_url)
    wrong = parts._replace(netloc=f":{PASSWORD}@{parts.netloc.rpartition('@')[2]}").geturl()

    findings = await found(database_url, wrong)

    assert findings["redis"].text == "Redis refuses the user or the password."


async def test_a_replica_in_place_of_redis_is_told(redis: Redis, database_url: str, redis_url: str) -> None:
    await redis.replicaof("127.0.0.1", "9")

    try:
        findings = await found(database_url, redis_url)
    finally:
        await redis.replicaof("no", "one")

    assert findings["redis writes"].verdict is FAIL


async def leave_pending(redis: Redis) -> None:
    """Let an entry be with a worker that is no more, and another one with nobody."""
    streams = Streams(redis)
    await streams.ensure_group(Platform.SPOTIFY)
    await streams.add(
        Platform.SPOTIFY, [RunJob(job_id=JobId(one), transfer_id=TransferId("t")) for one in ("a", "b")]
    )
    await redis.xreadgroup(GROUP, "gone", {key(Platform.SPOTIFY, "jobs"): ">"}, count=1)


async def test_work_without_any_worker_is_a_failure(redis: Redis, database_url: str, redis_url: str) -> None:
    await leave_pending(redis)

    findings = await found(database_url, redis_url)

    assert findings["workers"].verdict is WARN
    assert findings["stream spotify"].verdict is FAIL
    assert "1 entries wait, 1 are with workers" in findings["stream spotify"].text


async def test_entries_of_a_lost_worker_are_told_while_others_live(
    pool: Pool, redis: Redis, database_url: str, redis_url: str
) -> None:
    await leave_pending(redis)
    await workers.seen(pool, "w1", slot_count=8)
    await workers.seen(pool, "gone", slot_count=8)
    await pool.execute("UPDATE workers SET seen_at = now() - interval '5 minutes' WHERE id = 'gone'")

    findings = await found(database_url, redis_url)

    assert findings["workers"].verdict is WARN
    assert "1 ended" in findings["workers"].text
    assert findings["stream spotify"].verdict is WARN
    assert findings["stream apple_music"].verdict is OK
