"""How many requests somebody may make: counted in Redis by all gateways together (GCRA), never in the way.

While Redis is away each process counts by itself, and nobody is refused for it or kept waiting.
"""

import asyncio
import math
from typing import Any

import msgspec
from loguru import logger
from redis.asyncio import Redis

from shared.clock import Clock, SystemClock
from shared.streams import STORE_ERRORS

WINDOW_S = 60.0
ANSWER_TIMEOUT_S = 0.8  # a store that answers later is as good as away: a request waits behind the call
AWAY_S = 1.0  # how long a store that is away is left alone
_LOCAL_COUNT = 10_000
_US = 1_000_000

# paid: when all that was taken is paid for, one unit after the other. ARGV: µs per unit, µs of the window,
# units (negative ones are given back). Returns 1 if they were taken, and the µs that are left to be paid for.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local unit, window, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local before = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0))
local paid = math.max(now, before + count * unit)
if count > 0 and paid - now > window then return {0, before - now} end
redis.call('SET', KEYS[1], string.format('%.0f', paid), 'PX', math.max(1, math.ceil((paid - now) / 1000)))
return {1, paid - now}
"""


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """How one stands. limit: requests per window, all of which may come at once.

    left_count: how many may follow at once. full_in_s: when all may again. wait_s: when the next one may, if
    this one was refused.
    """

    is_granted: bool
    limit: int
    left_count: int
    full_in_s: float
    wait_s: float


class Allowances:
    """One kind of allowance. name: what is counted, for the keys in Redis. per_minute: at least 1."""

    def __init__(self, redis: Redis, *, name: str, per_minute: int, clock: Clock | None = None) -> None:
        self._script = redis.register_script(_TAKE)
        self._name = name
        self._limit = per_minute
        self._unit_s = WINDOW_S / per_minute
        self._clock = clock or SystemClock()
        self._paid_s: dict[str, float] = {}  # what the script keeps, as this process has seen it
        self._is_away = False
        self._retry_at_s = float("-inf")

    async def take(self, who: str) -> Allowance:
        """Count one request, unless there have been too many; then say how long to wait."""
        return await self._change(who, 1)

    async def give_back(self, who: str) -> Allowance:
        """Count one request less, because it cost nothing after all."""
        return await self._change(who, -1)

    async def _change(self, who: str, count: int) -> Allowance:
        now_s = self._clock.monotonic()
        if now_s < self._retry_at_s:
            return self._count_here(who, count)
        if self._is_away:  # whoever comes first after the rest finds out for all
            self._retry_at_s = now_s + AWAY_S
        numbers = map(int, (self._unit_s * _US, WINDOW_S * _US, count))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                answer: Any = await self._script(keys=[f"crossplay:{self._name}:{who}"], args=[*numbers])
        except STORE_ERRORS as error:
            self._lose_store(error)
            return self._count_here(who, count)
        self._is_away, self._retry_at_s = False, float("-inf")
        owed_s = int(answer[1]) / _US
        self._remember(who, self._clock.monotonic() + owed_s)
        return self._allowance(is_granted=bool(answer[0]), owed_s=owed_s)

    def _lose_store(self, error: Exception) -> None:
        if not self._is_away:
            logger.bind(counted=self._name, error=type(error).__name__).warning(
                "Allowances are counted apart"
            )
        self._is_away = True
        self._retry_at_s = self._clock.monotonic() + AWAY_S

    def _count_here(self, who: str, count: int) -> Allowance:
        """Do what the script does, from what it has said last: a Redis that goes away forgives nobody."""
        now_s = self._clock.monotonic()
        before_s = max(now_s, self._paid_s.get(who, now_s))
        paid_s = max(now_s, before_s + count * self._unit_s)
        if count > 0 and paid_s - now_s > WINDOW_S:
            return self._allowance(is_granted=False, owed_s=before_s - now_s)
        self._remember(who, paid_s)
        return self._allowance(is_granted=True, owed_s=paid_s - now_s)

    def _remember(self, who: str, paid_s: float) -> None:
        """Keep it; where it gets too much, forget who owes nothing, and at worst all: memory has an end."""
        self._paid_s[who] = paid_s
        if len(self._paid_s) > _LOCAL_COUNT:
            now_s = self._clock.monotonic()
            owing = {one: until_s for one, until_s in self._paid_s.items() if until_s > now_s}
            self._paid_s = owing if len(owing) <= _LOCAL_COUNT // 2 else {}

    def _allowance(self, *, is_granted: bool, owed_s: float) -> Allowance:
        free_s = WINDOW_S - owed_s
        return Allowance(
            is_granted=is_granted,
            limit=self._limit,
            left_count=max(0, math.floor(free_s / self._unit_s + 1e-6)),
            full_in_s=owed_s,
            wait_s=0.0 if is_granted else self._unit_s - free_s,
        )
