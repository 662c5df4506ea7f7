"""Match: half-answered batches keep what they have, and what was not asked is never "not there"."""

from datetime import UTC, datetime

import msgspec
import pytest

from shared.db import control
from shared.db.control import Control
from shared.errors import PlatformRejected, PlatformUnavailable, RateLimited
from shared.lifecycle import PauseReason, State
from shared.models import Explicit, IsrcAgreement, Outcome, TrackId
from tests.integration.worker.engine import Engine, target_ids, target_track

pytestmark = pytest.mark.integration


def limited(retry_after_s: float = 5) -> RateLimited:
    return RateLimited("Wait.", platform="apple_music", operation="search", retry_after_s=retry_after_s)


def rejected() -> PlatformRejected:
    return PlatformRejected("Odd query.", platform="apple_music", operation="search", status=400)


async def test_a_rate_limited_batch_is_deferred_and_never_reported_as_not_there(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(4), known=[])
    engine.target.lookup_errors += [limited()] * 4
    await engine.run_phase("read")

    await engine.step(phase="match")

    assert await engine.outcomes(transfer_id) == [Outcome.DEFERRED] * 4
    job = await engine.job(phase="match")
    assert job.attempt == 0
    assert await engine.state(transfer_id) is State.RUNNING
    await engine.run()
    assert await engine.outcomes(transfer_id) == [Outcome.NO_CANDIDATE] * 4


async def test_a_transfer_resumed_during_a_ban_asks_again_and_rests_with_its_hour(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(4))
    engine.target.lookup_errors += [limited(46_800)] * 2
    await engine.run_phase("read")
    await engine.step(phase="match")
    parked = await engine.load(transfer_id)

    resumed = await control.apply(engine.pool, transfer_id, user_id=parked.user_id, control=Control.RESUME)
    is_tried = await engine.step(phase="match")

    again = await engine.load(transfer_id)
    assert resumed
    assert is_tried
    for seen in (parked, again):
        assert (seen.state, seen.pause_reason) == (State.PAUSED, PauseReason.RATE_LIMITED)
        assert seen.resume_at is not None
        assert 46_700 < (seen.resume_at - datetime.now(UTC)).total_seconds() < 46_900
    assert (await engine.job(phase="match")).attempt == 0


async def test_a_half_answered_batch_keeps_its_decisions_and_asks_only_for_the_rest(
    positioned: Engine,
) -> None:
    transfer_id = await positioned.transfer(range(4))
    positioned.target.lookup_errors += [None, None, limited()]
    await positioned.run_phase("read")

    await positioned.step(phase="match")

    outcomes = await positioned.outcomes(transfer_id)
    assert outcomes.count(Outcome.EXACT) == 2
    assert outcomes.count(Outcome.DEFERRED) == 2
    await positioned.run()
    assert sorted(positioned.target.asked_isrcs) == [f"XXAAA26{number:05}" for number in range(4)]
    assert positioned.target.ids_of() == target_ids(range(4))


async def test_a_search_that_fails_defers_its_item_alone(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(4), known=[0, 1, 2])
    positioned.target.search_errors.append(limited())
    await positioned.run_phase("read")

    await positioned.step(phase="match")

    assert await positioned.outcomes(transfer_id) == [Outcome.EXACT] * 3 + [Outcome.DEFERRED]
    await positioned.run()
    assert (await positioned.outcomes(transfer_id))[3] is Outcome.NO_CANDIDATE


async def test_a_query_that_the_platform_refuses_costs_its_item_and_not_the_transfer(
    positioned: Engine,
) -> None:
    transfer_id = await positioned.transfer(range(4), known=[0, 1, 2])
    positioned.target.search_errors.append(rejected())

    await positioned.run()

    assert await positioned.state(transfer_id) is State.COMPLETED
    assert positioned.target.ids_of() == target_ids(range(3))
    assert (await positioned.outcomes(transfer_id))[3] is Outcome.FAILED
    assert (await positioned.items(transfer_id))[3].reason == "Odd query."


async def test_an_isrc_batch_that_the_platform_refuses_leaves_its_tracks_to_the_text_search(
    appending: Engine,
) -> None:
    transfer_id = await appending.transfer(range(4))
    appending.target.lookup_errors.append(rejected())

    await appending.run()

    assert await appending.state(transfer_id) is State.COMPLETED
    assert appending.target.ids_of() == target_ids(range(4))


async def test_a_long_wait_pauses_the_transfer_until_its_hour(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(4))
    engine.target.lookup_errors.append(limited(46_800))

    await engine.run()

    paused = await engine.load(transfer_id)
    assert (paused.state, paused.pause_reason) == (State.PAUSED, PauseReason.RATE_LIMITED)
    assert paused.resume_at is not None


async def test_a_platform_that_is_away_costs_an_attempt(engine: Engine) -> None:
    await engine.transfer(range(4))
    engine.target.lookup_errors += [
        PlatformUnavailable("Silent.", platform="apple_music", operation="find_by_isrc")
    ] * 4
    await engine.run_phase("read")

    await engine.step(phase="match")

    assert (await engine.job(phase="match")).attempt == 1
    await engine.run()
    assert engine.target.ids_of() == target_ids(range(4))


async def test_a_second_transfer_of_the_same_tracks_asks_nothing(engine: Engine) -> None:
    await engine.transfer([1, 2, 3])
    await engine.run()
    asked_count = engine.target.called("find_by_isrc") + engine.target.called("search")

    await engine.transfer([3, 2, 1], user="noor")
    await engine.run()

    assert engine.target.called("find_by_isrc") + engine.target.called("search") == asked_count
    assert engine.target.ids_of("made-2") == target_ids([3, 2, 1])


@pytest.mark.parametrize(("explicit", "chosen"), [(Explicit.PREFER, "rude"), (Explicit.AVOID, "clean")])
async def test_the_wished_release_is_taken_where_there_are_both(
    positioned: Engine, explicit: Explicit, chosen: str
) -> None:
    positioned.explicit = explicit
    await positioned.transfer([1], known=[])
    for name in ("rude", "clean"):
        track = msgspec.structs.replace(target_track(1), id=TrackId(name), explicit=name == "rude")
        positioned.target.know(track)

    await positioned.run()

    assert positioned.target.ids_of() == [chosen]


async def test_an_item_keeps_the_evidence_of_its_choice_and_of_the_others(positioned: Engine) -> None:
    transfer_id = await positioned.transfer([1])
    other = msgspec.structs.replace(target_track(1), id=TrackId("t1-again"), album="Best of Tides")
    positioned.target.know(other)
    await positioned.run_phase("read")

    await positioned.step(phase="match")

    (item,) = await positioned.items(transfer_id)
    assert item.evidence is not None
    assert (item.evidence.isrc, item.evidence.title, item.evidence.apart_ms) == (IsrcAgreement.SAME, 1.0, 0)
    assert item.evidence.gap is not None
    assert [one.track.id for one in item.alternatives] == ["t1-again"]
    assert item.alternatives[0].evidence.isrc is IsrcAgreement.SAME
    assert item.alternatives[0].reason
