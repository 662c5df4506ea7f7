"""The shared budget on a real Redis: one pace for the whole fleet, one cool-down, few calls."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.bookings import HORIZON_S
from shared.day_pool import LONG_WAIT_S
from shared.errors import RateLimited
from shared.limiter import SharedBudget
from shared.platforms.profile import REQUESTS, Pool, Price
from shared.secret import Secret
from shared.streams import open_redis
from tests.fakes.clock import FakeClock
from tests.fakes.pools import SEARCHES, fleet_of, profile_of
from tests.faults.proxy import Proxy

pytestmark = pytest.mark.integration

FIFTY_PER_S = Pool(limit=50, window_s=1.0)
ONE = Price()
KEY = "{crossplay:spotify}:budget:app:requests"
US = 1_000_000


def budget(
    redis: Redis, *, limit_key: str = "app", pool: Pool = FIFTY_PER_S, clock: FakeClock | None = None
) -> SharedBudget:
    return SharedBudget(
        redis,
        profile=profile_of(pool),
        limit_key=limit_key,
        fleet=fleet_of(1),
        clock=clock or FakeClock(is_hasty=True),
    )


async def server_now_us(redis: Redis) -> int:
    seconds, microseconds = await redis.time()
    return int(seconds) * US + int(microseconds)


async def booked_until_us(redis: Redis) -> int:
    return int(await redis.hget(KEY, "next") or 0)


async def call_count(redis: Redis) -> int:
    stats = await redis.info("commandstats")
    return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval"))


@pytest_asyncio.fixture
async def other_redis(redis_url: str) -> AsyncIterator[Redis]:
    """The client of another worker."""
    async with open_redis(Secret(redis_url)) as client:
        yield client


async def test_two_workers_share_one_pace(redis: Redis, other_redis: Redis) -> None:
    ours, theirs = budget(redis), budget(other_redis)
    began_us = await server_now_us(redis)

    await asyncio.gather(*(one.acquire(ONE) for one in (ours, theirs) for _ in range(15)))

    assert await booked_until_us(redis) - began_us >= 30 * FIFTY_PER_S.unit_s * US


async def test_after_the_store_was_emptied_the_pace_begins_anew_and_is_no_faster(
    redis: Redis, other_redis: Redis
) -> None:
    ours, theirs = budget(redis), budget(other_redis)
    await asyncio.gather(*(one.acquire(ONE) for one in (ours, theirs) for _ in range(5)))

    await redis.flushdb()
    began_us = await server_now_us(redis)
    await asyncio.gather(*(one.acquire(ONE) for one in (ours, theirs) for _ in range(15)))

    # Of what was booked before, each process may use at most four starts that nobody else knows of any more.
    assert await booked_until_us(redis) - began_us >= (30 - 8) * FIFTY_PER_S.unit_s * US


async def test_a_crowd_books_several_starts_with_each_call(redis: Redis) -> None:
    ours = budget(redis, pool=Pool(limit=600, window_s=30.0))
    await ours.acquire(ONE)  # loads the script
    before_count = await call_count(redis)

    await asyncio.gather(*(ours.acquire(ONE) for _ in range(40)))

    assert await call_count(redis) - before_count <= 20


async def test_no_more_is_booked_than_somebody_waits_for(redis: Redis) -> None:
    began_us = await server_now_us(redis)

    await asyncio.gather(*(budget(redis).acquire(ONE) for _ in range(3)))

    booked_us = await booked_until_us(redis) - await server_now_us(redis)
    assert booked_us <= 3 * FIFTY_PER_S.unit_s * US
    assert await booked_until_us(redis) - began_us >= 3 * FIFTY_PER_S.unit_s * US


async def test_a_dear_operation_books_as_many_units_as_it_costs(redis: Redis) -> None:
    pool = Pool(limit=60, window_s=1.0, burst=10)
    ours = budget(redis, pool=pool)
    began_us = await server_now_us(redis)

    for _ in range(4):
        await ours.acquire(Price(cost=10))

    assert await booked_until_us(redis) - began_us >= 40 * pool.unit_s * US


async def test_dear_and_cheap_operations_take_turns(redis: Redis) -> None:
    pool = Pool(limit=600, window_s=1.0, burst=10)
    ours = budget(redis, pool=pool)
    prices = [Price(cost=10), ONE, Price(cost=4), ONE, Price(cost=10), ONE]
    began_us = await server_now_us(redis)

    await asyncio.gather(*(ours.acquire(price) for price in prices))

    assert await booked_until_us(redis) - began_us >= 27 * pool.unit_s * US


async def test_pools_do_not_disturb_each_other(redis: Redis) -> None:
    ours = budget(redis)

    await ours.cool_down(300, pool=SEARCHES)

    await ours.acquire(ONE)
    with pytest.raises(RateLimited):
        await ours.acquire(Price(pool=SEARCHES))


async def test_limit_keys_do_not_disturb_each_other(redis: Redis) -> None:
    await budget(redis, limit_key="app").cool_down(300, pool=REQUESTS)

    await budget(redis, limit_key="another app").acquire(ONE)


async def test_nothing_is_booked_further_ahead_than_the_horizon(redis: Redis) -> None:
    far_us = await server_now_us(redis) + int((HORIZON_S + 10) * US)
    await redis.hset(KEY, "next", str(far_us))
    clock = FakeClock()
    waiting = asyncio.create_task(budget(redis, clock=clock).acquire(ONE))

    await clock.until_somebody_sleeps()

    assert await booked_until_us(redis) == far_us
    assert HORIZON_S / 2 < clock.slept_s[0] < HORIZON_S + 10
    waiting.cancel()


async def test_a_long_cool_down_stops_every_worker_and_says_how_long(
    redis: Redis, other_redis: Redis
) -> None:
    ours, theirs = budget(redis), budget(other_redis)

    await ours.cool_down(46_800, pool=REQUESTS)

    for one in (ours, theirs):
        with pytest.raises(RateLimited) as caught:
            await one.acquire(ONE)
        assert 46_700 < caught.value.retry_after_s <= 46_800


async def test_a_short_cool_down_is_waited_by_every_worker(redis: Redis, other_redis: Redis) -> None:
    clocks = FakeClock(), FakeClock()
    ours, theirs = budget(redis, clock=clocks[0]), budget(other_redis, clock=clocks[1])

    await ours.cool_down(LONG_WAIT_S - 1, pool=REQUESTS)

    waiting = [asyncio.create_task(one.acquire(ONE)) for one in (ours, theirs)]
    for clock in clocks:
        await clock.until_somebody_sleeps()
        assert LONG_WAIT_S - 3 < clock.slept_s[0] <= LONG_WAIT_S - 1
    for task in waiting:
        task.cancel()


async def test_a_shorter_cool_down_does_not_end_a_longer_one(redis: Redis, other_redis: Redis) -> None:
    ours, theirs = budget(redis), budget(other_redis)

    await ours.cool_down(1000, pool=REQUESTS)
    await theirs.cool_down(1, pool=REQUESTS)

    for one in (ours, theirs):
        with pytest.raises(RateLimited):
            await one.acquire(ONE)


async def test_a_cool_down_stops_also_the_slots_that_others_had_booked_before(
    redis: Redis, other_redis: Redis
) -> None:
    far_us = await server_now_us(redis) + int(HORIZON_S / 2 * US)
    await redis.hset(KEY, "next", str(far_us))
    clock = FakeClock()
    waiting = asyncio.create_task(budget(redis, clock=clock).acquire(ONE))
    await clock.until_somebody_sleeps()

    await budget(other_redis).cool_down(300, pool=REQUESTS)
    clock.advance(clock.slept_s[0])

    with pytest.raises(RateLimited):
        await waiting


async def test_slots_that_a_short_cool_down_took_are_booked_again_after_it(
    redis: Redis, other_redis: Redis
) -> None:
    await redis.hset(KEY, "next", str(await server_now_us(redis) + 2 * US))
    clock = FakeClock()
    waiting = asyncio.create_task(budget(redis, clock=clock).acquire(ONE))
    await clock.until_somebody_sleeps()
    await budget(other_redis).cool_down(30, pool=REQUESTS)
    clock.advance(clock.slept_s[-1])
    await clock.until_somebody_sleeps()
    cooled_s = clock.slept_s[-1]

    await redis.hset(KEY, "cool", str(await server_now_us(redis)))  # thirty seconds later
    clock.advance(cooled_s)

    await clock.until_somebody_sleeps()
    clock.advance(clock.slept_s[-1])
    await waiting
    assert 25 < cooled_s <= 30


async def test_the_end_of_a_cool_down_is_the_stores_and_not_what_a_process_remembers(redis: Redis) -> None:
    ours = budget(redis)
    await ours.cool_down(46_800, pool=REQUESTS)

    await redis.hset(KEY, "cool", str(await server_now_us(redis)))

    await ours.acquire(ONE)


async def test_a_store_that_was_emptied_is_reminded_of_the_cool_down(
    redis: Redis, other_redis: Redis
) -> None:
    ours, theirs = budget(redis), budget(other_redis)
    await ours.cool_down(46_800, pool=REQUESTS)

    await redis.flushdb()

    for one in (ours, theirs):
        with pytest.raises(RateLimited) as caught:
            await one.acquire(ONE)
        assert 46_700 < caught.value.retry_after_s <= 46_800


async def test_the_store_remembers_a_cool_down_for_as_long_as_it_lasts(redis: Redis) -> None:
    await budget(redis).cool_down(1_000_000, pool=REQUESTS)

    assert await redis.ttl(KEY) > 1_000_000


async def test_a_redis_that_does_not_answer_is_done_without_and_heard_again(
    redis_url: str, redis: Redis
) -> None:
    async with Proxy(redis_url) as proxy, open_redis(Secret(proxy.url)) as client:
        clock = FakeClock(is_hasty=True)
        ours = budget(client, clock=clock)
        await ours.acquire(ONE)
        booked_us = await booked_until_us(redis)

        proxy.stall()
        await ours.acquire(ONE)
        alone_us = await booked_until_us(redis)
        proxy.heal()
        clock.advance(LONG_WAIT_S)
        await ours.acquire(ONE)

        assert alone_us == booked_us
        assert await booked_until_us(redis) > booked_us


async def test_long_quota_of_a_paced_pool_stops_it_for_as_long_as_its_profile_says(redis: Redis) -> None:
    ours = budget(redis)

    wait_s = await ours.use_up(pool=REQUESTS)

    with pytest.raises(RateLimited) as caught:
        await ours.acquire(ONE)
    assert wait_s == profile_of(FIFTY_PER_S).quota_wait_s
    assert caught.value.retry_after_s == pytest.approx(wait_s, abs=5)
