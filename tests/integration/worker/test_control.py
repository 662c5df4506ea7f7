"""Pause, resume, cancel and retry: what a wish does to jobs, intents and counts."""

import asyncio

import pytest

from shared.db import control
from shared.db.control import Control
from shared.lifecycle import Bucket, PauseReason, State
from shared.models import TransferId
from tests.fakes.adapter import Lost
from tests.integration.worker.engine import Engine, target_ids

pytestmark = pytest.mark.integration

DEATH = asyncio.CancelledError()


async def wish(engine: Engine, transfer_id: TransferId, what: Control) -> bool:
    transfer = await engine.load(transfer_id)
    return await control.apply(engine.pool, transfer_id, user_id=transfer.user_id, control=what)


async def reach_first_batch(engine: Engine) -> None:
    """Go on until the target exists and the first tracks are to be added."""
    await engine.run_phase("read")
    await engine.run_phase("match")
    await engine.step(phase="write")


async def test_paused_transfer_rests_until_it_is_resumed(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(6))
    await reach_first_batch(engine)

    assert await wish(engine, transfer_id, Control.PAUSE)

    assert not await engine.step()
    assert (await engine.load(transfer_id)).pause_reason is PauseReason.USER
    assert await wish(engine, transfer_id, Control.RESUME)
    await engine.run()
    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of() == target_ids(range(6))


async def test_cancelled_transfer_tells_what_was_added_and_starts_nothing(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(10))
    await reach_first_batch(engine)
    await engine.step(phase="write")

    assert await wish(engine, transfer_id, Control.CANCEL)
    await engine.run()

    assert await engine.state(transfer_id) is State.CANCELLED
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.SKIPPED: 6}
    assert engine.target.ids_of() == target_ids(range(4))
    assert not (await engine.load(transfer_id)).is_target_claimed


async def test_write_under_way_is_settled_before_a_cancelled_transfer_ends(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(10))
    engine.target.add_mishaps.append(Lost(error=DEATH))
    await reach_first_batch(engine)
    await engine.die_in(engine.executor("worker-1"))

    assert await wish(engine, transfer_id, Control.CANCEL)
    await engine.run()

    assert await engine.state(transfer_id) is State.CANCELLED
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.SKIPPED: 6}
    assert engine.target.ids_of() == target_ids(range(4))
    assert await engine.intent_count() == 0


async def test_cancel_before_anything_was_written_leaves_the_target_alone(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(6))
    await engine.step(phase="read")

    assert await wish(engine, transfer_id, Control.CANCEL)
    await engine.run()

    assert await engine.state(transfer_id) is State.CANCELLED
    assert engine.target.called("create_playlist") == 0


async def test_failed_transfer_goes_on_where_it_was_and_adds_nothing_twice(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(6))
    engine.target.add_mishaps.append(Lost())
    await reach_first_batch(engine)
    await engine.step(engine.executor("worker-1", max_attempts=1), phase="write")
    assert await engine.state(transfer_id) is State.FAILED
    assert await engine.buckets(transfer_id) == {Bucket.READY: 6}

    assert await wish(engine, transfer_id, Control.RETRY)
    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of() == target_ids(range(6))


@pytest.mark.parametrize("what", [Control.PAUSE, Control.RESUME, Control.CANCEL, Control.RETRY])
async def test_ended_transfer_stays_as_it_is(positioned: Engine, what: Control) -> None:
    transfer_id = await positioned.transfer(range(3))
    await positioned.run()
    before = await positioned.load(transfer_id)

    assert not await wish(positioned, transfer_id, what)

    assert await positioned.load(transfer_id) == before
