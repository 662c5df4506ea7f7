"""The executor while Postgres is away, silent, or loses the one answer that matters."""

import asyncio
import dataclasses

import pytest

from shared.clock import SystemClock
from shared.db.jobs import Job
from shared.db.pool import REPLY_S, open_pool
from shared.lease import Lease
from shared.lifecycle import State
from shared.messages import RunJob
from shared.models import Platform
from shared.secret import Secret
from tests.fakes.clock import FakeClock
from tests.faults.proxy import Proxy
from tests.integration.worker.attempts import JOB, Beats, executor, limited, raising, unavailable
from tests.integration.worker.engine import LEASE_S, Engine
from worker.patience import MOST_DELAY_S

pytestmark = pytest.mark.integration


async def test_while_postgres_is_away_the_entry_is_kept_for_a_lease_and_then_left(
    positioned: Engine, message: RunJob
) -> None:
    clock = FakeClock(is_hasty=True)
    await positioned.pool.close()

    answer = await executor(positioned, raising(unavailable()), clock=clock).execute(message, Beats())

    assert answer == (False, ())
    assert LEASE_S <= sum(clock.slept_s) <= LEASE_S + MOST_DELAY_S
    assert len(clock.slept_s) < LEASE_S


async def test_a_job_stops_with_its_lease_where_the_heartbeat_gets_no_answer(
    positioned: Engine, message: RunJob, clock: FakeClock, shared_database_url: str
) -> None:
    async with Proxy(shared_database_url) as proxy, await open_pool(Secret(proxy.url)) as pool:

        async def run(job: Job, lease: Lease) -> tuple[Platform, ...]:
            proxy.go_deaf()
            await asyncio.Event().wait()
            return ()

        worker = dataclasses.replace(
            executor(positioned, run, clock=clock),
            pool=pool,
            clock=SystemClock(),
            lease_s=1.0,
            send_timeout_s=0.2,
        )
        async with asyncio.timeout(REPLY_S):  # as long as the heartbeat's statement would take by itself
            answer = await worker.execute(message, Beats())

    assert answer == (False, ())


async def test_a_result_is_stored_once_where_the_confirmation_of_its_commit_is_lost(
    positioned: Engine, message: RunJob, shared_database_url: str, clock: FakeClock
) -> None:
    async with Proxy(shared_database_url) as proxy, await open_pool(Secret(proxy.url)) as pool:

        async def run(job: Job, lease: Lease) -> tuple[Platform, ...]:
            proxy.swallow(b"COMMIT")
            raise limited(3600)

        worker = dataclasses.replace(executor(positioned, run, clock=clock), pool=pool, clock=SystemClock())
        answer = await worker.execute(message, Beats())

    transfer = await positioned.load(message.transfer_id)
    job = await positioned.pool.fetchrow(JOB)
    assert job is not None
    assert proxy.swallowed_count == 1
    assert answer == (True, (Platform.SPOTIFY,))
    assert transfer.state is State.PAUSED
    assert (job["state"], job["attempt"], job["lease_owner"]) == ("open", 0, None)
