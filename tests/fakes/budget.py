"""A budget that lets everything pass and remembers it."""

import asyncio

from shared.platforms.base import Budget
from shared.platforms.profile import PlatformProfile, Price


class FakeBudget:
    """Counts grants, keeps the cool-downs by pool and the prices that were paid.

    refusal, where set, is raised in place of a grant; wait_s is how long each grant takes. renewed_in_s: how
    long a quota that is used up stays so; used_up: the pools that were said to be.
    """

    def __init__(self) -> None:
        self.granted_count = 0
        self.cool_downs: list[tuple[str, float]] = []
        self.prices: list[Price] = []
        self.refusal: Exception | None = None
        self.wait_s = 0.0
        self.renewed_in_s = 3600.0
        self.used_up: list[str] = []

    async def acquire(self, price: Price) -> None:
        if self.refusal is not None:
            raise self.refusal
        await asyncio.sleep(self.wait_s)
        self.granted_count += 1
        self.prices.append(price)

    async def cool_down(self, retry_after_s: float, *, pool: str) -> None:
        self.cool_downs.append((pool, retry_after_s))

    async def use_up(self, *, pool: str) -> float:
        self.used_up.append(pool)
        return self.renewed_in_s


class FakeBudgets:
    """The factory of a process: one budget per limiter key."""

    def __init__(self) -> None:
        self.by_key: dict[str, FakeBudget] = {}

    def __call__(self, profile: PlatformProfile, key: str) -> Budget:
        return self.by_key.setdefault(key, FakeBudget())
