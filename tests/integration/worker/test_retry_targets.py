"""Retries and the target: what others do to it, what stood there, who dies or decides meanwhile."""

import asyncio

import pytest

from shared.db import match_rules
from shared.errors import StateConflict
from shared.lifecycle import Bucket, State
from shared.models import Outcome, Platform, Track, TrackId, TransferId
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.deciding import choose, completed, decide
from tests.integration.worker.engine import Engine, source_track, target_ids, target_track
from tests.integration.worker.retrying import (
    aged,
    either_class,
    let_answers_age,
    look_up_count,
    retry,
)

pytestmark = pytest.mark.integration


async def test_what_a_user_has_removed_since_stays_removed(engine: Engine) -> None:
    transfer_id = await aged(engine)
    engine.target.ids_of().remove(TrackId("t1"))

    await retry(engine, transfer_id)
    await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids([0, 2, 3, 4])
    assert await engine.state(transfer_id) is State.COMPLETED
    assert "target_edited" in await engine.warnings(transfer_id)


async def test_what_was_found_now_and_vanishes_is_written_again(engine: Engine) -> None:
    transfer_id = await aged(engine)
    await retry(engine, transfer_id)
    await engine.run_phase("match")
    await engine.step(phase="write")
    engine.target.ids_of().remove(TrackId("t2"))
    engine.target.ids_of().remove(TrackId("t0"))

    await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids([1, 2, 3, 4])


async def test_a_second_retry_proves_only_its_own(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=[0, 3, 4])
    await engine.run()
    for number in (1, 2):
        engine.target.know(target_track(number))
        await let_answers_age(engine)
        await retry(engine, transfer_id)
        await engine.run()
        engine.target.ids_of().remove(TrackId(f"t{number}"))

    assert sorted(engine.target.ids_of()) == target_ids([0, 3, 4])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 5}


@pytest.mark.parametrize(
    "mishap", [Lost(), Lost(error=Death()), Lost(applied_count=1), Lost(applied_count=0)]
)
async def test_a_write_without_an_answer_adds_nothing_twice(engine: Engine, mishap: Lost) -> None:
    transfer_id = await engine.transfer(range(6), known=[0, 1, 5])
    await engine.run()
    engine.target.know(*map(target_track, range(6)))
    await let_answers_age(engine)
    engine.target.add_mishaps.append(mishap)

    await retry(engine, transfer_id)
    await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids(range(6))
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 6}


@either_class
async def test_a_worker_that_dies_while_it_looks_up_leaves_its_work_to_another(engine: Engine) -> None:
    transfer_id = await aged(engine)
    deaths = [Death()]

    async def die(operation: str) -> None:
        if operation == "find_by_isrc" and deaths:
            raise deaths.pop()

    engine.target.on_call = die
    await retry(engine, transfer_id)
    await engine.step(phase="match")
    assert not deaths

    await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids(range(5))


@either_class
async def test_whoever_matched_it_the_first_time_and_wakes_up_late_changes_nothing(engine: Engine) -> None:
    transfer_id = await aged(engine)
    await retry(engine, transfer_id)
    row = await engine.pool.fetchrow("SELECT id, epoch FROM jobs WHERE phase = 'match'")
    assert row is not None

    changed = await engine.pool.fetchval(
        "UPDATE jobs SET state = 'done' WHERE id = $1 AND epoch = $2 AND state = 'open' RETURNING true",
        row["id"],
        row["epoch"] - 1,
    )

    assert not changed
    assert row["epoch"] == 2
    await engine.run()
    assert sorted(engine.target.ids_of()) == target_ids(range(5))


@either_class
async def test_rules_that_were_made_meanwhile_hold(engine: Engine) -> None:
    transfer_id = await completed(engine)
    count = look_up_count(engine)
    await rule(engine, transfer_id, 2, target=target_track(77))

    await retry(engine, transfer_id)
    await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids([0, 1, 3, 4, 77])
    assert look_up_count(engine) == count
    assert (await engine.outcomes(transfer_id))[2] is Outcome.CHOSEN_BY_USER


async def rule(engine: Engine, transfer_id: TransferId, number: int, *, target: Track | None) -> None:
    user_id = (await engine.load(transfer_id)).user_id
    async with engine.pool.acquire() as connection:
        await match_rules.put(
            connection,
            user_id,
            source=source_track(number),
            target_platform=Platform.APPLE_MUSIC,
            target=target,
        )


async def test_what_an_existing_target_has_already_is_not_added(engine: Engine) -> None:
    engine.target.place("mix", track_ids=target_ids([2, 90]))
    transfer_id = await engine.transfer([0, 2, 1, 2, 2], known=[0, 1], playlist="mix", on_duplicate="skip")
    await engine.run()
    engine.target.know(target_track(2))
    await let_answers_age(engine)

    await retry(engine, transfer_id)
    await engine.run()

    assert sorted(engine.target.ids_of("mix")) == sorted(target_ids([2, 90, 0, 1, 2, 2]))
    assert (await engine.outcomes(transfer_id))[1] is Outcome.ALREADY_PRESENT
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.ALREADY_PRESENT: 1}


@either_class
async def test_each_row_of_an_existing_target_counts_once_over_all_batches(engine: Engine) -> None:
    engine.target.place("mix", track_ids=target_ids([2, 2]))
    numbers = [2, 0, 1, 3, 4, 2, 5, 6, 7, 8, 2]
    known = [number for number in numbers if number != 2]
    transfer_id = await engine.transfer(numbers, known=known, playlist="mix", on_duplicate="skip")
    await engine.run()
    engine.target.know(target_track(2))
    await let_answers_age(engine)

    await retry(engine, transfer_id)
    await engine.run()

    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 9, Bucket.ALREADY_PRESENT: 2}
    assert engine.target.ids_of("mix").count(TrackId("t2")) == 3


@either_class
async def test_duplicates_are_kept_where_that_is_wished(engine: Engine) -> None:
    engine.target.place("mix", track_ids=target_ids([2]))
    transfer_id = await aged(engine, playlist="mix", on_duplicate="keep")

    await retry(engine, transfer_id)
    await engine.run()

    assert engine.target.ids_of("mix").count(TrackId("t2")) == 2
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 5}


@either_class
async def test_many_wishes_at_once_open_it_once(engine: Engine) -> None:
    transfer_id = await aged(engine)

    were_new = await asyncio.gather(*(retry(engine, transfer_id) for _ in range(8)))
    await engine.run()

    assert sorted(were_new) == [False] * 7 + [True]
    assert sorted(engine.target.ids_of()) == target_ids(range(5))


async def test_a_late_decision_during_a_retry_is_written_with_it(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=[0, 1, 4])
    await engine.run()
    engine.target.know(target_track(2), target_track(3))
    async with engine.pool.acquire() as connection:
        await connection.execute("UPDATE items SET outcome = 'review' WHERE position = 3")
    await let_answers_age(engine)
    await retry(engine, transfer_id)

    goes_on = await decide(engine, transfer_id, 3, choose(3))
    await engine.run()

    assert not goes_on
    assert sorted(engine.target.ids_of()) == target_ids(range(5))
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 5}


@pytest.mark.parametrize("turn", range(2))
@either_class
async def test_a_retry_and_a_late_decision_at_once_add_each_track_once(engine: Engine, turn: int) -> None:
    transfer_id = await engine.transfer(range(5), known=[0, 1, 4])
    await engine.run()
    engine.target.know(target_track(2), target_track(3))
    await engine.pool.execute("UPDATE items SET outcome = 'review' WHERE position = 3")
    await let_answers_age(engine)
    wishes = [retry(engine, transfer_id), decide(engine, transfer_id, 3, choose(3))]

    told = await asyncio.gather(*(wishes if turn % 2 else reversed(wishes)), return_exceptions=True)
    await engine.run()
    assert all(isinstance(one, bool | StateConflict) for one in told)
    if (await engine.outcomes(transfer_id))[2] is Outcome.NO_CANDIDATE:  # the decision was first
        await retry(engine, transfer_id)
        await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids(range(5))
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 5}


async def test_an_undo_takes_what_was_found_later_back_with_the_rest(engine: Engine) -> None:
    engine.target.place("mix", track_ids=[TrackId("theirs")])
    transfer_id = await aged(engine, playlist="mix")
    await retry(engine, transfer_id)
    await engine.run()

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.ids_of("mix") == ["theirs"]
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 5}
