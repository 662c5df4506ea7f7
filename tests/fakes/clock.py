"""A clock that a test moves: nobody waits in real time for it."""

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class FakeClock:
    """Stands still until `advance`; sleepers wake when their moment is reached.

    is_hasty: sleeping moves the clock itself and returns at once. slept_s: every wait that was asked for.
    """

    def __init__(self, *, start_s: float = 1000.0, is_hasty: bool = False) -> None:
        self.slept_s: list[float] = []
        self._now_s = start_s
        self._is_hasty = is_hasty
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()
        self._arrival = asyncio.Event()

    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._now_s)

    def monotonic(self) -> float:
        return self._now_s

    async def sleep(self, delay_s: float) -> None:
        self.slept_s.append(delay_s)
        if self._is_hasty:
            self._now_s += delay_s
            await asyncio.sleep(0)
            return
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now_s + delay_s, next(self._numbers), sleeper))
        self._arrival.set()
        await sleeper

    def advance(self, delay_s: float) -> None:
        """Move on and wake whoever is due."""
        self._now_s += delay_s
        while self._sleepers and self._sleepers[0][0] <= self._now_s:
            _, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done():
                sleeper.set_result(None)

    async def until_somebody_sleeps(self) -> None:
        """Wait until a sleeper is there, then forget that one came."""
        async with asyncio.timeout(10):
            await self._arrival.wait()
        self._arrival.clear()
