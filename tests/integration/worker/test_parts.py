"""Transfers that do not fit into one playlist: each part is filled and proved before the next is begun."""

import random

import pytest
from msgspec import structs
from redis.asyncio import Redis

from shared.db import target_parts
from shared.db.pool import Pool
from shared.db.retries import RetryScope
from shared.db.target_parts import TargetPart
from shared.lifecycle import Bucket, Phase, State
from shared.models import Outcome, TrackId, TransferId
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.deciding import choose, decide
from tests.integration.worker.engine import (
    APPENDING,
    KEYED,
    POSITIONED,
    REPLACING,
    Engine,
    target_ids,
    target_track,
)
from tests.integration.worker.retrying import let_answers_age, retry

pytestmark = pytest.mark.integration

LIMIT = 6


@pytest.fixture(params=[POSITIONED, APPENDING, KEYED, REPLACING], ids=lambda can: can.write_class)
def engine(request: pytest.FixtureRequest, pool: Pool, redis: Redis) -> Engine:
    return Engine(pool, redis, target=structs.replace(request.param, playlist_limit=LIMIT))


@pytest.fixture
def positioned(pool: Pool, redis: Redis) -> Engine:
    return Engine(pool, redis, target=structs.replace(POSITIONED, playlist_limit=LIMIT))


async def parts_of(engine: Engine, transfer_id: TransferId) -> list[TargetPart]:
    async with engine.pool.acquire() as connection:
        return (await target_parts.of(connection, [transfer_id])).get(transfer_id, [])


def names(engine: Engine) -> dict[str, list[TrackId]]:
    """Return what stands in each playlist, by its name."""
    found = {stored.head.name: stored.track_ids for stored in engine.target.playlists.values()}
    assert len(found) == len(engine.target.playlists)
    return found


def thirds(count: int, *, first: str = "Tides") -> dict[str, list[TrackId]]:
    """Return what must stand where when so many tracks are moved."""
    pieces = [list(range(at, min(at + LIMIT, count))) for at in range(0, count, LIMIT)]
    return {
        first if number == 1 else f"{first} ({number})": target_ids(piece)
        for number, piece in enumerate(pieces, start=1)
    }


async def test_what_does_not_fit_goes_on_in_further_playlists(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(15))

    await engine.run()

    assert names(engine) == thirds(15)
    assert await engine.state(transfer_id) is State.COMPLETED
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 15}
    assert await engine.warnings(transfer_id) == {"target_split"}
    parts = await parts_of(engine, transfer_id)
    assert [(part.name, part.playlist_id, part.is_closed) for part in parts] == [
        ("Tides", "made-1", True),
        ("Tides (2)", "made-2", True),
        ("Tides (3)", "made-3", False),
    ]


async def test_what_fits_exactly_makes_no_second_playlist(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(LIMIT))

    await engine.run()

    assert names(engine) == thirds(LIMIT)
    assert await engine.warnings(transfer_id) == set()
    assert await parts_of(engine, transfer_id) == []


async def test_an_own_playlist_that_is_full_goes_on_in_a_new_one(engine: Engine) -> None:
    base = [TrackId(f"base{number}") for number in range(4)]
    engine.target.place("mine", track_ids=base)
    transfer_id = await engine.transfer(range(9), playlist="mine")

    await engine.run()

    assert names(engine) == {
        "mine": [*base, *target_ids(range(2))],
        "mine (2)": target_ids(range(2, 8)),
        "mine (3)": target_ids([8]),
    }
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 9}


async def test_an_own_playlist_without_any_room_is_left_as_it_is(positioned: Engine) -> None:
    base = [TrackId(f"base{number}") for number in range(LIMIT + 2)]
    positioned.target.place("mine", track_ids=base)
    transfer_id = await positioned.transfer(range(3), playlist="mine")

    await positioned.run()

    assert names(positioned) == {"mine": base, "mine (2)": target_ids(range(3))}
    assert await positioned.warnings(transfer_id) == {"target_split"}


async def test_repeats_over_a_boundary_are_kept(positioned: Engine) -> None:
    numbers = [0, 1, 2, 0, 1, 2, 0, 1, 2, 5]
    await positioned.transfer(numbers)

    await positioned.run()

    assert names(positioned) == {
        "Tides": target_ids([0, 1, 2, 0, 1, 2]),
        "Tides (2)": target_ids([0, 1, 2, 5]),
    }


async def test_where_a_track_stands_once_it_may_stand_in_each_part(pool: Pool, redis: Redis) -> None:
    engine = Engine(pool, redis, target=structs.replace(KEYED, playlist_limit=3))
    transfer_id = await engine.transfer([0, 1, 0, 2, 0, 3, 0])

    await engine.run()

    assert names(engine) == {"Tides": target_ids([0, 1, 2]), "Tides (2)": target_ids([0, 3])}
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 5, Bucket.ALREADY_PRESENT: 2}


@pytest.mark.parametrize("mishap", [None, Lost(), Lost(applied_count=0)])
async def test_what_stands_in_a_full_playlist_is_not_put_into_the_next_one(
    pool: Pool, redis: Redis, mishap: Lost | None
) -> None:
    engine = Engine(pool, redis, target=structs.replace(APPENDING, keeps_repeats=False, playlist_limit=4))
    engine.target.place("mine", track_ids=target_ids([1, 5]))
    engine.target.add_mishaps.append(mishap)
    transfer_id = await engine.transfer([0, 1, 0, 2, 3, 4, 5, 6], playlist="mine")

    await engine.run()

    assert names(engine) == {
        "mine": target_ids([1, 5, 0, 2]),
        "mine (2)": target_ids([3, 4, 5, 6]),  # what comes later may stand in both
    }
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 6, Bucket.ALREADY_PRESENT: 2}
    assert await engine.warnings(transfer_id) == {"target_split"}


@pytest.mark.parametrize("applied_count", [None, 2, 0])
async def test_lost_writes_and_creations_of_every_part_are_settled(
    engine: Engine, applied_count: int | None
) -> None:
    lost = Lost(applied_count=applied_count)
    engine.target.create_mishaps += [Lost(), Lost(applied_count=0), None, Lost()]
    engine.target.add_mishaps += [lost, None, lost, lost, None, lost, None, lost]
    transfer_id = await engine.transfer(range(15))

    await engine.run()

    assert names(engine) == thirds(15)
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: 15}
    assert await engine.intent_count() == 0


@pytest.mark.parametrize("seed", [11, 12, 13])
async def test_workers_that_die_at_calls_to_the_platform_leave_perfect_parts(
    positioned: Engine, seed: int
) -> None:
    """Two in five of the calls that write or look at a target are their worker's last one."""
    transfer_id = await positioned.transfer(range(14))
    died: list[str] = []
    rng = random.Random(seed)
    writing = {"create_playlist", "add_tracks", "find_playlist", "read_target", "read_target_page"}

    async def die(operation: str) -> None:
        if operation in writing and rng.random() < 0.4:
            died.append(operation)
            raise Death

    positioned.target.on_call = die
    await positioned.run()

    assert len(died) > 3
    assert names(positioned) == thirds(14)
    assert await positioned.buckets(transfer_id) == {Bucket.WRITTEN: 14}


async def test_a_part_is_proved_before_the_next_one_is_begun(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(9))

    async def lose_one(operation: str) -> None:
        if operation == "read_target_page" and positioned.target.on_call is not None:
            positioned.target.on_call = None
            positioned.target.ids_of("made-1").remove(TrackId("t2"))

    positioned.target.on_call = lose_one
    await positioned.run()

    assert names(positioned) == thirds(9)
    assert await positioned.buckets(transfer_id) == {Bucket.WRITTEN: 9}


async def test_what_is_decided_later_goes_to_its_own_part_if_that_is_the_last(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(11), known=[*range(8), 9, 10])
    await positioned.run()

    await decide(positioned, transfer_id, 8, choose(77))
    await positioned.run()

    assert names(positioned)["Tides (2)"] == [*target_ids([6, 7]), TrackId("t77"), *target_ids([9, 10])]
    assert await positioned.warnings(transfer_id) == {"target_split"}


async def test_what_is_decided_later_for_a_full_part_goes_to_the_last_one_and_that_is_told(
    positioned: Engine,
) -> None:
    transfer_id = await positioned.transfer(range(9), known=[0, *range(2, 9)])
    await positioned.run()
    before = names(positioned)["Tides"][:]

    await decide(positioned, transfer_id, 1, choose(77))
    await positioned.run()

    assert names(positioned) == {"Tides": before, "Tides (2)": [TrackId("t77"), *target_ids([7, 8])]}
    assert await positioned.warnings(transfer_id) == {"target_split", "added_to_last_part"}
    assert await positioned.buckets(transfer_id) == {Bucket.WRITTEN: 9}


async def test_what_is_decided_later_opens_one_more_part_where_the_last_is_full(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(LIMIT + 1), known=range(LIMIT))
    await positioned.run()

    await decide(positioned, transfer_id, LIMIT, choose(77))
    await positioned.run()

    assert names(positioned) == {"Tides": target_ids(range(LIMIT)), "Tides (2)": [TrackId("t77")]}
    assert await positioned.state(transfer_id) is State.COMPLETED


async def test_what_is_found_later_stands_in_the_last_part(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(10), known=[*range(2), *range(3, 10)])
    await positioned.run()
    positioned.target.know(target_track(2))
    await let_answers_age(positioned)

    await retry(positioned, transfer_id, RetryScope.UNMATCHED)
    await positioned.run()

    assert names(positioned)["Tides (2)"] == target_ids([2, 7, 8, 9])
    assert await positioned.outcomes(transfer_id) == [Outcome.EXACT] * 10


async def test_an_undo_empties_and_deletes_every_part(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(15))
    await engine.run()

    undo_id = await engine.undo(transfer_id)
    await engine.run()

    assert engine.target.playlists == {}
    assert await engine.state(undo_id) is State.COMPLETED
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 15}


async def test_an_undo_leaves_an_own_playlist_as_it_was_and_deletes_what_was_made(positioned: Engine) -> None:
    base = [TrackId(f"base{number}") for number in range(4)]
    positioned.target.place("mine", track_ids=base)
    transfer_id = await positioned.transfer(range(9), playlist="mine")
    await positioned.run()
    positioned.target.remove_mishaps += [Lost(), Lost(applied_count=0), None, Lost(applied_count=1)]
    positioned.target.delete_mishaps += [Lost(), Lost(applied_count=0)]

    undo_id = await positioned.undo(transfer_id)
    await positioned.run()

    assert names(positioned) == {"mine": base}
    assert await positioned.buckets(undo_id) == {Bucket.REMOVED: 9}


async def test_an_undo_removes_from_each_part_what_was_added_to_it(positioned: Engine) -> None:
    """A track that stands in two parts, once more in one of them by somebody's hand."""
    transfer_id = await positioned.transfer([0, 1, 2, 3, 4, 5, 0, 6])
    await positioned.run()
    positioned.target.ids_of("made-2").append(TrackId("t0"))

    undo_id = await positioned.undo(transfer_id)
    await positioned.run()

    assert names(positioned) == {"Tides (2)": target_ids([0, 0])}
    assert await positioned.buckets(undo_id) == {Bucket.REMOVED: 7, Bucket.FAILED: 1}
    assert await positioned.warnings(undo_id) == {"playlist_kept"}


async def test_a_transfer_that_is_cancelled_between_two_parts_is_undone(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(9))
    while (await positioned.load(transfer_id)).part == 1:
        await positioned.step()
    await positioned.pool.execute("UPDATE transfers SET is_cancelling = true")
    await positioned.run()
    assert await positioned.state(transfer_id) is State.CANCELLED

    undo_id = await positioned.undo(transfer_id)
    await positioned.run()

    assert positioned.target.playlists == {}
    assert await positioned.buckets(undo_id) == {Bucket.REMOVED: LIMIT}


async def test_what_an_open_write_may_have_added_to_a_later_part_is_undone_there(positioned: Engine) -> None:
    transfer_id = await positioned.transfer(range(9))
    positioned.target.add_mishaps += [None, None, Lost(error=Death())]
    while (await positioned.load(transfer_id)).part == 1 or await positioned.intent_count() == 0:
        await positioned.step()
    await positioned.pool.execute("UPDATE transfers SET state = 'failed', is_target_claimed = false")
    assert names(positioned) == thirds(9)

    undo_id = await positioned.undo(transfer_id)
    await positioned.run()

    assert positioned.target.playlists == {}
    assert await positioned.buckets(undo_id) == {Bucket.REMOVED: 9}


async def test_no_part_is_begun_while_a_worker_of_an_older_release_is_alive(positioned: Engine) -> None:
    await positioned.pool.execute(
        "INSERT INTO workers (id, slot_count, release, schema_number) VALUES ('old', 1, '0.1.0', 7)"
    )
    transfer_id = await positioned.transfer(range(9))
    while not await positioned.pool.fetchval("SELECT max(run_at) > now() FROM jobs WHERE state = 'open'"):
        await positioned.step()
    loaded = await positioned.load(transfer_id)
    assert (loaded.part, loaded.phase) == (1, Phase.VERIFY)

    await positioned.pool.execute("DELETE FROM workers")
    await positioned.run()

    assert names(positioned) == thirds(9)
