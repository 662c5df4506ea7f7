"""Waits for what a daemon does on its own time: asks often, and gives up at a bound."""

import asyncio
from collections.abc import Awaitable, Callable

ASK_EVERY_S = 0.01
MOST_ASKS = 2000


async def until(condition: Callable[[], bool]) -> None:
    async def ask() -> bool:
        return condition()

    await until_answered(ask)


async def until_answered(ask: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(MOST_ASKS):
        if await ask():
            return
        await asyncio.sleep(ASK_EVERY_S)
    raise TimeoutError
