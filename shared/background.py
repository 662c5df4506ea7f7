"""Work that goes on beside everything else, until that ends."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager


@asynccontextmanager
async def in_background(
    actions: Mapping[str, Callable[[], Coroutine[None, None, None]]],
) -> AsyncIterator[dict[str, "asyncio.Task[None]"]]:
    """Run actions meanwhile, which are cancelled at the end; yields their tasks by name."""
    tasks = {name: asyncio.create_task(action(), name=name) for name, action in actions.items()}
    try:
        yield tasks
    finally:
        for task in tasks.values():
            task.cancel()
        if tasks:
            await asyncio.wait(tasks.values())


def ended(tasks: Mapping[str, "asyncio.Task[None]"]) -> dict[str, str]:
    """Say of each task that should still run and does not, that it has ended."""
    return {name: "Has ended by a fault of its own." for name, task in tasks.items() if task.done()}
