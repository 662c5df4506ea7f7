"""Jobs: epochs, fences, refusals, and who comes next."""

import asyncio

import pytest

from shared.clock import SystemClock
from shared.db import intents, jobs, transfers, workers
from shared.db.intents import Write
from shared.db.jobs import Job, NextJob, Refusal
from shared.errors import LeaseLost
from shared.lease import Lease
from shared.lifecycle import PauseReason, Phase, State
from shared.models import JobId, Outcome, Platform, TrackId
from tests.integration.worker.engine import LEASE_S, Engine
from worker import checkpoints, verdicts
from worker.results import BatchMatched
from worker.retry import Discard, Pause, Retry, Snooze

pytestmark = pytest.mark.integration

WRITE = Write(expected_count=0, target_offset=0, positions=(0,), track_ids=(TrackId("t0"),))


async def first_job_id(engine: Engine) -> JobId:
    return JobId(str(await engine.pool.fetchval("SELECT id FROM jobs ORDER BY created_at LIMIT 1")))


async def acquired(engine: Engine, *, owner: str = "worker-1") -> Job:
    job = await jobs.acquire(engine.pool, await first_job_id(engine), owner=owner, lease_s=LEASE_S)
    assert isinstance(job, Job)
    return job


@pytest.fixture
async def stale(positioned: Engine) -> Job:
    """A job as a worker has it whose lease ran out and whose job another one has now."""
    await positioned.transfer(range(3))
    job = await acquired(positioned, owner="zombie")
    await positioned.skip(LEASE_S + 1)
    await acquired(positioned, owner="heir")
    return job


async def test_the_epoch_and_the_attempt_rise_with_each_owner(positioned: Engine) -> None:
    await positioned.transfer(range(3))

    first = await acquired(positioned, owner="a")
    await positioned.skip(LEASE_S + 1)
    second = await acquired(positioned, owner="b")

    assert (first.epoch, second.epoch) == (1, 2)
    assert (first.attempt, second.attempt) == (1, 2)


async def test_only_one_of_many_gets_a_job(positioned: Engine) -> None:
    await positioned.transfer(range(3))
    job_id = await first_job_id(positioned)

    answers = await asyncio.gather(
        *(jobs.acquire(positioned.pool, job_id, owner=f"w{n}", lease_s=LEASE_S) for n in range(10))
    )

    assert sum(isinstance(answer, Job) for answer in answers) == 1
    assert all(answer.is_over is False for answer in answers if isinstance(answer, Refusal))


async def test_a_job_that_somebody_holds_keeps_its_entry(positioned: Engine) -> None:
    await positioned.transfer(range(3))
    job = await acquired(positioned)

    refusal = await jobs.acquire(positioned.pool, job.id, owner="other", lease_s=LEASE_S)

    assert refusal == Refusal(is_over=False)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE jobs SET state = 'done'",
        "UPDATE jobs SET state = 'dead'",
        "UPDATE jobs SET run_at = now() + interval '1 hour'",
        "UPDATE transfers SET state = 'paused'",
        "UPDATE transfers SET state = 'cancelled'",
        "DELETE FROM transfers",
    ],
)
async def test_an_entry_of_a_job_that_nobody_may_run_now_is_over(positioned: Engine, change: str) -> None:
    await positioned.transfer(range(3))
    job_id = await first_job_id(positioned)
    await positioned.pool.execute(change)

    refusal = await jobs.acquire(positioned.pool, job_id, owner="w", lease_s=LEASE_S)

    assert refusal == Refusal(is_over=True)


async def test_an_entry_whose_id_no_job_can_have_is_over(positioned: Engine) -> None:
    answer = await jobs.acquire(positioned.pool, JobId("17"), owner="worker-1", lease_s=LEASE_S)

    assert answer == Refusal(is_over=True)


async def test_a_stale_owner_cannot_renew(positioned: Engine, stale: Job) -> None:
    assert await jobs.renew(positioned.pool, stale, owner="zombie", lease_s=LEASE_S) is False


async def test_a_stale_owner_cannot_checkpoint(positioned: Engine, stale: Job) -> None:
    before = await positioned.pool.fetchrow("SELECT * FROM jobs")

    with pytest.raises(LeaseLost):
        async with jobs.checkpoint(positioned.pool, stale) as connection:
            await connection.execute("UPDATE transfers SET state = 'completed'")

    assert await positioned.pool.fetchrow("SELECT * FROM jobs") == before
    assert await positioned.state(stale.transfer_id) is not State.COMPLETED


@pytest.mark.parametrize(
    "verdict",
    [
        Retry(delay_s=1),
        Snooze(delay_s=1),
        Snooze(delay_s=100, is_parked=True),
        Pause(reason=PauseReason.RECONNECT_REQUIRED),
        Discard(code="x", text="No."),
    ],
    ids=lambda verdict: type(verdict).__name__,
)
async def test_a_stale_owners_verdict_changes_nothing(
    positioned: Engine, stale: Job, verdict: Retry | Snooze | Pause | Discard
) -> None:
    before = await positioned.pool.fetchrow("SELECT * FROM jobs, transfers")

    with pytest.raises(LeaseLost):
        await verdicts.store(positioned.pool, stale, verdict=verdict, error="late")

    assert await positioned.pool.fetchrow("SELECT * FROM jobs, transfers") == before


async def test_a_stale_owner_neither_declares_nor_touches_an_intent(positioned: Engine, stale: Job) -> None:
    heir = jobs.from_row(await positioned.pool.fetchrow("SELECT * FROM jobs"))
    await intents.declare_add(positioned.pool, heir, write=WRITE)

    for attempt in (
        intents.declare_create(positioned.pool, stale),
        intents.declare_add(positioned.pool, stale, write=WRITE),
        intents.observe(positioned.pool, stale, observed="x"),
        intents.withdraw(positioned.pool, stale),
    ):
        with pytest.raises(LeaseLost):
            await attempt

    intent = await intents.get(positioned.pool, heir)
    assert intent is not None
    assert intent.observed is None


async def test_a_stale_owner_cannot_keep_half_a_batch(positioned: Engine, stale: Job) -> None:
    with pytest.raises(LeaseLost):
        await checkpoints.defer(positioned.pool, stale, result=BatchMatched(settled=()))


async def test_a_checkpoint_ends_the_job_with_its_intent_and_raises_the_revision(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(3))
    job = await acquired(positioned)
    await intents.declare_add(positioned.pool, job, write=WRITE)
    before = await positioned.load(transfer_id)

    async with jobs.checkpoint(positioned.pool, job) as connection:
        await jobs.add(connection, job, [NextJob(platform=Platform.SPOTIFY, phase=Phase.READ, batch=1)])

    assert await positioned.intent_count() == 0
    assert (await positioned.load(transfer_id)).revision == before.revision + 1
    assert (await positioned.job(phase="read")).batch == 1


async def test_a_checkpoint_just_after_a_cancellation_stores_nothing_and_leaves_no_job_open(
    positioned: Engine,
) -> None:
    transfer_id = await positioned.transfer(range(3))
    job = await acquired(positioned)
    await positioned.pool.execute("UPDATE transfers SET state = 'cancelled'")

    with pytest.raises(LeaseLost):
        async with jobs.checkpoint(positioned.pool, job):
            raise AssertionError("nothing may be stored")

    assert await positioned.pool.fetchval("SELECT count(*) FROM jobs WHERE state = 'open'") == 0
    assert await positioned.state(transfer_id) is State.CANCELLED


async def test_a_checkpoint_just_after_a_failure_leaves_the_job_to_the_next_try(positioned: Engine) -> None:
    await positioned.transfer(range(3))
    job = await acquired(positioned)
    await positioned.pool.execute("UPDATE transfers SET state = 'failed'")

    with pytest.raises(LeaseLost):
        async with jobs.checkpoint(positioned.pool, job):
            raise AssertionError("nothing may be stored")

    assert await positioned.pool.fetchval("SELECT count(*) FROM jobs WHERE state = 'open'") == 1


async def test_a_checkpoint_that_breaks_changes_nothing(positioned: Engine) -> None:
    await positioned.transfer(range(3))
    job = await acquired(positioned)
    await intents.declare_add(positioned.pool, job, write=WRITE)

    with pytest.raises(RuntimeError):
        async with jobs.checkpoint(positioned.pool, job):
            raise RuntimeError("half way")

    assert await positioned.intent_count() == 1
    assert (await positioned.job(phase="read")).id == job.id


@pytest.mark.parametrize("round_", range(10))
async def test_match_batches_that_end_together_make_exactly_one_write_job(
    positioned: Engine, round_: int
) -> None:
    transfer_id = await positioned.transfer(range(30))
    await positioned.run_phase("read")

    await asyncio.gather(*(positioned.step(positioned.executor(f"w{n}"), phase="match") for n in range(6)))
    await positioned.run_phase("match")

    writes = await positioned.pool.fetch("SELECT batch FROM jobs WHERE phase = 'write'")
    assert [row["batch"] for row in writes] == [0]
    assert (await positioned.load(transfer_id)).phase is Phase.WRITE


async def test_a_page_read_while_its_neighbours_are_matched_makes_exactly_one_write_job(
    positioned: Engine,
) -> None:
    await positioned.transfer(range(10))
    await positioned.step(phase="read")

    await asyncio.gather(
        positioned.step(positioned.executor("a"), phase="read"),
        positioned.step(positioned.executor("b"), phase="match"),
    )
    await positioned.run_phase("match")

    assert await positioned.pool.fetchval("SELECT count(*) FROM jobs WHERE phase = 'write'") == 1


async def test_what_a_failed_transfer_named_failed_stays_so_whatever_ends_later(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(10))
    await positioned.run_phase("read")
    late = await first_open_match(positioned, owner="late")
    other = await first_open_match(positioned, owner="other")

    async def fail_meanwhile(operation: str) -> None:
        if positioned.target.called(operation) == 1:
            await verdicts.store(positioned.pool, other, verdict=Discard(code="x", text="No."), error="No.")

    positioned.target.on_call = fail_meanwhile

    with pytest.raises(LeaseLost):
        await positioned.executor("late").run(late, never_lost())

    assert await positioned.state(transfer_id) is State.FAILED
    assert set(await positioned.outcomes(transfer_id)) == {Outcome.FAILED}


async def test_due_transfers_go_on_and_others_keep_waiting(positioned: Engine) -> None:
    due, waiting, for_user = [await positioned.transfer([n]) for n in range(3)]
    pause = (
        "UPDATE transfers SET state = 'paused', pause_reason = $2, resume_at = $3::timestamptz WHERE id = $1"
    )
    now = await positioned.pool.fetchval("SELECT now()")
    hour = await positioned.pool.fetchval("SELECT now() + interval '1 hour'")
    await positioned.pool.execute(pause, due, "rate_limited", now)
    await positioned.pool.execute(pause, waiting, "rate_limited", hour)
    await positioned.pool.execute(pause, for_user, "reconnect_required", None)

    resumed_count = await transfers.resume_due(positioned.pool)

    assert resumed_count == 1
    assert [await positioned.state(one) for one in (due, waiting, for_user)] == [
        State.RUNNING,
        State.PAUSED,
        State.PAUSED,
    ]
    assert (await positioned.load(due)).pause_reason is None


async def test_the_fleet_is_who_was_seen_lately(positioned: Engine) -> None:
    await workers.seen(positioned.pool, "a", slot_count=8)
    await workers.seen(positioned.pool, "b", slot_count=4)
    await workers.seen(positioned.pool, "dead", slot_count=16)
    await positioned.pool.execute("UPDATE workers SET seen_at = now() - interval '7 s' WHERE id = 'dead'")

    assert await workers.alive(positioned.pool) == (2, 12)

    await workers.leave(positioned.pool, "a")
    assert await workers.alive(positioned.pool) == (1, 4)


async def first_open_match(engine: Engine, *, owner: str) -> Job:
    job_id = await engine.pool.fetchval(
        "SELECT id FROM jobs WHERE phase = 'match' AND lease_owner IS NULL ORDER BY batch LIMIT 1"
    )
    job = await jobs.acquire(engine.pool, JobId(str(job_id)), owner=owner, lease_s=LEASE_S)
    assert isinstance(job, Job)
    return job


def never_lost() -> Lease:
    clock = SystemClock()
    return Lease(clock=clock, asked_at=clock.monotonic(), lease_s=LEASE_S, send_timeout_s=1)
