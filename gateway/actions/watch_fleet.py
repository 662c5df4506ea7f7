"""Keep knowing how many processes share the budgets; while Redis is away the gateway keeps to its share."""

import asyncpg

from shared.clock import Clock
from shared.db import workers
from shared.db.pool import STORE_ERRORS, Pool
from shared.fleet import Fleet

EVERY_S = 2.0


class WatchFleet:
    """Runs until it is cancelled; while Postgres is away the last count stands."""

    def __init__(self, *, pool: Pool, fleet: Fleet, clock: Clock) -> None:
        self._pool = pool
        self._fleet = fleet
        self._clock = clock

    async def __call__(self) -> None:
        while True:
            try:
                worker_count, _ = await workers.alive(self._pool)
                self._fleet.heard(worker_count + 1)  # the gateway takes a share beside theirs
            except (*STORE_ERRORS, asyncpg.PostgresError):
                pass
            await self._clock.sleep(EVERY_S)
