"""Decisions that are refused: too early, too late, for nothing, or by somebody else."""

import pytest

from shared.db import match_rules, reviews
from shared.db.control import Control, apply
from shared.errors import NotFound, StateConflict
from shared.models import Outcome, Platform, TransferId
from tests.integration.worker.deciding import KNOWN, choose, completed, decide
from tests.integration.worker.engine import Engine, source_track, target_ids

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("position", [-1, 5, 2_000_000_000])
async def test_a_position_that_is_none_is_not_found(engine: Engine, position: int) -> None:
    transfer_id = await completed(engine)

    with pytest.raises(NotFound):
        await decide(engine, transfer_id, position, choose(2))


async def test_a_transfer_of_somebody_else_is_not_found(engine: Engine) -> None:
    transfer_id = await completed(engine)
    other_id = await engine.transfer([1], user="noor")
    stranger = (await engine.load(other_id)).user_id

    with pytest.raises(NotFound):
        await reviews.decide(engine.pool, transfer_id, user_id=stranger, position=2, choice=choose(2))

    assert (await engine.outcomes(transfer_id))[2] is Outcome.NO_CANDIDATE
    assert await match_rules_of(engine, transfer_id) == 0


async def match_rules_of(engine: Engine, transfer_id: TransferId) -> int:
    user_id = (await engine.load(transfer_id)).user_id
    rules = await match_rules.of_tracks(
        engine.pool,
        user_id,
        platforms=(Platform.SPOTIFY, Platform.APPLE_MUSIC),
        track_ids=[source_track(number).id for number in range(5)],
    )
    return len(rules)


async def test_what_is_matched_stays_and_nothing_is_remembered(engine: Engine) -> None:
    transfer_id = await completed(engine)

    with pytest.raises(StateConflict, match="PUT /rules"):
        await decide(engine, transfer_id, 1, choose(77, is_remembered=True))

    assert await match_rules_of(engine, transfer_id) == 0
    assert engine.target.ids_of() == target_ids([0, 1, 3, 4])


async def test_what_was_not_looked_up_yet_cannot_be_decided(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=KNOWN)
    await engine.run_phase("read")

    with pytest.raises(StateConflict, match="not been looked up"):
        await decide(engine, transfer_id, 2, choose(2))


async def test_a_cancelled_transfer_takes_no_decision(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5), known=KNOWN)
    await engine.run_phase("read")
    await engine.run_phase("match")
    user_id = (await engine.load(transfer_id)).user_id
    await apply(engine.pool, transfer_id, user_id=user_id, control=Control.CANCEL)

    with pytest.raises(StateConflict, match="cancelled"):
        await decide(engine, transfer_id, 2, choose(2))


async def test_an_undone_transfer_takes_no_decision_and_the_undo_neither(engine: Engine) -> None:
    transfer_id = await completed(engine)
    undo_id = await engine.undo(transfer_id)

    with pytest.raises(StateConflict, match="undone"):
        await decide(engine, transfer_id, 2, choose(2))
    with pytest.raises(StateConflict, match="undo"):
        await decide(engine, undo_id, 1, choose(2))


async def test_a_playlist_that_another_transfer_writes_to_waits_for_its_decision(engine: Engine) -> None:
    engine.target.place("mix")
    first = await completed(engine, playlist="mix")
    await engine.transfer([7, 8], playlist="mix")
    await engine.reach_first_batch()

    with pytest.raises(StateConflict, match="Another transfer"):
        await decide(engine, first, 2, choose(2))

    assert (await engine.outcomes(first))[2] is Outcome.NO_CANDIDATE
    await engine.run()
    assert await decide(engine, first, 2, choose(2))
    await engine.run()
    assert sorted(engine.target.ids_of("mix")) == target_ids([0, 1, 2, 3, 4, 7, 8])
