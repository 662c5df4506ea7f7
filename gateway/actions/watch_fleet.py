"""Keep knowing how many processes share the budgets, and let others know of this one and its release.

While Redis is away the gateway keeps to its share.
"""

import contextlib

import asyncpg

from shared.clock import Clock
from shared.db import workers
from shared.db.pool import STORE_ERRORS, Pool
from shared.fleet import Fleet

EVERY_S = 2.0


class WatchFleet:
    """Runs until it is cancelled; while Postgres is away the last count stands.

    gateway_id: under which this process is known while it lives.
    """

    def __init__(self, *, pool: Pool, fleet: Fleet, clock: Clock, gateway_id: str) -> None:
        self._pool = pool
        self._gateway_id = gateway_id
        self._fleet = fleet
        self._clock = clock

    async def __call__(self) -> None:
        try:
            await self._watch()
        finally:
            with contextlib.suppress(*STORE_ERRORS, asyncpg.PostgresError):
                await workers.gateway_leaves(self._pool, self._gateway_id)

    async def _watch(self) -> None:
        while True:
            try:
                await workers.gateway_seen(self._pool, self._gateway_id)
                worker_count, _ = await workers.alive(self._pool)
                self._fleet.heard(worker_count + 1)  # the gateway takes a share beside theirs
            except (*STORE_ERRORS, asyncpg.PostgresError):
                pass
            await self._clock.sleep(EVERY_S)
