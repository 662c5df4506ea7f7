"""Sources that nobody's account reads: the whole way through the engine, and what a pause says then."""

import uuid

import pytest

from gateway import resources
from shared.db import transfers
from shared.errors import PlatformDenied
from shared.lifecycle import PauseReason, State
from shared.models import ConnectionId
from tests.integration.worker.engine import Engine, target_ids

pytestmark = pytest.mark.integration


async def test_a_public_source_is_read_by_nobody_and_written_by_the_targets_account(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(12), public_market="FR")

    await engine.run()

    assert (await engine.load(transfer_id)).state is State.COMPLETED
    assert engine.target.ids_of() == target_ids(range(12))
    assert set(engine.public_markets) == {"FR"}


async def test_the_end_of_a_connection_does_not_touch_who_reads_without_one(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(3), public_market="")
    other = ConnectionId(str(uuid.uuid4()))

    async with engine.pool.acquire() as connection:
        await transfers.pause_connection(connection, other)
        await transfers.resume_connection(connection, other)

    assert (await engine.load(transfer_id)).state is State.QUEUED


async def test_a_public_source_that_is_refused_asks_for_no_account(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(3), public_market="FR")

    async def refuse(operation: str) -> None:
        raise PlatformDenied("No key of this server is good.", platform="spotify", operation=operation)

    engine.source.on_call = refuse

    await engine.step()

    paused = await engine.load(transfer_id)
    shown = resources.transfer(paused, trace_url="")
    assert (paused.state, paused.pause_reason) == (State.PAUSED, PauseReason.PLATFORM_DENIED)
    assert shown.paused is not None
    assert shown.paused.action_url is None
