"""Turns at something that only one can have at a time, dealt out party by party instead of by arrival."""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextvars import ContextVar

PARTY: ContextVar[str] = ContextVar("party", default="")
"""For whom the current task works, e.g. a user; a thousand waiters of one count like a single one."""


class FairTurns:
    """A lock whose next owner is the longest waiter of the party that has not had a turn for longest."""

    def __init__(self) -> None:
        self._is_taken = False
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def waiting_count(self) -> int:
        """How many stand in line; not counting whoever has the turn."""
        return sum(not one.done() for line in self._waiting.values() for one in line)

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        await self._take(PARTY.get())
        try:
            yield
        finally:
            self._pass_on()

    async def _take(self, party: str) -> None:
        if not self._is_taken:
            self._is_taken = True
            return
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(party, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()  # the turn came together with the cancellation
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            party, line = self._waiting.popitem(last=False)
            while line:
                next_one = line.popleft()
                if not next_one.done():
                    if line:
                        self._waiting[party] = line  # at the end: the other parties come first
                    next_one.set_result(None)
                    return
        self._is_taken = False
