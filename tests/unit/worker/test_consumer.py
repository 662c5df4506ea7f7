"""One platform's actor in front of a stream in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import pytest
import pytest_asyncio
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import ResponseError

from shared.messages import RunJob
from shared.models import JobId, Platform, TransferId
from shared.streams import Entry
from tests.waiting import until, within
from worker.consumer import Beat, Consumer

SLOT_COUNT = 3


def entry(number: int) -> Entry:
    message = RunJob(job_id=JobId(f"job-{number}"), transfer_id=TransferId("transfer"))
    return Entry(id=f"{number}-0", message=message)


class MemoryStreams:
    """A stream whose deliveries a test decides. Errors are raised by the coming reads, one by one."""

    def __init__(self) -> None:
        self.waiting: list[Entry] = []
        self.stranded: list[Entry] = []
        self.claimable: list[Entry] = []
        self.errors: list[Exception] = []
        self.asked_counts: list[int] = []
        self.acked: list[str] = []
        self.renewed: list[str] = []
        self.group_count = 0
        self.forgotten: list[str] = []
        self.changed = asyncio.Condition()

    async def ensure_group(self, _: Platform) -> None:
        self.group_count += 1

    async def read(self, _: Any, __: Platform, *, consumer: str, count: int, block_ms: int) -> list[Entry]:
        self.asked_counts.append(count)
        if self.errors:
            raise self.errors.pop(0)
        await asyncio.sleep(0.001)
        taken, self.waiting = self.waiting[:count], self.waiting[count:]
        return taken

    async def read_stranded(self, _: Platform, *, consumer: str, count: int) -> list[Entry]:
        return list(self.stranded)

    async def claim(self, _: Platform, *, consumer: str, idle_ms: int, count: int) -> list[Entry]:
        self.asked_counts.append(count)
        taken, self.claimable = self.claimable[:count], self.claimable[count:]
        return taken

    async def renew(self, _: Platform, *, consumer: str, entry_ids: Sequence[str]) -> list[str]:
        self.renewed += entry_ids
        return []

    async def ack(self, _: Platform, entry_id: str) -> None:
        async with self.changed:
            self.acked.append(entry_id)
            self.changed.notify_all()

    async def forget(self, _: Platform, *, consumer: str) -> None:
        self.forgotten.append(consumer)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5), self.changed:
            await self.changed.wait_for(condition)


class Jobs:
    """Executes as a test wants: each job waits for its release where one is asked for."""

    def __init__(self) -> None:
        self.running: list[str] = []
        self.most_running = 0
        self.is_settled = True
        self.platforms: tuple[Platform, ...] = ()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.started = asyncio.Condition()
        self.started_ids: list[str] = []
        self.beats_each = 0

    async def execute(self, message: RunJob, beat: Beat) -> tuple[bool, tuple[Platform, ...]]:
        self.running.append(message.job_id)
        self.most_running = max(self.most_running, len(self.running))
        async with self.started:
            self.started_ids.append(message.job_id)
            self.started.notify_all()
        for _ in range(self.beats_each):
            await beat()
        try:
            await self.may_end.wait()
        finally:
            self.running.remove(message.job_id)
        return self.is_settled, self.platforms

    async def until_started(self, count: int) -> None:
        async with asyncio.timeout(5), self.started:
            await self.started.wait_for(lambda: len(self.started_ids) >= count)


class Actor:
    """A consumer that runs while its fixture is there."""

    def __init__(self) -> None:
        self.streams = MemoryStreams()
        self.jobs = Jobs()
        self.woken: list[Platform] = []
        self.stop = asyncio.Event()
        self.consumer = Consumer(
            Platform.SPOTIFY,
            streams=self.streams,  # type: ignore[arg-type]  # a fake with the methods that are used
            reader=None,  # type: ignore[arg-type]  # only handed on to the streams
            name="w",
            slot_count=SLOT_COUNT,
            lease_s=30,
            execute=self.jobs.execute,
            wake=self._wake,
        )
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self.task = asyncio.create_task(self.consumer.run(self.stop))

    async def stopped(self) -> None:
        assert self.task is not None
        self.stop.set()
        async with asyncio.timeout(5):
            await self.task

    async def _wake(self, platforms: Sequence[Platform]) -> None:
        self.woken += platforms


@pytest_asyncio.fixture
async def actor() -> AsyncIterator[Actor]:
    actor = Actor()
    yield actor
    actor.jobs.may_end.set()
    actor.stop.set()
    if actor.task is not None:
        await actor.task
    await actor.consumer.drain()


async def test_an_actor_that_cannot_look_says_so_and_one_that_is_stuck_shows_it(actor: Actor) -> None:
    hanging = asyncio.Event()
    before = (actor.consumer.is_reading, actor.consumer.silent_s)
    actor.start()
    await until(lambda: bool(actor.streams.asked_counts))
    reads = actor.consumer.is_reading

    async def hang(*_: Any, **__: Any) -> list[Entry]:
        hanging.set()
        await actor.stop.wait()
        return []

    actor.streams.read = hang  # type: ignore[method-assign]  # a store that never answers
    await within(hanging.wait())
    await until(lambda: actor.consumer.silent_s > 0.05)
    await actor.stopped()

    assert before == (False, 0.0)
    assert reads
    assert actor.consumer.silent_s == 0.0


async def test_an_actor_whose_stream_is_away_is_not_reading(actor: Actor) -> None:
    actor.streams.errors = [RedisAway("away")] * 3

    actor.start()
    await until(lambda: len(actor.streams.errors) == 2)

    assert not actor.consumer.is_reading
    assert actor.consumer.silent_s < 0.5


async def test_an_actor_full_of_long_jobs_is_not_stuck(actor: Actor) -> None:
    actor.jobs.may_end.clear()
    actor.streams.waiting = [entry(n) for n in range(SLOT_COUNT)]

    actor.start()
    await actor.jobs.until_started(SLOT_COUNT)

    assert actor.consumer.silent_s == 0.0


async def test_every_entry_is_executed_and_acknowledged(actor: Actor) -> None:
    actor.streams.waiting = [entry(n) for n in range(10)]

    actor.start()

    await actor.streams.until(lambda: len(actor.streams.acked) == 10)
    assert sorted(actor.jobs.started_ids) == [f"job-{n}" for n in range(10)]


async def test_no_more_is_read_than_there_are_free_slots(actor: Actor) -> None:
    actor.jobs.may_end.clear()
    actor.streams.waiting = [entry(n) for n in range(10)]
    actor.start()
    await actor.jobs.until_started(SLOT_COUNT)

    actor.jobs.may_end.set()
    await actor.streams.until(lambda: len(actor.streams.acked) == 10)

    assert actor.jobs.most_running == SLOT_COUNT
    assert all(0 < count <= SLOT_COUNT for count in actor.streams.asked_counts)


async def test_an_entry_is_acknowledged_only_after_its_job(actor: Actor) -> None:
    actor.jobs.may_end.clear()
    actor.streams.waiting = [entry(1)]
    actor.start()

    await actor.jobs.until_started(1)
    assert actor.streams.acked == []

    actor.jobs.may_end.set()
    await actor.streams.until(lambda: actor.streams.acked == ["1-0"])


async def test_an_entry_whose_job_was_not_settled_stays_pending(actor: Actor) -> None:
    actor.jobs.is_settled = False
    actor.jobs.platforms = (Platform.SPOTIFY,)
    actor.streams.waiting = [entry(1)]
    actor.start()
    await actor.jobs.until_started(1)

    await actor.stopped()
    await actor.consumer.drain()

    assert actor.streams.acked == []
    assert actor.woken == [Platform.SPOTIFY]


async def test_new_work_is_looked_for_where_a_job_says_so(actor: Actor) -> None:
    actor.jobs.platforms = (Platform.SPOTIFY, Platform.APPLE_MUSIC)
    actor.streams.waiting = [entry(1)]
    actor.start()
    await actor.streams.until(lambda: actor.streams.acked == ["1-0"])

    await actor.stopped()
    await actor.consumer.drain()

    assert actor.woken == [Platform.SPOTIFY, Platform.APPLE_MUSIC]


async def test_an_entry_that_cannot_be_read_is_acknowledged_and_not_executed(actor: Actor) -> None:
    actor.streams.waiting = [Entry(id="9-0", message=None)]

    actor.start()

    await actor.streams.until(lambda: actor.streams.acked == ["9-0"])
    assert actor.jobs.started_ids == []


async def test_what_stranded_in_an_earlier_life_is_executed_first(actor: Actor) -> None:
    actor.streams.stranded = [entry(1)]
    actor.streams.waiting = [entry(2)]

    actor.start()

    await actor.streams.until(lambda: len(actor.streams.acked) == 2)
    assert actor.jobs.started_ids[0] == "job-1"


@pytest.mark.parametrize("error", [ResponseError("NOGROUP No such key"), RedisAway("away"), TimeoutError()])
async def test_after_a_failed_read_group_and_stranded_entries_are_looked_after(
    actor: Actor, error: Exception
) -> None:
    actor.streams.errors = [error]
    actor.start()
    await until(lambda: not actor.streams.errors)
    actor.streams.stranded = [entry(1)]

    await actor.streams.until(lambda: "1-0" in actor.streams.acked)

    assert actor.streams.group_count == 2


async def test_an_entry_under_way_is_not_started_again_as_stranded(actor: Actor) -> None:
    actor.jobs.may_end.clear()
    actor.streams.waiting = [entry(1)]
    actor.start()
    await actor.jobs.until_started(1)
    actor.streams.stranded = [entry(1), entry(2)]
    actor.streams.errors = [RedisAway("away")]

    await actor.jobs.until_started(2)

    assert actor.jobs.started_ids == ["job-1", "job-2"]


async def test_a_heartbeat_renews_the_entry_it_belongs_to(actor: Actor) -> None:
    actor.jobs.beats_each = 2
    actor.streams.waiting = [entry(7)]

    actor.start()

    await actor.streams.until(lambda: actor.streams.acked == ["7-0"])
    assert actor.streams.renewed == ["7-0", "7-0"]


async def test_a_stop_starts_nothing_new_and_drain_waits_for_what_is_under_way(actor: Actor) -> None:
    actor.jobs.may_end.clear()
    actor.streams.waiting = [entry(1)]
    actor.start()
    await actor.jobs.until_started(1)

    await actor.stopped()
    draining = asyncio.create_task(actor.consumer.drain())
    await asyncio.sleep(0)

    assert not draining.done()
    actor.jobs.may_end.set()
    await draining
    assert actor.streams.acked == ["1-0"]


async def test_a_stop_is_heard_while_every_slot_is_taken(actor: Actor) -> None:
    actor.jobs.may_end.clear()
    actor.streams.waiting = [entry(n) for n in range(SLOT_COUNT)]
    actor.start()
    await actor.jobs.until_started(SLOT_COUNT)

    await actor.stopped()

    assert len(actor.jobs.running) == SLOT_COUNT


async def test_leaving_cancels_what_does_not_end_and_acknowledges_nothing(actor: Actor) -> None:
    actor.jobs.may_end.clear()
    actor.streams.waiting = [entry(1)]
    actor.start()
    await actor.jobs.until_started(1)
    await actor.stopped()

    await actor.consumer.leave()

    assert actor.jobs.running == []
    assert actor.streams.acked == []
    assert actor.streams.forgotten == ["w"]
