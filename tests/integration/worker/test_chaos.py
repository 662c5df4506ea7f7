"""Random trouble by seed: whatever happens at the platform, each track stands in the target once."""

import random

import pytest
from redis.asyncio import Redis

from shared.db.pool import Pool
from shared.errors import PlatformUnavailable, RateLimited
from shared.lifecycle import Bucket, State
from shared.models import TrackId
from shared.platforms.base import Capabilities
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.engine import APPENDING, POSITIONED, Engine, target_ids

pytestmark = pytest.mark.integration

TRACK_COUNT = 14


def mishap(rng: random.Random) -> Lost | BaseException | None:
    applied_count = rng.choice([None, 0, 1, 2, 3])
    return rng.choice(
        [
            None,
            Lost(applied_count=applied_count),
            Lost(applied_count=applied_count, error=Death()),
            RateLimited("Wait.", platform="apple_music", operation="x", retry_after_s=rng.choice([0, 5, 30])),
            PlatformUnavailable("No answer came.", platform="apple_music", operation="x"),
        ]
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("capabilities", [POSITIONED, APPENDING], ids=["positioned", "appending"])
async def test_every_track_arrives_once_and_in_order(
    pool: Pool, redis: Redis, capabilities: Capabilities, seed: int
) -> None:
    rng = random.Random(seed)
    engine = Engine(pool, redis, target=capabilities)
    engine.target.create_mishaps += [mishap(rng) for _ in range(2)]
    engine.target.add_mishaps += [mishap(rng) for _ in range(6)]
    engine.target.lag_count = rng.choice([0, 1]) if capabilities.reads_lag else 0
    numbers = [rng.randrange(6) for _ in range(TRACK_COUNT)]
    transfer_id = await engine.transfer(numbers)

    await engine.run()

    assert await engine.state(transfer_id) is State.COMPLETED
    assert len(engine.target.playlists) == 1
    assert engine.target.ids_of() == target_ids(numbers)
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: TRACK_COUNT}
    assert await engine.intent_count() == 0


@pytest.mark.parametrize("seed", range(7))
@pytest.mark.parametrize("capabilities", [POSITIONED, APPENDING], ids=["positioned", "appending"])
async def test_every_track_arrives_once_whatever_others_do_to_the_playlist(
    pool: Pool, redis: Redis, capabilities: Capabilities, seed: int
) -> None:
    rng = random.Random(seed)
    engine = Engine(pool, redis, target=capabilities)
    engine.target.add_mishaps += [mishap(rng) for _ in range(6)]
    engine.target.place("mine", track_ids=[TrackId(f"base{number}") for number in range(5)])
    numbers = [rng.randrange(6) for _ in range(TRACK_COUNT)]

    async def meddle(_: str) -> None:
        stored = engine.target.ids_of()
        if rng.random() < 0.15:
            stored.insert(rng.randrange(len(stored) + 1), TrackId(f"x{rng.random()}"))
        strangers = [index for index, track_id in enumerate(stored) if track_id[0] != "t"]
        if strangers and rng.random() < 0.15:
            del stored[rng.choice(strangers)]

    engine.target.on_call = meddle
    transfer_id = await engine.transfer(numbers, playlist="mine")

    await engine.run()

    ours = [track_id for track_id in engine.target.ids_of() if track_id[0] == "t"]
    assert await engine.state(transfer_id) is State.COMPLETED
    assert sorted(ours) == sorted(target_ids(numbers))
    assert await engine.buckets(transfer_id) == {Bucket.WRITTEN: TRACK_COUNT}
