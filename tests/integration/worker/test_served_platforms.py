"""A worker that was told to serve some platforms alone touches no other one's stream."""

import asyncio
import base64

import pytest
from redis.asyncio import Redis

from shared.models import Platform
from shared.secret import Secret
from shared.settings import Settings
from shared.streams import key
from tests.waiting import until_answered
from worker.bootstrap import Worker

pytestmark = pytest.mark.integration

RING = Secret("k1:" + base64.b64encode(bytes(range(32))).decode())


async def test_a_worker_opens_the_streams_of_its_platforms_alone(database_url: str, redis_url: str) -> None:
    settings = Settings(
        database_url=Secret(database_url),
        redis_url=Secret(redis_url),
        secret_keys=RING,
        worker_platforms="spotify",
    )
    stop = asyncio.Event()

    async with Redis.from_url(redis_url) as redis, Worker(settings) as worker:
        running = asyncio.create_task(worker.run(stop))

        async def has_opened() -> bool:
            return bool(await redis.exists(key(Platform.SPOTIFY, "jobs")))

        await until_answered(has_opened)
        stop.set()
        await running
        streams = [platform for platform in Platform if await redis.exists(key(platform, "jobs"))]

    assert streams == [Platform.SPOTIFY]
