"""What a retry means: which items, and what is not chosen for them again."""

import msgspec
import pytest

from shared.db.retries import RetryScope
from shared.lifecycle import Bucket, State
from shared.models import NotTransferable, Outcome, SourceItem, Track, TrackId, TransferId
from tests.integration.worker.deciding import choose, completed, decide
from tests.integration.worker.engine import Engine, target_ids, target_track
from tests.integration.worker.retrying import either_class, let_answers_age, mixed, retry

pytestmark = pytest.mark.integration

GONE, OTHER = TrackId("t2"), TrackId("u2")


def pressing(track_id: TrackId = OTHER) -> Track:
    return msgspec.structs.replace(target_track(2), id=track_id)


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
