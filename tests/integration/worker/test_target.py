"""Targets that live: tracks that were there before, other people's hands, proof and repair."""

import pytest

from shared.lifecycle import Bucket, State
from shared.models import Outcome, TrackId
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.engine import Engine, target_ids

pytestmark = pytest.mark.integration

# A playlist that was there before


async def test_tracks_go_behind_what_a_playlist_held(engine: Engine) -> None:
    engine.target.place("mine", track_ids=target_ids([90, 1, 91]))
    transfer_id = await engine.transfer([1, 2, 3], playlist="mine")

    await engine.run()

    assert engine.target.ids_of() == target_ids([90, 1, 91, 1, 2, 3])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 3}
    assert await engine.warnings(transfer_id) == set()


async def test_with_skip_each_track_that_is_there_counts_for_one(engine: Engine) -> None:
    engine.target.place("mine", track_ids=target_ids([2, 90]))
    transfer_id = await engine.transfer([1, 2, 3, 2], playlist="mine", on_duplicate="skip")

    await engine.run()

    assert engine.target.ids_of() == target_ids([2, 90, 1, 3, 2])
    assert (await engine.outcomes(transfer_id))[1] is Outcome.ALREADY_PRESENT
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 3, Bucket.ALREADY_PRESENT: 1}


async def test_with_skip_each_track_of_a_long_playlist_counts_though_its_reader_died(engine: Engine) -> None:
    engine.target.place("mine", track_ids=target_ids([1, 2, 1, 90, 2, 1, 91, 3]))
    transfer_id = await engine.transfer([1, 2, 3, 4, 1, 1, 1, 2], playlist="mine", on_duplicate="skip")
    await engine.run_phase("read")
    await engine.run_phase("match")

    async def die(operation: str) -> None:
        if operation == "read_target_page" and engine.target.called(operation) == 2:
            raise Death

    engine.target.on_call = die
    await engine.die_in(engine.executor("worker-1"))
    await engine.run()

    assert engine.target.ids_of() == target_ids([1, 2, 1, 90, 2, 1, 91, 3, 4, 1])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 2, Bucket.ALREADY_PRESENT: 6}


async def test_a_playlist_that_changes_while_it_is_read_is_read_again(engine: Engine) -> None:
    engine.target.place("mine", track_ids=target_ids([1, 2, 90, 91, 92, 93]))
    edits = target_ids([3])
    transfer_id = await engine.transfer([1, 2, 3, 4], playlist="mine", on_duplicate="skip")

    async def edit(operation: str) -> None:
        if operation == "read_target_page" and engine.target.called(operation) == 2 and edits:
            engine.target.ids_of().insert(0, edits.pop())

    engine.target.on_call = edit
    await engine.run()

    assert engine.target.ids_of() == target_ids([3, 1, 2, 90, 91, 92, 93, 4])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 1, Bucket.ALREADY_PRESENT: 3}


async def test_a_lost_write_to_a_playlist_with_the_same_tracks_is_judged_by_its_place(engine: Engine) -> None:
    engine.target.place("mine", track_ids=target_ids([1, 2, 3]))
    await engine.transfer([1, 2, 3], playlist="mine")
    engine.target.add_mishaps += [Lost(applied_count=0), Lost()]

    await engine.run()

    assert engine.target.ids_of() == target_ids([1, 2, 3, 1, 2, 3])


async def test_two_transfers_to_one_playlist_write_one_after_the_other(engine: Engine) -> None:
    engine.target.place("mine")
    first, second = (
        await engine.transfer([1, 2, 3], playlist="mine"),
        await engine.transfer([4, 5, 6], playlist="mine", user="noor"),
    )
    for transfer_id in (first, second):
        for phase in ("read", "match"):
            assert await engine.step(of=transfer_id, phase=phase)
    await engine.step(of=first, phase="write")

    await engine.step(of=second, phase="write")

    assert (await engine.load(second)).target_count is None
    await engine.run()
    assert engine.target.ids_of() == target_ids([1, 2, 3, 4, 5, 6])
    assert await engine.state(first) is await engine.state(second) is State.COMPLETED


# Other people's hands


async def test_rows_put_before_ours_do_not_make_a_lost_batch_arrive_twice(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(8))
    engine.target.add_mishaps += [None, Lost()]
    await engine.reach_first_batch()
    await engine.step(phase="write")
    await engine.step(phase="write")
    engine.target.ids_of()[:0] = [TrackId("x1"), TrackId("x2")]

    await engine.run()

    assert engine.target.ids_of() == [TrackId("x1"), TrackId("x2"), *target_ids(range(8))]
    assert await engine.warnings(transfer_id) == {"target_edited"}


async def test_rows_put_before_a_batch_that_never_arrived_do_not_hide_that(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(8))
    engine.target.add_mishaps += [None, Lost(applied_count=0)]
    await engine.reach_first_batch()
    await engine.step(phase="write")
    await engine.step(phase="write")
    engine.target.ids_of()[:0] = [TrackId("x1")]

    await engine.run()

    assert sorted(engine.target.ids_of()) == sorted([TrackId("x1"), *target_ids(range(8))])
    assert "target_edited" in await engine.warnings(transfer_id)


async def test_a_track_that_somebody_removed_while_we_write_does_not_refuse_the_rest(engine: Engine) -> None:
    engine.target.place("mine", track_ids=target_ids([90, 91, 92]))
    transfer_id = await engine.transfer(range(8), playlist="mine")
    await engine.reach_first_batch()
    await engine.step(phase="write")
    del engine.target.ids_of()[0]

    await engine.run()

    assert engine.target.ids_of() == target_ids([91, 92, *range(8)])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 8}


async def test_a_track_that_somebody_removed_before_ours_does_not_make_ours_missing(engine: Engine) -> None:
    engine.target.place("mine", track_ids=target_ids([90, 91]))
    await engine.transfer(range(3), playlist="mine")
    await engine.run_phase("read")
    await engine.run_phase("match")
    await engine.run_phase("write")
    del engine.target.ids_of()[0]

    await engine.run()

    assert engine.target.ids_of() == target_ids([91, 0, 1, 2])


# Proof and repair


async def test_tracks_that_vanished_are_written_again_at_their_place(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(9))
    await engine.run_phase("read")
    await engine.run_phase("match")
    await engine.run_phase("write")
    for track_id in target_ids([2, 3, 8]):
        engine.target.ids_of().remove(track_id)

    await engine.run()

    assert sorted(engine.target.ids_of()) == sorted(target_ids(range(9)))
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 9}
    if engine.target.capabilities.reads_lag:
        assert await engine.warnings(transfer_id) == {"order_differs"}
    else:
        assert engine.target.ids_of() == target_ids(range(9))


async def test_a_copy_that_was_there_before_does_not_stand_for_a_track_that_vanished(engine: Engine) -> None:
    engine.target.place("mine", track_ids=target_ids([1, 90]))
    transfer_id = await engine.transfer(range(3), playlist="mine")
    await engine.run_phase("read")
    await engine.run_phase("match")
    await engine.run_phase("write")
    del engine.target.ids_of()[3]

    await engine.run()

    assert sorted(engine.target.ids_of()) == sorted(target_ids([1, 90, 0, 1, 2]))
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 3}


async def test_a_lost_repair_is_not_written_twice(engine: Engine) -> None:
    await engine.transfer(range(9))
    await engine.run_phase("read")
    await engine.run_phase("match")
    await engine.run_phase("write")
    for track_id in target_ids([2, 3, 8]):
        engine.target.ids_of().remove(track_id)
    engine.target.add_mishaps += [Lost(), Lost()]

    await engine.run()

    assert sorted(engine.target.ids_of()) == sorted(target_ids(range(9)))


async def test_tracks_that_show_late_are_waited_for_and_not_written_again(appending: Engine) -> None:
    transfer_id = await appending.transfer(range(4))
    appending.target.lag_count = 4

    await appending.run()

    assert appending.target.ids_of() == target_ids(range(4))
    assert (await appending.load(transfer_id)).repair_count == 0


async def test_a_track_that_never_stays_is_named_in_the_end(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(3))

    async def wipe(operation: str) -> None:
        if operation == "read_target_page" and TrackId("t1") in positioned.target.ids_of():
            positioned.target.ids_of().remove(TrackId("t1"))

    positioned.target.on_call = wipe

    await positioned.run()

    assert await positioned.state(transfer_id) is State.COMPLETED
    assert positioned.target.ids_of() == target_ids([0, 2])
    assert await positioned.buckets(transfer_id) == {Bucket.WRITTEN: 2, Bucket.FAILED: 1}


async def test_strangers_rows_are_told_and_left_alone(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(3))
    await engine.run_phase("read")
    await engine.run_phase("match")
    await engine.run_phase("write")
    engine.target.ids_of().insert(1, TrackId("x1"))

    await engine.run()

    assert engine.target.ids_of() == [TrackId("t0"), TrackId("x1"), TrackId("t1"), TrackId("t2")]
    assert await engine.warnings(transfer_id) == {"target_edited"}
