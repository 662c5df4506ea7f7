"""The request budget of one limit key: booked in Redis by the whole fleet, paced locally, cooled on 429.

A booking is a start time (GCRA), so nobody polls. While Redis is away each process keeps to its share of
the pace.
"""

from aiolimiter import AsyncLimiter
from loguru import logger
from redis.asyncio import Redis

from shared import telemetry
from shared.clock import Clock, SystemClock
from shared.errors import RateLimited
from shared.platforms.base import PlatformProfile
from shared.streams import STORE_ERRORS, key
from shared.turns import FairTurns

HORIZON_S = 4.0  # no start time is booked further ahead, so that few are wasted by a crash
RECHECK_AFTER_S = 0.25  # after a longer sleep another worker may have met a 429
LONG_WAIT_S = 60.0  # a longer wait is not waited in a coroutine: the job goes back to its row

# Books one start time: returns (1, microseconds until it), or (0, microseconds until asking is worth it).
_BOOK = """
local now = redis.call('TIME')
now = now[1] * 1000000 + now[2]
local state = redis.call('HMGET', KEYS[1], 'next', 'cool')
local interval, horizon = tonumber(ARGV[1]), tonumber(ARGV[2])
local cool = tonumber(state[2] or 0)
local start = math.max(tonumber(state[1] or 0), now - interval, cool)
if cool - now > horizon then return {0, cool - now} end
if start - now > horizon then return {0, start - now - horizon / 2} end
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', start + interval))
redis.call('EXPIRE', KEYS[1], 172800)
return {1, math.max(0, start - now)}
"""
_COOL = """
local now = redis.call('TIME')
local until_us = now[1] * 1000000 + now[2] + tonumber(ARGV[1])
if until_us > tonumber(redis.call('HGET', KEYS[1], 'cool') or 0) then
  redis.call('HSET', KEYS[1], 'cool', string.format('%.0f', until_us))
end
redis.call('EXPIRE', KEYS[1], 172800)
return 1
"""
_IS_COOLING = """
local now = redis.call('TIME')
local cool = tonumber(redis.call('HGET', KEYS[1], 'cool') or 0)
return cool > now[1] * 1000000 + now[2] and 1 or 0
"""
_US = 1_000_000


class SharedBudget:
    """Implements the Budget port for one limit key, e.g. one Spotify app or one Apple team."""

    def __init__(
        self, redis: Redis, *, profile: PlatformProfile, limit_key: str, clock: Clock | None = None
    ) -> None:
        self._profile = profile
        self._clock = clock or SystemClock()
        self._key = key(profile.platform, f"budget:{limit_key}")
        self._book = redis.register_script(_BOOK)
        self._cool = redis.register_script(_COOL)
        self._cooling = redis.register_script(_IS_COOLING)
        self._interval_s = 1 / profile.requests_per_s
        # One drop per interval: a bucket of n would let 2n through in its first window.
        self._pacer = AsyncLimiter(1, self._interval_s)
        # A bucket of its own: each request passes the pacer too and would pay twice in the same one.
        self._fallback = AsyncLimiter(1, self._interval_s)
        self._turns = FairTurns()
        self._worker_count = 1
        self._cool_until = 0.0

    def set_worker_count(self, count: int) -> None:
        """Follow the fleet: while Redis is away, this process keeps to 1/count of the pace."""
        if count != self._worker_count:
            self._worker_count = max(1, count)
            self._fallback = AsyncLimiter(1, self._interval_s * self._worker_count)

    async def acquire(self) -> None:
        """Wait until one request may start. Raises RateLimited where that is more than a minute away.

        Inside this process users take turns, so that a small transfer does not wait for a giant's requests.
        """
        asked_at = self._clock.monotonic()
        async with self._turns.turn():
            await self._wait_for_start()
        waited_s = self._clock.monotonic() - asked_at
        telemetry.meters.rate_limit_waited(waited_s, platform=self._profile.platform)

    async def _wait_for_start(self) -> None:
        while True:
            wait_s, is_booked = await self._next_start()
            if wait_s > LONG_WAIT_S:
                raise self._limited(wait_s)
            if wait_s > 0:
                await self._clock.sleep(wait_s)
            if is_booked and wait_s > RECHECK_AFTER_S:
                is_booked = not await self._is_cooling()
            if is_booked and self._clock.monotonic() >= self._cool_until:
                await self._pacer.acquire()
                return

    async def cool_down(self, retry_after_s: float) -> None:
        """Stop this limit key for the whole fleet; called when the platform has said 429."""
        self._cool_until = max(self._cool_until, self._clock.monotonic() + retry_after_s)
        try:
            await self._cool(keys=[self._key], args=[int(retry_after_s * _US)])
        except STORE_ERRORS as error:
            logger.warning("Budget store is away; only this process cools down", error=type(error).__name__)

    async def _next_start(self) -> tuple[float, bool]:
        own_wait_s = self._cool_until - self._clock.monotonic()
        if own_wait_s > 0:
            return own_wait_s, False
        try:
            booked, wait_us = await self._book(
                keys=[self._key], args=[int(self._interval_s * _US), int(HORIZON_S * _US)]
            )
        except STORE_ERRORS:
            await self._fallback.acquire()
            return 0.0, True
        return float(wait_us) / _US, bool(booked)

    async def _is_cooling(self) -> bool:
        """Say whether another worker has met a 429 while we slept to our start time."""
        try:
            return bool(await self._cooling(keys=[self._key]))
        except STORE_ERRORS:
            return False

    def _limited(self, wait_s: float) -> RateLimited:
        platform = self._profile.platform
        return RateLimited(
            f"{platform} asked us to wait; its requests go on in {wait_s:.0f} s.",
            platform=platform,
            operation="budget",
            retry_after_s=wait_s,
        )
