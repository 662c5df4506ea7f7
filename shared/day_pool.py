"""One pool that counts calendar days, as one process sees it: spent without a pace, empty until midnight.

While Redis is away each process keeps to its share of what was left of the day, and tells it afterwards.
"""

from loguru import logger
from msgspec import structs

from shared.clock import Clock
from shared.day_bookings import Day, DayBookings, Known
from shared.days import day_ends_in_s
from shared.errors import RateLimited
from shared.fleet import Fleet
from shared.meters import meters
from shared.models import Platform
from shared.platforms.profile import Pool
from shared.streams import STORE_ERRORS
from shared.turns import FairTurns

LONG_WAIT_S = 60.0  # a longer wait is not waited in a coroutine: the job goes back to its row
AWAY_AFTER_COUNT = 2  # one answer may be lost because this process was busy; shares are for when all lose it
AWAY_S = 2.0  # how long a Redis that is away is left alone
POLL_S = 0.25
_US = 1_000_000


class SharedDayPool:
    """Its units may all be spent at once; when they are, nothing starts before the next day of its zone."""

    def __init__(
        self, bookings: DayBookings, *, platform: Platform, pool: Pool, fleet: Fleet, clock: Clock
    ) -> None:
        self._bookings = bookings
        self._platform = platform
        self._pool = pool
        self._fleet = fleet
        self._clock = clock
        self._turns = FairTurns()
        self._known = Known()
        self._ends_at = self._cool_until = self._retry_at = float("-inf")
        self._is_cool_told = True
        self._lost_count = 0  # answers of the store, one after the other
        self._told_day_us = 0  # whose end was logged

    async def start(self, cost: int) -> None:
        """Spend units of the day. Raises RateLimited where they are not there, until midnight is near."""
        async with self._turns.turn():
            while (wait_s := await self._wait_s(cost)) > 0:
                if wait_s > LONG_WAIT_S:
                    raise self._limited(wait_s)
                await self._clock.sleep(wait_s)

    async def cool_down(self, retry_after_s: float) -> None:
        """Let nothing start for so long, anywhere: the platform asked for it, and its day goes on."""
        meters.cooled_down(platform=self._platform)
        logger.info("Platform cools down", platform=self._platform, wait_s=round(retry_after_s, 1))
        self._cool(retry_after_s)
        self._is_cool_told = False
        if not self._is_away:
            await self._tell_cool_down()

    async def use_up(self) -> float:
        """Let nothing start until the day is over, anywhere; return how many seconds that is."""
        meters.cooled_down(platform=self._platform)
        wait_s = day_ends_in_s(self._clock.now(), zone=self._pool.day_zone)
        try:
            day = await self._bookings.use_up(known=structs.replace(self._known, untold_count=0))
        except STORE_ERRORS as error:
            self._lose_store(error)
            self._is_cool_told = False
        else:
            wait_s = day.ends_in_s
        self._cool(wait_s)
        self._log_end(wait_s)
        return wait_s

    @property
    def _is_away(self) -> bool:
        return self._lost_count >= AWAY_AFTER_COUNT and self._clock.monotonic() < self._retry_at

    async def _wait_s(self, cost: int) -> float:
        """Spend the units and return 0, or return how long to wait before asking this again."""
        if self._is_away:
            return self._share_wait_s(cost)
        try:
            day = await self._bookings.spend(cost, known=self._known, cool_s=self._cool_news_s())
        except STORE_ERRORS as error:
            self._lose_store(error)
            return POLL_S
        self._hear(day)
        if day.is_booked:
            return 0.0
        if day.cool_s <= 0:
            self._log_end(day.ends_in_s)
        return day.cool_s or day.ends_in_s

    def _hear(self, day: Day) -> None:
        if self._lost_count >= AWAY_AFTER_COUNT:
            logger.info("Budget store is back", platform=self._platform)
        now_s = self._clock.monotonic()
        self._lost_count = 0
        self._known = Known(ends_us=day.ends_us, spent_count=day.spent_count)
        self._ends_at = now_s + day.ends_in_s
        self._cool_until = now_s + day.cool_s
        self._is_cool_told = True

    async def _tell_cool_down(self) -> None:
        # What was spent without the store is told with a turn only: two that tell it would count it twice.
        known = structs.replace(self._known, untold_count=0)
        try:
            await self._bookings.spend(0, known=known, cool_s=self._cool_news_s())
        except STORE_ERRORS as error:
            self._lose_store(error)
        else:
            self._is_cool_told = True

    def _cool_news_s(self) -> float:
        return 0.0 if self._is_cool_told else max(0.0, self._cool_until - self._clock.monotonic())

    def _cool(self, wait_s: float) -> None:
        self._cool_until = max(self._cool_until, self._clock.monotonic() + wait_s)

    def _lose_store(self, error: Exception) -> None:
        self._lost_count += 1
        self._retry_at = self._clock.monotonic() + AWAY_S
        if self._lost_count == AWAY_AFTER_COUNT:
            logger.warning("Budget store is away", platform=self._platform, error=type(error).__name__)

    def _share_wait_s(self, cost: int) -> float:
        """Spend from this process's share; nobody is alone before somebody has said so."""
        now_s = self._clock.monotonic()
        if now_s >= self._ends_at:
            ends_in_s = day_ends_in_s(self._clock.now(), zone=self._pool.day_zone)
            self._known = Known(ends_us=round(self._clock.now().timestamp() + ends_in_s) * _US)
            self._ends_at = now_s + ends_in_s
        if now_s < self._cool_until:
            return self._cool_until - now_s
        if self._fleet.size is None:
            return POLL_S
        left_count = (self._pool.limit - self._known.spent_count) // self._fleet.size
        if self._known.untold_count + cost > left_count:
            return self._ends_at - now_s
        self._known = structs.replace(self._known, untold_count=self._known.untold_count + cost)
        return 0.0

    def _log_end(self, wait_s: float) -> None:
        """Say once a day that it is used up."""
        if self._told_day_us != self._known.ends_us or not self._known.ends_us:
            self._told_day_us = self._known.ends_us
            logger.info("Quota of the day is used up", platform=self._platform, wait_s=round(wait_s))

    def _limited(self, wait_s: float) -> RateLimited:
        return RateLimited(
            f"What {self._platform} allows in a day is used up; its requests go on in {wait_s:.0f} s.",
            platform=self._platform,
            operation="budget",
            retry_after_s=wait_s,
        )
