"""Tell the workers at once that there is work; where that fails, their sweeper finds it a moment later."""

import asyncio
from collections.abc import Iterable

from loguru import logger

from shared import outbox
from shared.db.pool import Pool
from shared.models import Platform
from shared.streams import Streams

_TIMEOUT_S = 0.1


class WakeWorkers:
    """Queues runnable jobs. Never raises, and never keeps the caller waiting: the rows are the truth."""

    def __init__(self, *, pool: Pool, streams: Streams) -> None:
        self._pool = pool
        self._streams = streams

    async def __call__(self, platforms: Iterable[Platform]) -> None:
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                for platform in platforms:
                    await outbox.dispatch(self._pool, self._streams, platform)
        except Exception as error:  # noqa: BLE001 - the work is stored; the workers' sweeper finds it
            logger.bind(error=type(error).__name__).warning("work waits for the sweeper")
