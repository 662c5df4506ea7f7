"""A track that is gone since it was found: something else is looked for once, and the order stays."""

import msgspec
import pytest

from shared.errors import RateLimited
from shared.lifecycle import State
from shared.models import Isrc, Outcome, Track, TrackId, TransferId
from tests.integration.worker.engine import Engine, target_ids, target_track

pytestmark = pytest.mark.integration

STALE, FRESH = TrackId("t2"), TrackId("u2")
ISRC = Isrc("XXAAA2600002")
MOVED = [TrackId("t0"), TrackId("t1"), FRESH, TrackId("t3"), TrackId("t4")]
answers = pytest.mark.parametrize("breaks", [False, True], ids=["answers 400", "answers 500"])


def pressing(track_id: TrackId = FRESH) -> Track:
    return msgspec.structs.replace(target_track(2), id=track_id)


async def replace_one(engine: Engine, *others: Track) -> None:
    """Move a list; then replace its third track at the platform."""
    await engine.transfer(range(5))
    await engine.run()
    engine.target.tracks.pop(STALE)
    engine.target.poison.add(STALE)
    engine.target.know(*others)


async def move_where_one_is_gone(engine: Engine, *others: Track) -> TransferId:
    """Move a list whose third track was replaced by others since somebody looked it up."""
    await replace_one(engine, *others)
    transfer_id = await engine.transfer(range(5), user="noor", known=())
    await engine.run()
    return transfer_id


def lookup_count(engine: Engine) -> int:
    return len(engine.target.asked_isrcs) + engine.target.called("search")


@answers
async def test_track_that_is_gone_is_replaced_at_its_place(engine: Engine, *, breaks: bool) -> None:
    engine.target.poison_breaks = breaks

    transfer_id = await move_where_one_is_gone(engine, pressing())

    assert engine.target.ids_of("made-2") == MOVED
    assert await engine.outcomes(transfer_id) == [Outcome.EXACT] * 5
    assert await engine.state(transfer_id) is State.COMPLETED
    assert await engine.warnings(transfer_id) == set()


async def test_one_user_who_meets_a_stale_answer_spares_the_next_one(engine: Engine) -> None:
    await move_where_one_is_gone(engine, pressing())
    asked_count, write_count = lookup_count(engine), engine.target.called("add_tracks")

    await engine.transfer(range(5), user="olu", known=())
    await engine.run()

    assert engine.target.ids_of("made-3") == MOVED
    assert lookup_count(engine) == asked_count
    assert engine.target.called("add_tracks") == write_count + 2


@answers
async def test_where_nothing_else_is_found_the_refusal_says_so(engine: Engine, *, breaks: bool) -> None:
    engine.target.poison_breaks = breaks

    transfer_id = await move_where_one_is_gone(engine)

    item = (await engine.items(transfer_id))[2]
    assert item.outcome is Outcome.FAILED
    assert "Nothing else was found" in item.reason
    assert engine.target.ids_of("made-2") == target_ids([0, 1, 3, 4])


async def test_track_that_is_offered_and_refused_again_is_no_second_choice(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(5))
    engine.target.poison = {STALE}

    await engine.run()

    assert engine.target.ids_of() == target_ids([0, 1, 3, 4])
    assert (await engine.items(transfer_id))[2].outcome is Outcome.FAILED
    assert engine.target.asked_isrcs.count(ISRC) == 2


async def test_second_choice_that_is_refused_too_is_the_last(engine: Engine) -> None:
    third = pressing(TrackId("v2"))
    engine.target.poison = {FRESH, third.id}

    transfer_id = await move_where_one_is_gone(engine, pressing(), third)

    assert (await engine.items(transfer_id))[2].outcome is Outcome.FAILED
    assert engine.target.ids_of("made-2") == target_ids([0, 1, 3, 4])
    assert engine.target.asked_isrcs.count(ISRC) == 2


async def test_look_up_that_fails_on_the_way_is_asked_again(engine: Engine) -> None:
    await replace_one(engine, pressing())
    engine.target.lookup_errors += [
        RateLimited("Wait.", platform="apple_music", operation="find_by_isrc", retry_after_s=5)
    ]

    transfer_id = await engine.transfer(range(5), user="noor", known=())
    await engine.run()

    assert engine.target.ids_of("made-2") == MOVED
    assert await engine.outcomes(transfer_id) == [Outcome.EXACT] * 5


async def test_second_choice_that_stands_there_already_is_not_added(engine: Engine) -> None:
    await replace_one(engine, pressing())
    engine.target.place("shelf", track_ids=[FRESH])

    transfer_id = await engine.transfer(
        [0, 2, 2, 4], user="noor", known=(), playlist="shelf", on_duplicate="skip"
    )
    await engine.run()

    assert engine.target.ids_of("shelf") == [FRESH, "t0", FRESH, "t4"]
    assert (await engine.outcomes(transfer_id)).count(Outcome.ALREADY_PRESENT) == 1
