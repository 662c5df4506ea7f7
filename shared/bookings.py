"""The book of one pool in Redis: which start times are taken, and until when nothing may start."""

import asyncio
from typing import Any

import msgspec
from redis.asyncio import Redis

from shared.platforms.profile import Pool

HORIZON_S = 8.0  # no start is booked further ahead, so that a request of another process need not wait longer
ANSWER_TIMEOUT_S = 1.0  # a store that answers later is as good as away: everybody else waits behind the call
_KEPT_S = 172_800
_US = 1_000_000

# One call does it all: it hears of a cool-down, tells of one, and books starts (GCRA, by the server's clock).
# next: when the last booked unit is paid for. ARGV: units wanted, µs per unit, units of a burst, horizon,
# µs that the caller thinks are left of a cool-down, 1 if that is news, seconds that the book is kept. What is
# no news counts only where the store knows of no cool-down: then it has lost its own. Returns units booked,
# µs until the first of them or until asking again is worth it, µs left of the cool-down.
_BOOK = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local state = redis.call('HMGET', KEYS[1], 'next', 'cool')
local want, unit, burst = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local horizon, known = tonumber(ARGV[4]), tonumber(ARGV[5])
local paid, cool = tonumber(state[1] or 0), tonumber(state[2] or 0)
if known > 0 and (not state[2] or (ARGV[6] == '1' and now + known > cool)) then
  cool = now + known
  redis.call('HSET', KEYS[1], 'cool', string.format('%.0f', cool))
end
local left = math.max(0, cool - now)
local keep = math.ceil(left / 1000000) + tonumber(ARGV[7])
paid = math.max(paid, now, cool + (burst - 1) * unit)
local start = paid - (burst - 1) * unit
if left > 0 or want == 0 then
  redis.call('EXPIRE', KEYS[1], keep)
  return {0, 0, left}
end
if start - now > horizon then return {0, start - now - horizon / 2, 0} end
redis.call('HSET', KEYS[1], 'next', string.format('%.0f', paid + want * unit))
redis.call('EXPIRE', KEYS[1], keep)
return {want, start - now, 0}
"""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """What the book says. starts_in_s: one per unit that was booked, in order.

    ask_in_s: when to ask again, where none was. cool_s: how long nothing may start.
    """

    starts_in_s: tuple[float, ...]
    ask_in_s: float
    cool_s: float


class Outlook(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who asks now has to expect. cool_s: of wait_s, what the platform itself has asked for.

    free_count: units that may start within the pool's window from now, or on this day, and that nobody has
    booked. day_ends_in_s: when a pool that counts days is filled anew.
    """

    cool_s: float
    wait_s: float
    free_count: int
    day_ends_in_s: float | None = None


class Bookings:
    """One pool's book. Its methods raise streams.STORE_ERRORS where Redis is away."""

    def __init__(self, redis: Redis, *, key: str, pool: Pool) -> None:
        self._redis = redis
        self._script = redis.register_script(_BOOK)
        self._key = key
        self._pool = pool

    async def ask(self, unit_count: int, *, cool_s: float, is_news: bool) -> Page:
        """Book units that follow each other. cool_s: what the caller knows of a cool-down.

        is_news: nobody can know it yet. Else the store knows better, unless it was emptied meanwhile.
        """
        numbers = (self._pool.unit_s * _US, self._pool.burst, HORIZON_S * _US, cool_s * _US)
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            answer: Any = await self._script(
                keys=[self._key], args=[unit_count, *map(int, numbers), int(is_news), _KEPT_S]
            )
        booked_count, wait_s, left_s = int(answer[0]), int(answer[1]) / _US, int(answer[2]) / _US
        starts = (max(0.0, wait_s + number * self._pool.unit_s) for number in range(booked_count))
        return Page(starts_in_s=tuple(starts), ask_in_s=wait_s, cool_s=left_s)

    async def look(self) -> Outlook:
        """Read the book and change nothing in it."""
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            async with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.time()
                pipeline.hmget(self._key, ["next", "cool"])
                (seconds, microseconds), (paid, cool) = await pipeline.execute()
        now_us = int(seconds) * _US + int(microseconds)
        cool_s = max(0.0, (int(cool or 0) - now_us) / _US)
        saved_s = (self._pool.burst - 1) * self._pool.unit_s
        booked_s = max(0.0, (int(paid or 0) - now_us) / _US - saved_s)
        free_s = 0.0 if cool_s else max(0.0, self._pool.window_s - booked_s)
        return Outlook(
            cool_s=cool_s, wait_s=max(cool_s, booked_s), free_count=int(free_s / self._pool.unit_s)
        )
