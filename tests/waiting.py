"""The one place where a test waits for what sends it no signal: other processes, daemons, a fixed bound."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 30.0
ASK_EVERY_S = 0.01


async def until(condition: Callable[[], bool], *, patience_s: float = PATIENCE_S) -> None:
    """Ask until the answer is yes. Raises TimeoutError when the time is up."""

    async def ask() -> bool:
        return condition()

    await until_answered(ask, patience_s=patience_s)


async def until_answered(
    ask: Callable[[], Awaitable[bool]], *, patience_s: float = PATIENCE_S, every_s: float = ASK_EVERY_S
) -> None:
    """The same for a question that is itself waited for."""
    async with asyncio.timeout(patience_s):
        while not await ask():  # noqa: ASYNC110 - what is waited for has no event to set
            await asyncio.sleep(every_s)


async def within(awaitable: Awaitable[T], *, patience_s: float = PATIENCE_S) -> T:
    """Await what comes soon. Raises TimeoutError when the time is up."""
    async with asyncio.timeout(patience_s):
        return await awaitable
