"""Scheduler and whole workers on real stores: two of them move a playlist, one is gone half way."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from shared.db import workers
from shared.fleet import Fleet
from shared.lifecycle import State
from shared.models import TransferId
from shared.secret import Secret
from shared.streams import Streams, open_redis
from tests.fakes.adapter import Lost
from tests.faults.proxy import Proxy
from tests.integration.worker.engine import Engine, target_ids
from tests.waiting import until, until_answered
from worker.consumer import Consumer
from worker.scheduler import LEADER_KEY, Scheduler

pytestmark = pytest.mark.integration

SWEEP_S = 0.05


def scheduler(
    engine: Engine, redis: Redis, *, name: str, on_fleet: Callable[[int], None] = lambda _: None
) -> Scheduler:
    return Scheduler(
        pool=engine.pool, redis=redis, worker_id=name, slot_count=4, sweep_s=SWEEP_S, on_fleet=on_fleet
    )


class Daemon:
    """A worker without its bootstrap: scheduler and consumers around the engine's executor."""

    def __init__(self, engine: Engine, redis: Redis, readers: list[Redis], *, name: str) -> None:
        self.stop = asyncio.Event()
        self._scheduler = scheduler(engine, redis, name=name)
        self._consumers = [
            Consumer(
                platform,
                streams=Streams(redis),
                reader=reader,
                name=name,
                slot_count=4,
                lease_s=30,
                execute=engine.executor(name).execute,
                wake=self._scheduler.wake,
            )
            for platform, reader in zip(
                (engine.source.platform, engine.target.platform), readers, strict=True
            )
        ]
        runs = [self._scheduler.run, *(consumer.run for consumer in self._consumers)]
        self._tasks = [asyncio.create_task(run(self.stop)) for run in runs]

    async def drained(self) -> None:
        self.stop.set()
        await asyncio.gather(*self._tasks)
        for consumer in self._consumers:
            await consumer.drain()
            await consumer.leave()
        await self._scheduler.leave()


@pytest_asyncio.fixture
async def readers(redis_url: str) -> AsyncIterator[list[Redis]]:
    clients = [open_redis(Secret(redis_url), connection_count=1, socket_timeout_s=None) for _ in range(4)]
    yield clients
    for client in clients:
        await client.aclose()


async def until_completed(engine: Engine, transfer_id: TransferId) -> None:
    async def is_completed() -> bool:
        return await engine.state(transfer_id) is State.COMPLETED

    await until_answered(is_completed)


async def test_two_workers_move_a_playlist_and_one_may_leave_half_way(
    positioned: Engine, redis: Redis, readers: list[Redis]
) -> None:
    transfer_id = await positioned.transfer(range(30))
    one, two = (
        Daemon(positioned, redis, readers[first : first + 2], name=name)
        for name, first in (("one", 0), ("two", 2))
    )
    await until(lambda: bool(positioned.target.added_batches))

    await one.drained()

    await until_completed(positioned, transfer_id)
    await two.drained()
    assert positioned.target.ids_of() == target_ids(range(30))
    assert await workers.alive(positioned.pool) == (0, 0)


async def test_a_wiped_redis_half_way_costs_time_and_nothing_else(
    positioned: Engine, redis: Redis, readers: list[Redis]
) -> None:
    transfer_id = await positioned.transfer(range(20))
    daemon = Daemon(positioned, redis, readers[:2], name="one")
    await until(lambda: bool(positioned.target.added_batches))

    await redis.flushall()

    await until_completed(positioned, transfer_id)
    await daemon.drained()
    assert positioned.target.ids_of() == target_ids(range(20))


async def test_one_worker_sweeps_at_a_time_and_another_follows_it(positioned: Engine, redis: Redis) -> None:
    one, two = (scheduler(positioned, redis, name=name) for name in ("one", "two"))

    answers = [await one._leader.is_me(), await two._leader.is_me(), await one._leader.is_me()]
    await redis.delete(LEADER_KEY)  # its time is over
    after = await two._leader.is_me()

    assert answers == [True, False, True]
    assert after


async def test_a_heartbeat_tells_how_many_are_alive(positioned: Engine, redis: Redis) -> None:
    await workers.seen(positioned.pool, "other", slot_count=4)
    told: list[int] = []
    stop = asyncio.Event()

    def on_fleet(alive_count: int) -> None:
        told.append(alive_count)
        stop.set()

    await scheduler(positioned, redis, name="one", on_fleet=on_fleet).run(stop)

    assert told == [2]


async def test_a_parked_transfer_goes_on_at_its_hour(
    positioned: Engine, redis: Redis, readers: list[Redis]
) -> None:
    transfer_id = await positioned.transfer(range(3))
    await positioned.pool.execute("UPDATE transfers SET state = 'paused', resume_at = now()")
    daemon = Daemon(positioned, redis, readers[:2], name="one")

    await until_completed(positioned, transfer_id)

    await daemon.drained()
    assert await positioned.state(transfer_id) is State.COMPLETED


async def test_a_heart_beats_on_while_redis_is_away(positioned: Engine) -> None:
    async def is_seen() -> bool:
        return await workers.alive(positioned.pool) != (0, 0)

    stop = asyncio.Event()
    async with open_redis(Secret("redis://127.0.0.1:1/0")) as nobody:
        task = asyncio.create_task(scheduler(positioned, nobody, name="one").run(stop))
        await until_answered(is_seen)
        stop.set()

        await task


async def test_a_heart_beats_on_while_redis_says_nothing(positioned: Engine, redis_url: str) -> None:
    async def is_seen() -> bool:
        return await workers.alive(positioned.pool) != (0, 0)

    stop = asyncio.Event()
    async with Proxy(redis_url) as proxy, open_redis(Secret(proxy.url), socket_timeout_s=None) as deaf:
        proxy.stall()
        task = asyncio.create_task(scheduler(positioned, deaf, name="one").run(stop))
        await until_answered(is_seen)
        await positioned.pool.execute("UPDATE workers SET seen_at = now() - interval '7 s'")
        await until_answered(is_seen)
        stop.set()
        proxy.heal()

        await task


async def test_a_worker_that_dies_is_no_longer_counted_at_the_next_heartbeats(
    positioned: Engine, redis: Redis
) -> None:
    await workers.seen(positioned.pool, "dead", slot_count=4)
    fleet = Fleet()
    stop = asyncio.Event()
    task = asyncio.create_task(scheduler(positioned, redis, name="one", on_fleet=fleet.heard).run(stop))
    await until(lambda: fleet.size == 2)

    await positioned.pool.execute("UPDATE workers SET seen_at = now() - interval '7 s' WHERE id = 'dead'")

    await until(lambda: fleet.size == 1)
    stop.set()
    await task


async def test_a_lost_answer_is_settled_by_whole_workers_too(
    positioned: Engine, redis: Redis, readers: list[Redis]
) -> None:
    transfer_id = await positioned.transfer(range(6))
    positioned.target.add_mishaps.append(Lost())
    daemon = Daemon(positioned, redis, readers[:2], name="one")
    await until(lambda: bool(positioned.target.added_batches))

    async def is_completed() -> bool:
        await positioned.skip(5)
        return await positioned.state(transfer_id) is State.COMPLETED

    await until_answered(is_completed)
    await daemon.drained()

    assert positioned.target.ids_of() == target_ids(range(6))
