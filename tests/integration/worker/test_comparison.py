"""What stands in a target against what was written: read piece by piece, judged as a whole."""

import random
import tracemalloc
from collections.abc import Sequence

import msgspec
import pytest
from redis.asyncio import Redis

from shared.db.pool import Pool
from shared.lifecycle import State
from shared.models import Planned, PlaylistId, TrackId
from shared.platforms.base import TargetRow
from tests.fakes.adapter import MemoryAdapter, MemoryPlatform
from tests.integration.worker.engine import POSITIONED, SEND_TIMEOUT_S, Engine, target_ids, target_track
from worker.comparison import compare
from worker.context import Context
from worker.lookups import Lookups
from worker.proof import identify, prove

pytestmark = pytest.mark.integration

LARGE_PAGES = msgspec.structs.replace(POSITIONED, read_page=100)
MINE = PlaylistId("mine")
FINISH = "UPDATE jobs SET state = 'done'"
WRITE = """
INSERT INTO items (transfer_id, position, source, outcome, target, target_track_id, is_written)
SELECT $1, position - 1, '{}', 'exact', jsonb_build_object('title', title), track_id, true
FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS written (track_id, title, position)
"""


async def prepared(engine: Engine, redis: Redis, written: Sequence[Planned]) -> Context:
    """Return the job of a transfer to the playlist "mine" that is said to have written these tracks."""
    transfer_id = await engine.transfer([], playlist="mine")
    ids, titles = [one.track_id for one in written], [one.title for one in written]
    await engine.pool.execute(WRITE, transfer_id, ids, titles)
    return Context(
        job=await engine.job(phase="read"),
        transfer=await engine.load(transfer_id),
        adapter=MemoryAdapter(engine.target),
        market="DE",
        gate=lambda: None,
        pool=engine.pool,
        lookups=Lookups(engine.pool, redis),
        send_timeout_s=SEND_TIMEOUT_S,
        rng=random.Random(7),
    )


def planned(numbers: Sequence[int]) -> list[Planned]:
    return [
        Planned(position=position, track_id=TrackId(f"t{number}"), title=target_track(number).title)
        for position, number in enumerate(numbers)
    ]


def shown(platform: MemoryPlatform) -> list[TargetRow]:
    """Return the playlist's rows as its adapter shows them."""
    return [MemoryAdapter(platform).row(track_id) for track_id in platform.ids_of()]


@pytest.mark.parametrize("seed", range(12))
async def test_it_comes_out_as_if_both_lists_had_been_at_hand(
    positioned: Engine, redis: Redis, seed: int
) -> None:
    rng = random.Random(seed)
    numbers = [rng.randrange(30) for _ in range(rng.randrange(40))]
    written, target = planned(numbers), positioned.target
    target.know(*map(target_track, range(30)))
    target.place("mine", track_ids=target_ids(numbers))
    target.shown_as = {
        TrackId(f"t{number}"): rng.choice([None, TrackId(f"other{number}")])
        for number in rng.sample(range(30), rng.choice([0, 3]))
    }
    for _ in range(rng.choice([0, 1, 4])):
        place = rng.randrange(len(target.ids_of()) + 1)
        target.ids_of()[place : place + rng.randrange(2)] = rng.choice([[TrackId("x")], target_ids([3]), []])
    named = [row.track_id for row in identify(shown(target), written)]

    proof = await compare(await prepared(positioned, redis, written), MINE, offset=0)

    assert proof == prove([one.track_id for one in written], named)


async def test_a_long_list_that_is_complete_takes_no_more_memory_than_a_short_one(
    pool: Pool, redis: Redis
) -> None:
    peaks_bytes = []
    for count in (2_000, 20_000):
        engine = Engine(pool, redis, target=LARGE_PAGES)
        engine.target.know(*map(target_track, range(count)))
        engine.target.place("mine", track_ids=target_ids(range(count)))
        context = await prepared(engine, redis, planned(range(count)))
        await pool.execute(FINISH)

        tracemalloc.start()
        proof = await compare(context, MINE, offset=0)
        peaks_bytes.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()

        assert proof.is_perfect
        assert engine.target.called("read_target") == 0
    assert peaks_bytes[1] < 1.5 * peaks_bytes[0]


async def test_a_target_that_changes_while_it_is_read_is_read_again(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(12))
    for phase in ("read", "match", "write"):
        await engine.run_phase(phase)
    engine.target.ids_of().insert(0, TrackId("x"))

    async def remove(operation: str) -> None:
        if operation == "read_target_page" and engine.target.called(operation) == 2:
            engine.target.ids_of().remove(TrackId("x"))  # so that the reader misses a row

    engine.target.on_call = remove

    await engine.run()

    assert engine.target.ids_of() == target_ids(range(12))
    assert await engine.warnings(transfer_id) == set()
    assert (await engine.load(transfer_id)).repair_count == 0


async def test_a_target_that_changes_whenever_it_is_read_is_said_to_be_unchecked(engine: Engine) -> None:
    transfer_id = await engine.transfer(range(12))
    for phase in ("read", "match", "write"):
        await engine.run_phase(phase)

    async def add(operation: str) -> None:
        engine.target.ids_of().insert(0, TrackId("x"))

    engine.target.on_call = add

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert await engine.warnings(transfer_id) == {"target_unchecked"}
    assert [track_id for track_id in engine.target.ids_of() if track_id != "x"] == target_ids(range(12))
