"""The write protocol: whatever gets lost on the way, each track stands in the target once and in order."""

import pytest

from shared.errors import (
    PlatformDenied,
    RateLimited,
    ReconnectRequired,
)
from shared.lifecycle import Bucket, PauseReason, State
from shared.models import Outcome, PlaylistId, TrackId
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.engine import LEASE_S, Engine, target_ids

DEATH = Death()
pytestmark = pytest.mark.integration


async def test_a_playlist_with_repeats_arrives_complete_and_in_order(engine: Engine) -> None:
    numbers = [1, 2, 3, 2, 4, 5, 6, 7, 8, 2, 9, 10]
    transfer_id = await engine.transfer(numbers)

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of() == target_ids(numbers)
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 12}
    assert await engine.warnings(transfer_id) == set()
    assert await engine.intent_count() == 0


async def test_an_empty_playlist_arrives_as_an_empty_one(engine: Engine) -> None:
    transfer_id = await engine.transfer([])

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of() == []


async def test_a_worker_that_dies_before_the_send_costs_nothing(engine: Engine) -> None:
    await engine.transfer(range(6))
    engine.target.add_mishaps.append(Lost(applied_count=0, error=DEATH))
    await engine.reach_first_batch()

    await engine.step(engine.executor("worker-1"), phase="write")

    assert await engine.intent_count() == 1
    await engine.run()
    assert engine.target.ids_of() == target_ids(range(6))


async def test_a_worker_that_dies_before_its_checkpoint_leaves_no_duplicates(engine: Engine) -> None:
    await engine.transfer(range(6))
    engine.target.add_mishaps.append(Lost(error=DEATH))
    await engine.reach_first_batch()

    await engine.step(engine.executor("worker-1"), phase="write")

    assert await engine.intent_count() == 1
    await engine.run()
    assert engine.target.ids_of() == target_ids(range(6))
    assert engine.target.called("add_tracks") == 2


async def test_an_open_intent_is_read_back_only_when_its_call_must_be_over_and_visible(
    engine: Engine,
) -> None:
    await engine.transfer(range(3))
    engine.target.add_mishaps.append(Lost(error=DEATH))
    await engine.reach_first_batch()
    await engine.step(engine.executor("worker-1"), phase="write")
    await engine.pool.execute("UPDATE jobs SET lease_until = NULL WHERE state = 'open'")

    await engine.step(engine.executor("worker-2"))

    assert engine.target.called("read_target") == 0
    assert await engine.step() is False
    await engine.run()
    assert engine.target.ids_of() == target_ids(range(3))


@pytest.mark.parametrize("applied_count", [None, 0, 1, 2, 3])
async def test_of_a_write_without_an_answer_only_the_rest_is_sent(
    engine: Engine, applied_count: int | None
) -> None:
    transfer_id = await engine.transfer([1, 1, 2, 1, 3, 4, 1])
    engine.target.add_mishaps += [Lost(applied_count=applied_count), None, Lost(applied_count=applied_count)]

    await engine.run()

    assert engine.target.ids_of() == target_ids([1, 1, 2, 1, 3, 4, 1])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 7}
    assert await engine.warnings(transfer_id) == set()


async def test_a_write_that_is_always_lost_and_always_applied_ends_right(engine: Engine) -> None:
    await engine.transfer(range(10))
    engine.target.add_mishaps += [Lost()] * 3

    await engine.run()

    assert engine.target.ids_of() == target_ids(range(10))
    assert engine.target.called("add_tracks") == 3


async def test_a_lost_write_that_shows_late_is_not_sent_again(appending: Engine) -> None:
    await appending.transfer(range(6))
    appending.target.add_mishaps.append(Lost())
    appending.target.lag_count = 1

    await appending.run()

    assert appending.target.ids_of() == target_ids(range(6))


async def test_where_reads_lag_two_equal_ones_are_needed_to_send_again(appending: Engine) -> None:
    await appending.transfer(range(3))
    appending.target.add_mishaps.append(Lost(applied_count=0))

    await appending.run()

    before_second_send = appending.target.calls[: last_index(appending.target.calls, "add_tracks")]
    assert before_second_send.count("read_target") == 2
    assert appending.target.ids_of() == target_ids(range(3))


async def test_earlier_tracks_that_are_still_unseen_do_not_make_a_lost_batch_absent(
    appending: Engine,
) -> None:
    transfer_id = await appending.transfer(range(8))
    appending.target.add_mishaps += [None, Lost()]
    await appending.reach_first_batch()
    await appending.step(phase="write")
    await appending.step(phase="write")
    stored = appending.target.playlists[PlaylistId("made-1")]
    stored.stale.extend([target_ids(range(2))] * 7)

    await appending.run()

    assert appending.target.ids_of() == target_ids(range(8))
    assert await appending.state(transfer_id) is State.COMPLETED


async def test_a_batch_stored_in_another_order_is_not_sent_again_and_the_order_is_told(
    engine: Engine,
) -> None:
    transfer_id = await engine.transfer(range(4))
    engine.target.is_reversing = True
    engine.target.add_mishaps.append(Lost())

    await engine.run()

    assert engine.target.ids_of() == list(reversed(target_ids(range(4))))
    assert await engine.warnings(transfer_id) == {"order_differs"}


async def test_a_lost_batch_behind_one_in_another_order_is_told_as_that_and_not_as_an_edit(
    appending: Engine,
) -> None:
    transfer_id = await appending.transfer(range(8))
    appending.target.is_reversing = True
    appending.target.add_mishaps += [None, Lost()]

    await appending.run()

    assert sorted(appending.target.ids_of()) == sorted(target_ids(range(8)))
    assert await appending.warnings(transfer_id) == {"order_differs"}


@pytest.mark.parametrize("shown", [TrackId("t2-of-another-market"), None], ids=["other id", "no name"])
async def test_a_track_shown_under_another_name_is_not_added_again(
    engine: Engine, shown: TrackId | None
) -> None:
    transfer_id = await engine.transfer(range(6))
    engine.target.shown_as[TrackId("t2")] = shown
    engine.target.add_mishaps += [Lost(), Lost()]

    await engine.run()

    assert engine.target.ids_of() == target_ids(range(6))
    assert await engine.warnings(transfer_id) == set()


@pytest.mark.parametrize("breaks", [False, True], ids=["answers 400", "answers 500"])
async def test_a_poison_track_is_found_by_halving_and_named_alone(engine: Engine, *, breaks: bool) -> None:
    transfer_id = await engine.transfer(range(9))
    engine.target.poison = {TrackId("t5")}
    engine.target.poison_breaks = breaks

    await engine.run()

    assert engine.target.ids_of() == target_ids([0, 1, 2, 3, 4, 6, 7, 8])
    outcomes = await engine.outcomes(transfer_id)
    assert [position for position, outcome in enumerate(outcomes) if outcome is Outcome.FAILED] == [5]
    assert (await engine.items(transfer_id))[5].reason
    assert await engine.state(transfer_id) is State.COMPLETED


async def test_a_refused_write_leaves_no_intent_and_waits(engine: Engine) -> None:
    await engine.transfer(range(3))
    engine.target.add_mishaps.append(
        RateLimited("Wait.", platform="apple_music", operation="add_tracks", retry_after_s=5)
    )
    await engine.reach_first_batch()

    await engine.step(phase="write")

    job = await engine.job(phase="write")
    assert await engine.intent_count() == 0
    assert job.attempt == 0
    await engine.run()
    assert engine.target.called("read_target") == 0
    assert engine.target.ids_of() == target_ids(range(3))


async def test_a_revoked_connection_pauses_and_the_transfer_goes_on_after_it(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(3))
    engine.target.add_mishaps.append(ReconnectRequired("Connect again."))

    await engine.run()

    paused = await engine.load(transfer_id)
    assert (paused.state, paused.pause_reason) == (State.PAUSED, PauseReason.RECONNECT_REQUIRED)
    assert await engine.intent_count() == 0
    await engine.pool.execute("UPDATE transfers SET state = 'running'")
    await engine.run()
    assert engine.target.ids_of() == target_ids(range(3))


async def test_a_target_that_was_deleted_fails_the_transfer_and_counts_what_was_left(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(6))
    await engine.reach_first_batch()
    await engine.step(phase="write")
    engine.target.playlists.clear()

    await engine.run()

    transfer = await engine.load(transfer_id)
    assert (transfer.state, transfer.error_code) == (State.FAILED, "playlist-not-found")
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.READY: 2}
    assert not transfer.is_target_claimed


# A created playlist


async def test_a_creation_without_an_answer_is_found_by_its_marker(engine: Engine) -> None:
    await engine.transfer(range(3))
    engine.target.create_mishaps.append(Lost())
    engine.target.hidden_find_count = 1 if engine.target.capabilities.reads_lag else 0

    await engine.run()

    assert engine.target.called("create_playlist") == 1
    assert engine.target.ids_of() == target_ids(range(3))


async def test_a_creation_that_never_happened_is_repeated_after_looking(engine: Engine) -> None:
    await engine.transfer(range(3))
    engine.target.create_mishaps.append(Lost(applied_count=0))

    await engine.run()

    looks = 2 if engine.target.capabilities.reads_lag else 1
    assert engine.target.called("find_playlist") == looks
    assert engine.target.called("create_playlist") == 2
    assert engine.target.ids_of() == target_ids(range(3))


async def test_a_worker_that_dies_after_creating_leaves_one_playlist(engine: Engine) -> None:
    await engine.transfer(range(3))
    engine.target.create_mishaps.append(Lost(error=DEATH))
    await engine.run_phase("read")
    await engine.run_phase("match")

    await engine.step(engine.executor("worker-1"), phase="write")

    await engine.run()
    assert len(engine.target.playlists) == 1
    assert engine.target.ids_of() == target_ids(range(3))


async def test_a_creation_that_is_denied_leaves_no_intent(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(3))
    engine.target.create_mishaps.append(
        PlatformDenied("No.", platform="apple_music", operation="create_playlist", status=403)
    )

    await engine.run()

    assert await engine.state(transfer_id) is State.PAUSED
    assert await engine.intent_count() == 0


# Fences inside the protocol


async def test_a_lease_that_ends_too_soon_sends_nothing(engine: Engine) -> None:
    await engine.transfer(range(3))
    await engine.reach_first_batch()

    await engine.step(engine.executor("slow", lease_s=9.0), phase="write")

    assert engine.target.added_batches == []
    await engine.skip(LEASE_S)
    await engine.run()
    assert engine.target.ids_of() == target_ids(range(3))


async def test_a_worker_whose_job_was_taken_over_checkpoints_nothing(engine: Engine) -> None:
    await engine.transfer(range(3))
    await engine.reach_first_batch()

    async def take_over(operation: str) -> None:
        if operation == "add_tracks":
            await engine.pool.execute("UPDATE jobs SET epoch = epoch + 1 WHERE state = 'open'")

    engine.target.on_call = take_over

    await engine.step(phase="write")

    assert await engine.intent_count() == 1
    await engine.skip(LEASE_S)
    await engine.run()
    assert engine.target.ids_of() == target_ids(range(3))
    assert engine.target.called("add_tracks") == 1


def last_index(calls: list[str], operation: str) -> int:
    return len(calls) - 1 - calls[::-1].index(operation)
