"""A job that kills each of its workers is given up, seen, and brought back; nobody waits behind it."""

import pytest

from shared.db import dead_letters
from shared.lifecycle import Bucket, Phase, State
from shared.models import Platform, TransferId
from tests.fakes.adapter import Death
from tests.integration.worker.engine import LEASE_S, Engine, target_ids

pytestmark = pytest.mark.integration

MAX_ATTEMPTS = 3


async def poisoned(engine: Engine) -> TransferId:
    """Return a transfer whose second page no worker survives; it has been tried as often as it may be."""
    transfer_id = await engine.transfer(range(8))
    await engine.step(of=transfer_id, phase="read")

    async def kill(_: str) -> None:
        raise Death

    engine.source.on_call = kill
    for number in range(MAX_ATTEMPTS + 1):
        worker = engine.executor(f"worker-{number}", max_attempts=MAX_ATTEMPTS)
        await engine.step(worker, of=transfer_id, phase="read")
        await engine.skip(LEASE_S + 1)
    engine.source.on_call = None
    return transfer_id


async def test_poison_job_is_given_up_after_its_attempts_and_named_with_its_error(positioned: Engine) -> None:
    transfer_id = await poisoned(positioned)

    (letter,) = await dead_letters.latest(positioned.pool, limit=10)

    assert await positioned.state(transfer_id) is State.FAILED
    assert (letter.transfer_id, letter.platform, letter.phase) == (
        transfer_id,
        Platform.SPOTIFY,
        Phase.READ,
    )
    assert (letter.code, letter.attempt) == ("job-poisonous", MAX_ATTEMPTS + 1)
    assert "3 attempts" in letter.last_error
    assert positioned.source.called("read_items") == 1 + MAX_ATTEMPTS


async def test_others_pass_by_a_poison_job(positioned: Engine) -> None:
    await poisoned(positioned)
    other_id = await positioned.transfer(range(3), user="noor")

    await positioned.run()

    assert await positioned.state(other_id) is State.COMPLETED


async def test_revived_poison_job_goes_on_from_its_checkpoint(positioned: Engine) -> None:
    transfer_id = await poisoned(positioned)
    read_count = positioned.source.called("read_items")
    assert await positioned.buckets(transfer_id) == {Bucket.FAILED: 5}

    assert await dead_letters.revive(positioned.pool, transfer_id)
    await positioned.run()

    assert await positioned.state(transfer_id) is State.COMPLETED
    assert await positioned.buckets(transfer_id) == {Bucket.WRITTEN: 8}
    assert positioned.target.ids_of() == target_ids(range(8))
    assert positioned.source.called("read_items") == read_count + 1
    assert await dead_letters.latest(positioned.pool, limit=10) == []


async def test_only_the_latest_are_listed(positioned: Engine) -> None:
    first, second = await poisoned(positioned), await poisoned(positioned)

    latest = await dead_letters.latest(positioned.pool, limit=1)

    assert [letter.transfer_id for letter in latest] == [second]
    assert first != second
