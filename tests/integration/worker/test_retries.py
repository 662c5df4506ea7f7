"""What a completed transfer has not moved is tried again: found at its place, or still missing."""

import msgspec
import pytest

from shared.db.retries import RetryScope
from shared.errors import RateLimited
from shared.lifecycle import Bucket, Phase, State
from shared.models import Isrc, Outcome, TrackId
from tests.integration.worker.deciding import KNOWN, completed
from tests.integration.worker.engine import Engine, target_ids, target_track
from tests.integration.worker.retrying import (
    JUST_NOW_S,
    aged,
    either_class,
    let_answers_age,
    pass_time,
    retry,
)

pytestmark = pytest.mark.integration

ISRC = Isrc("XXAAA2600002")


async def test_what_is_there_by_now_is_inserted_at_its_place(positioned: Engine) -> None:
    transfer_id = await aged(positioned)
    before = await positioned.load(transfer_id)

    is_new = await retry(positioned, transfer_id)
    opened = await positioned.load(transfer_id)
    outcomes = await positioned.outcomes(transfer_id)
    await positioned.run()

    assert is_new
    assert (opened.state, opened.phase, opened.finished_at) == (State.RUNNING, Phase.MATCH, None)
    assert (opened.is_target_claimed, opened.revision) == (True, before.revision + 1)
    assert outcomes == [Outcome.EXACT] * 2 + [Outcome.PENDING] + [Outcome.EXACT] * 2
    assert positioned.target.ids_of() == target_ids(range(5))
    done = await positioned.load(transfer_id)
    assert (done.state, done.is_target_claimed) == (State.COMPLETED, False)
    assert done.finished_at is not None
    assert await positioned.warnings(transfer_id) == set()


async def test_where_nothing_can_be_inserted_it_is_added_at_the_end_and_told(appending: Engine) -> None:
    transfer_id = await aged(appending)

    await retry(appending, transfer_id)
    await appending.run()

    assert appending.target.ids_of() == target_ids([0, 1, 3, 4, 2])
    assert await appending.buckets(transfer_id) == {Bucket.WRITTEN: 5}
    assert await appending.warnings(transfer_id) == {"added_at_end"}


async def test_counts_sum_up_and_revisions_rise_at_every_step(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(14), known=[0, 3, 4, 7, 13])
    await engine.run()
    engine.target.know(*map(target_track, range(14)))
    await let_answers_age(engine)
    revisions = [(await engine.load(transfer_id)).revision]

    await retry(engine, transfer_id)
    while await engine.state(transfer_id) is not State.COMPLETED:
        if not await engine.step():
            await engine.skip(60)
        revisions.append((await engine.load(transfer_id)).revision)
        assert sum((await engine.buckets(transfer_id)).values()) == 14

    assert revisions == sorted(revisions)
    assert sorted(engine.target.ids_of()) == sorted(target_ids(range(14)))


@either_class
async def test_only_the_batches_that_lack_something_are_matched_again(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(14), known=[number for number in range(14) if number != 6])
    await engine.run()
    job_count = await engine.pool.fetchval("SELECT count(*) FROM jobs WHERE phase = 'match'")

    await retry(engine, transfer_id)

    jobs = await engine.pool.fetch("SELECT * FROM jobs WHERE phase = 'match' ORDER BY batch")
    assert [(job["state"], job["first_position"], job["last_position"]) for job in jobs] == [
        ("done", 0, 4),
        ("open", 5, 9),
        ("done", 10, 13),
    ]
    assert len(jobs) == job_count


@either_class
async def test_fresh_answers_are_believed_and_cost_the_platform_nothing(engine: Engine) -> None:
    transfer_id = await completed(engine)
    await let_answers_age(engine, JUST_NOW_S)
    before = list(engine.target.calls)

    for _ in range(3):
        assert await retry(engine, transfer_id)
        await engine.run()

    assert engine.target.calls == before
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.UNMATCHED: 1}
    assert await engine.state(transfer_id) is State.COMPLETED
    assert await engine.warnings(transfer_id) == set()


@either_class
async def test_old_answers_are_asked_for_again_and_only_for_what_is_missing(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=KNOWN)
    await engine.run()
    await let_answers_age(engine)
    engine.target.asked_isrcs.clear()

    await retry(engine, transfer_id)
    await engine.run()
    asked = list(engine.target.asked_isrcs)
    await retry(engine, transfer_id)
    await engine.run()

    assert asked == engine.target.asked_isrcs == [ISRC]
    assert (await engine.outcomes(transfer_id))[2] is Outcome.NO_CANDIDATE


@either_class
async def test_an_old_answer_that_offered_another_version_only_is_asked_for_again(engine: Engine) -> None:
    live = msgspec.structs.replace(
        target_track(2), id=TrackId("live"), title="Lantern 2 (Live)", isrc=None, album=None
    )
    engine.target.know(live)
    transfer_id = await engine.transfer([0, 2], known=[0])
    await engine.run()
    assert (await engine.outcomes(transfer_id))[1] is Outcome.ONLY_OTHER_VERSION
    engine.target.know(msgspec.structs.replace(target_track(2), isrc=None))
    await let_answers_age(engine)

    await retry(engine, transfer_id, RetryScope.UNMATCHED)
    await engine.run()

    assert engine.target.ids_of() == target_ids([0, 2])


@either_class
async def test_answers_of_this_retry_are_believed_however_long_it_takes(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=[])
    await engine.run()
    await let_answers_age(engine)
    await retry(engine, transfer_id)
    engine.target.search_errors += [
        RateLimited("Wait.", platform="apple_music", operation="search", retry_after_s=30)
    ] * 5
    await engine.step(phase="match")
    assert await engine.outcomes(transfer_id) == [Outcome.DEFERRED] * 5
    engine.target.search_errors.clear()
    engine.target.asked_isrcs.clear()
    engine.target.asked_texts.clear()

    await pass_time(engine, 7200)
    await engine.run()

    assert engine.target.asked_isrcs == []
    assert engine.target.asked_texts
    assert await engine.buckets(transfer_id) == {Bucket.UNMATCHED: 5}


@either_class
async def test_a_retry_that_finds_nothing_ends_as_before(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=KNOWN)
    await engine.run()
    await let_answers_age(engine)
    adds, reads = engine.target.called("add_tracks"), engine.target.called("read_target_page")

    await retry(engine, transfer_id)
    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 4, Bucket.UNMATCHED: 1}
    assert engine.target.called("add_tracks") == adds
    assert engine.target.called("read_target_page") == reads
