"""Which trace a transfer's coming jobs belong to, and what the next owner hears of an attempt that died."""

import pytest
from redis.asyncio import Redis

from shared.db import jobs, traces
from shared.db.jobs import Abandoned, Job
from shared.db.pool import Pool
from shared.models import JobId, Platform, TransferId
from tests.integration.worker.engine import APPENDING, LEASE_S, Engine

pytestmark = pytest.mark.integration

FIRST = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
NEXT = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
LATE = {"traceparent": "00-99f067aa0ba902b74bf92f3577b34da6-a3ce929d0e0e4736-01"}


@pytest.fixture
def engine(pool: Pool, redis: Redis) -> Engine:
    return Engine(pool, redis, target=APPENDING)


async def begun(engine: Engine) -> TransferId:
    transfer_id = await engine.transfer([1])
    await engine.pool.execute("UPDATE transfers SET trace = $1", FIRST)
    return transfer_id


async def trace_of(engine: Engine) -> dict[str, str]:
    trace: dict[str, str] = await engine.pool.fetchval("SELECT trace FROM transfers")
    return trace


async def test_the_next_trace_counts_its_age_from_its_own_beginning(engine: Engine) -> None:
    transfer_id = await begun(engine)
    await engine.pool.execute("UPDATE transfers SET created_at = created_at - interval '2 days'")
    (old,) = await jobs.choose(engine.pool, Platform.SPOTIFY, window=8, user_cap=8)

    is_ours = await traces.go_on(engine.pool, transfer_id, before=old.trace, trace=NEXT)

    await jobs.unqueue(engine.pool, [old.id])
    (young,) = await jobs.choose(engine.pool, Platform.SPOTIFY, window=8, user_cap=8)
    assert is_ours
    assert old.trace_age_s > 2 * 86_400
    assert young.trace_age_s < 60
    assert young.trace["traceparent"] == NEXT["traceparent"]


async def test_of_two_that_begin_the_next_trace_one_wins(engine: Engine) -> None:
    transfer_id = await begun(engine)

    answers = [
        await traces.go_on(engine.pool, transfer_id, before=FIRST, trace=trace) for trace in (NEXT, LATE)
    ]

    assert answers == [True, False]
    assert (await trace_of(engine))["traceparent"] == NEXT["traceparent"]


async def test_a_transfer_that_somebody_holds_keeps_its_trace_and_nobody_waits(engine: Engine) -> None:
    transfer_id = await begun(engine)

    async with engine.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM transfers FOR UPDATE")
        is_ours = await traces.go_on(engine.pool, transfer_id, before=FIRST, trace=NEXT)

    assert not is_ours
    assert await trace_of(engine) == FIRST


async def taken(engine: Engine, *, owner: str) -> Job:
    job_id = JobId(str(await engine.pool.fetchval("SELECT id FROM jobs")))
    job = await jobs.acquire(engine.pool, job_id, owner=owner, lease_s=LEASE_S, trace=FIRST)
    assert isinstance(job, Job)
    return job


async def test_who_takes_over_a_job_learns_who_had_it_and_by_which_message(engine: Engine) -> None:
    await begun(engine)
    first = await taken(engine, owner="host:1:dead")
    await engine.skip(LEASE_S + 1)

    second = await taken(engine, owner="host:2:heir")

    assert first.abandoned is None
    assert isinstance(second.abandoned, Abandoned)
    assert (second.abandoned.owner, second.abandoned.epoch) == ("host:1:dead", first.epoch)
    assert second.abandoned.trace == FIRST


async def test_an_attempt_that_was_ended_is_not_abandoned(engine: Engine) -> None:
    await begun(engine)
    first = await taken(engine, owner="host:1:alive")
    async with engine.pool.acquire() as connection:
        await jobs.release(connection, first, delay_s=0, error=None, costs_attempt=False)

    second = await taken(engine, owner="host:2:next")

    assert second.abandoned is None
