"""Tell the workers at once that there is work; where that fails, their sweeper finds it a moment later."""

import asyncio
from collections.abc import Iterable

from loguru import logger

from shared import outbox
from shared.db.pool import Pool
from shared.models import Platform
from shared.streams import Streams

_WAIT_S = 0.1


class WakeWorkers:
    """Queues runnable jobs. Never raises, and never keeps the caller waiting: the rows are the truth.

    What takes longer goes on behind the caller's back: given up between row and stream, it would have to be
    found by the sweeper, some seconds later.
    """

    def __init__(self, *, pool: Pool, streams: Streams) -> None:
        self._pool = pool
        self._streams = streams
        self._calls: set[asyncio.Task[None]] = set()

    async def __call__(self, platforms: Iterable[Platform]) -> None:
        call = asyncio.create_task(self._dispatch(platforms))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        await asyncio.wait([call], timeout=_WAIT_S)

    async def _dispatch(self, platforms: Iterable[Platform]) -> None:
        try:
            for platform in platforms:
                await outbox.dispatch(self._pool, self._streams, platform)
        except Exception as error:  # noqa: BLE001 - the work is stored; the workers' sweeper finds it
            logger.bind(error=type(error).__name__).warning("Work waits for the sweeper")
