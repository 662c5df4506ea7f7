"""The executor on a real Postgres: a verdict for whatever a job does, under a lease that is kept or lost."""

import asyncio

import asyncpg
import pytest

from shared.db import jobs
from shared.db.jobs import Job
from shared.errors import (
    LeaseLost,
    PlatformRejected,
    ReconnectRequired,
)
from shared.lease import Lease
from shared.lifecycle import Bucket, PauseReason, State
from shared.messages import RunJob
from shared.models import JobId, Platform
from shared.turns import PARTY
from tests.fakes.clock import FakeClock
from tests.integration.worker.attempts import JOB, Beats, executor, limited, raising, unavailable
from tests.integration.worker.engine import LEASE_S, Engine
from worker.executor import BEATS_PER_LEASE

pytestmark = pytest.mark.integration

BEAT_S = LEASE_S / BEATS_PER_LEASE
DELAY_S = "SELECT extract(epoch FROM run_at - clock_timestamp())::float8 FROM jobs"


async def test_a_job_that_is_done_is_settled_and_says_where_work_may_wait(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    async def run(job: Job, lease: Lease) -> tuple[Platform, ...]:
        lease.gate()
        return (job.platform, Platform.APPLE_MUSIC)

    answer = await executor(positioned, run, clock=clock).execute(message, Beats())

    assert answer == (True, (Platform.SPOTIFY, Platform.APPLE_MUSIC))


async def test_retry_costs_an_attempt_and_waits_in_the_row(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    answer = await executor(positioned, raising(unavailable()), clock=clock).execute(message, Beats())

    job = await positioned.pool.fetchrow(JOB)
    assert answer == (True, (Platform.SPOTIFY,))
    assert tuple(job or ()) == ("open", 1, 1, None, None, "Spotify is silent.")
    assert 0 < await positioned.pool.fetchval(DELAY_S) <= 1


async def test_snooze_costs_none(positioned: Engine, message: RunJob, clock: FakeClock) -> None:
    answer = await executor(positioned, raising(limited(30)), clock=clock).execute(message, Beats())

    job = await positioned.pool.fetchrow(JOB)
    assert answer[0] is True
    assert tuple(job or ())[:2] == ("open", 0)
    assert 29 < await positioned.pool.fetchval(DELAY_S) <= 31
    assert await positioned.state(message.transfer_id) is State.QUEUED


async def test_a_long_snooze_pauses_the_transfer_until_then(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    await executor(positioned, raising(limited(3600)), clock=clock).execute(message, Beats())

    transfer = await positioned.load(message.transfer_id)
    assert (transfer.state, transfer.pause_reason) == (State.PAUSED, PauseReason.RATE_LIMITED)
    assert transfer.pause_platform is Platform.SPOTIFY
    assert transfer.resume_at is not None
    assert 3500 < (transfer.resume_at - transfer.created_at).total_seconds() < 3700


async def test_pause_waits_for_the_user_without_an_hour(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    error = ReconnectRequired("Connect Spotify again.")

    await executor(positioned, raising(error), clock=clock).execute(message, Beats())

    transfer = await positioned.load(message.transfer_id)
    assert (transfer.state, transfer.pause_reason) == (State.PAUSED, PauseReason.RECONNECT_REQUIRED)
    assert transfer.resume_at is None
    assert (await positioned.job(phase="read")).attempt == 0


async def test_discard_fails_the_transfer_and_names_every_open_item(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    await positioned.step(phase="read")
    job_id = await positioned.pool.fetchval("SELECT id FROM jobs WHERE state = 'open'")
    error = PlatformRejected("No such thing.", platform="apple_music", operation="x", status=400)

    answer = await executor(positioned, raising(error), clock=clock).execute(
        RunJob(job_id=JobId(str(job_id)), transfer_id=message.transfer_id), Beats()
    )

    transfer = await positioned.load(message.transfer_id)
    assert answer[0] is True
    assert (transfer.state, transfer.error_code, transfer.error_text) == (
        State.FAILED,
        "platform-rejected",
        "No such thing.",
    )
    assert await positioned.buckets(message.transfer_id) == {Bucket.FAILED: 3}
    assert {item.reason for item in await positioned.items(message.transfer_id)} == {"No such thing."}


async def test_the_last_attempt_fails_the_transfer(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    worker = executor(positioned, raising(unavailable()), clock=clock, max_attempts=2)

    for _ in range(2):
        await worker.execute(message, Beats())
        await positioned.skip(10)

    transfer = await positioned.load(message.transfer_id)
    assert transfer.state is State.FAILED
    assert "after 2 attempts" in (transfer.error_text or "")


@pytest.mark.parametrize(
    "error", [ZeroDivisionError("secret detail"), KeyError("x"), asyncpg.QueryCanceledError("slow")]
)
async def test_an_error_nobody_knows_is_tried_again_and_its_text_kept_out(
    positioned: Engine, message: RunJob, clock: FakeClock, error: Exception
) -> None:
    answer = await executor(positioned, raising(error), clock=clock).execute(message, Beats())

    job = await positioned.pool.fetchrow(JOB)
    assert job is not None
    assert answer[0] is True
    assert (job["state"], job["attempt"], job["last_error"]) == ("open", 1, type(error).__name__)


@pytest.mark.parametrize(
    "error",
    [
        TimeoutError(),
        OSError(),
        asyncpg.SerializationError("again"),
        asyncpg.DiskFullError("full"),
        ExceptionGroup("two at once", [asyncpg.InterfaceError("closed"), OSError()]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_fault_of_the_store_costs_no_attempt(
    positioned: Engine, message: RunJob, clock: FakeClock, error: Exception
) -> None:
    answer = await executor(positioned, raising(error), clock=clock).execute(message, Beats())

    job = await positioned.pool.fetchrow(JOB)
    assert job is not None
    assert answer[0] is True
    assert (job["state"], job["attempt"], job["lease_owner"]) == ("open", 0, None)


async def test_the_heartbeat_renews_the_lease_and_the_entry(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    may_end = asyncio.Event()
    beats = Beats()

    async def run(job: Job, lease: Lease) -> tuple[Platform, ...]:
        await may_end.wait()
        lease.gate()
        return ()

    running = asyncio.create_task(executor(positioned, run, clock=clock).execute(message, beats))
    for _ in range(6):
        await clock.until_somebody_sleeps()
        clock.advance(BEAT_S)
    await clock.until_somebody_sleeps()

    may_end.set()
    assert await running == (True, ())
    assert beats.count == 6
    assert await positioned.pool.fetchval(
        "SELECT lease_until > clock_timestamp() + interval '25 s' FROM jobs"
    )


async def test_a_lost_lease_cancels_the_job_and_its_entry_is_not_settled(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    was_cancelled = asyncio.Event()
    beats = Beats()

    async def run(job: Job, lease: Lease) -> tuple[Platform, ...]:
        try:
            await asyncio.Event().wait()
        finally:
            was_cancelled.set()
        return ()

    running = asyncio.create_task(executor(positioned, run, clock=clock).execute(message, beats))
    await clock.until_somebody_sleeps()
    await positioned.pool.execute("UPDATE jobs SET epoch = epoch + 1, lease_owner = 'heir'")

    clock.advance(BEAT_S)

    assert await running == (False, ())
    assert was_cancelled.is_set()
    assert beats.count == 0
    assert running.cancelling() == 0


async def test_a_job_that_finds_itself_fenced_is_not_settled(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    before_epoch = 1

    answer = await executor(positioned, raising(LeaseLost("gone")), clock=clock).execute(message, Beats())

    job = await positioned.pool.fetchrow(JOB)
    assert job is not None
    assert answer == (False, ())
    assert (job["state"], job["epoch"], job["lease_owner"]) == ("open", before_epoch, "worker-1")


async def test_a_verdict_that_comes_too_late_changes_nothing(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    async def run(job: Job, lease: Lease) -> tuple[Platform, ...]:
        await positioned.skip(LEASE_S + 1)
        await jobs.acquire(positioned.pool, job.id, owner="heir", lease_s=LEASE_S)
        raise unavailable()

    answer = await executor(positioned, run, clock=clock).execute(message, Beats())

    job = await positioned.pool.fetchrow(JOB)
    assert job is not None
    assert answer == (False, ())
    assert (job["epoch"], job["lease_owner"]) == (2, "heir")


async def test_a_cancelled_worker_leaves_the_lease_to_run_out(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    has_begun = asyncio.Event()

    async def run(job: Job, lease: Lease) -> tuple[Platform, ...]:
        has_begun.set()
        await asyncio.Event().wait()
        return ()

    running = asyncio.create_task(executor(positioned, run, clock=clock).execute(message, Beats()))
    await has_begun.wait()
    running.cancel()

    with pytest.raises(asyncio.CancelledError):
        await running

    job = await positioned.pool.fetchrow(JOB)
    assert job is not None
    assert (job["state"], job["lease_owner"]) == ("open", "worker-1")


async def test_an_entry_of_a_job_that_is_done_has_nothing_left_to_say(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    await positioned.pool.execute("UPDATE jobs SET state = 'done'")

    assert await executor(positioned, raising(unavailable()), clock=clock).execute(message, Beats()) == (
        True,
        (),
    )


async def test_an_entry_of_a_job_that_another_worker_holds_stays(
    positioned: Engine, message: RunJob, clock: FakeClock
) -> None:
    await jobs.acquire(positioned.pool, message.job_id, owner="other", lease_s=LEASE_S)

    assert await executor(positioned, raising(unavailable()), clock=clock).execute(message, Beats()) == (
        False,
        (),
    )


async def test_requests_of_a_job_stand_in_its_users_line(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(3))
    parties: list[str] = []

    async def run(job: Job, lease: Lease) -> tuple[Platform, ...]:
        parties.append(PARTY.get())
        return ()

    job = await positioned.job(phase="read")
    message = RunJob(job_id=job.id, transfer_id=transfer_id)
    await executor(positioned, run, clock=FakeClock()).execute(message, Beats())

    assert parties == [job.user_id]
