"""The fleet's figures, counted on real stores: what they say, who tells them, and what they cost."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from shared import outbox
from shared.bookings import Bookings
from shared.census import LEADER_KEY, Census
from shared.db import figures, platform_pauses, workers
from shared.db.pool import Pool
from shared.fleet_gauges import GAUGES
from shared.limiter import bookings_of
from shared.models import Platform
from shared.platforms.registry import Platforms
from shared.secret import Secret
from shared.settings import Settings
from shared.streams import Streams, open_redis
from tests.integration.shared.test_outbox import with_jobs
from tests.integration.worker.engine import APPENDING, Engine
from tests.unit.shared.test_meters import Meter
from tests.waiting import until

pytestmark = pytest.mark.integration

SPOTIFY, APPLE = Platform.SPOTIFY, Platform.APPLE_MUSIC
SET_UP = Settings(spotify_client_id="app", spotify_client_secret=Secret("secret"))


@pytest.fixture
def engine(pool: Pool, redis: Redis) -> Engine:
    return Engine(pool, redis, target=APPENDING)


@pytest.fixture
def meter() -> Meter:
    return Meter()


def census(pool: Pool, redis: Redis, *, meter: Meter, name: str = "one", every_s: float = 5.0) -> Census:
    platforms = Platforms(SET_UP, budgets=lambda *_: pytest.fail("a census sends nothing"))
    return Census(pool=pool, redis=redis, platforms=platforms, name=name, every_s=every_s, into=meter.metrics)


async def test_every_gauge_is_told_where_there_is_nothing_at_all(
    pool: Pool, redis: Redis, meter: Meter
) -> None:
    await census(pool, redis, meter=meter).turn()

    points = meter.points()
    # A limit that Redis does not have, and a sign-in that does not end, are not told as some number.
    assert {one.name for one in GAUGES} - points.keys() == {
        "crossplay.redis.memory.limit",
        "crossplay.connection.expires",
    }
    for one in GAUGES:
        declared = {attribute.name: attribute.values for attribute in one.attributes}
        for point in points.get(one.name, ()):
            assert point.attributes.keys() == declared.keys(), one.name
            assert all(value in (declared[key] or [value]) for key, value in point.attributes.items())
    assert meter.values("crossplay.transfers.active") == {("queued",): 0, ("running",): 0, ("paused",): 0}
    assert meter.values("crossplay.database.size")[()] > 1_000_000
    assert meter.values("crossplay.redis.memory")[()] > 100_000


async def test_jobs_are_told_by_what_they_wait_for(
    engine: Engine, pool: Pool, redis: Redis, meter: Meter
) -> None:
    await with_jobs(engine, 12, user="mira")
    later = "UPDATE jobs SET run_at = now() + interval '1 hour' WHERE batch < 2 AND phase = 'match'"
    await pool.execute(later)
    await pool.execute("UPDATE jobs SET run_at = now() - interval '90 seconds' WHERE batch = 11")
    paused = await with_jobs(engine, 3, user="jonas")
    await pool.execute("UPDATE transfers SET state = 'paused', pause_reason = 'user' WHERE id = $1", paused)
    held = await with_jobs(engine, 1, user="ines")
    await pool.execute("UPDATE transfers SET state = 'paused', pause_reason = 'operator' WHERE id = $1", held)
    queued_count = await outbox.dispatch(pool, Streams(redis), APPLE)

    await census(pool, redis, meter=meter).turn()

    waiting = meter.values("crossplay.jobs.waiting")
    assert {reason: count for (platform, reason), count in waiting.items() if platform == APPLE} == {
        "queued": queued_count,
        "no_slot": 10 - queued_count,
        "later": 2,
        "transfer_paused": 3,
        "platform_paused": 1,
    }
    assert 0 < queued_count < 10
    assert {count for (platform, _), count in waiting.items() if platform == SPOTIFY} == {0}
    assert 90 <= meter.values("crossplay.queue.oldest_age")[APPLE,] < 120
    assert meter.values("crossplay.queue.lag") == {
        (platform,): queued_count if platform is APPLE else 0 for platform in Platform
    }
    assert meter.values("crossplay.transfers.active") == {("queued",): 1, ("running",): 0, ("paused",): 2}


async def test_entries_are_pending_once_somebody_has_read_them(
    engine: Engine, pool: Pool, redis: Redis, meter: Meter
) -> None:
    streams = Streams(redis)
    await streams.ensure_group(APPLE)
    await with_jobs(engine, 6, user="mira")
    await outbox.dispatch(pool, streams, APPLE)
    (first, *_) = await streams.read(redis, APPLE, consumer="one", count=4, block_ms=10)
    await streams.ack(APPLE, first.id)
    unread: Any = await redis.xrange("{crossplay:apple_music}:jobs")
    await redis.xdel("{crossplay:apple_music}:jobs", unread[-1][0])  # now Redis cannot tell the lag

    await census(pool, redis, meter=meter).turn()

    groups = await redis.xinfo_groups("{crossplay:apple_music}:jobs")
    assert groups[0]["lag"] is None
    assert meter.values("crossplay.queue.pending")[APPLE,] == 3
    assert meter.values("crossplay.queue.lag")[APPLE,] == len(unread) - 1 - 3


async def test_a_running_transfer_is_idle_since_its_latest_checkpoint(
    engine: Engine, pool: Pool, redis: Redis, meter: Meter
) -> None:
    await engine.transfer(range(20))
    await engine.step(phase="read")
    await pool.execute("UPDATE transfers SET created_at = now() - interval '1 day'")
    counting = census(pool, redis, meter=meter)

    await counting.turn()
    fresh_s = meter.values("crossplay.transfer.oldest_idle")[()]
    await pool.execute("UPDATE jobs SET finished_at = finished_at - interval '600 seconds'")
    await counting.turn()

    assert fresh_s < 60
    assert 600 <= meter.values("crossplay.transfer.oldest_idle")[()] < 660


async def test_workers_pauses_dead_letters_and_budgets_are_told(
    engine: Engine, pool: Pool, redis: Redis, meter: Meter
) -> None:
    transfer_id = await engine.transfer([1])
    await pool.execute("UPDATE jobs SET state = 'dead'")
    await pool.execute("UPDATE transfers SET state = 'failed' WHERE id = $1", transfer_id)
    await workers.seen(pool, "alive", slot_count=8)
    await workers.seen(pool, "dead", slot_count=8)
    await pool.execute("UPDATE workers SET seen_at = now() - interval '300 seconds' WHERE id = 'dead'")
    await platform_pauses.pause(pool, SPOTIFY, reason="maintenance")
    counting = census(pool, redis, meter=meter)
    await counting.turn()
    before = meter.values("crossplay.budget.remaining")
    platforms = counting._platforms
    profile, key = platforms.profile(SPOTIFY), platforms.limit_key(SPOTIFY)
    book = bookings_of(redis, profile=profile, limit_key=key, pool_name="requests")
    assert isinstance(book, Bookings)

    await book.ask(20, cool_s=0, is_news=False)
    await counting.turn()
    booked = meter.values("crossplay.budget.remaining")
    await book.ask(0, cool_s=30, is_news=True)
    await counting.turn()

    assert meter.values("crossplay.workers") == {(): 1}
    assert 300 <= meter.values("crossplay.worker.heartbeat.age")[()] < 330
    assert meter.values("crossplay.dead_letters") == {(): 1}
    assert meter.values("crossplay.platform.paused") == {
        (platform,): int(platform is SPOTIFY) for platform in Platform
    }
    assert 0 < booked[SPOTIFY, "requests", "moving"] < before[SPOTIFY, "requests", "moving"]
    assert meter.values("crossplay.budget.remaining")[SPOTIFY, "requests", "moving"] == 0
    assert not [pool for platform, *_ in before if platform == APPLE]  # it is not set up


async def test_sign_ins_that_end_soon_are_told_and_those_of_others_are_not(
    engine: Engine, pool: Pool, redis: Redis, meter: Meter
) -> None:
    for user, days, state in (
        ("a", 0.5, "connected"),
        ("b", 5, "connected"),
        ("c", 20, "connected"),
        ("d", -1, "connected"),
        ("e", 0.1, "disconnected"),
    ):
        transfer_id = await engine.transfer([1], user=user)
        await pool.execute(
            "UPDATE connections SET sign_in_ends_at = $2, state = $3 WHERE platform = 'apple_music' "
            "AND user_id = (SELECT user_id FROM transfers WHERE id = $1)",
            transfer_id,
            datetime.now(UTC) + timedelta(days=days),
            state,
        )

    await census(pool, redis, meter=meter).turn()

    expiring = meter.values("crossplay.connections.expiring")
    assert {within: count for (platform, within), count in expiring.items() if platform == APPLE} == {
        "1d": 1,
        "7d": 2,
        "30d": 3,
    }
    assert meter.values("crossplay.connection.expires") == {(APPLE,): pytest.approx(43_200, abs=60)}
    assert meter.values("crossplay.connections")[APPLE, "connected"] == 4
    assert meter.values("crossplay.connections")[APPLE, "disconnected"] == 1
    assert meter.values("crossplay.connections")[SPOTIFY, "connected"] == 5


async def test_one_process_tells_at_a_time_and_another_follows_it(pool: Pool, redis: Redis) -> None:
    first, second = Meter(), Meter()
    one = census(pool, redis, meter=first, name="one", every_s=0.05)
    two = census(pool, redis, meter=second, name="two", every_s=0.05)
    leading = asyncio.create_task(one.run())
    await until(lambda: "crossplay.workers" in first.points())
    await two.turn()
    both = ("crossplay.workers" in first.points(), "crossplay.workers" in second.points())

    leading.cancel()
    await asyncio.wait([leading])
    await two.turn()

    assert both == (True, False)
    assert first.points() == {}
    assert "crossplay.workers" in second.points()
    assert await redis.get(LEADER_KEY) == "two"


async def test_without_redis_the_leader_goes_on_with_what_postgres_tells(pool: Pool, redis: Redis) -> None:
    told, silent = Meter(), Meter()
    one = census(pool, redis, meter=told, name="one")
    await one.turn()
    async with away() as gone:
        never_led = census(pool, gone, meter=silent, name="two")
        one._leader._redis = one._redis = one._streams._redis = gone

        await one.turn()
        await never_led.turn()

    points = told.points()
    assert "crossplay.workers" in points
    assert "crossplay.database.size" in points
    assert not [name for name in points if name.startswith(("crossplay.queue.lag", "crossplay.redis"))]
    assert silent.points() == {}


@asynccontextmanager
async def away() -> AsyncIterator[Redis]:
    client = open_redis(Secret("redis://127.0.0.1:1/0"))
    yield client
    await client.aclose()


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (figures.ACTIVE, "transfers_active"),
        (figures.WAITING, "transfers_active"),
        (figures.WAITING, "jobs_open"),
        (figures.DEFERRED, "transfers_active"),
        (figures.DEFERRED, "item_counts_pkey"),
        (figures.DEAD, "jobs_dead"),
        (figures.LINKED, "connections_standing"),
    ],
)
async def test_what_is_over_is_not_looked_at(pool: Pool, statement: str, index: str) -> None:
    plan = await explained(pool, statement)

    assert index in plan, plan
    assert not re.search(r"Seq Scan on (transfers|jobs|items|item_counts|connections)", plan), plan


async def explained(pool: Pool, statement: str) -> str:
    """Return the plan of a server that is told to use indexes wherever it can: tables here are small."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL enable_seqscan = off")
        rows: list[Any] = await connection.fetch(f"EXPLAIN {statement}")
    return "\n".join(row[0] for row in rows)
