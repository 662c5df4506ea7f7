"""The book of a pool that counts calendar days, in Redis: how much of the day is spent, by the whole fleet.

Which days there are says the process, which knows the rules of the time zone; which of them it is now says
Redis, whose clock all share. So a process whose own clock is wrong by some hours does no harm.
"""

import asyncio
from datetime import timedelta
from typing import Any

import msgspec
from redis.asyncio import Redis

from shared.bookings import ANSWER_TIMEOUT_S, Outlook
from shared.clock import Clock
from shared.days import next_starts
from shared.platforms.profile import Pool

_US = 1_000_000
_KNOWN_DAYS = 4  # that are told, from a day before ours on: the two clocks may be a day apart

# ends: the µs at which the day ends that `spent` was spent in. cool: the µs until which nothing may start.
# ARGV: units wanted, units of a day, what the caller has spent without having told, the end of the day that
# it knows of, what it knows to have been spent in that day, µs left of a cool-down that is news (-1: until
# the end of the day), then the ends of some days in order. What the caller knows counts where the store was
# emptied. Returns 1 if the units are booked, what is spent, µs to the end of the day, µs left of the
# cool-down, and the end itself.
_SPEND = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local want, limit, untold = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local state = redis.call('HMGET', KEYS[1], 'ends', 'spent', 'cool')
local ends, spent, cool = tonumber(state[1] or 0), tonumber(state[2] or 0), tonumber(state[3] or 0)
if ends <= now then
  spent = 0
  for i = 7, #ARGV do
    ends = tonumber(ARGV[i])
    if ends > now then break end
  end
  if ends <= now then ends = now + 86400000000 end
end
if tonumber(ARGV[4]) == ends then spent = math.max(spent, tonumber(ARGV[5])) + untold end
local news = tonumber(ARGV[6])
if news > 0 then cool = math.max(cool, now + news) elseif news < 0 then cool = math.max(cool, ends) end
local left = math.max(0, cool - now)
local booked = 0
if left == 0 and want > 0 and spent + want <= limit then
  spent = spent + want
  booked = 1
end
redis.call('HSET', KEYS[1], 'ends', string.format('%.0f', ends), 'spent', string.format('%.0f', spent),
  'cool', string.format('%.0f', cool))
redis.call('PEXPIRE', KEYS[1], math.ceil(math.max(ends - now, left, 0) / 1000) + 3600000)
return {booked, spent, math.max(0, ends - now), left, string.format('%.0f', ends)}
"""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What the book says. ends_in_s: when the pool is filled anew. cool_s: how long nothing may start.

    ends_us: which day that is, by the end that it has for all.
    """

    is_booked: bool
    spent_count: int
    ends_in_s: float
    cool_s: float
    ends_us: int


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What a process knows of a day. untold_count: what it has spent without the store."""

    ends_us: int = 0
    spent_count: int = 0
    untold_count: int = 0


class DayBookings:
    """One pool's book. Its methods raise streams.STORE_ERRORS where Redis is away."""

    def __init__(self, redis: Redis, *, key: str, pool: Pool, clock: Clock) -> None:
        self._redis = redis
        self._script = redis.register_script(_SPEND)
        self._key = key
        self._pool = pool
        self._clock = clock

    async def spend(self, unit_count: int, *, known: Known, cool_s: float = 0.0) -> Day:
        """Book units of the day that it is now, all of them or none. cool_s: of a cool-down that is news.

        Where the answer is lost, the units may be booked all the same; nobody gets them back.
        """
        return await self._tell(unit_count, known=known, news_us=int(cool_s * _US))

    async def use_up(self, *, known: Known) -> Day:
        """Let nothing start until the day is over, whatever has been counted."""
        return await self._tell(0, known=known, news_us=-1)

    async def _tell(self, unit_count: int, *, known: Known, news_us: int) -> Day:
        told = (known.untold_count, known.ends_us, known.spent_count, news_us)
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            answer: Any = await self._script(
                keys=[self._key], args=[unit_count, int(self._pool.limit), *told, *self._ends_us()]
            )
        return Day(
            is_booked=bool(answer[0]),
            spent_count=int(answer[1]),
            ends_in_s=int(answer[2]) / _US,
            cool_s=int(answer[3]) / _US,
            ends_us=int(answer[4]),
        )

    async def look(self) -> Outlook:
        """Read the book and change nothing in it."""
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.time()
                pipeline.hmget(self._key, ["ends", "spent", "cool"])
                (seconds, microseconds), (ends, spent, cool) = await pipeline.execute()
        now_us = int(seconds) * _US + int(microseconds)
        is_today = int(ends or 0) > now_us
        ends_us = int(ends) if is_today else next((end for end in self._ends_us() if end > now_us), now_us)
        left_count = max(0, int(self._pool.limit) - (int(spent) if is_today else 0))
        cool_s = max(0.0, (int(cool or 0) - now_us) / _US)
        ends_in_s = (ends_us - now_us) / _US
        return Outlook(
            cool_s=cool_s,
            wait_s=max(cool_s, 0.0 if left_count else ends_in_s),
            free_count=0 if cool_s else left_count,
            day_ends_in_s=ends_in_s,
        )

    def _ends_us(self) -> list[int]:
        yesterday = self._clock.now() - timedelta(days=1)
        starts = next_starts(yesterday, zone=self._pool.day_zone, count=_KNOWN_DAYS)
        return [round(start.timestamp()) * _US for start in starts]
