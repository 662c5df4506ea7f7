"""Allowances in a real Redis: counted together, forgotten in time, and in step with the local count."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisAway

from shared.allowances import Allowance, Allowances
from shared.secret import Secret
from shared.streams import open_redis
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.integration


class AwayRedis:
    def register_script(self, _: str) -> Any:
        async def script(**_: Any) -> Any:
            raise RedisAway("away")

        return script


@pytest_asyncio.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with open_redis(Secret(redis_url)) as opened:
        yield opened


async def test_of_many_at_once_exactly_the_limit_is_granted(redis: Redis) -> None:
    gateways = [Allowances(redis, name="requests", per_minute=30) for _ in range(4)]

    taken = await asyncio.gather(*(gateway.take("k1") for gateway in gateways for _ in range(25)))

    granted = [one for one in taken if one.is_granted]
    assert 30 <= len(granted) <= 32  # one more comes every two seconds
    assert max(one.left_count for one in granted) == 29
    assert all(0 < one.wait_s <= 2.0 for one in taken if not one.is_granted)


async def test_redis_and_a_process_alone_say_the_same(redis: Redis) -> None:
    away: Any = AwayRedis()
    steps = ("take", "take", "give_back", "take", "take", "take", "give_back", "take", "give_back")

    def shape(one: Allowance) -> tuple[bool, int, int, float, float]:
        return one.is_granted, one.limit, one.left_count, round(one.full_in_s, -1), round(one.wait_s, -1)

    together = Allowances(redis, name="requests", per_minute=3)
    alone = Allowances(away, name="requests", per_minute=3, clock=FakeClock())
    told = [[shape(await getattr(one, step)("k1")) for step in steps] for one in (together, alone)]

    assert told[0] == told[1]
    assert {granted for granted, *_ in told[0]} == {True, False}


async def test_redis_forgets_who_has_been_quiet(redis: Redis) -> None:
    counted = Allowances(redis, name="requests", per_minute=60)

    await counted.take("k1")
    life_ms = await redis.pttl("crossplay:requests:k1")
    await counted.give_back("k1")

    assert 0 < life_ms <= 1000
    assert await redis.pttl("crossplay:requests:k1") <= 1


async def test_an_emptied_redis_grants_again(redis: Redis) -> None:
    counted = Allowances(redis, name="requests", per_minute=1)
    first, second = await counted.take("k1"), await counted.take("k1")

    await redis.flushall()
    await redis.script_flush()

    assert (first.is_granted, second.is_granted) == (True, False)
    assert (await counted.take("k1")).is_granted
