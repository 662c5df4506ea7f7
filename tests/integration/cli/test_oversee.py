"""The verbs of operators on a real database: paused platforms, dead letters, and the way back."""

import uuid
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from shared.db.pool import open_pool
from shared.errors import PlatformRejected
from shared.lifecycle import Bucket, State
from shared.models import Platform, TransferId
from shared.secret import Secret
from shared.streams import open_redis
from tests.integration.cli.conftest import Operate
from tests.integration.worker.engine import POSITIONED, Engine, target_ids

pytestmark = pytest.mark.integration


@pytest_asyncio.fixture
async def engine(database_url: str, redis_url: str) -> AsyncIterator[Engine]:
    async with await open_pool(Secret(database_url), size=4) as pool, open_redis(Secret(redis_url)) as redis:
        yield Engine(pool, redis, target=POSITIONED)


async def failed(engine: Engine) -> TransferId:
    """Return a transfer whose first batch of look-ups broke for good."""
    transfer_id = await engine.transfer(range(3))
    await engine.run_phase("read")
    refusal = PlatformRejected("Not today.", platform="apple_music", operation="find_by_isrc", status=400)
    engine.connection_error = refusal
    await engine.step(phase="match")
    engine.connection_error = None
    assert await engine.state(transfer_id) is State.FAILED
    return transfer_id


async def test_platform_is_paused_listed_and_resumed(engine: Engine, operate: Operate) -> None:
    transfer_id = await engine.transfer(range(3))

    paused = await operate("pause-platform", "apple_music", "--reason", "Back at noon")
    held = await engine.load(transfer_id)
    listed = await operate("platforms")
    resumed = await operate("resume-platform", "apple_music")
    again = await operate("resume-platform", "apple_music")

    assert [code for code, _, _ in (paused, listed, resumed, again)] == [0] * 4
    assert (held.state, held.pause_text) == (State.PAUSED, "Back at noon")
    rows = [line.split("\t") for line in listed[1].splitlines()]
    told = {row[0]: (row[1], row[3]) for row in rows}
    assert told.pop("apple_music") == ("paused", "Back at noon")
    assert len(told) == len(Platform) - 1
    assert set(told.values()) == {("running", "")}
    assert await engine.state(transfer_id) is State.QUEUED
    assert "was not paused" in again[1]


async def test_unknown_platform_is_explained(operate: Operate) -> None:
    code, _, told = await operate("pause-platform", "napster")

    assert code == 2
    assert "spotify" in told


async def test_dead_letter_is_listed_with_its_error_and_revived(engine: Engine, operate: Operate) -> None:
    transfer_id = await failed(engine)

    listed = await operate("dead-letters")
    revived = await operate("revive", transfer_id)
    after = await operate("dead-letters")
    await engine.run()

    (row,) = [line.split("\t") for line in listed[1].splitlines()]
    assert row[0] == transfer_id
    assert row[2:] == ["apple_music match 0", "1", "platform-rejected", "Not today."]
    assert revived[0] == 0
    assert after[:2] == (0, "")
    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of() == target_ids(range(3))
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 3}


async def test_only_what_has_failed_is_revived(engine: Engine, operate: Operate) -> None:
    running = await engine.transfer(range(3))

    answers = [await operate("revive", one) for one in (running, str(uuid.uuid4()))]

    assert [code for code, _, _ in answers] == [5, 5]
    assert all("dead-letters" in told for _, _, told in answers)


async def test_nothing_is_revived_into_a_playlist_that_another_transfer_writes_to(
    engine: Engine, operate: Operate
) -> None:
    engine.target.place("mine")
    first = await engine.transfer(range(6), playlist="mine")
    await engine.reach_first_batch()
    engine.connection_error = PlatformRejected("No.", platform="apple_music", operation="x", status=400)
    await engine.step(phase="write")
    engine.connection_error = None
    await engine.transfer(range(6), playlist="mine")
    await engine.reach_first_batch()

    code, _, told = await operate("revive", first)

    assert code == 1
    assert "Another transfer" in told
    assert await engine.state(first) is State.FAILED
