"""The budgets of what a platform counts together: booked in Redis by the whole fleet, paced locally.

A booking is a start time, so nobody polls; a 429 stops a pool for everybody. While Redis is away each process
keeps to its share.
"""

from collections import deque
from typing import TypeAlias

from aiolimiter import AsyncLimiter
from loguru import logger
from redis.asyncio import Redis

from shared.bookings import Bookings
from shared.clock import Clock, SystemClock
from shared.day_bookings import DayBookings
from shared.day_pool import AWAY_AFTER_COUNT, AWAY_S, LONG_WAIT_S, POLL_S, SharedDayPool
from shared.errors import RateLimited
from shared.fleet import Fleet
from shared.meters import meters
from shared.models import Platform
from shared.platforms.profile import PlatformProfile, Pool, Price
from shared.streams import STORE_ERRORS, key
from shared.turns import FairTurns

RECHECK_AFTER_S = 0.25  # without a word from Redis for so long, another worker may have met a 429
MOST_AHEAD_COUNT = 4  # starts that one call books: fewer calls, but a crash wastes them
MOST_AHEAD_S = 0.25  # and no more of them than start soon, so that others need not wait long
LEAST_LATENESS_S = 0.05  # any process is late by so much now and then
CATCH_UP = 0.9  # after a late start the next ones may follow a little faster than the pool's pace


Book: TypeAlias = Bookings | DayBookings


def bookings_of(
    redis: Redis, *, profile: PlatformProfile, limit_key: str, pool_name: str, clock: Clock | None = None
) -> Book:
    """Return the book that the whole fleet keeps of one pool of a limit key."""
    pool, name = profile.pools[pool_name], key(profile.platform, f"budget:{limit_key}:{pool_name}")
    if pool.day_zone:
        return DayBookings(redis, key=name, pool=pool, clock=clock or SystemClock())
    return Bookings(redis, key=name, pool=pool)


class SharedBudget:
    """Implements the Budget port for one limit key, e.g. one Spotify app or one Apple team."""

    def __init__(
        self,
        redis: Redis,
        *,
        profile: PlatformProfile,
        limit_key: str,
        fleet: Fleet,
        clock: Clock | None = None,
    ) -> None:
        self._platform = profile.platform
        self._clock = clock or SystemClock()
        self._quota_wait_s = profile.quota_wait_s
        self._pools = {
            name: self._opened(
                bookings_of(redis, profile=profile, limit_key=limit_key, pool_name=name, clock=self._clock),
                pool=pool,
                fleet=fleet,
            )
            for name, pool in profile.pools.items()
        }

    async def acquire(self, price: Price) -> None:
        """Wait until a request may start. Raises RateLimited where that is more than a minute away.

        Inside this process users take turns, so that a small transfer does not wait for a giant's requests.
        """
        asked_at = self._clock.monotonic()
        await self._pools[price.pool].start(price.cost)
        meters.rate_limit_waited(self._clock.monotonic() - asked_at, platform=self._platform)

    async def cool_down(self, retry_after_s: float, *, pool: str) -> None:
        """Stop this pool for the whole fleet; called when the platform has said 429."""
        await self._pools[pool].cool_down(retry_after_s)

    async def use_up(self, *, pool: str) -> float:
        """Stop this pool until its day is over; called when the platform has said that its quota is."""
        used = self._pools[pool]
        if isinstance(used, SharedDayPool):
            return await used.use_up()
        await used.cool_down(self._quota_wait_s)
        return self._quota_wait_s

    def _opened(self, book: Book, *, pool: Pool, fleet: Fleet) -> "SharedPool | SharedDayPool":
        if isinstance(book, DayBookings):
            return SharedDayPool(book, platform=self._platform, pool=pool, fleet=fleet, clock=self._clock)
        return SharedPool(book, platform=self._platform, pool=pool, fleet=fleet, clock=self._clock)


class SharedPool:
    """One pool of a limit key as one process sees it: its requests start one after the other."""

    def __init__(
        self, bookings: Bookings, *, platform: Platform, pool: Pool, fleet: Fleet, clock: Clock
    ) -> None:
        self._bookings = bookings
        self._platform = platform
        self._pool = pool
        self._fleet = fleet
        self._clock = clock
        self._turns = FairTurns()
        self._pacer = AsyncLimiter(pool.burst, CATCH_UP * pool.burst * pool.unit_s)
        self._ahead_count = max(1, min(MOST_AHEAD_COUNT, int(MOST_AHEAD_S / pool.unit_s)))
        # Units for a dear request are saved up, so the first of them may wait for the last of a burst.
        self._lateness_s = max(LEAST_LATENESS_S, pool.lateness_s) + (pool.burst - 1) * pool.unit_s
        self._starts: deque[float] = deque()  # booked and not used, one per unit
        self._started_at = clock.monotonic()
        self._heard_at = self._cool_until = float("-inf")
        self._ask_in_s = POLL_S
        self._lost_count = 0  # answers of the store, one after the other
        self._retry_at = float("-inf")
        self._refusal_count = self._told_count = 0

    async def start(self, cost: int) -> None:
        async with self._turns.turn():
            await self._wait(cost)
            for _ in range(min(cost, len(self._starts))):
                self._starts.popleft()
            self._started_at = self._clock.monotonic()

    async def cool_down(self, retry_after_s: float) -> None:
        meters.cooled_down(platform=self._platform)
        now_s = self._clock.monotonic()
        if self._cool_until <= now_s:
            logger.info("Platform cools down", platform=self._platform, wait_s=round(retry_after_s, 1))
        self._cool_until = max(self._cool_until, now_s + retry_after_s)
        self._refusal_count += 1
        if not self._is_away:
            await self._ask(0)

    @property
    def _is_away(self) -> bool:
        return self._lost_count >= AWAY_AFTER_COUNT and self._clock.monotonic() < self._retry_at

    async def _wait(self, cost: int) -> None:
        while True:
            wait_s = await self._wait_s(cost)
            if wait_s > LONG_WAIT_S:
                raise self._limited(wait_s)
            if wait_s > 0:
                await self._clock.sleep(wait_s)
                continue
            await self._pacer.acquire(cost)
            if self._clock.monotonic() >= self._cool_until:
                return

    async def _wait_s(self, cost: int) -> float:
        """Return how long to wait before asking this again; 0 where the request may start now."""
        self._drop_starts(before=self._clock.monotonic() - self._lateness_s)
        if not self._is_away and self._must_ask(cost):
            left_count = len(self._starts) - cost
            ahead_count = min(self._ahead_count - (left_count < 0), self._turns.waiting_count)
            await self._ask(max(0, ahead_count - left_count) if left_count <= 0 else 0)
        now_s = self._clock.monotonic()
        if now_s < self._cool_until:
            self._drop_starts(before=float("inf"))  # they are booked again after it
            return self._cool_until - now_s
        if self._is_away:
            return self._share_wait_s(cost)
        return self._starts[cost - 1] - now_s if len(self._starts) >= cost else self._ask_in_s or POLL_S

    def _must_ask(self, cost: int) -> bool:
        """Say whether a start is lacking, or is due while nothing was heard of the others for too long."""
        if len(self._starts) < cost:
            return True
        now_s = self._clock.monotonic()
        return self._starts[cost - 1] <= now_s and now_s - self._heard_at > RECHECK_AFTER_S

    async def _ask(self, unit_count: int) -> None:
        """Book units, hear of cool-downs, tell of own ones; the store's word counts while it can be heard."""
        refusal_count = self._refusal_count
        cool_s = max(0.0, self._cool_until - self._clock.monotonic())
        try:
            page = await self._bookings.ask(
                unit_count, cool_s=cool_s, is_news=refusal_count != self._told_count
            )
        except STORE_ERRORS as error:
            self._lose_store(error)
            return
        if self._lost_count >= AWAY_AFTER_COUNT:
            logger.info("Budget store is back", platform=self._platform)
        self._lost_count = 0
        self._heard_at = now_s = self._clock.monotonic()
        self._starts.extend(now_s + start_s for start_s in page.starts_in_s)
        self._ask_in_s = page.ask_in_s
        self._told_count = max(self._told_count, refusal_count)
        is_newest = refusal_count == self._refusal_count  # else a 429 has come while we asked
        self._cool_until = now_s + page.cool_s if is_newest else max(self._cool_until, now_s + page.cool_s)

    def _lose_store(self, error: Exception) -> None:
        self._lost_count += 1
        self._retry_at = self._clock.monotonic() + AWAY_S
        self._ask_in_s = POLL_S
        self._drop_starts(before=float("inf"))
        if self._lost_count == AWAY_AFTER_COUNT:
            logger.warning(
                "Budget store is away",
                platform=self._platform,
                error=type(error).__name__,
            )

    def _share_wait_s(self, cost: int) -> float:
        """Return the wait for this process's share; nobody is alone before somebody has said so."""
        if self._fleet.size is None:
            return POLL_S
        share_s = self._pool.unit_s * self._fleet.size * cost
        return max(0.0, self._started_at + share_s - self._clock.monotonic())

    def _drop_starts(self, *, before: float) -> None:
        """Give up booked starts whose time is over: a late one would stand too near to the next worker's."""
        dropped_count = 0
        while self._starts and self._starts[0] < before:
            self._starts.popleft()
            dropped_count += 1
        if dropped_count:
            meters.starts_unused(dropped_count, platform=self._platform)

    def _limited(self, wait_s: float) -> RateLimited:
        return RateLimited(
            f"{self._platform} asked us to wait; its requests go on in {wait_s:.0f} s.",
            platform=self._platform,
            operation="budget",
            retry_after_s=wait_s,
        )
