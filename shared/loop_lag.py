"""Measures how late the event loop gives a turn, which is what a blocked or overloaded process shows."""

import asyncio

from shared.meters import Metrics, meters

EVERY_S = 0.5


async def watch(*, into: Metrics = meters) -> None:
    """Measure until it is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + EVERY_S
        await asyncio.sleep(EVERY_S)
        into.loop_lagged(max(0.0, loop.time() - due_s))
