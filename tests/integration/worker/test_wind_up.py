"""A cancelled transfer ends, whatever the platform says to that."""

import pytest

from shared.db import control
from shared.db.control import Control
from shared.errors import ReconnectRequired
from shared.lifecycle import Bucket, State
from shared.models import TransferId
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.engine import Engine, target_ids

pytestmark = pytest.mark.integration


async def cancel(engine: Engine, transfer_id: TransferId) -> None:
    transfer = await engine.load(transfer_id)
    assert await control.apply(engine.pool, transfer_id, user_id=transfer.user_id, control=Control.CANCEL)


async def test_a_transfer_that_waits_for_a_revoked_connection_can_be_cancelled(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(6))
    engine.connection_error = ReconnectRequired("Connect again.")
    await engine.run()
    assert await engine.state(transfer_id) is State.PAUSED

    await cancel(engine, transfer_id)
    await engine.run()

    assert await engine.state(transfer_id) is State.CANCELLED


async def test_a_transfer_whose_target_is_gone_can_be_cancelled_with_a_write_open(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(6))
    await engine.run_phase("read")
    await engine.run_phase("match")
    await engine.step(phase="write")
    engine.target.add_mishaps.append(Lost(error=Death()))
    await engine.step(phase="write")
    engine.target.playlists.clear()

    await cancel(engine, transfer_id)
    await engine.run()

    assert await engine.state(transfer_id) is State.CANCELLED
    assert await engine.buckets(transfer_id) == {Bucket.SKIPPED: 6}


async def test_a_write_that_shows_late_is_still_counted_when_a_transfer_is_cancelled(
    appending: Engine,
) -> None:
    transfer_id = await appending.transfer(range(6))
    await appending.run_phase("read")
    await appending.run_phase("match")
    await appending.step(phase="write")
    appending.target.lag_count = 1
    appending.target.add_mishaps.append(Lost())
    await appending.step(phase="write")

    await cancel(appending, transfer_id)
    await appending.run()

    assert await appending.state(transfer_id) is State.CANCELLED
    assert appending.target.ids_of() == target_ids(range(4))
    assert await appending.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.SKIPPED: 2}
