"""Undo: exactly what a transfer added goes, what others added stays, and what cannot go is named."""

import pytest

from shared.db import control
from shared.db.control import Control
from shared.errors import RateLimited, ReconnectRequired, StateConflict
from shared.lifecycle import Bucket, State
from shared.models import Outcome, TrackId, TransferId
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.engine import Engine, target_ids
from worker.phases.verify_undo import ABSENT, LINGERS
from worker.removal import ADDED_SINCE, STOOD_BEFORE

pytestmark = pytest.mark.integration

BASE = [TrackId("base91"), TrackId("base92"), TrackId("base93")]


async def moved(engine: Engine, numbers: list[int], **wishes: str) -> TransferId:
    """Return a transfer that is completed."""
    transfer_id = await engine.transfer(numbers, **wishes)  # type: ignore[arg-type]  # they are all texts
    await engine.run()
    assert await engine.state(transfer_id) is State.COMPLETED
    return transfer_id


async def cancel(engine: Engine, transfer_id: TransferId) -> None:
    user_id = (await engine.load(transfer_id)).user_id
    assert await control.apply(engine.pool, transfer_id, user_id=user_id, control=Control.CANCEL)


async def reasons(engine: Engine, undo_id: TransferId) -> dict[int, str]:
    """Return why a position ended as it did, where that is said."""
    return {item.position: item.reason for item in await engine.items(undo_id) if item.reason}


# What goes and what stays


async def test_a_new_playlist_goes_with_its_tracks(engine: Engine) -> None:
    transfer_id = await moved(engine, [1, 2, 3, 2, 4])

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    undone, undo = await engine.load(transfer_id), await engine.load(undo_id)
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 5}
    assert engine.target.playlists == {}
    assert engine.target.removed_batches == [tuple(target_ids([1, 2, 3])), tuple(target_ids([4]))]
    assert (undo.state, undo.undoes, undo.target_playlist_id) == (State.COMPLETED, transfer_id, None)
    assert (undone.state, undone.undone_by) == (State.COMPLETED, undo_id)
    assert not undo.is_target_claimed
    assert await engine.intent_count() == 0


async def test_older_rows_of_a_playlist_stay_as_they_were_and_in_order(engine: Engine) -> None:
    engine.target.place("mine", track_ids=BASE)
    transfer_id = await moved(engine, [1, 2, 3, 2, 4], playlist="mine")

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.ids_of("mine") == BASE
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 5}
    assert engine.target.called("delete_playlist") == 0


async def test_what_was_not_written_is_not_undone(positioned: Engine) -> None:
    positioned.target.place("mine", track_ids=target_ids([2]))
    transfer_id = await moved(positioned, [1, 2, 3], playlist="mine", on_duplicate="skip")

    undo_id = await positioned.undo(transfer_id)
    await positioned.run()

    assert positioned.target.ids_of("mine") == target_ids([2])
    assert [item.position for item in await positioned.items(undo_id)] == [0, 2]


async def test_a_track_that_stood_there_before_is_kept_with_its_copy_and_named(engine: Engine) -> None:
    engine.target.place("mine", track_ids=[*BASE, *target_ids([2])])
    transfer_id = await moved(engine, [1, 2, 3], playlist="mine", on_duplicate="keep")

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.ids_of("mine") == [*BASE, *target_ids([2, 2])]
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 2, Bucket.FAILED: 1}
    assert await reasons(engine, undo_id) == {1: STOOD_BEFORE}
    assert await engine.state(undo_id) is State.COMPLETED


async def test_a_copy_that_somebody_has_added_since_is_not_touched(engine: Engine) -> None:
    transfer_id = await moved(engine, [1, 2, 3])
    engine.target.ids_of().append(TrackId("t2"))

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.ids_of() == target_ids([2, 2])
    assert await reasons(engine, undo_id) == {1: ADDED_SINCE}
    assert await engine.warnings(undo_id) == {"playlist_kept"}


async def test_a_playlist_with_somebody_elses_tracks_is_left_to_them(engine: Engine) -> None:
    transfer_id = await moved(engine, [1, 2])
    engine.target.ids_of().insert(0, TrackId("foreign"))

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.ids_of() == [TrackId("foreign")]
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 2}
    assert await engine.warnings(undo_id) == {"playlist_kept"}


async def test_what_is_gone_already_counts_as_removed_and_says_so(engine: Engine) -> None:
    engine.target.place("mine", track_ids=BASE)
    transfer_id = await moved(engine, [1, 2, 3], playlist="mine")
    engine.target.ids_of("mine").remove(TrackId("t2"))

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.ids_of("mine") == BASE
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 3}
    assert await reasons(engine, undo_id) == {1: ABSENT}
    assert "t2" not in [track_id for batch in engine.target.removed_batches for track_id in batch]


async def test_a_playlist_that_is_gone_already_ends_an_undo_well(engine: Engine) -> None:
    transfer_id = await moved(engine, [1, 2, 3])
    engine.target.playlists.clear()

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert await engine.state(undo_id) is State.COMPLETED
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 3}
    assert engine.target.called("remove_tracks") == 0


async def test_a_track_that_is_added_again_after_its_removal_is_named_and_left(engine: Engine) -> None:
    transfer_id = await moved(engine, [1, 2])

    async def add_again(operation: str) -> None:
        if operation == "read_target" and engine.target.removed_batches and not engine.target.ids_of():
            engine.target.ids_of().append(TrackId("t1"))

    undo_id = await engine.undo(transfer_id)
    engine.target.on_call = add_again
    await engine.run()

    assert engine.target.ids_of() == target_ids([1])
    assert len(engine.target.removed_batches) == 1
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 1, Bucket.FAILED: 1}
    assert await reasons(engine, undo_id) == {0: LINGERS}


# What a transfer may have added without its knowledge


async def test_a_failed_transfer_is_undone_with_what_its_open_write_has_added(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(6))
    engine.target.add_mishaps += [None, Lost()]
    await engine.reach_first_batch()
    await engine.step(phase="write")
    await engine.step(engine.executor(max_attempts=1), phase="write")
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.READY: 2}

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.playlists == {}
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 6}


async def test_a_cancelled_transfer_whose_platform_could_not_be_asked_says_so_and_is_undone_whole(
    engine: Engine,
) -> None:
    transfer_id = await engine.transfer(range(6))
    engine.target.add_mishaps.append(Lost(error=Death()))
    await engine.reach_first_batch()
    await engine.step(phase="write")
    engine.connection_error = ReconnectRequired("Connect again.")
    await cancel(engine, transfer_id)
    await engine.run()
    assert await engine.buckets(transfer_id) == {Bucket.SKIPPED: 6}
    assert await engine.warnings(transfer_id) == {"unsettled"}
    engine.connection_error = None

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.playlists == {}
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 4}


async def test_tracks_of_a_cancelled_transfer_that_show_late_are_removed_too(appending: Engine) -> None:
    transfer_id = await appending.transfer(range(6))
    await appending.reach_first_batch()
    await appending.step(phase="write")
    await cancel(appending, transfer_id)
    await appending.run()
    stored = appending.target.playlists[next(iter(appending.target.playlists))]
    stored.stale.append([])  # the next read does not show them

    undo_id = await appending.undo(transfer_id)
    await appending.run()

    assert appending.target.playlists == {}
    assert await appending.buckets(undo_id) == {Bucket.REMOVED: 4}
    assert await reasons(appending, undo_id) == {}


# Refusals and other writers


async def test_a_refused_removal_leaves_no_intent_and_waits(engine: Engine) -> None:
    transfer_id = await moved(engine, [1, 2])
    refusal = RateLimited("Wait.", platform="apple_music", operation="remove_tracks", retry_after_s=5)
    engine.target.remove_mishaps.append(refusal)

    undo_id = await engine.undo(transfer_id)
    await engine.step(phase="undo")

    assert await engine.intent_count() == 0
    await engine.run()
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 2}


async def test_a_track_that_cannot_be_removed_is_found_by_halving_and_named_alone(engine: Engine) -> None:
    transfer_id = await moved(engine, [1, 2, 3, 4, 5])
    engine.target.poison = {TrackId("t2")}

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.ids_of() == target_ids([2])
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 4, Bucket.FAILED: 1}
    assert await reasons(engine, undo_id) == {1: "Bad id."}


async def test_a_removal_that_never_gets_an_answer_is_given_up_for_that_track_alone(engine: Engine) -> None:
    transfer_id = await moved(engine, [1])
    engine.target.remove_mishaps += [Lost(applied_count=0)] * 20

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.ids_of() == target_ids([1])
    assert await engine.buckets(undo_id) == {Bucket.FAILED: 1}
    assert await engine.state(undo_id) is State.COMPLETED


async def test_an_undo_waits_for_a_transfer_that_is_writing_to_its_playlist(engine: Engine) -> None:
    engine.target.place("mine", track_ids=BASE)
    transfer_id = await moved(engine, [1, 2], playlist="mine")
    other_id = await engine.transfer([5, 6], playlist="mine")
    await engine.reach_first_batch()

    undo_id = await engine.undo(transfer_id)
    await engine.step(of=undo_id)

    assert engine.target.removed_batches == []
    assert not (await engine.load(undo_id)).is_target_claimed
    await engine.run()
    assert engine.target.ids_of("mine") == [*BASE, *target_ids([5, 6])]
    assert await engine.state(other_id) is await engine.state(undo_id) is State.COMPLETED


async def test_a_playlist_that_may_not_be_deleted_is_told(engine: Engine) -> None:
    transfer_id = await moved(engine, [1, 2])
    engine.target.delete_mishaps.append(ReconnectRequired("Allow more."))

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert await engine.state(undo_id) is State.COMPLETED
    assert engine.target.ids_of() == []
    assert await engine.warnings(undo_id) == {"playlist_not_deleted"}


# What may be undone, and how often


async def test_an_undo_is_started_once_and_again_only_after_it_was_cancelled(positioned: Engine) -> None:
    transfer_id = await moved(positioned, [1, 2, 3, 4, 5])
    first = await positioned.undo(transfer_id)
    await positioned.step(phase="undo")

    assert await positioned.undo(transfer_id) == first
    await cancel(positioned, first)
    await positioned.run()
    second = await positioned.undo(transfer_id)

    assert await positioned.buckets(first) == {Bucket.REMOVED: 3, Bucket.SKIPPED: 2}
    assert second != first
    assert (await positioned.load(transfer_id)).undone_by == second
    await positioned.run()
    assert positioned.target.playlists == {}


async def test_what_an_earlier_undo_removed_is_not_removed_again_if_somebody_adds_it(
    positioned: Engine,
) -> None:
    transfer_id = await moved(positioned, [1, 2, 3, 4, 5])
    first = await positioned.undo(transfer_id)
    await positioned.step(phase="undo")
    await cancel(positioned, first)
    await positioned.run()
    positioned.target.ids_of().append(TrackId("t1"))

    second = await positioned.undo(transfer_id)
    await positioned.run()

    assert positioned.target.ids_of() == target_ids([1])
    assert await positioned.outcomes(second) == [Outcome.REMOVED] * 2


async def test_nothing_but_an_ended_transfer_that_added_something_can_be_undone(positioned: Engine) -> None:
    running = await positioned.transfer([1, 2])
    with pytest.raises(StateConflict, match="cancel it first"):
        await positioned.undo(running)
    await cancel(positioned, running)
    await positioned.run()
    with pytest.raises(StateConflict, match="nothing to undo"):
        await positioned.undo(running)
    positioned.target.place("mine", track_ids=target_ids([1]))
    idle = await moved(positioned, [1], playlist="mine", on_duplicate="skip")
    with pytest.raises(StateConflict, match="nothing to undo"):
        await positioned.undo(idle)
    undo_id = await positioned.undo(await moved(positioned, [7, 8]))
    await positioned.run()
    with pytest.raises(StateConflict, match="an undo itself"):
        await positioned.undo(undo_id)


async def test_a_playlist_that_was_made_and_not_filled_is_deleted(positioned: Engine) -> None:
    transfer_id = await positioned.transfer([1, 2])
    await positioned.reach_first_batch()
    await cancel(positioned, transfer_id)
    await positioned.run()

    undo_id = await positioned.undo(transfer_id)
    await positioned.run()

    assert await positioned.state(undo_id) is State.COMPLETED
    assert positioned.target.playlists == {}


async def test_an_undone_transfer_cannot_be_retried(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(6))
    positioned.target.add_mishaps += [None, Lost()]
    await positioned.reach_first_batch()
    await positioned.step(phase="write")
    await positioned.step(positioned.executor(max_attempts=1), phase="write")
    user_id = (await positioned.load(transfer_id)).user_id
    await positioned.undo(transfer_id)

    assert not await control.apply(positioned.pool, transfer_id, user_id=user_id, control=Control.RETRY)


async def test_a_failed_undo_goes_on_where_it_was(engine: Engine) -> None:
    transfer_id = await moved(engine, [1, 2, 3, 4, 5])
    undo_id = await engine.undo(transfer_id)
    engine.target.remove_mishaps += [None, Lost()]
    await engine.step(phase="undo")
    await engine.step(engine.executor(max_attempts=1), phase="undo")
    assert await engine.state(undo_id) is State.FAILED
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 3, Bucket.FAILED: 2}

    user_id = (await engine.load(undo_id)).user_id
    assert await control.apply(engine.pool, undo_id, user_id=user_id, control=Control.RETRY)
    await engine.run()

    assert await engine.state(undo_id) is State.COMPLETED
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 5}
    assert engine.target.playlists == {}
