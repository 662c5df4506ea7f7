"""A pool that counts days without Redis, and with a book that answers as the test wishes."""

from datetime import UTC, datetime
from typing import Any

import pytest
from redis.exceptions import ConnectionError as RedisAway

from shared.day_bookings import Day, Known
from shared.day_pool import LONG_WAIT_S, SharedDayPool
from shared.errors import RateLimited
from shared.fleet import Fleet
from shared.models import Platform
from shared.platforms.profile import Pool
from tests.fakes.clock import EPOCH, FakeClock
from tests.fakes.pools import fleet_of

DAY = Pool(limit=100, window_s=86_400.0, day_zone="America/Los_Angeles")
NOON_S = (datetime(2026, 11, 28, 20, tzinfo=UTC) - EPOCH).total_seconds()
TO_MIDNIGHT_S = 12 * 3600 + 60


class Book:
    """Answers with the days it was given, the last one for ever; an exception is raised instead."""

    def __init__(self, *days: Day | Exception) -> None:
        self.days = list(days)
        self.asked: list[tuple[int, Known, float]] = []
        self.used_up_count = 0

    async def spend(self, unit_count: int, *, known: Known, cool_s: float = 0.0) -> Day:
        self.asked.append((unit_count, known, cool_s))
        return self._answer()

    async def use_up(self, *, known: Known) -> Day:
        del known
        self.used_up_count += 1
        return self._answer()

    def _answer(self) -> Day:
        day = self.days.pop(0) if len(self.days) > 1 else self.days[0]
        if isinstance(day, Exception):
            raise day
        return day


def day(
    *, is_booked: bool = True, spent_count: int = 1, ends_in_s: float = 9000.0, cool_s: float = 0.0
) -> Day:
    return Day(is_booked=is_booked, spent_count=spent_count, ends_in_s=ends_in_s, cool_s=cool_s, ends_us=7)


def pool_with(book: Any, *, fleet: Fleet | None = None, clock: FakeClock | None = None) -> SharedDayPool:
    return SharedDayPool(
        book,
        platform=Platform.SPOTIFY,
        pool=DAY,
        fleet=fleet or fleet_of(1),
        clock=clock or FakeClock(start_s=NOON_S, is_hasty=True),
    )


async def spent_until_refused(pool: SharedDayPool, *, cost: int = 1) -> tuple[int, float]:
    """Spend until the pool has had enough; return how often that went well, and the wait that it told."""
    count = 0
    while True:
        try:
            await pool.start(cost)
        except RateLimited as error:
            return count, error.retry_after_s
        count += 1


async def test_units_are_spent_at_once_and_nobody_waits() -> None:
    clock = FakeClock(start_s=NOON_S, is_hasty=True)
    pool = pool_with(Book(day()), clock=clock)

    for _ in range(50):
        await pool.start(2)

    assert clock.slept_s == []


async def test_used_up_day_is_told_with_the_seconds_until_it_ends() -> None:
    pool = pool_with(Book(day(is_booked=False, spent_count=100, ends_in_s=5000)))

    with pytest.raises(RateLimited) as caught:
        await pool.start(1)

    assert caught.value.retry_after_s == 5000


async def test_last_minute_before_the_new_day_is_waited() -> None:
    clock = FakeClock(start_s=NOON_S, is_hasty=True)
    pool = pool_with(Book(day(is_booked=False, ends_in_s=LONG_WAIT_S - 1), day()), clock=clock)

    await pool.start(1)

    assert clock.slept_s == [LONG_WAIT_S - 1]


async def test_what_is_known_of_the_day_is_told_to_a_store_that_may_have_lost_it() -> None:
    book = Book(day(spent_count=30))
    pool = pool_with(book)

    await pool.start(1)
    await pool.start(1)

    assert book.asked[1] == (1, Known(ends_us=7, spent_count=30), 0.0)


async def test_one_lost_answer_is_asked_for_again() -> None:
    book = Book(RedisAway("away"), day())
    pool = pool_with(book)

    await pool.start(1)

    assert len(book.asked) == 2


@pytest.mark.parametrize(("worker_count", "share"), [(1, 70), (2, 35), (4, 17)])
async def test_without_redis_each_worker_keeps_to_its_share_of_what_was_left(
    worker_count: int, share: int
) -> None:
    pool = pool_with(Book(day(spent_count=30), RedisAway("away")), fleet=fleet_of(worker_count))
    await pool.start(1)

    count, wait_s = await spent_until_refused(pool)

    assert count == share
    assert 0 < wait_s <= 9000


async def test_without_redis_from_the_start_a_day_is_shared_until_its_midnight() -> None:
    pool = pool_with(Book(RedisAway("away")), fleet=fleet_of(2))

    count, wait_s = await spent_until_refused(pool, cost=5)

    assert count == 10
    assert TO_MIDNIGHT_S - 5 <= wait_s <= TO_MIDNIGHT_S


async def test_new_day_without_redis_gives_a_new_share() -> None:
    clock = FakeClock(start_s=NOON_S, is_hasty=True)
    pool = pool_with(Book(RedisAway("away")), fleet=fleet_of(2), clock=clock)
    await spent_until_refused(pool)

    clock.advance(TO_MIDNIGHT_S)
    count, _ = await spent_until_refused(pool)

    assert count == 50


async def test_what_was_spent_without_redis_is_told_once_when_it_is_back() -> None:
    clock = FakeClock(start_s=NOON_S, is_hasty=True)
    book = Book(day(spent_count=30), RedisAway("away"), RedisAway("away"), day(spent_count=44), day())
    pool = pool_with(book, clock=clock)
    for _ in range(4):
        await pool.start(3)
    clock.advance(10)

    await pool.start(1)
    await pool.start(1)

    told = [known.untold_count for _, known, _ in book.asked]
    assert told == [0, 0, 0, 9, 0]


async def test_worker_that_knows_no_fleet_sends_nothing_without_redis() -> None:
    clock = FakeClock(start_s=NOON_S, is_hasty=True)
    fleet = Fleet()
    book = Book(*[RedisAway("away")] * 40, day())
    pool = pool_with(book, fleet=fleet, clock=clock)

    await pool.start(1)

    assert book.days == [day()]  # it waited for the store
    assert len(clock.slept_s) >= 40


async def test_platforms_own_word_stops_the_pool_for_the_rest_of_the_day() -> None:
    book = Book(day(), day(spent_count=10, is_booked=False, ends_in_s=4000, cool_s=4000))
    pool = pool_with(book)
    await pool.start(1)

    wait_s = await pool.use_up()

    with pytest.raises(RateLimited) as caught:
        await pool.start(1)
    assert wait_s == caught.value.retry_after_s == 4000
    assert book.used_up_count == 1


async def test_platforms_own_word_counts_without_redis_and_is_told_when_it_is_back() -> None:
    clock = FakeClock(start_s=NOON_S, is_hasty=True)
    book = Book(RedisAway("away"), RedisAway("away"), day(is_booked=False, cool_s=4000))
    pool = pool_with(book, clock=clock)

    wait_s = await pool.use_up()
    with pytest.raises(RateLimited):
        await pool.start(1)
    clock.advance(10)
    with pytest.raises(RateLimited):
        await pool.start(1)

    assert wait_s == TO_MIDNIGHT_S
    assert book.asked[-1][2] == pytest.approx(TO_MIDNIGHT_S - 10, abs=5)


async def test_short_wait_that_the_platform_asks_for_leaves_the_day_as_it_is() -> None:
    clock = FakeClock(start_s=NOON_S, is_hasty=True)
    book = Book(day(), day(is_booked=False, cool_s=7), day())
    pool = pool_with(book, clock=clock)

    await pool.cool_down(7)
    await pool.start(1)

    assert book.asked[0][2] == 7
    assert clock.slept_s == [7]
