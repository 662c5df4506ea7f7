"""A pool that counts days on a real Redis: one count for the fleet, one day for all, kept until midnight."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.day_bookings import DayBookings
from shared.errors import RateLimited
from shared.limiter import SharedBudget, bookings_of
from shared.platforms.profile import REQUESTS, Pool, Price
from shared.secret import Secret
from shared.streams import open_redis
from tests.fakes.clock import EPOCH, FakeClock
from tests.fakes.pools import SEARCHES, fleet_of, profile_of

pytestmark = pytest.mark.integration

UNITS = Pool(limit=1000, window_s=86_400.0, day_zone="America/Los_Angeles")
HUNDRED = Pool(limit=100, window_s=86_400.0, day_zone="America/Los_Angeles")
ONE, DEAR, SEARCH = Price(), Price(cost=50), Price(pool=SEARCHES)
KEY = "{crossplay:spotify}:budget:app:requests"


def true_clock(*, hours_off: float = 0) -> FakeClock:
    since_s = (datetime.now(UTC) - EPOCH).total_seconds()
    return FakeClock(start_s=since_s + hours_off * 3600, is_hasty=True)


def budget(redis: Redis, *, limit_key: str = "app", clock: FakeClock | None = None) -> SharedBudget:
    return SharedBudget(
        redis,
        profile=profile_of(UNITS, searches=HUNDRED),
        limit_key=limit_key,
        fleet=fleet_of(2),
        clock=clock or true_clock(),
    )


def book(redis: Redis, *, clock: FakeClock | None = None) -> DayBookings:
    opened = bookings_of(
        redis,
        profile=profile_of(UNITS),
        limit_key="app",
        pool_name=REQUESTS,
        clock=clock or true_clock(),
    )
    assert isinstance(opened, DayBookings)
    return opened


async def spent_by(budgets: list[SharedBudget], price: Price) -> int:
    """Let all spend at once until nothing is left; return how often it went well."""

    async def spend(one: SharedBudget) -> int:
        count = 0
        while True:
            try:
                await one.acquire(price)
            except RateLimited:
                return count
            count += 1

    return sum(await asyncio.gather(*(spend(one) for one in budgets for _ in range(3))))


@pytest_asyncio.fixture
async def other_redis(redis_url: str) -> AsyncIterator[Redis]:
    """The client of another worker."""
    async with open_redis(Secret(redis_url)) as client:
        yield client


async def test_fleet_spends_exactly_a_day_and_pools_are_counted_apart(
    redis: Redis, other_redis: Redis
) -> None:
    fleet = [budget(redis), budget(other_redis)]

    searched_count = await spent_by(fleet, SEARCH)
    dear_count = await spent_by(fleet, DEAR)

    assert (searched_count, dear_count) == (100, 20)


async def test_what_a_dear_request_cannot_have_is_left_for_cheap_ones(redis: Redis) -> None:
    fleet = [budget(redis)]
    for _ in range(30):
        await fleet[0].acquire(ONE)

    assert await spent_by(fleet, DEAR) == 19
    assert await spent_by(fleet, ONE) == 20


async def test_other_limit_key_has_a_day_of_its_own(redis: Redis) -> None:
    await spent_by([budget(redis)], SEARCH)

    assert await spent_by([budget(redis, limit_key="other")], SEARCH) == 100


async def test_all_mean_the_same_midnight_whose_clocks_are_hours_apart(redis: Redis) -> None:
    true_end_s = (await book(redis).look()).day_ends_in_s
    waits_s = []
    for hours_off in (0, -20, 20):
        one = budget(redis, clock=true_clock(hours_off=hours_off))
        await spent_by([one], DEAR)
        with pytest.raises(RateLimited) as caught:
            await one.acquire(DEAR)
        waits_s.append(caught.value.retry_after_s)

    assert waits_s == pytest.approx([true_end_s] * 3, abs=5)


async def test_new_day_is_counted_anew(redis: Redis) -> None:
    await spent_by([budget(redis)], DEAR)

    await redis.hincrby(KEY, "ends", -86_400 * 1_000_000)

    # Somebody else: the first one knows what was spent in the day that has this end.
    assert await spent_by([budget(redis)], DEAR) == 20


async def test_platforms_own_word_empties_the_pool_for_everybody_until_midnight(
    redis: Redis, other_redis: Redis
) -> None:
    ours, theirs = budget(redis), budget(other_redis)
    await ours.acquire(ONE)

    wait_s = await ours.use_up(pool=REQUESTS)

    with pytest.raises(RateLimited) as caught:
        await theirs.acquire(ONE)
    outlook = await book(redis).look()
    assert caught.value.retry_after_s == pytest.approx(wait_s, abs=5)
    assert outlook.day_ends_in_s == pytest.approx(wait_s, abs=5)
    assert outlook.free_count == 0
    assert outlook.cool_s == pytest.approx(wait_s, abs=5)
    await theirs.acquire(SEARCH)  # the other pool goes on


async def test_store_that_was_emptied_hears_from_others_what_was_spent(redis: Redis) -> None:
    ours = budget(redis)
    for _ in range(15):
        await ours.acquire(DEAR)

    await redis.flushall()
    count = await spent_by([ours], DEAR)

    assert count == 5


async def test_book_tells_what_is_left_and_changes_nothing(redis: Redis) -> None:
    untouched = await book(redis).look()
    was_there = await redis.exists(KEY)
    await budget(redis).acquire(DEAR)

    spent = await book(redis).look()

    assert (untouched.free_count, untouched.wait_s, was_there) == (1000, 0.0, 0)
    assert (spent.free_count, spent.wait_s, spent.cool_s) == (950, 0.0, 0.0)


async def test_book_is_forgotten_after_its_day(redis: Redis) -> None:
    await budget(redis).acquire(ONE)

    assert 0 < await redis.ttl(KEY) <= 25 * 3600 + 3600 + 60


async def test_used_up_pool_tells_how_long(redis: Redis) -> None:
    await spent_by([budget(redis)], ONE)

    outlook = await book(redis).look()

    assert (outlook.free_count, outlook.cool_s) == (0, 0.0)
    assert outlook.wait_s == outlook.day_ends_in_s
