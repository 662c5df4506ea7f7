"""A write whose answer nobody heard, where time, old rows or the source play tricks on whoever finds it."""

import pytest
from msgspec import structs

from shared.errors import PlatformRejected
from shared.lifecycle import Bucket, State
from shared.models import TrackId
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.engine import Engine, target_ids, target_track

pytestmark = pytest.mark.integration

BASE = [TrackId("base91"), TrackId("base92"), TrackId("base93")]
FREE_THE_JOB = "UPDATE jobs SET lease_until = NULL WHERE state = 'open'"


async def test_the_wait_for_a_lost_write_begins_when_it_is_found_however_old_its_intent_is(
    engine: Engine,
) -> None:
    await engine.transfer(range(3))
    engine.target.add_mishaps.append(Lost(error=Death()))
    await engine.reach_first_batch()
    await engine.die_in(engine.executor("worker-1"))
    await engine.pool.execute("UPDATE intents SET sent_at = sent_at - interval '100 seconds'")
    await engine.pool.execute(FREE_THE_JOB)

    await engine.step(engine.executor("worker-2"))

    assert engine.target.called("read_target") == 0
    await engine.run()
    assert engine.target.ids_of() == target_ids(range(3))


async def test_an_old_row_that_is_removed_meanwhile_makes_nothing_double(engine: Engine) -> None:
    engine.target.place("mine", track_ids=BASE)
    await engine.transfer(range(3), playlist="mine")
    engine.target.add_mishaps.append(Lost(error=Death()))
    await engine.reach_first_batch()
    await engine.die_in(engine.executor("worker-1"))
    del engine.target.ids_of("mine")[0]

    await engine.run()

    assert engine.target.ids_of("mine") == [*BASE[1:], *target_ids(range(3))]


async def test_a_track_that_stood_there_before_is_not_taken_for_ours(engine: Engine) -> None:
    base = [*BASE, *target_ids([0, 1])]
    engine.target.place("mine", track_ids=base)
    transfer_id = await engine.transfer(range(3), playlist="mine", on_duplicate="keep")
    engine.target.add_mishaps.append(Lost(applied_count=0, error=Death()))
    await engine.reach_first_batch()
    await engine.die_in(engine.executor("worker-1"))
    engine.target.ids_of("mine").append(TrackId("foreign"))

    await engine.run()

    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 3}
    assert [one for one in engine.target.ids_of("mine") if one != "foreign"] == [*base, *target_ids(range(3))]


@pytest.mark.parametrize("applied_count", [None, 2])
async def test_batch_that_the_platform_adds_and_says_no_to_is_not_added_again(
    engine: Engine, applied_count: int | None
) -> None:
    no = PlatformRejected("Bad request.", platform="apple_music", operation="add_tracks", status=400)
    engine.target.add_mishaps.append(Lost(applied_count=applied_count, error=no))
    transfer_id = await engine.transfer(range(7))

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of() == target_ids(range(7))
    assert await engine.warnings(transfer_id) == set()


async def test_an_earlier_track_of_ours_is_not_taken_for_a_lost_one_of_its_title(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(12))
    for number in (0, 11):
        engine.target.know(structs.replace(target_track(number), title="Lantern"))
    engine.target.add_mishaps += [None, None, Lost(applied_count=0, error=Death())]
    await engine.reach_first_batch()
    for _ in range(2):
        await engine.step(phase="write")
    await engine.die_in(engine.executor("worker-1"))
    engine.target.ids_of().insert(0, TrackId("foreign"))

    await engine.run()

    assert (await engine.load(transfer_id)).repair_count == 0
    assert sorted(engine.target.ids_of()) == sorted([TrackId("foreign"), *target_ids(range(12))])


async def test_a_target_that_changes_while_a_lost_batch_is_counted_is_counted_again(engine: Engine) -> None:
    await engine.transfer(range(12))
    engine.target.add_mishaps += [None, None, Lost(error=Death())]
    await engine.reach_first_batch()
    for _ in range(2):
        await engine.step(phase="write")
    await engine.die_in(engine.executor("worker-1"))
    engine.target.ids_of().insert(0, TrackId("foreign1"))
    edits = [TrackId("foreign2")]

    async def edit(operation: str) -> None:
        if engine.target.called("read_target_page") == 2 and edits:
            engine.target.ids_of().insert(0, edits.pop())

    engine.target.on_call = edit

    await engine.run()

    assert engine.target.ids_of() == [TrackId("foreign2"), TrackId("foreign1"), *target_ids(range(12))]


async def test_source_that_shrinks_while_it_is_read_is_told(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(12))
    await positioned.step(phase="read")
    (rows,) = positioned.source.sources.values()
    del rows[0]

    await positioned.run()

    assert await positioned.state(transfer_id) is State.COMPLETED
    assert "source_edited" in await positioned.warnings(transfer_id)


async def test_job_whose_workers_all_die_is_buried_with_a_reason(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(3))
    worker = positioned.executor(max_attempts=3)
    await positioned.pool.execute("UPDATE jobs SET attempt = 3")

    await positioned.step(worker)

    assert (await positioned.load(transfer_id)).error_code == "job-poisonous"
