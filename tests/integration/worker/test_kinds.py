"""Platforms that differ in kind: keys of writes, reports of what was left out, one copy of each track."""

import pytest
from msgspec import structs
from redis.asyncio import Redis

from shared.db.pool import Pool
from shared.db.retries import RetryScope
from shared.errors import PlatformRejected, RateLimited
from shared.lifecycle import Bucket, State
from shared.models import Outcome, TrackId
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.engine import (
    APPENDING,
    KEYED,
    POSITIONED,
    REPLACING,
    Engine,
    source_track,
    target_ids,
    target_track,
)
from tests.integration.worker.retrying import let_answers_age, retry

pytestmark = pytest.mark.integration


@pytest.fixture
def keyed(pool: Pool, redis: Redis) -> Engine:
    return Engine(pool, redis, target=KEYED)


@pytest.fixture(params=[POSITIONED, APPENDING, KEYED, REPLACING], ids=lambda can: can.write_class)
def engine(request: pytest.FixtureRequest, pool: Pool, redis: Redis) -> Engine:
    """Every write class, one after the other."""
    return Engine(pool, redis, target=request.param)


@pytest.fixture(params=[POSITIONED, APPENDING], ids=["positioned", "appending"])
def once(request: pytest.FixtureRequest, pool: Pool, redis: Redis) -> Engine:
    """Platforms that keep a track once in a playlist."""
    return Engine(pool, redis, target=structs.replace(request.param, keeps_repeats=False))


@pytest.mark.parametrize("applied_count", [None, 0])
async def test_a_lost_write_is_sent_again_under_its_key_and_nothing_is_read_back(
    keyed: Engine, applied_count: int | None
) -> None:
    transfer_id = await keyed.transfer(range(9))
    keyed.target.add_mishaps += [None, Lost(applied_count=applied_count, error=Death())]
    await keyed.reach_first_batch()
    await keyed.step(phase="write")
    await keyed.die_in(keyed.executor("worker-1"))
    await keyed.skip(31)

    await keyed.step(keyed.executor("worker-2"), phase="write")

    assert keyed.target.called("read_target") == 0
    assert keyed.target.ids_of() == target_ids(range(8))
    assert len(keyed.target.answers) == 3
    await keyed.run()
    assert keyed.target.ids_of() == target_ids(range(9))
    assert await keyed.buckets(transfer_id) == {Bucket.WRITTEN: 9}


async def test_a_lost_creation_is_sent_again_under_its_key_and_not_looked_for(keyed: Engine) -> None:
    keyed.target.create_mishaps.append(Lost())
    await keyed.transfer(range(3))

    await keyed.run()

    assert keyed.target.called("create_playlist") == 2
    assert keyed.target.called("find_playlist") == 0
    assert keyed.target.ids_of() == target_ids(range(3))


async def test_what_has_no_answer_twice_is_read_back(keyed: Engine) -> None:
    keyed.target.add_mishaps += [Lost(), Lost(applied_count=0)]
    await keyed.transfer(range(6))

    await keyed.run()

    assert keyed.target.called("read_target") > 0
    assert keyed.target.ids_of() == target_ids(range(6))
    assert await keyed.intent_count() == 0


async def test_a_key_that_the_platform_may_have_forgotten_is_not_used_again(keyed: Engine) -> None:
    await keyed.transfer(range(3))
    keyed.target.add_mishaps.append(Lost(error=Death()))
    await keyed.reach_first_batch()
    await keyed.die_in(keyed.executor("worker-1"))
    await keyed.skip(KEYED.key_life_s + 1)
    keyed.target.answers.clear()

    await keyed.run()

    assert keyed.target.ids_of() == target_ids(range(3))


async def test_a_refusal_of_the_second_send_does_not_drop_what_the_first_may_have_done(keyed: Engine) -> None:
    later = RateLimited("Later.", platform="apple_music", operation="add_tracks", status=429, retry_after_s=5)
    keyed.target.add_mishaps += [Lost(), later]
    await keyed.transfer(range(3))

    await keyed.run()

    assert keyed.target.ids_of() == target_ids(range(3))
    assert keyed.target.added_batches == [tuple(target_ids(range(3)))]


async def test_a_rejected_second_send_ends_as_a_rejected_first_one(keyed: Engine) -> None:
    no = PlatformRejected("Bad id.", platform="apple_music", operation="add_tracks", status=400)
    keyed.target.add_mishaps += [Lost(applied_count=0), no]
    keyed.target.poison = {TrackId("t1")}
    transfer_id = await keyed.transfer(range(4))

    await keyed.run()

    assert keyed.target.ids_of() == target_ids([0, 2, 3])
    assert await keyed.buckets(transfer_id) == {Bucket.WRITTEN: 3, Bucket.FAILED: 1}


async def test_a_track_that_is_removed_before_the_second_send_is_missed_at_the_end(keyed: Engine) -> None:
    await keyed.transfer(range(4))
    keyed.target.add_mishaps.append(Lost(error=Death()))
    await keyed.reach_first_batch()
    await keyed.die_in(keyed.executor("worker-1"))
    keyed.target.ids_of().remove(TrackId("t2"))

    await keyed.run()

    assert sorted(keyed.target.ids_of()) == target_ids(range(4))


async def test_a_cancelled_transfer_does_not_send_its_open_write_again(keyed: Engine) -> None:
    transfer_id = await keyed.transfer(range(4))
    keyed.target.add_mishaps.append(Lost(applied_count=0, error=Death()))
    await keyed.reach_first_batch()
    await keyed.die_in(keyed.executor("worker-1"))
    await keyed.pool.execute("UPDATE transfers SET is_cancelling = true")

    await keyed.run()

    assert await keyed.state(transfer_id) is State.CANCELLED
    assert keyed.target.ids_of() == []


async def test_tracks_that_the_platform_leaves_out_are_named_and_the_rest_keeps_its_order(
    engine: Engine,
) -> None:
    engine.target.left_out = {TrackId("t1"), TrackId("t2"), TrackId("t9")}
    transfer_id = await engine.transfer(range(11))

    await engine.run()

    items = await engine.items(transfer_id)
    assert [item.position for item in items if item.outcome is Outcome.FAILED] == [1, 2, 9]
    assert {item.reason for item in items if not item.is_written} == {
        "apple_music has left this track out. Nothing else was found that is surely the same."
    }
    assert engine.target.ids_of() == target_ids([0, 3, 4, 5, 6, 7, 8, 10])
    assert (await engine.load(transfer_id)).target_count == 8
    assert await engine.warnings(transfer_id) == set()


async def test_for_each_track_that_is_left_out_another_one_is_looked_for(engine: Engine) -> None:
    engine.target.left_out = {TrackId("t0"), TrackId("t1")}
    others = [structs.replace(target_track(number), id=TrackId(f"u{number}")) for number in (0, 1)]
    transfer_id = await engine.transfer(range(6))
    engine.target.know(*others)

    await engine.run()

    assert sorted(engine.target.ids_of()) == sorted([*target_ids([2, 3, 4, 5]), "u0", "u1"])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 6}
    if engine.target.capabilities.write_class.has_places:
        assert engine.target.ids_of() == ["u0", "u1", *target_ids([2, 3, 4, 5])]
    else:
        assert await engine.warnings(transfer_id) == {"order_differs"}


async def test_a_lost_write_of_which_tracks_were_left_out_is_settled(engine: Engine) -> None:
    engine.target.left_out = {TrackId("t1")}
    engine.target.add_mishaps.append(Lost())
    transfer_id = await engine.transfer(range(4))

    await engine.run()

    assert engine.target.ids_of() == target_ids([0, 2, 3])
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 3, Bucket.FAILED: 1}


async def test_where_a_track_stands_once_its_repeats_are_named_and_never_sent(once: Engine) -> None:
    numbers = [0, 1, 0, 2, 1, 3, 4, 5, 6, 0, 7]
    transfer_id = await once.transfer(numbers)

    await once.run()

    assert once.target.ids_of() == target_ids(range(8))
    assert await once.state(transfer_id) is State.COMPLETED
    assert await once.warnings(transfer_id) == set()
    present = [item for item in await once.items(transfer_id) if item.outcome is Outcome.ALREADY_PRESENT]
    assert [item.position for item in present] == [2, 4, 9]
    assert {item.reason for item in present} == {
        "This platform keeps a track once in a playlist, and it stands there already."
    }


async def test_where_a_track_stands_once_what_stood_there_before_is_not_added_either(once: Engine) -> None:
    once.target.place("mine", track_ids=target_ids([1, 3]))
    transfer_id = await once.transfer([1, 2, 3, 4, 2], playlist="mine", on_duplicate="keep")

    await once.run()

    assert once.target.ids_of("mine") == target_ids([1, 3, 2, 4])
    assert await once.buckets(transfer_id) == {Bucket.WRITTEN: 2, Bucket.ALREADY_PRESENT: 3}


async def test_where_a_track_stands_once_a_lost_write_is_settled_all_the_same(once: Engine) -> None:
    once.target.add_mishaps += [Lost(applied_count=2), Lost(), Lost(applied_count=0)]
    transfer_id = await once.transfer([0, 1, 0, 2, 1, 3, 4, 5, 6, 0, 7])

    await once.run()

    assert once.target.ids_of() == target_ids(range(8))
    assert await once.buckets(transfer_id) == {Bucket.WRITTEN: 8, Bucket.ALREADY_PRESENT: 3}


async def test_the_repeat_of_a_track_that_is_refused_is_refused_too(once: Engine) -> None:
    once.target.poison = {TrackId("t1")}
    transfer_id = await once.transfer([0, 1, 2, 1])

    await once.run()

    assert once.target.ids_of() == target_ids([0, 2])
    assert await once.buckets(transfer_id) == {Bucket.WRITTEN: 2, Bucket.FAILED: 2}


async def test_the_repeat_of_a_track_that_never_stays_is_named_with_it(once: Engine) -> None:
    transfer_id = await once.transfer([0, 1, 2, 1])

    async def vanish(operation: str) -> None:
        if operation.startswith("read_target") and TrackId("t1") in once.target.ids_of():
            once.target.ids_of().remove(TrackId("t1"))

    once.target.on_call = vanish
    await once.run()

    assert once.target.ids_of() == target_ids([0, 2])
    assert await once.buckets(transfer_id) == {Bucket.WRITTEN: 2, Bucket.FAILED: 2}


async def test_two_tracks_of_the_source_that_are_one_at_the_target_stand_once(once: Engine) -> None:
    once.target.know(target_track(0))
    transfer_id = await once.transfer([0, 1], known=[])
    twin = structs.replace(source_track(0), id=TrackId("twin"))
    for rows in once.source.sources.values():
        rows[1] = structs.replace(rows[1], track=twin)

    await once.run()

    assert once.target.ids_of() == target_ids([0])
    assert await once.outcomes(transfer_id) == [Outcome.EXACT, Outcome.ALREADY_PRESENT]


async def test_what_the_target_s_market_does_not_play_is_told_as_that_and_found_later(
    engine: Engine,
) -> None:
    locked = structs.replace(target_track(1), is_playable=False)
    transfer_id = await engine.transfer(range(4), known=[0, 3])
    engine.target.know(locked)

    await engine.run()

    items = await engine.items(transfer_id)
    assert [item.outcome for item in items] == [
        Outcome.EXACT,
        Outcome.NOT_TRANSFERABLE,
        Outcome.NO_CANDIDATE,
        Outcome.EXACT,
    ]
    assert items[1].reason == "region"
    assert engine.target.ids_of() == target_ids([0, 3])

    engine.target.know(target_track(1))
    await let_answers_age(engine)
    await retry(engine, transfer_id, RetryScope.UNMATCHED)
    await engine.run()

    assert (await engine.outcomes(transfer_id))[1] is Outcome.EXACT
    assert sorted(engine.target.ids_of()) == target_ids([0, 1, 3])
