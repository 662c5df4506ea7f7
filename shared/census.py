"""The fleet's figures: gathered from both stores by one process at a time, and told as gauges."""

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Coroutine, Mapping
from typing import Protocol

import asyncpg
from loguru import logger
from redis.asyncio import Redis

from shared import loop_lag, telemetry
from shared.db import figures
from shared.db.connections import ConnectionState
from shared.db.figures import Stock, Work
from shared.db.pool import STORE_ERRORS as POSTGRES_ERRORS
from shared.db.pool import Pool
from shared.fleet_gauges import WAITING
from shared.leader import Leader
from shared.lifecycle import State
from shared.limiter import bookings_of
from shared.meters import Metrics, Reading, meters
from shared.models import Platform
from shared.platforms.profile import PlatformProfile
from shared.streams import STORE_ERRORS as REDIS_ERRORS
from shared.streams import Streams

EVERY_S = 5.0
STOCK_EVERY_S = 15.0
VALID_TURNS = 3  # so many missed turns, and nothing is told any more: old figures look like calm
LEADER_KEY = "{crossplay}:census"
_AWAY = (*POSTGRES_ERRORS, *REDIS_ERRORS, asyncpg.PostgresError)

Readings = dict[str, list[Reading]]


class PlatformsPort(Protocol):
    """What is known about the budgets of platforms."""

    def is_configured(self, platform: Platform) -> bool: ...

    def profile(self, platform: Platform) -> PlatformProfile: ...

    def limit_key(self, platform: Platform) -> str: ...


class Census:
    """Competes for the lead and, while it has it, gathers and tells; any gateway or worker can.

    A store that is away leaves its own figures out. into: where they are told, for tests.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        redis: Redis,
        platforms: PlatformsPort,
        name: str | None = None,
        every_s: float = EVERY_S,
        into: Metrics = meters,
    ) -> None:
        self._pool = pool
        self._redis = redis
        self._streams = Streams(redis)
        self._platforms = platforms
        self._leader = Leader(redis, key=LEADER_KEY, name=name or secrets.token_hex(8), term_s=2 * every_s)
        self._every_s = every_s
        self._into = into
        self._stock: Readings = {}
        self._stock_due_s = 0.0

    async def run(self) -> None:
        """Gather until it is cancelled; then another process may lead at once."""
        try:
            while True:
                await self.turn()
                await asyncio.sleep(self._every_s)
        finally:
            self._into.fleet_is_told_elsewhere()
            with contextlib.suppress(*_AWAY):
                await self._leader.resign()

    async def turn(self) -> None:
        """Gather and tell once, if this process leads."""
        if not await self._leads():
            self._into.fleet_is_told_elsewhere()
            self._stock_due_s = 0.0
            return
        readings: Readings = {}
        for part in (self._work, self._slow, self._queues, self._budgets, self._memory):
            try:
                readings |= await part()
            except _AWAY as error:
                logger.debug("The fleet is counted in part", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001  # who only counts must not end who works
                logger.opt(exception=error).error("Figures of the fleet not gathered")
        self._into.fleet_stands(readings, valid_s=VALID_TURNS * self._every_s)

    async def _leads(self) -> bool:
        try:
            return await self._leader.is_me()
        except REDIS_ERRORS:
            return self._leader.was_me  # whoever led last goes on: nobody else can begin

    async def _work(self) -> Readings:
        return readings_of_work(await figures.work(self._pool))

    async def _slow(self) -> Readings:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._stock_due_s:
            self._stock = readings_of_stock(await figures.stock(self._pool))
            self._stock_due_s = now_s + STOCK_EVERY_S
        return self._stock

    async def _queues(self) -> Readings:
        backlogs = {platform: await self._streams.backlog(platform) for platform in Platform}
        return {
            "crossplay.queue.lag": [(one.lag_count, _at(platform)) for platform, one in backlogs.items()],
            "crossplay.queue.pending": [
                (one.pending_count, _at(platform)) for platform, one in backlogs.items()
            ],
        }

    async def _budgets(self) -> Readings:
        readings: list[Reading] = []
        for platform in filter(self._platforms.is_configured, Platform):
            profile, limit_key = self._platforms.profile(platform), self._platforms.limit_key(platform)
            # Where each server of a user's counts for itself, there is no budget of the platform.
            for name, pool in profile.pools.items() if profile.counted_by else ():
                book = bookings_of(self._redis, profile=profile, limit_key=limit_key, pool_name=name)
                left_count = (await book.look()).free_count
                window = "day" if pool.day_zone else "moving"
                of_pool = {"crossplay.pool": name, "crossplay.window": window}
                readings.append((left_count, {**_at(platform), **of_pool}))
        return {"crossplay.budget.remaining": readings}

    async def _memory(self) -> Readings:
        memory = await self._streams.memory()
        limits: list[Reading] = [] if memory.limit_bytes is None else [(memory.limit_bytes, {})]
        return {
            "crossplay.redis.memory": [(memory.used_bytes, {})],
            "crossplay.redis.memory.limit": limits,
        }


def measuring(census: Census) -> dict[str, Callable[[], Coroutine[None, None, None]]]:
    """Return what a process does beside its work so that it is seen; nothing where nobody gets its metrics.

    A process that nobody asks must not lead: the fleet's figures would be told to nobody.
    """
    return {"census": census.run, "loop_lag": loop_lag.watch} if telemetry.is_measured() else {}


def readings_of_work(work: Work) -> Readings:
    """Return a figure for each platform and state, 0 where there is nothing."""
    waiting = defaultdict(int, {(one.platform, one.reason): one.job_count for one in work.waiting})
    oldest_s: dict[Platform, float] = defaultdict(float)
    for one in work.waiting:
        if one.reason in ("queued", "no_slot"):
            oldest_s[one.platform] = max(oldest_s[one.platform], one.oldest_s)
    deferred = {one.platform: one.item_count for one in work.deferred}
    active = {one.state: one for one in work.active}
    return {
        "crossplay.jobs.waiting": [
            (waiting[platform, reason], {**_at(platform), "crossplay.reason": reason})
            for platform in Platform
            for reason in WAITING
        ],
        "crossplay.queue.oldest_age": _by_platform(oldest_s),
        "crossplay.items.deferred": _by_platform(deferred),
        "crossplay.transfers.active": [
            (active[state].transfer_count if state in active else 0, {"crossplay.state": state})
            for state in (State.QUEUED, State.RUNNING, State.PAUSED)
        ],
        "crossplay.transfer.oldest_idle": [
            (active[State.RUNNING].idle_s if State.RUNNING in active else 0.0, {})
        ],
        "crossplay.platform.paused": _by_platform(dict.fromkeys(work.paused, 1)),
        "crossplay.workers": [(work.worker_count, {})],
        "crossplay.worker.heartbeat.age": [(work.silent_s, {})],
        "crossplay.dead_letters": [(work.dead_count, {})],
        "crossplay.webhooks.waiting": [(work.due_delivery_count, {})],
    }


def readings_of_stock(stock: Stock) -> Readings:
    """Return the figures of connections, of those that serve where it is about their end, and the size."""
    counts = {(one.platform, one.state): one.connection_count for one in stock.linked}
    serving = {one.platform: one for one in stock.linked if one.state == "connected"}
    within: tuple[tuple[str, Callable[[figures.Linked], int]], ...] = (
        ("1d", lambda one: one.within_1d_count),
        ("7d", lambda one: one.within_7d_count),
        ("30d", lambda one: one.within_30d_count),
    )
    return {
        "crossplay.connections": [
            (counts.get((platform, state), 0), {**_at(platform), "crossplay.state": state})
            for platform in Platform
            for state in ConnectionState
        ],
        "crossplay.connections.expiring": [
            (
                count(serving[platform]) if platform in serving else 0,
                {**_at(platform), "crossplay.within": name},
            )
            for platform in Platform
            for name, count in within
        ],
        "crossplay.connection.expires": [
            (one.expires_in_s, _at(platform))
            for platform, one in serving.items()
            if one.expires_in_s is not None
        ],
        "crossplay.database.size": [(stock.database_bytes, {})],
    }


def _by_platform(figures_: Mapping[Platform, float]) -> list[Reading]:
    return [(figures_.get(platform, 0), _at(platform)) for platform in Platform]


def _at(platform: Platform) -> dict[str, str]:
    return {"crossplay.platform": platform}
