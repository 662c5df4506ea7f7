"""The gateway knows how many share the budgets with it."""

import asyncio

import pytest

from gateway.actions.watch_fleet import EVERY_S, WatchFleet
from shared.db import workers
from shared.db.pool import open_pool
from shared.fleet import Fleet
from shared.secret import Secret
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.integration


async def test_gateway_counts_itself_beside_the_workers_and_keeps_the_count_without_postgres(
    database_url: str,
) -> None:
    fleet, clock = Fleet(), FakeClock()
    pool = await open_pool(Secret(database_url), size=1)
    await workers.seen(pool, "one", slot_count=4)
    await workers.seen(pool, "two", slot_count=4)
    watching = asyncio.create_task(WatchFleet(pool=pool, fleet=fleet, clock=clock, gateway_id="one")())
    await clock.until_somebody_sleeps()
    first_size = fleet.size

    await pool.close()
    clock.advance(EVERY_S)
    await clock.until_somebody_sleeps()

    watching.cancel()
    assert (first_size, fleet.size) == (3, 3)
