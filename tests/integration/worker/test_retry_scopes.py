"""What a retry means: which items, in which state, and when it means nothing."""

import asyncio

import msgspec
import pytest

from shared.db import retries, users
from shared.db.control import Control, apply
from shared.db.retries import RetryScope
from shared.errors import NotFound, PlatformRejected, PlatformUnavailable, RateLimited, StateConflict
from shared.lifecycle import Bucket, State
from shared.models import NotTransferable, Outcome, SourceItem, Track, TrackId, TransferId
from tests.fakes.adapter import Lost
from tests.integration.worker.deciding import choose, completed, decide
from tests.integration.worker.engine import Engine, target_ids, target_track
from tests.integration.worker.retrying import either_class, let_answers_age, retry

pytestmark = pytest.mark.integration

GONE, OTHER = TrackId("t2"), TrackId("u2")


def pressing(track_id: TrackId = OTHER) -> Track:
    return msgspec.structs.replace(target_track(2), id=track_id)


async def mixed(engine: Engine) -> TransferId:
    """Complete a transfer with an item that failed in its look-up, one without a match, and others."""
    engine.target.search_errors.append(
        PlatformRejected("Odd query.", platform="apple_music", operation="search", status=400)
    )
    transfer_id = await engine.transfer([0, 1, 2, 3, 4, 5], known=[0, 3, 4, 5])
    await engine.run_phase("read")
    await engine.run_phase("match")
    for position, outcome in ((3, "review"), (4, "skipped_by_user"), (5, "not_transferable")):
        await engine.pool.execute("UPDATE items SET outcome = $2 WHERE position = $1", position, outcome)
    await engine.run()
    assert sorted((await engine.outcomes(transfer_id))[1:3]) == [Outcome.FAILED, Outcome.NO_CANDIDATE]
    engine.target.know(target_track(1), target_track(2))
    await let_answers_age(engine)
    return transfer_id


@pytest.mark.parametrize(
    ("scope", "tried"),
    [
        (RetryScope.UNMATCHED, {Outcome.NO_CANDIDATE}),
        (RetryScope.FAILED, {Outcome.FAILED}),
        (RetryScope.ALL, {Outcome.NO_CANDIDATE, Outcome.FAILED}),
        (None, {Outcome.NO_CANDIDATE, Outcome.FAILED}),
    ],
)
@either_class
async def test_exactly_what_is_meant_is_tried_again(
    engine: Engine, scope: RetryScope | None, tried: set[Outcome]
) -> None:
    transfer_id = await mixed(engine)
    before = await engine.outcomes(transfer_id)

    await retry(engine, transfer_id, scope)
    opened = await engine.outcomes(transfer_id)
    await engine.run()

    assert opened == [Outcome.PENDING if outcome in tried else outcome for outcome in before]
    assert await engine.outcomes(transfer_id) == [
        Outcome.EXACT if outcome in tried else outcome for outcome in before
    ]


async def refused(engine: Engine, *others: Track) -> TransferId:
    """Complete a transfer whose third track the platform offers and refuses; then let others appear."""
    engine.target.poison = {GONE}
    transfer_id = await engine.transfer(range(5))
    await engine.run()
    assert (await engine.outcomes(transfer_id))[2] is Outcome.FAILED
    engine.target.know(*others)
    await let_answers_age(engine)
    return transfer_id


async def test_a_refused_track_is_not_chosen_again_where_there_is_another(positioned: Engine) -> None:
    transfer_id = await refused(positioned, pressing())
    positioned.target.added_batches.clear()
    positioned.target.calls.clear()

    await retry(positioned, transfer_id, RetryScope.FAILED)
    await positioned.run()

    assert positioned.target.ids_of() == [TrackId("t0"), TrackId("t1"), OTHER, TrackId("t3"), TrackId("t4")]
    assert positioned.target.called("add_tracks") == 1


async def test_where_there_is_nothing_but_what_was_refused_nothing_is_sent(engine: Engine) -> None:
    transfer_id = await refused(engine)
    engine.target.calls.clear()

    await retry(engine, transfer_id, RetryScope.FAILED)
    await engine.run()

    item = (await engine.items(transfer_id))[2]
    assert (item.outcome, item.target) == (Outcome.FAILED, None)
    assert "would not take" in item.reason
    assert engine.target.called("add_tracks") == 0
    assert await engine.state(transfer_id) is State.COMPLETED


@either_class
async def test_what_was_refused_once_more_is_remembered_with_the_first(engine: Engine) -> None:
    third = pressing(TrackId("v2"))
    transfer_id = await refused(engine, pressing())
    engine.target.poison.add(OTHER)
    await retry(engine, transfer_id)
    await engine.run()
    engine.target.know(third)
    await let_answers_age(engine)
    engine.target.calls.clear()

    await retry(engine, transfer_id)
    await engine.run()

    assert third.id in engine.target.ids_of()
    assert engine.target.called("add_tracks") == 1
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 5}


async def test_a_track_that_was_never_answered_is_tried_again(engine: Engine) -> None:
    engine.target.poison, engine.target.poison_breaks = {GONE}, True
    transfer_id = await engine.transfer(range(5))
    await engine.run()
    assert (await engine.outcomes(transfer_id))[2] is Outcome.FAILED
    engine.target.poison.clear()

    await retry(engine, transfer_id, RetryScope.FAILED)
    await engine.run()

    assert sorted(engine.target.ids_of()) == target_ids(range(5))


async def test_what_found_no_room_is_added_when_there_is_some_and_looked_up_by_nobody(engine: Engine) -> None:
    engine.target.capabilities = msgspec.structs.replace(engine.target.capabilities, playlist_limit=3)
    transfer_id = await engine.transfer(range(5))
    await engine.run()
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 3, Bucket.FAILED: 2}
    engine.target.capabilities = msgspec.structs.replace(engine.target.capabilities, playlist_limit=5)
    await let_answers_age(engine)
    engine.target.calls.clear()

    await retry(engine, transfer_id, RetryScope.FAILED)
    await engine.run()

    assert engine.target.ids_of() == target_ids(range(5))
    assert engine.target.called("find_by_isrc") == engine.target.called("search") == 0


@either_class
async def test_what_a_user_has_chosen_stays_chosen(engine: Engine) -> None:
    engine.target.poison = {TrackId("t77")}
    transfer_id = await completed(engine)
    await decide(engine, transfer_id, 2, choose(77))
    await engine.run()
    assert (await engine.outcomes(transfer_id))[2] is Outcome.FAILED
    engine.target.poison.clear()
    await let_answers_age(engine)

    await retry(engine, transfer_id, RetryScope.FAILED)
    await engine.run()

    assert TrackId("t77") in engine.target.ids_of()
    assert (await engine.outcomes(transfer_id))[2] is Outcome.CHOSEN_BY_USER


@either_class
async def test_a_choice_for_what_has_no_track_of_its_own_is_tried_again(engine: Engine) -> None:
    transfer_id = await engine.transfer([0, 1])
    (source,) = engine.source.sources.values()
    source[1] = SourceItem(not_transferable=NotTransferable.LOCAL_FILE, title="Garage Tape")
    await engine.run()
    engine.target.poison = {TrackId("t77")}
    await decide(engine, transfer_id, 1, choose(77))
    await engine.run()
    engine.target.poison.clear()

    await retry(engine, transfer_id)
    await engine.run()

    assert engine.target.ids_of() == target_ids([0, 77])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 2}


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

    with pytest.raises(StateConflict, match="Another transfer"):
        await retry(engine, first)

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
