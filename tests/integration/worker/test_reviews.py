"""Decisions about single items: before, while and after the rest is written."""

import asyncio

import msgspec
import pytest

from shared.db import items
from shared.db.control import Control, apply
from shared.db.items import Settled
from shared.db.reviews import Choice
from shared.lifecycle import Bucket, Phase, State
from shared.models import Evidence, Outcome, TrackId
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.deciding import KNOWN, choose, completed, decide
from tests.integration.worker.engine import Engine, target_ids, target_track

pytestmark = pytest.mark.integration


async def test_a_decision_before_the_write_is_written_with_the_rest(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=KNOWN)
    await engine.run_phase("read")
    await engine.run_phase("match")
    revision = (await engine.load(transfer_id)).revision

    goes_on = await decide(engine, transfer_id, 2, choose(2))
    decided = await engine.load(transfer_id)
    await engine.run()

    assert not goes_on
    assert decided.revision == revision + 1
    assert engine.target.ids_of() == target_ids(range(5))
    assert await engine.warnings(transfer_id) == set()
    assert (await engine.outcomes(transfer_id))[2] is Outcome.CHOSEN_BY_USER


async def test_a_decision_behind_the_written_batches_is_inserted_at_its_place(positioned: Engine) -> None:
    numbers = [number for number in range(9) if number != 2]
    transfer_id = await positioned.transfer(range(9), known=numbers)
    await positioned.reach_first_batch()
    await positioned.step(phase="write")

    await decide(positioned, transfer_id, 2, choose(2))
    await positioned.run()

    assert positioned.target.ids_of() == target_ids(range(9))
    assert await positioned.warnings(transfer_id) == set()


async def test_a_decision_while_the_target_is_checked_is_not_lost(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=KNOWN)
    while (await engine.load(transfer_id)).phase is not Phase.VERIFY:
        assert await engine.step()
    engine.target.know(target_track(2))
    is_decided = asyncio.Event()

    async def on_call(operation: str) -> None:
        if operation.startswith("read_target") and not is_decided.is_set():
            is_decided.set()
            await decide(engine, transfer_id, 2, choose(2))

    engine.target.on_call = on_call
    await engine.run()

    assert is_decided.is_set()
    assert sorted(engine.target.ids_of()) == target_ids(range(5))
    assert await engine.state(transfer_id) is State.COMPLETED
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 5}


async def test_a_decision_after_the_end_is_inserted_at_its_place(positioned: Engine) -> None:
    transfer_id = await completed(positioned)

    goes_on = await decide(positioned, transfer_id, 2, choose(2))
    reopened = await positioned.load(transfer_id)
    await positioned.run()

    assert goes_on
    assert (reopened.state, reopened.phase, reopened.finished_at) == (State.RUNNING, Phase.WRITE, None)
    assert positioned.target.ids_of() == target_ids(range(5))
    done = await positioned.load(transfer_id)
    assert (done.state, done.is_target_claimed) == (State.COMPLETED, False)
    assert done.finished_at is not None
    assert await positioned.warnings(transfer_id) == set()


async def test_where_nothing_can_be_inserted_it_is_added_at_the_end_and_told(appending: Engine) -> None:
    transfer_id = await completed(appending)

    await decide(appending, transfer_id, 2, choose(2))
    await appending.run()

    assert appending.target.ids_of() == target_ids([0, 1, 3, 4, 2])
    assert await appending.state(transfer_id) is State.COMPLETED
    assert await appending.warnings(transfer_id) == {"added_at_end"}


async def test_several_decisions_after_the_end_are_all_written(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=[0, 4])
    await engine.run()
    engine.target.know(*(target_track(number) for number in (1, 2, 3)))

    went_on = [await decide(engine, transfer_id, number, choose(number)) for number in (3, 1, 2)]
    await engine.run()

    assert went_on == [True, False, False]
    assert sorted(engine.target.ids_of()) == target_ids(range(5))
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 5}


async def test_a_late_decision_whose_write_is_lost_is_not_written_twice(engine: Engine) -> None:
    transfer_id = await completed(engine)
    engine.target.add_mishaps.append(Lost())

    await decide(engine, transfer_id, 2, choose(2))
    await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids(range(5))
    assert await engine.state(transfer_id) is State.COMPLETED


async def test_a_late_decision_whose_worker_dies_after_the_send_is_written_once(engine: Engine) -> None:
    transfer_id = await completed(engine)
    engine.target.add_mishaps.append(Lost(error=Death()))
    await decide(engine, transfer_id, 2, choose(2))
    await engine.step(phase="write")
    is_open = await engine.intent_count()

    await engine.run()

    assert is_open == 1
    assert sorted(engine.target.ids_of()) == target_ids(range(5))
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 5}


async def test_what_a_user_has_removed_since_stays_removed(engine: Engine) -> None:
    transfer_id = await completed(engine)
    engine.target.ids_of().remove(TrackId("t1"))

    await decide(engine, transfer_id, 2, choose(2))
    await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids([0, 2, 3, 4])
    assert await engine.state(transfer_id) is State.COMPLETED
    assert "target_edited" in await engine.warnings(transfer_id)


async def test_a_late_decision_finds_room_in_a_playlist_that_was_cut_short(engine: Engine) -> None:
    transfer_id = await completed(engine)
    engine.target.ids_of()[:] = target_ids([4])

    await decide(engine, transfer_id, 2, choose(2))
    await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids([2, 4])
    assert (await engine.outcomes(transfer_id))[2] is Outcome.CHOSEN_BY_USER
    assert await engine.state(transfer_id) is State.COMPLETED


async def test_a_late_decision_that_vanishes_is_written_again(engine: Engine) -> None:
    transfer_id = await completed(engine)
    await decide(engine, transfer_id, 2, choose(2))
    await engine.step(phase="write")
    engine.target.ids_of().remove(TrackId("t2"))

    await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids(range(5))


async def test_what_stands_in_an_existing_target_is_not_added_by_a_decision(engine: Engine) -> None:
    engine.target.place("mix", track_ids=target_ids([2]))
    transfer_id = await completed(engine, playlist="mix", on_duplicate="skip")

    goes_on = await decide(engine, transfer_id, 2, choose(2))
    again = await decide(engine, transfer_id, 2, choose(2))

    assert (goes_on, again) == (False, False)
    assert (await engine.outcomes(transfer_id))[2] is Outcome.ALREADY_PRESENT
    assert await engine.state(transfer_id) is State.COMPLETED


async def test_the_same_decision_again_changes_nothing(engine: Engine) -> None:
    transfer_id = await completed(engine)
    await decide(engine, transfer_id, 2, choose(2))
    decided = await engine.load(transfer_id)

    again = await decide(engine, transfer_id, 2, choose(2))

    assert not again
    assert await engine.load(transfer_id) == decided
    await engine.run()
    assert await decide(engine, transfer_id, 2, choose(2)) is False
    assert await engine.state(transfer_id) is State.COMPLETED


async def test_a_track_is_left_out_and_may_be_chosen_after_all(engine: Engine) -> None:
    transfer_id = await completed(engine)
    revision = (await engine.load(transfer_id)).revision

    left_out = await decide(engine, transfer_id, 2, Choice(target=None))
    after = await engine.load(transfer_id)
    outcome = (await engine.outcomes(transfer_id))[2]
    await decide(engine, transfer_id, 2, choose(2))
    await engine.run()

    assert not left_out
    assert outcome is Outcome.SKIPPED_BY_USER
    assert (after.state, after.revision) == (State.COMPLETED, revision + 1)
    assert sorted(engine.target.ids_of()) == target_ids(range(5))


async def test_a_decision_is_remembered_for_the_next_transfer(engine: Engine) -> None:
    transfer_id = await completed(engine)
    await decide(engine, transfer_id, 2, choose(77, is_remembered=True))
    await engine.run()

    second_id = await engine.transfer(range(5), known=KNOWN)
    await engine.run()

    assert engine.target.ids_of("made-2") == target_ids([0, 1, 77, 3, 4])
    assert (await engine.outcomes(second_id))[2] is Outcome.CHOSEN_BY_USER


async def test_of_many_decisions_at_once_one_opens_the_transfer_again(engine: Engine) -> None:
    transfer_id = await completed(engine)

    went_on = await asyncio.gather(*(decide(engine, transfer_id, 2, choose(2)) for _ in range(8)))
    await engine.run()

    assert sorted(went_on) == [False] * 7 + [True]
    assert sorted(engine.target.ids_of()) == target_ids(range(5))


async def test_an_undo_takes_late_decisions_back_with_the_rest(engine: Engine) -> None:
    engine.target.place("mix", track_ids=[TrackId("theirs")])
    transfer_id = await completed(engine, playlist="mix")
    await decide(engine, transfer_id, 2, choose(2))
    await engine.run()

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.ids_of("mix") == ["theirs"]
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 5}


async def test_a_transfer_is_opened_again_as_often_as_there_is_something_to_decide(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=[0, 4])
    await engine.run()
    for number in (3, 1):
        engine.target.know(target_track(number))
        await decide(engine, transfer_id, number, choose(number))
        await engine.run()
    engine.target.ids_of().remove(TrackId("t3"))

    await decide(engine, transfer_id, 2, choose(2))
    await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids([0, 1, 2, 4])
    assert await engine.state(transfer_id) is State.COMPLETED


async def test_a_decision_for_a_playlist_that_was_deleted_says_so(engine: Engine) -> None:
    transfer_id = await completed(engine)
    engine.target.playlists.clear()

    await decide(engine, transfer_id, 2, choose(2))
    await engine.run()

    failed = await engine.load(transfer_id)
    assert (failed.state, failed.error_text) == (State.FAILED, "There is no such playlist.")
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.READY: 1}


async def test_a_failed_transfer_writes_the_decision_when_it_is_tried_again(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=KNOWN)
    await engine.reach_first_batch()
    await engine.pool.execute("UPDATE transfers SET state = 'failed', error_code = 'x', error_text = 'x'")
    await engine.pool.execute("UPDATE jobs SET state = 'dead' WHERE state = 'open'")

    goes_on = await decide(engine, transfer_id, 2, choose(2))
    user_id = (await engine.load(transfer_id)).user_id
    await apply(engine.pool, transfer_id, user_id=user_id, control=Control.RETRY)
    await engine.run()

    assert not goes_on
    assert engine.target.ids_of() == target_ids(range(5))


async def test_a_review_is_decided_by_its_candidate_with_its_evidence(engine: Engine) -> None:
    transfer_id = await engine.transfer([0, 1], known=[0])
    near = msgspec.structs.replace(target_track(1), id=TrackId("near"), isrc=None, duration_ms=None)
    engine.target.know(near)
    await engine.run_phase("read")
    await engine.run_phase("match")
    evidence = Evidence(title=0.75, doubts=("one is longer",))
    async with engine.pool.acquire() as connection:
        await items.settle(
            connection, transfer_id, [Settled(position=1, outcome=Outcome.REVIEW, reason="Not certain.")]
        )

    await decide(engine, transfer_id, 1, Choice(target=near, score=0.75, evidence=evidence))
    await engine.run()

    item = (await engine.items(transfer_id))[1]
    assert (item.outcome, item.target, item.score, item.is_written) == (
        Outcome.CHOSEN_BY_USER,
        near,
        0.75,
        True,
    )
    assert item.evidence == evidence
