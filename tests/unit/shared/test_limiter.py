"""The shared budget in virtual time: without Redis, and with a book that answers as the test wishes."""

import asyncio
from typing import Any

import pytest
from aiolimiter import AsyncLimiter
from redis.exceptions import ConnectionError as RedisAway

from shared.bookings import Page
from shared.errors import RateLimited
from shared.fleet import Fleet
from shared.limiter import SharedBudget, SharedPool
from shared.models import Platform
from shared.platforms.profile import REQUESTS, USED_SHARE, Pool, Price
from shared.turns import PARTY
from tests.fakes.clock import FakeClock
from tests.fakes.pools import fleet_of, profile_of

SIX_PER_S = Pool(limit=180, window_s=30.0)
PRICE = Price()
IN_A_WINDOW = int(180 * USED_SHARE)


class AwayScript:
    """A script of a Redis that is away."""

    async def __call__(self, **_: Any) -> Any:
        raise RedisAway("away")


class AwayRedis:
    """A Redis that is away, without a socket: virtual time and real sockets do not go together."""

    def register_script(self, _: str) -> AwayScript:
        return AwayScript()


class LoopClock(FakeClock):
    """The loop's own time, which looptime makes virtual."""

    def monotonic(self) -> float:
        return asyncio.get_running_loop().time()

    async def sleep(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s)


def away_budget(*, fleet: Fleet, pool: Pool = SIX_PER_S) -> SharedBudget:
    redis: Any = AwayRedis()
    return SharedBudget(redis, profile=profile_of(pool), limit_key="app", fleet=fleet, clock=LoopClock())


async def starts_within(acquire: Any, *, seconds: float) -> int:
    """Count what a crowd gets through in a time."""
    started = 0

    async def keep_asking() -> None:
        nonlocal started
        while True:
            await acquire()
            started += 1

    crowd = [asyncio.create_task(keep_asking()) for _ in range(8)]
    await asyncio.sleep(seconds)
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)
    return started


async def granted_within(budget: SharedBudget, *, seconds: float, price: Price = PRICE) -> int:
    return await starts_within(lambda: budget.acquire(price), seconds=seconds)


@pytest.mark.looptime
async def test_aiolimiter_by_itself_lets_twice_its_rate_through_in_its_first_window() -> None:
    limiter = AsyncLimiter(180, 30)

    started_count = await starts_within(limiter.acquire, seconds=29.99)

    assert started_count > 350  # once this fails, aiolimiter has mended it


@pytest.mark.looptime
async def test_without_redis_a_single_worker_keeps_the_whole_pace_and_no_more() -> None:
    started_count = await granted_within(away_budget(fleet=fleet_of(1)), seconds=29.99)

    assert IN_A_WINDOW - 2 <= started_count <= IN_A_WINDOW


@pytest.mark.looptime
@pytest.mark.parametrize("worker_count", [2, 4])
async def test_without_redis_each_worker_keeps_to_its_share(worker_count: int) -> None:
    started_count = await granted_within(away_budget(fleet=fleet_of(worker_count)), seconds=29.99)

    assert IN_A_WINDOW // worker_count - 2 <= started_count <= IN_A_WINDOW // worker_count


@pytest.mark.looptime
async def test_without_redis_dear_operations_take_their_cost_from_the_share() -> None:
    pool = Pool(limit=184, window_s=30.0, burst=5)

    started_count = await granted_within(
        away_budget(fleet=fleet_of(1), pool=pool), seconds=29.99, price=Price(cost=5)
    )

    assert IN_A_WINDOW // 5 - 1 <= started_count <= IN_A_WINDOW // 5


@pytest.mark.looptime
async def test_without_redis_the_share_follows_the_fleet() -> None:
    fleet = fleet_of(4)
    budget = away_budget(fleet=fleet)
    among_four_count = await granted_within(budget, seconds=29.99)
    fleet.heard(1)
    fleet.heard(1)

    alone_count = await granted_within(budget, seconds=29.99)

    assert IN_A_WINDOW // 4 - 2 <= among_four_count <= IN_A_WINDOW // 4
    assert IN_A_WINDOW - 5 <= alone_count <= IN_A_WINDOW + 1  # the first one had waited long enough


@pytest.mark.looptime
async def test_fleet_that_changes_all_the_time_lets_nothing_extra_through() -> None:
    fleet = fleet_of(4)
    budget = away_budget(fleet=fleet)

    async def change_often() -> None:
        for count in range(1000):
            fleet.heard(3 + count % 2)
            await asyncio.sleep(0.03)

    changing = asyncio.create_task(change_often())
    started_count = await granted_within(budget, seconds=29.99)
    await changing

    assert started_count <= IN_A_WINDOW // 3


@pytest.mark.looptime
async def test_worker_that_starts_without_redis_sends_nothing_until_it_knows_the_fleet() -> None:
    fleet = Fleet()
    budget = away_budget(fleet=fleet)

    before_count = await granted_within(budget, seconds=29.99)
    fleet.heard(2)
    after_count = await granted_within(budget, seconds=29.99)

    assert before_count == 0
    assert IN_A_WINDOW // 2 - 2 <= after_count <= IN_A_WINDOW // 2 + 1


@pytest.mark.looptime
async def test_without_redis_a_cool_down_still_stops_this_worker() -> None:
    budget = away_budget(fleet=fleet_of(1))

    await budget.cool_down(120, pool=REQUESTS)

    with pytest.raises(RateLimited) as caught:
        await budget.acquire(PRICE)
    assert caught.value.retry_after_s == pytest.approx(120)


@pytest.mark.looptime
async def test_without_redis_a_short_cool_down_is_waited() -> None:
    budget = away_budget(fleet=fleet_of(1))
    began_s = asyncio.get_running_loop().time()

    await budget.cool_down(20, pool=REQUESTS)
    await budget.acquire(PRICE)

    assert asyncio.get_running_loop().time() - began_s >= 20


class Book:
    """Answers with the pages it was given, or loses them, the last one for ever; keeps what it was told.

    may_answer: cleared, an answer is on its way for as long.
    """

    def __init__(self, *pages: Page | Exception) -> None:
        self.pages = list(pages)
        self.asked: list[int] = []
        self.told: list[tuple[float, bool]] = []
        self.was_asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.may_answer.set()

    async def ask(self, unit_count: int, *, cool_s: float, is_news: bool) -> Page:
        self.asked.append(unit_count)
        self.told.append((cool_s, is_news))
        answer = self.pages.pop(0) if len(self.pages) > 1 else self.pages[0]
        self.was_asked.set()
        await asyncio.sleep(0)  # a real one takes its time too
        await self.may_answer.wait()
        if isinstance(answer, Exception):
            raise answer
        return answer


def page(*starts_in_s: float, ask_in_s: float = 0.0, cool_s: float = 0.0) -> Page:
    return Page(starts_in_s=starts_in_s, ask_in_s=ask_in_s, cool_s=cool_s)


def pool_with(book: Any, *, pool: Pool = SIX_PER_S) -> SharedPool:
    return SharedPool(book, platform=Platform.SPOTIFY, pool=pool, fleet=fleet_of(1), clock=LoopClock())


@pytest.mark.looptime
async def test_cool_down_that_comes_while_the_book_answers_is_not_overlooked() -> None:
    book = Book(page(0.0), page(cool_s=30.0), page(0.0))
    pool = pool_with(book)
    book.may_answer.clear()
    starting = asyncio.create_task(pool.start(1))
    await book.was_asked.wait()
    telling = asyncio.create_task(pool.cool_down(30))
    await asyncio.sleep(0)
    began_s = asyncio.get_running_loop().time()

    book.may_answer.set()
    await starting
    await telling

    assert asyncio.get_running_loop().time() - began_s >= 30
    cool_s, is_news = book.told[1]
    assert cool_s == pytest.approx(30)
    assert is_news


@pytest.mark.looptime
async def test_shared_word_shortens_what_this_process_remembers_of_a_cool_down() -> None:
    pool = pool_with(Book(page(cool_s=46_800.0), page(0.0)))
    await pool.cool_down(46_800)
    began_s = asyncio.get_running_loop().time()

    await pool.start(1)

    assert asyncio.get_running_loop().time() - began_s < 1


@pytest.mark.looptime
async def test_one_lost_answer_is_asked_for_again_and_costs_nobody_a_share() -> None:
    book = Book(TimeoutError(), page(7.0), page())
    pool = pool_with(book)
    began_s = asyncio.get_running_loop().time()

    await pool.start(1)

    assert asyncio.get_running_loop().time() - began_s >= 7


@pytest.mark.looptime
async def test_cool_down_that_could_not_be_told_is_told_with_the_next_question() -> None:
    book = Book(TimeoutError(), page(cool_s=10.0), page(0.0))
    pool = pool_with(book)
    await pool.cool_down(10)

    await pool.start(1)

    assert [is_news for _, is_news in book.told] == [True, True, False]


@pytest.mark.looptime
async def test_book_is_asked_for_as_many_starts_as_are_waited_for_and_four_at_most() -> None:
    book = Book(page(0.0), page(0.0, 0.01, 0.02, 0.03), page(0.0))
    pool = pool_with(book, pool=Pool(limit=3000, window_s=30.0))
    crowd = [asyncio.create_task(pool.start(1)) for _ in range(6)]

    await asyncio.gather(*crowd)

    assert book.asked == [1, 4, 1]  # the first one asked before the others stood in line


@pytest.mark.looptime
async def test_slow_pool_is_not_booked_far_ahead_for_a_crowd() -> None:
    book = Book(page(0.0))
    pool = pool_with(book, pool=Pool(limit=75, window_s=30.0))
    crowd = [asyncio.create_task(pool.start(1)) for _ in range(3)]

    await asyncio.gather(*crowd)

    assert set(book.asked) == {1}


@pytest.mark.looptime
async def test_booked_starts_go_round_the_users_and_not_to_those_they_were_booked_for() -> None:
    pool = pool_with(Book(page(0.0, 0.1, 0.2, 0.3)), pool=Pool(limit=600, window_s=30.0))
    order = ""

    async def start(user: str) -> None:
        nonlocal order
        PARTY.set(user)
        await pool.start(1)
        order += user

    giant = [asyncio.create_task(start("g")) for _ in range(6)]
    await asyncio.sleep(0.05)
    dwarf = asyncio.create_task(start("d"))
    await asyncio.gather(*giant, dwarf)

    assert order == "gggdggg"  # one had started, one had the turn, one was next when the other user came


@pytest.mark.looptime
async def test_start_that_was_slept_through_is_booked_again() -> None:
    book = Book(page(0.0, 0.1), page(0.0))
    pool = pool_with(book)
    crowd = [asyncio.create_task(pool.start(1)) for _ in range(2)]
    await asyncio.gather(*crowd)
    asked_count = len(book.asked)

    await pool.start(1)

    assert len(book.asked) == asked_count + 1


@pytest.mark.looptime
async def test_booked_start_of_a_waiter_that_gave_up_serves_the_next_one() -> None:
    book = Book(page(5.0), page())
    pool = pool_with(book)
    impatient = asyncio.create_task(pool.start(1))
    await book.was_asked.wait()
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.wait([impatient])

    await pool.start(1)

    assert book.asked == [1, 0]  # the second only asks whether somebody has met a 429 meanwhile
