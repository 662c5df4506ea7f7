"""Look-ups: each question is asked once, wherever it is asked, and a failure is no answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Self

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.db import lookups
from shared.db.pool import Pool
from shared.errors import RateLimited
from shared.models import Isrc, Platform, Track
from shared.secret import Secret
from shared.streams import open_redis
from tests.fakes.adapter import MemoryAdapter, MemoryPlatform
from tests.fakes.clock import FakeClock
from tests.integration.worker.engine import APPENDING, target_track
from worker.lookups import Lookups
from worker.matching.query import Query

pytestmark = pytest.mark.integration

HOUR_S = 3600
KNOWN, UNKNOWN = Isrc("XXAAA2600001"), Isrc("XXAAA2600099")


@pytest.fixture
def world() -> MemoryPlatform:
    world = MemoryPlatform(Platform.APPLE_MUSIC, capabilities=APPENDING)
    world.know(target_track(1), target_track(2))
    return world


@pytest.fixture
def adapter(world: MemoryPlatform) -> MemoryAdapter:
    return MemoryAdapter(world)


@pytest_asyncio.fixture
async def nobody() -> AsyncIterator[Redis]:
    """A Redis that is away."""
    async with open_redis(Secret("redis://127.0.0.1:1/0")) as client:
        yield client


def limited() -> RateLimited:
    return RateLimited("Wait.", platform="apple_music", operation="find_by_isrc", retry_after_s=5)


async def ask(lookups_: Lookups, adapter: MemoryAdapter, *isrcs: Isrc) -> dict[str, tuple[Track, ...]]:
    found = await lookups_.by_isrc(adapter, isrcs, market="DE")
    if found.failure is not None:
        raise found.failure
    return found.answers


async def test_an_answer_is_kept_and_not_asked_for_again(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    first = await ask(Lookups(pool, redis), adapter, KNOWN, UNKNOWN)
    second = await ask(Lookups(pool, redis), adapter, UNKNOWN, KNOWN)

    assert first == second == {KNOWN: (target_track(1),), UNKNOWN: ()}
    assert world.called("find_by_isrc") == 1


async def test_another_market_is_another_question(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    for market in ("DE", "FR"):
        await Lookups(pool, redis).by_isrc(adapter, [KNOWN], market=market)

    assert world.called("find_by_isrc") == 2


async def test_many_isrcs_are_asked_in_the_platforms_batches(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    isrcs = [Isrc(f"XXAAA26{number:05}") for number in range(60)]

    await ask(Lookups(pool, redis), adapter, *isrcs, *isrcs)

    assert world.called("find_by_isrc") == 3
    assert sorted(world.asked_isrcs) == sorted(isrcs)


@pytest.mark.parametrize("round_", range(5))
async def test_the_same_question_by_many_at_once_costs_one_call(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter, round_: int
) -> None:
    answers = await asyncio.gather(*(ask(Lookups(pool, redis), adapter, KNOWN) for _ in range(8)))

    assert answers == [{KNOWN: (target_track(1),)}] * 8
    assert world.called("find_by_isrc") == 1


async def test_a_question_that_is_under_way_elsewhere_is_waited_for(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    is_asking, may_answer = asyncio.Event(), asyncio.Event()

    async def hold_first(operation: str) -> None:
        if world.called(operation) == 1:
            is_asking.set()
            await may_answer.wait()

    world.on_call = hold_first
    clock = FakeClock()
    asker = asyncio.create_task(ask(Lookups(pool, redis), adapter, KNOWN))
    await is_asking.wait()
    waiter = asyncio.create_task(ask(Lookups(pool, redis, clock=clock), adapter, KNOWN, UNKNOWN))
    await clock.until_somebody_sleeps()

    may_answer.set()
    await asker
    clock.advance(1)

    assert await waiter == {KNOWN: (target_track(1),), UNKNOWN: ()}
    assert sorted(world.asked_isrcs) == [KNOWN, UNKNOWN]


async def test_a_question_whose_asker_died_is_asked_after_a_while(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    asker = asyncio.create_task(ask(Lookups(pool, redis), adapter, KNOWN))
    is_asking = asyncio.Event()

    async def hang(_: str) -> None:
        if not is_asking.is_set():
            is_asking.set()
            await asyncio.Event().wait()

    world.on_call = hang
    await is_asking.wait()

    answers = await ask(Lookups(pool, redis, clock=FakeClock(is_hasty=True)), adapter, KNOWN)

    assert answers == {KNOWN: (target_track(1),)}
    asker.cancel()


async def test_a_failure_is_not_kept_and_the_next_one_asks_again(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    world.lookup_errors.append(limited())
    failed = await Lookups(pool, redis).by_isrc(adapter, [KNOWN], market="DE")

    answers = await ask(Lookups(pool, redis), adapter, KNOWN)

    assert failed.answers == {}
    assert isinstance(failed.failure, RateLimited)
    assert answers == {KNOWN: (target_track(1),)}
    assert await pool.fetchval("SELECT count(*) FROM lookups") == 1


async def test_after_a_failure_no_further_batch_is_asked(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    world.lookup_errors.append(limited())
    isrcs = [Isrc(f"XXAAA26{number:05}") for number in range(500)]

    found = await Lookups(pool, redis).by_isrc(adapter, isrcs, market="DE")

    assert found.failure is not None
    assert world.called("find_by_isrc") <= APPENDING.search_parallel


async def test_a_flushed_redis_leaves_the_answers_in_postgres(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    await ask(Lookups(pool, redis), adapter, KNOWN, UNKNOWN)
    await redis.flushall()

    answers = await ask(Lookups(pool, redis), adapter, KNOWN, UNKNOWN)

    assert answers == {KNOWN: (target_track(1),), UNKNOWN: ()}
    assert world.called("find_by_isrc") == 1
    assert len(await redis.keys("*answer*")) == 2  # and Redis knows them again


async def test_without_redis_everything_works_and_postgres_remembers(
    pool: Pool, nobody: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    answers = [await ask(Lookups(pool, nobody), adapter, KNOWN) for _ in range(2)]

    assert answers == [{KNOWN: (target_track(1),)}] * 2
    assert world.called("find_by_isrc") == 1


async def test_an_answer_of_another_release_in_redis_counts_as_none(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    await ask(Lookups(pool, redis), adapter, KNOWN)
    (name,) = await redis.keys("*answer*")
    await redis.set(name, '{"v": 2}')

    assert await ask(Lookups(pool, redis), adapter, KNOWN) == {KNOWN: (target_track(1),)}


async def test_a_miss_is_believed_for_an_hour_then_two_then_four_and_never_for_ever(pool: Pool) -> None:
    lives_h = []
    for _ in range(13):
        lives = await lookups.put(pool, Platform.APPLE_MUSIC, market="DE", answers={"isrc:x": ()})
        lives_h.append(round(lives["isrc:x"] / HOUR_S))

    assert lives_h == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 768, 768, 768]


async def test_a_hit_after_misses_is_believed_for_a_month_and_a_miss_begins_anew(pool: Pool) -> None:
    async def put(*tracks: Track) -> int:
        answers = {"isrc:x": tracks}
        lives = await lookups.put(pool, Platform.APPLE_MUSIC, market="DE", answers=answers)
        return round(lives["isrc:x"] / HOUR_S)

    lives_h = [await put(), await put(), await put(target_track(1)), await put()]

    assert lives_h == [1, 2, 720, 1]


async def test_a_miss_is_asked_again_when_its_time_is_over(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    await ask(Lookups(pool, redis), adapter, UNKNOWN)
    (name,) = await redis.keys("*answer*")
    assert 0 < await redis.ttl(name) <= HOUR_S
    await redis.delete(name)  # its time is over as well
    await pool.execute("UPDATE lookups SET expires_at = now() - interval '1 s'")

    await ask(Lookups(pool, redis), adapter, UNKNOWN)

    assert world.called("find_by_isrc") == 2


async def test_a_text_is_searched_once_and_its_refusal_raised(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    query = Query(plain="Lantern 1 The Paper Boats")
    world.search_errors.append(limited())

    with pytest.raises(RateLimited):
        await Lookups(pool, redis).by_text(adapter, query, market="DE")

    found = [await Lookups(pool, redis).by_text(adapter, query, market="DE") for _ in range(2)]
    assert found == [(target_track(1),)] * 2
    assert len(world.asked_texts) == 1


async def test_an_album_is_searched_for_and_read_once_by_many_at_once(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    async def read(one: Lookups) -> tuple[Track, ...]:
        (album,) = await one.albums(adapter, "Tides", artist="The Paper Boats", market="DE")
        return await one.album_tracks(adapter, album, market="DE")

    answers = await asyncio.gather(*(read(Lookups(pool, redis)) for _ in range(8)))

    await redis.flushall()
    assert await read(Lookups(pool, redis)) == answers[0]
    assert {track.id for track in answers[0]} == {"t1", "t2"}
    assert set(map(len, answers)) == {2}
    assert (world.called("search_albums"), world.called("read_album")) == (1, 1)


async def test_albums_and_their_tracks_of_another_market_are_other_questions(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    for market in ("DE", "FR"):
        (album,) = await Lookups(pool, redis).albums(
            adapter, "Tides", artist="The Paper Boats", market=market
        )
        await Lookups(pool, redis).album_tracks(adapter, album, market=market)

    assert (world.called("search_albums"), world.called("read_album")) == (2, 2)


async def test_a_refused_album_lookup_is_raised_and_not_kept(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    world.album_errors += [limited(), None, limited()]
    with pytest.raises(RateLimited):
        await Lookups(pool, redis).albums(adapter, "Tides", artist="The Paper Boats", market="DE")

    (album,) = await Lookups(pool, redis).albums(adapter, "Tides", artist="The Paper Boats", market="DE")
    with pytest.raises(RateLimited):
        await Lookups(pool, redis).album_tracks(adapter, album, market="DE")

    assert len(await Lookups(pool, redis).album_tracks(adapter, album, market="DE")) == 2


async def test_a_question_answered_between_looking_and_marking_is_not_asked(
    pool: Pool, redis: Redis, world: MemoryPlatform, adapter: MemoryAdapter
) -> None:
    """Two workers miss; one asks, keeps and unmarks before the other one marks."""
    late = Lookups(pool, SlowMark(redis, before=lambda: ask(Lookups(pool, redis), adapter, KNOWN)))

    answers = await ask(late, adapter, KNOWN)

    assert answers == {KNOWN: (target_track(1),)}
    assert world.called("find_by_isrc") == 1


class SlowMark(Redis):
    """A client that lets something happen before its first marks are set."""

    def __init__(self, redis: Redis, *, before: Callable[[], Awaitable[object]]) -> None:
        super().__init__(connection_pool=redis.connection_pool)
        self._before: Callable[[], Awaitable[object]] | None = before

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Any:  # noqa: FBT001, FBT002  # redis-py's signature
        return _SlowPipeline(super().pipeline(transaction, shard_hint), self._taken())

    def _taken(self) -> Callable[[], Awaitable[object]] | None:
        before, self._before = self._before, None
        return before


class _SlowPipeline:
    def __init__(self, pipe: Any, before: Callable[[], Awaitable[object]] | None) -> None:
        self._pipe = pipe
        self._before = before

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pipe.reset()

    def set(self, *args: Any, **options: Any) -> None:
        self._pipe.set(*args, **options)

    async def execute(self) -> Any:
        if self._before is not None:
            await self._before()
        return await self._pipe.execute()
