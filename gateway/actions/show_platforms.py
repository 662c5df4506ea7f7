"""Tell what each platform can do here, what it allows us, and how a user stands with it."""

import asyncio
import math
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
from redis.asyncio import Redis

from gateway.actions.accounts import PlatformsPort
from gateway.actions.connect_flow import flow_of
from shared.bookings import Outlook
from shared.clock import Clock
from shared.db import connections, platform_pauses
from shared.db.connect_sessions import ConnectFlow
from shared.db.connections import Connection
from shared.db.platform_pauses import PlatformPause
from shared.db.pool import Pool
from shared.errors import PlatformNotConfigured
from shared.limiter import bookings_of
from shared.models import Platform, UserId
from shared.platforms.base import Capabilities
from shared.platforms.forms import FormField
from shared.platforms.profile import PlatformProfile
from shared.streams import STORE_ERRORS


class BudgetState(StrEnum):
    """Whether requests of ours may leave now."""

    OPEN = "open"
    COOLING_DOWN = "cooling_down"
    USED_UP = "used_up"
    UNKNOWN = "unknown"


class PoolBudget(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of one pool.

    wait_s: how long a request that is asked for now would wait, None where that is unknown. resume_at: when
    requests go on after the platform has told us to stop, or when the day is over whose units are used up;
    None where neither is so. left_count: units that are left of the day, None where no days are counted.
    """

    name: str
    state: BudgetState
    wait_s: float | None = None
    resume_at: datetime | None = None
    left_count: int | None = None


class PlatformView(msgspec.Struct, frozen=True, kw_only=True):
    """One platform. setup: what its operator has to do before it can be used, None where it is set up.

    flow, fields: how accounts are connected, None where it is not set up. why_no_links: why links there are
    not read without an account, None where they are.
    """

    platform: Platform
    label: str
    setup: str | None
    flow: ConnectFlow | None
    fields: tuple[FormField, ...]
    why_no_links: str | None
    capabilities: Capabilities
    profile: PlatformProfile
    budgets: tuple[PoolBudget, ...]
    pause: PlatformPause | None
    connections: tuple[Connection, ...]


class ShowPlatforms:
    """Reads everything that is known about platforms; asks none of them."""

    def __init__(self, *, pool: Pool, redis: Redis, platforms: PlatformsPort, clock: Clock) -> None:
        self._pool = pool
        self._redis = redis
        self._platforms = platforms
        self._clock = clock

    async def __call__(self, user_id: UserId) -> list[PlatformView]:
        linked = await connections.list_of(self._pool, user_id)
        pauses = {pause.platform: pause for pause in await platform_pauses.paused(self._pool)}
        budgets = await asyncio.gather(*map(self.budgets, Platform))
        return [
            PlatformView(
                platform=platform,
                label=self._platforms.label(platform),
                **self._way_in(platform),
                why_no_links=self._platforms.why_no_links(platform),
                capabilities=self._platforms.capabilities(platform),
                profile=self._platforms.profile(platform),
                budgets=budget,
                pause=pauses.get(platform),
                connections=tuple(one for one in linked if one.platform is platform),
            )
            for platform, budget in zip(Platform, budgets, strict=True)
        ]

    def _way_in(self, platform: Platform) -> dict[str, Any]:
        if self._platforms.is_kept_here(platform):
            return {"setup": None, "flow": None, "fields": ()}
        try:
            flow, form = flow_of(self._platforms, platform), self._platforms.connect_form(platform)
        except PlatformNotConfigured as error:
            return {"setup": str(error), "flow": None, "fields": ()}
        return {"setup": None, "flow": flow, "fields": form.fields if form else ()}

    async def budgets(self, platform: Platform) -> tuple[PoolBudget, ...]:
        """Say what is left of each of a platform's pools."""
        names = self._platforms.profile(platform).pools
        return tuple(await asyncio.gather(*(self._budget(platform, name) for name in names)))

    async def _budget(self, platform: Platform, name: str) -> PoolBudget:
        counted_by = self._platforms.profile(platform).counted_by
        # Where each server counts for itself, there is no budget of the platform.
        if not self._platforms.is_configured(platform) or not counted_by:
            return PoolBudget(name=name, state=BudgetState.UNKNOWN)
        book = bookings_of(
            self._redis,
            profile=self._platforms.profile(platform),
            limit_key=self._platforms.limit_key(platform),
            pool_name=name,
            clock=self._clock,
        )
        try:
            return budget_of(await book.look(), name=name, now=self._clock.now())
        except STORE_ERRORS:
            return PoolBudget(name=name, state=BudgetState.UNKNOWN)


def budget_of(outlook: Outlook, *, name: str, now: datetime) -> PoolBudget:
    """Say in words and whole seconds what the book says."""
    is_by_day = outlook.day_ends_in_s is not None
    state = BudgetState.OPEN
    if outlook.cool_s > 0:
        state = BudgetState.COOLING_DOWN
    elif is_by_day and not outlook.free_count:
        state = BudgetState.USED_UP
    stop_s = outlook.wait_s if state is BudgetState.USED_UP else outlook.cool_s
    return PoolBudget(
        name=name,
        state=state,
        wait_s=round(outlook.wait_s, 1),
        resume_at=None if state is BudgetState.OPEN else _whole(now + timedelta(seconds=math.ceil(stop_s))),
        left_count=outlook.free_count if is_by_day else None,
    )


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
