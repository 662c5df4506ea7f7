"""An undo whose worker dies at any point, or never hears an answer, ends as if nothing had happened."""

import asyncio
import contextlib
import random
from collections.abc import Coroutine, Generator
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.db import control
from shared.db.control import Control
from shared.db.pool import Pool
from shared.errors import PlatformUnavailable, RateLimited
from shared.lifecycle import TERMINAL, Bucket, State
from shared.models import TrackId, TransferId
from shared.platforms.base import Capabilities
from tests.fakes.adapter import Death, Lost
from tests.integration.worker.engine import APPENDING, POSITIONED, Engine, target_ids

pytestmark = pytest.mark.integration

FREE = "UPDATE jobs SET lease_until = NULL, run_at = now() WHERE state = 'open'"


class Mortal:
    """Runs a coroutine whose task is cancelled when it waits for the nth time. has_died: it came so far."""

    def __init__(self, work: Coroutine[Any, Any, None], *, wait_count: int) -> None:
        self._work = work
        self._left_count = wait_count
        self.has_died = False

    async def run(self) -> None:
        await self

    def __await__(self) -> Generator[Any, Any, None]:
        task = asyncio.current_task()
        assert task is not None
        try:
            waited_for = self._work.send(None)
            while True:
                if self._left_count == 0:
                    self.has_died = True
                    asyncio.get_running_loop().call_soon(task.cancel)
                self._left_count -= 1
                try:
                    answer = yield waited_for
                except asyncio.CancelledError as death:
                    waited_for = self._work.throw(death)
                else:
                    waited_for = self._work.send(answer)
        except StopIteration:
            return


def mishap(rng: random.Random) -> Lost | BaseException | None:
    applied_count = rng.choice([None, 0, 1, 2])
    return rng.choice(
        [
            None,
            Lost(applied_count=applied_count),
            Lost(applied_count=applied_count, error=Death()),
            RateLimited("Wait.", platform="apple_music", operation="x", retry_after_s=rng.choice([0, 5, 30])),
            PlatformUnavailable("No answer came.", platform="apple_music", operation="x"),
        ]
    )


async def moved(engine: Engine, numbers: list[int], *, playlist: str | None = None) -> TransferId:
    transfer_id = await engine.transfer(numbers, playlist=playlist)
    await engine.run()
    assert await engine.state(transfer_id) is State.COMPLETED
    return transfer_id


async def run_and_watch(engine: Engine, undo_id: TransferId, *, total: int) -> None:
    """Run an undo to its end; at every revision the buckets sum to the total, and revisions only rise."""
    revision = 0
    while await engine.state(undo_id) not in TERMINAL:
        if not await engine.step(of=undo_id):
            await engine.skip(5)
        assert sum((await engine.buckets(undo_id)).values()) == total
        now = (await engine.load(undo_id)).revision
        assert now >= revision
        revision = now


async def test_a_worker_that_dies_at_any_await_of_an_undo_does_no_harm(positioned: Engine) -> None:
    wait_count = 0
    has_died = True
    while has_died:
        undo_id = await positioned.undo(await moved(positioned, [1, 2, 1]))

        mortal = Mortal(positioned.run(), wait_count=wait_count)
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.create_task(mortal.run())
        has_died = mortal.has_died
        await positioned.pool.execute(FREE)
        await positioned.run()

        assert await positioned.state(undo_id) is State.COMPLETED, wait_count
        assert await positioned.buckets(undo_id) == {Bucket.REMOVED: 3}, wait_count
        assert positioned.target.playlists == {}, wait_count
        wait_count += 1
    assert wait_count > 20


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("capabilities", [POSITIONED, APPENDING], ids=["positioned", "appending"])
async def test_whatever_is_lost_everything_that_was_added_goes_and_nothing_else(
    pool: Pool, redis: Redis, capabilities: Capabilities, seed: int
) -> None:
    rng = random.Random(seed)
    engine = Engine(pool, redis, target=capabilities)
    base = [TrackId(f"base{number}") for number in range(5)]
    engine.target.place("mine", track_ids=base)
    numbers = [rng.randrange(8) for _ in range(14)]
    transfer_id = await moved(engine, numbers, playlist="mine")
    engine.target.remove_mishaps += [mishap(rng) for _ in range(5)]
    engine.target.lag_count = rng.choice([0, 1, 2]) if capabilities.reads_lag else 0

    undo_id = await engine.undo(transfer_id)
    await run_and_watch(engine, undo_id, total=len(numbers))

    assert engine.target.ids_of("mine") == base
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: len(numbers)}
    assert await engine.state(undo_id) is State.COMPLETED
    assert await engine.intent_count() == 0


@pytest.mark.parametrize("seed", range(5))
async def test_whatever_others_do_meanwhile_only_ours_goes(positioned: Engine, seed: int) -> None:
    rng = random.Random(seed)
    positioned.target.place("mine", track_ids=[TrackId(f"base{number}") for number in range(5)])
    numbers = [rng.randrange(8) for _ in range(14)]
    transfer_id = await moved(positioned, numbers, playlist="mine")
    positioned.target.remove_mishaps += [mishap(rng) for _ in range(5)]
    strangers = list(positioned.target.ids_of("mine")[:5])

    async def meddle(_: str) -> None:
        stored = positioned.target.ids_of("mine")
        if rng.random() < 0.3:
            strangers.append(TrackId(f"x{rng.random()}"))
            stored.insert(rng.randrange(len(stored) + 1), strangers[-1])
        if rng.random() < 0.2:
            gone = strangers.pop(rng.randrange(len(strangers)))
            stored.remove(gone)

    positioned.target.on_call = meddle
    undo_id = await positioned.undo(transfer_id)
    await run_and_watch(positioned, undo_id, total=len(numbers))

    assert sorted(positioned.target.ids_of("mine")) == sorted(strangers)
    assert await positioned.buckets(undo_id) == {Bucket.REMOVED: len(numbers)}


@pytest.mark.parametrize(
    "error", [None, Death(), PlatformUnavailable("No answer.", platform="apple_music", operation="x")]
)
@pytest.mark.parametrize("applied_count", [None, 0])
async def test_a_lost_deletion_is_repeated_and_does_no_harm(
    engine: Engine, error: BaseException | None, applied_count: int | None
) -> None:
    undo_id = await engine.undo(await moved(engine, [1, 2]))
    engine.target.delete_mishaps.append(Lost(applied_count=applied_count, error=error))

    await run_and_watch(engine, undo_id, total=2)

    assert engine.target.playlists == {}
    assert await engine.state(undo_id) is State.COMPLETED


async def test_a_removal_without_an_answer_is_read_back_only_when_it_must_be_over(engine: Engine) -> None:
    undo_id = await engine.undo(await moved(engine, [1, 2]))
    engine.target.remove_mishaps.append(Lost())
    await engine.step(phase="undo")
    await engine.skip(1.1)
    read_count = engine.target.called("read_target")

    await engine.step(phase="undo")

    assert engine.target.called("read_target") == read_count
    await engine.run()
    assert len(engine.target.removed_batches) == 1
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 2}


async def test_of_a_removal_that_was_done_in_part_only_the_rest_is_sent(engine: Engine) -> None:
    undo_id = await engine.undo(await moved(engine, [1, 2, 3]))
    engine.target.remove_mishaps.append(Lost(applied_count=1))

    await engine.run()

    assert engine.target.removed_batches == [tuple(target_ids([1])), tuple(target_ids([2, 3]))]
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 3}


async def test_a_lease_that_ends_too_soon_removes_nothing(engine: Engine) -> None:
    undo_id = await engine.undo(await moved(engine, [1, 2]))

    await engine.step(engine.executor("slow", lease_s=9), phase="undo")

    assert engine.target.removed_batches == []
    await engine.run()
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 2}


async def test_a_cancelled_undo_settles_what_is_under_way_and_starts_nothing(engine: Engine) -> None:
    undo_id = await engine.undo(await moved(engine, [1, 2, 3, 4, 5]))
    engine.target.remove_mishaps.append(Lost(error=Death()))
    await engine.step(phase="undo")
    user_id = (await engine.load(undo_id)).user_id

    assert await control.apply(engine.pool, undo_id, user_id=user_id, control=Control.CANCEL)
    await engine.run()

    assert await engine.state(undo_id) is State.CANCELLED
    assert engine.target.ids_of() == target_ids([4, 5])
    assert await engine.buckets(undo_id) == {Bucket.REMOVED: 3, Bucket.SKIPPED: 2}
