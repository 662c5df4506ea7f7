"""A platform that the operator has paused: who waits, who may end, and who goes on when it is over."""

import pytest
from redis.asyncio import Redis

from shared import outbox
from shared.db import control, jobs, platform_pauses, transfers
from shared.db.control import Control
from shared.db.jobs import Job, Refusal
from shared.lifecycle import Bucket, PauseReason, State
from shared.models import JobId, Platform, TransferId
from shared.streams import Streams
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.engine import LEASE_S, Engine, target_ids
from worker.scheduler import Scheduler

pytestmark = pytest.mark.integration

SOURCE, TARGET = Platform.SPOTIFY, Platform.APPLE_MUSIC
ASIDE = "DELETE FROM platform_pauses"


async def wish(engine: Engine, transfer_id: TransferId, what: Control) -> bool:
    user_id = (await engine.load(transfer_id)).user_id
    return await control.apply(engine.pool, transfer_id, user_id=user_id, control=what)


async def reason_of(engine: Engine, transfer_id: TransferId) -> tuple[State, PauseReason | None, str]:
    row = await engine.load(transfer_id)
    return row.state, row.pause_reason, row.pause_text


async def first_job_id(engine: Engine) -> JobId:
    return JobId(str(await engine.pool.fetchval("SELECT id FROM jobs WHERE state = 'open' LIMIT 1")))


@pytest.mark.parametrize("platform", [SOURCE, TARGET])
async def test_what_touches_a_paused_platform_waits_with_the_operators_words(
    engine: Engine, platform: Platform
) -> None:
    transfer_id = await engine.transfer(range(3))

    await platform_pauses.pause(engine.pool, platform, reason="Maintenance until noon.")

    row = await engine.load(transfer_id)
    assert (row.state, row.pause_reason) == (State.PAUSED, PauseReason.OPERATOR)
    assert (row.pause_platform, row.pause_text) == (platform, "Maintenance until noon.")
    assert not await engine.step()


async def test_what_waited_goes_on_by_itself_where_it_was(engine: Engine) -> None:
    fresh = await engine.transfer(range(2), user="noor")
    begun = await engine.transfer(range(6))
    await engine.step(of=begun, phase="read")
    await platform_pauses.pause(engine.pool, TARGET, reason="")

    assert await platform_pauses.resume(engine.pool, TARGET)

    assert [await engine.state(one) for one in (fresh, begun)] == [State.QUEUED, State.RUNNING]
    await engine.run()
    assert [await engine.state(one) for one in (fresh, begun)] == [State.COMPLETED] * 2
    assert (await engine.load(fresh)).started_at is not None
    assert not await platform_pauses.resume(engine.pool, TARGET)


async def test_work_under_way_reaches_its_checkpoint(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(6))
    await engine.reach_first_batch()

    async def pause(operation: str) -> None:
        if operation == "add_tracks":
            await platform_pauses.pause(engine.pool, TARGET, reason="")

    engine.target.on_call = pause
    await engine.step(phase="write")

    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.READY: 2}
    assert not await engine.step()
    engine.target.on_call = None
    await platform_pauses.resume(engine.pool, TARGET)
    await engine.run()
    assert engine.target.ids_of() == target_ids(range(6))


async def test_no_job_is_given_out_in_the_second_before_the_sweep(positioned: Engine, redis: Redis) -> None:
    await positioned.transfer(range(3))
    job_id = await first_job_id(positioned)
    await positioned.pool.execute("INSERT INTO platform_pauses VALUES ($1, '')", SOURCE)

    queued_count = await outbox.dispatch(positioned.pool, Streams(redis), SOURCE)
    answer = await jobs.acquire(positioned.pool, job_id, owner="w", lease_s=LEASE_S)

    assert queued_count == 0
    assert answer == Refusal(is_over=True)


async def test_jobs_of_other_platforms_are_given_out(positioned: Engine) -> None:
    await positioned.transfer(range(3))
    job_id = await first_job_id(positioned)
    await positioned.pool.execute("INSERT INTO platform_pauses VALUES ($1, '')", TARGET)

    assert isinstance(await jobs.acquire(positioned.pool, job_id, owner="w", lease_s=LEASE_S), Job)


async def test_a_sweep_does_what_the_command_may_not_have_done(positioned: Engine, redis: Redis) -> None:
    transfer_id = await positioned.transfer(range(3))
    scheduler = Scheduler(
        pool=positioned.pool, redis=redis, worker_id="w", slot_count=4, sweep_s=1, on_fleet=lambda _: None
    )
    await positioned.pool.execute("INSERT INTO platform_pauses VALUES ($1, 'Quiet.')", TARGET)
    await scheduler._sweep()
    held = await reason_of(positioned, transfer_id)
    revision = (await positioned.load(transfer_id)).revision
    await scheduler._sweep()
    unchanged = (await positioned.load(transfer_id)).revision

    await positioned.pool.execute(ASIDE)
    await scheduler._sweep()

    assert held == (State.PAUSED, PauseReason.OPERATOR, "Quiet.")
    assert unchanged == revision
    assert await reason_of(positioned, transfer_id) == (State.QUEUED, None, "")


async def test_a_transfer_between_two_paused_platforms_waits_for_both(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(3))
    await platform_pauses.pause(positioned.pool, SOURCE, reason="One.")
    await platform_pauses.pause(positioned.pool, TARGET, reason="Two.")

    await platform_pauses.resume(positioned.pool, TARGET)
    between = await positioned.load(transfer_id)
    await platform_pauses.resume(positioned.pool, SOURCE)

    assert (between.state, between.pause_platform, between.pause_text) == (State.PAUSED, SOURCE, "One.")
    assert await positioned.state(transfer_id) is State.QUEUED


async def test_another_reason_reaches_those_who_wait(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(3))
    await platform_pauses.pause(positioned.pool, SOURCE, reason="")
    before = await positioned.load(transfer_id)

    await platform_pauses.pause(positioned.pool, SOURCE, reason="Longer than we thought.")

    after = await positioned.load(transfer_id)
    assert after.pause_text == "Longer than we thought."
    assert after.revision > before.revision
    assert [one.reason for one in await platform_pauses.paused(positioned.pool)] == [after.pause_text]


async def test_a_users_own_pause_stays_the_users(positioned: Engine) -> None:
    before, after = await positioned.transfer([1]), await positioned.transfer([2], user="noor")
    assert await wish(positioned, before, Control.PAUSE)
    await platform_pauses.pause(positioned.pool, SOURCE, reason="")
    assert await wish(positioned, after, Control.PAUSE)

    await platform_pauses.resume(positioned.pool, SOURCE)

    for transfer_id in (before, after):
        assert (await reason_of(positioned, transfer_id))[:2] == (State.PAUSED, PauseReason.USER)


async def test_a_user_cannot_resume_what_the_operator_has_paused(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(3))
    await platform_pauses.pause(positioned.pool, SOURCE, reason="")

    assert not await wish(positioned, transfer_id, Control.RESUME)
    assert (await reason_of(positioned, transfer_id))[1] is PauseReason.OPERATOR


async def test_a_transfer_whose_own_pause_ends_meanwhile_waits_for_the_operator(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(3))
    await positioned.pool.execute(
        "UPDATE transfers SET state = 'paused', pause_reason = 'rate_limited', resume_at = now()"
    )
    await platform_pauses.pause(positioned.pool, TARGET, reason="")
    assert (await reason_of(positioned, transfer_id))[1] is PauseReason.RATE_LIMITED

    await transfers.resume_due(positioned.pool)
    await platform_pauses.settle(positioned.pool)

    assert (await reason_of(positioned, transfer_id))[1] is PauseReason.OPERATOR


@pytest.mark.parametrize("phase", ["read", "match", "write"])
async def test_a_cancel_ends_at_once_where_nothing_is_under_way(engine: Engine, phase: str) -> None:
    transfer_id = await engine.transfer(range(6))
    for before in ("read", "match")[: ("read", "match", "write").index(phase)]:
        await engine.run_phase(before)
    for platform in Platform:
        await platform_pauses.pause(engine.pool, platform, reason="")
    call_count = len(engine.target.calls) + len(engine.source.calls)

    assert await wish(engine, transfer_id, Control.CANCEL)
    await platform_pauses.settle(engine.pool)
    await engine.run()

    assert await engine.state(transfer_id) is State.CANCELLED
    assert len(engine.target.calls) + len(engine.source.calls) == call_count


async def test_a_cancel_waits_for_the_platform_where_a_write_is_open(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(6))
    await engine.reach_first_batch()
    engine.target.add_mishaps.append(Lost(error=Death()))
    await engine.step(phase="write")
    await platform_pauses.pause(engine.pool, TARGET, reason="")

    assert await wish(engine, transfer_id, Control.CANCEL)
    await platform_pauses.settle(engine.pool)
    await engine.skip(LEASE_S + 1)

    row = await engine.load(transfer_id)
    assert (row.state, row.pause_reason, row.is_cancelling) == (State.PAUSED, PauseReason.OPERATOR, True)
    assert not await engine.step()
    assert not await wish(engine, transfer_id, Control.CANCEL)
    await platform_pauses.resume(engine.pool, TARGET)
    await engine.run()
    assert await engine.state(transfer_id) is State.CANCELLED
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.SKIPPED: 2}


async def test_a_cancel_ends_when_the_write_under_way_has_reached_its_checkpoint(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(6))
    await engine.reach_first_batch()

    async def pause_and_cancel(operation: str) -> None:
        if operation == "add_tracks":
            await platform_pauses.pause(engine.pool, TARGET, reason="")
            assert await wish(engine, transfer_id, Control.CANCEL)
            await platform_pauses.settle(engine.pool)

    engine.target.on_call = pause_and_cancel
    await engine.step(phase="write")
    held = await engine.state(transfer_id)
    await platform_pauses.settle(engine.pool)
    await engine.run()

    assert held is State.PAUSED
    assert await engine.state(transfer_id) is State.CANCELLED
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.SKIPPED: 2}


async def test_an_undo_waits_for_its_platform_only(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(3))
    await engine.run()
    undo_id = await engine.undo(transfer_id)

    await platform_pauses.pause(engine.pool, SOURCE, reason="")
    beside = await engine.state(undo_id)
    await platform_pauses.pause(engine.pool, TARGET, reason="")

    assert (beside, await engine.state(undo_id)) == (State.QUEUED, State.PAUSED)
    await platform_pauses.resume(engine.pool, TARGET)
    await engine.run()
    assert await engine.state(undo_id) is State.COMPLETED
