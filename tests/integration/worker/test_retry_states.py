"""When a retry means something, when it is done already, and when it is refused."""

import asyncio

import pytest

from shared.db import retries, users
from shared.db.control import Control, apply
from shared.db.retries import RetryScope
from shared.errors import NotFound, PlatformUnavailable, RateLimited, StateConflict
from shared.lifecycle import Bucket, State
from shared.models import Outcome, TrackId
from tests.fakes.adapter import Lost
from tests.integration.worker.deciding import choose, completed, decide
from tests.integration.worker.engine import Engine, target_ids, target_track
from tests.integration.worker.retrying import either_class, let_answers_age, mixed, retry

pytestmark = pytest.mark.integration


@either_class
async def test_the_same_wish_again_while_it_is_done_changes_nothing(engine: Engine) -> None:
    transfer_id = await mixed(engine)
    await retry(engine, transfer_id, RetryScope.UNMATCHED)
    opened = await engine.load(transfer_id)

    repeated = [await retry(engine, transfer_id, RetryScope.UNMATCHED), await retry(engine, transfer_id)]

    assert repeated == [False, False]
    assert await engine.load(transfer_id) == opened
    with pytest.raises(StateConflict, match="running") as refusal:
        await retry(engine, transfer_id, RetryScope.FAILED)
    assert refusal.value.extras == {"state": "running"}


@either_class
async def test_a_retry_may_wait_like_any_transfer(engine: Engine) -> None:
    transfer_id = await mixed(engine)
    await retry(engine, transfer_id, RetryScope.ALL)
    user_id = (await engine.load(transfer_id)).user_id
    await apply(engine.pool, transfer_id, user_id=user_id, control=Control.PAUSE)

    assert not await retry(engine, transfer_id, RetryScope.ALL)
    assert await engine.state(transfer_id) is State.PAUSED
    assert not await engine.step()
    with pytest.raises(StateConflict, match="paused"):
        await retry(engine, transfer_id, RetryScope.FAILED)
    await apply(engine.pool, transfer_id, user_id=user_id, control=Control.RESUME)
    await engine.run()
    assert await engine.state(transfer_id) is State.COMPLETED


@pytest.mark.parametrize("scope", [RetryScope.UNMATCHED, RetryScope.FAILED, RetryScope.ALL])
@either_class
async def test_a_transfer_that_runs_for_the_first_time_is_let_run(engine: Engine, scope: RetryScope) -> None:
    transfer_id = await engine.transfer(range(5), known=[])
    await engine.run_phase("read")
    await engine.run_phase("match")

    with pytest.raises(StateConflict, match="running"):
        await retry(engine, transfer_id, scope)


@either_class
async def test_nothing_to_retry_says_so_and_changes_nothing(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(3))
    await engine.run()
    before = await engine.load(transfer_id)

    for scope in (RetryScope.UNMATCHED, RetryScope.FAILED, RetryScope.ALL, None):
        with pytest.raises(StateConflict, match="nothing to retry") as refusal:
            await retry(engine, transfer_id, scope)
        assert refusal.value.extras == {"state": "completed"}
    with pytest.raises(StateConflict, match="no look-up"):
        await retry(engine, transfer_id, RetryScope.DEFERRED)

    assert await engine.load(transfer_id) == before


@either_class
async def test_what_was_cancelled_or_undone_or_is_an_undo_is_not_retried(engine: Engine) -> None:
    transfer_id = await completed(engine)
    undo_id = await engine.undo(transfer_id)

    for scope in (None, *RetryScope):
        with pytest.raises(StateConflict, match="undone"):
            await retry(engine, transfer_id, scope)
    for scope in RetryScope:
        with pytest.raises(StateConflict, match="undo"):
            await retry(engine, undo_id, scope)
    await engine.run()
    with pytest.raises(StateConflict, match="undo"):
        await retry(engine, undo_id)

    cancelled_id = await engine.transfer(range(5), known=[])
    user_id = (await engine.load(cancelled_id)).user_id
    await apply(engine.pool, cancelled_id, user_id=user_id, control=Control.CANCEL)
    for _ in range(2):
        with pytest.raises(StateConflict, match="cancelled"):
            await retry(engine, cancelled_id)
        await engine.run()


@pytest.mark.parametrize("turn", range(2))
@either_class
async def test_a_retry_and_an_undo_at_once_exclude_each_other(engine: Engine, turn: int) -> None:
    transfer_id = await completed(engine)
    await let_answers_age(engine)
    wishes = [retry(engine, transfer_id), engine.undo(transfer_id)]

    told = await asyncio.gather(*(wishes if turn % 2 else reversed(wishes)), return_exceptions=True)
    await engine.run()

    assert [isinstance(one, StateConflict) for one in told].count(True) == 1
    is_undone = (await engine.load(transfer_id)).undone_by is not None
    left = [stored.track_ids for stored in engine.target.playlists.values()]
    assert list(map(sorted, left)) == ([] if is_undone else [target_ids(range(5))])


@either_class
async def test_a_retry_of_somebody_elses_transfer_is_not_found(engine: Engine) -> None:
    transfer_id = await completed(engine)
    stranger = await users.ensure(engine.pool, name="noor")

    with pytest.raises(NotFound):
        await retries.retry(engine.pool, transfer_id, user_id=stranger, scope=None)


@either_class
async def test_a_playlist_that_another_transfer_writes_to_waits_for_its_retry(engine: Engine) -> None:
    engine.target.place("mix")
    first = await completed(engine, playlist="mix")
    await let_answers_age(engine)
    await engine.transfer([7, 8], playlist="mix")
    await engine.reach_first_batch()

    with pytest.raises(StateConflict, match="Another transfer") as refusal:
        await retry(engine, first)

    assert refusal.value.extras == {"state": "completed"}
    assert (await engine.outcomes(first))[2] is Outcome.NO_CANDIDATE
    await engine.run()
    assert await retry(engine, first)
    await engine.run()
    assert sorted(engine.target.ids_of("mix")) == target_ids([0, 1, 2, 3, 4, 7, 8])


@either_class
async def test_another_transfer_waits_while_a_retry_holds_the_playlist(engine: Engine) -> None:
    engine.target.place("mix")
    first = await completed(engine, playlist="mix")
    await let_answers_age(engine)
    await retry(engine, first)

    await engine.transfer([7, 8], playlist="mix")
    await engine.run()

    assert sorted(engine.target.ids_of("mix")) == target_ids([0, 1, 2, 3, 4, 7, 8])


@pytest.mark.parametrize("scope", [None, RetryScope.FAILED, RetryScope.ALL])
async def test_a_failed_transfer_goes_on_where_it_was(engine: Engine, scope: RetryScope | None) -> None:
    transfer_id = await engine.transfer(range(6))
    engine.target.add_mishaps.append(Lost())
    await engine.reach_first_batch()
    await engine.step(engine.executor("worker-1", max_attempts=1), phase="write")
    assert await engine.state(transfer_id) is State.FAILED

    for other in (RetryScope.UNMATCHED, RetryScope.DEFERRED):
        with pytest.raises(StateConflict, match="failed"):
            await retry(engine, transfer_id, other)
    assert await retry(engine, transfer_id, scope)
    assert not await retry(engine, transfer_id, scope)
    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert engine.target.ids_of() == target_ids(range(6))


@either_class
async def test_a_retry_that_fails_as_a_whole_is_retried_as_a_whole(engine: Engine) -> None:
    transfer_id = await mixed(engine)
    await retry(engine, transfer_id)
    engine.target.lookup_errors += [
        PlatformUnavailable("Away.", platform="apple_music", operation="find_by_isrc")
    ] * 4
    while await engine.state(transfer_id) is not State.FAILED:
        assert await engine.step(engine.executor("worker-1", max_attempts=1))
    engine.target.lookup_errors.clear()

    await retry(engine, transfer_id)
    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert sorted(engine.target.ids_of()) == target_ids([0, 1, 2])


@either_class
async def test_a_retry_that_fails_as_a_whole_loses_no_choice(engine: Engine) -> None:
    engine.target.poison = {TrackId("t77")}
    transfer_id = await engine.transfer(range(5), known=[0, 1, 4])
    await engine.run()
    await decide(engine, transfer_id, 2, choose(77))
    await engine.run()
    engine.target.know(target_track(3))
    engine.target.poison.clear()
    await let_answers_age(engine)
    await retry(engine, transfer_id)
    engine.connection_error = PlatformUnavailable("Away.", platform="apple_music", operation="token")
    await engine.step(engine.executor("worker-1", max_attempts=1))
    engine.connection_error = None
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 3, Bucket.FAILED: 2}

    await retry(engine, transfer_id)
    await engine.run()

    assert engine.target.ids_of() == target_ids([0, 1, 77, 3, 4])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 5}


def limited(retry_after_s: float) -> RateLimited:
    return RateLimited("Wait.", platform="apple_music", operation="find", retry_after_s=retry_after_s)


@either_class
async def test_look_ups_that_wait_are_hurried_and_no_attempt_is_lost(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(3))
    engine.target.lookup_errors += [
        PlatformUnavailable("Away.", platform="apple_music", operation="find_by_isrc")
    ] * 3
    await engine.run_phase("read")
    await engine.step(phase="match")
    waiting = await engine.job(phase="match")
    engine.target.lookup_errors.clear()
    await engine.pool.execute("UPDATE jobs SET run_at = now() + interval '1 hour' WHERE phase = 'match'")
    assert not await engine.step()

    first, second = [await retry(engine, transfer_id, RetryScope.DEFERRED) for _ in range(2)]

    assert (first, second) == (True, False)
    assert waiting.attempt == 1
    assert (await engine.job(phase="match")).attempt == 0
    assert await engine.step(phase="match")
    assert await engine.outcomes(transfer_id) == [Outcome.EXACT] * 3


@either_class
async def test_a_paused_transfer_stays_paused_though_its_look_ups_are_hurried(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(3))
    engine.target.lookup_errors += [limited(7200)] * 3
    await engine.run_phase("read")
    await engine.step(phase="match")
    paused = await engine.load(transfer_id)
    assert paused.state is State.PAUSED

    await retry(engine, transfer_id, RetryScope.DEFERRED)

    assert await engine.load(transfer_id) == paused
    assert not await engine.step()


@either_class
async def test_where_no_look_up_waits_there_is_none_to_hurry(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(3))
    await engine.run_phase("read")

    with pytest.raises(StateConflict, match="waits") as refusal:
        await retry(engine, transfer_id, RetryScope.DEFERRED)

    assert refusal.value.extras == {"state": "running"}
