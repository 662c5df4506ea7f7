"""Where a platform names what it has added, its receipts and the length prove a playlist; else it is read."""

import pytest
from msgspec import structs
from redis.asyncio import Redis

from shared.db.pool import Pool
from shared.lifecycle import Bucket, State
from shared.models import TrackId
from tests.fakes.adapter import Lost
from tests.integration.worker.engine import KEYED, Engine, target_ids

pytestmark = pytest.mark.integration

PROVING = structs.replace(KEYED, proves_adds=True)


@pytest.fixture
def engine(pool: Pool, redis: Redis) -> Engine:
    return Engine(pool, redis, target=PROVING)


def reading_count(engine: Engine) -> int:
    return engine.target.called("read_target_page")


async def test_playlist_with_a_receipt_for_each_track_is_not_read(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(7))

    await engine.run()

    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 7}
    assert (reading_count(engine), engine.target.called("get_playlist")) == (0, 1)


async def test_write_that_was_sent_again_under_its_key_has_its_receipt(engine: Engine) -> None:
    engine.target.add_mishaps += [None, Lost()]
    transfer_id = await engine.transfer(range(9))

    await engine.run()

    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 9}
    assert engine.target.ids_of() == target_ids(range(9))
    assert reading_count(engine) == 0


async def test_write_that_was_settled_by_reading_back_is_proved_by_reading(engine: Engine) -> None:
    engine.target.add_mishaps += [Lost(), Lost(applied_count=0)]
    transfer_id = await engine.transfer(range(6))

    await engine.run()

    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 6}
    assert engine.target.ids_of() == target_ids(range(6))
    assert reading_count(engine) > 0


async def test_playlist_that_was_mixed_is_read(engine: Engine) -> None:
    engine.target.is_reversing = True
    await engine.transfer(range(7))

    await engine.run()

    assert reading_count(engine) > 0


async def test_playlist_whose_length_is_another_one_is_read_and_repaired(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(6))
    for phase in ("read", "match", "write"):
        await engine.run_phase(phase)
    engine.target.ids_of().pop(2)

    await engine.run()

    assert reading_count(engine) > 0
    assert sorted(engine.target.ids_of()) == sorted(target_ids(range(6)))
    assert await engine.state(transfer_id) is State.COMPLETED


async def test_playlist_that_stood_there_before_is_read(engine: Engine) -> None:
    engine.target.place("mine", track_ids=[TrackId("x1"), TrackId("x2")])
    await engine.transfer(range(7), playlist="mine")

    await engine.run()

    assert reading_count(engine) > 0


async def test_playlist_of_a_single_page_is_read(engine: Engine) -> None:
    await engine.transfer(range(5))

    await engine.run()

    assert (reading_count(engine), engine.target.called("get_playlist")) == (1, 0)
