"""Which trace a transfer's coming jobs belong to, and what the next owner hears of an attempt that died."""

from typing import Any

import pytest
from opentelemetry.trace import SpanKind, StatusCode
from redis.asyncio import Redis

from shared import outbox
from shared.db import jobs, traces
from shared.db.jobs import Abandoned, Job
from shared.db.pool import Pool
from shared.models import JobId, Platform, TransferId
from shared.secret import Secret
from shared.streams import STORE_ERRORS, Streams, key, open_redis
from tests.fakes.spans import recorded_spans
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


async def test_a_message_that_was_lost_is_sent_again_below_the_same_request(
    engine: Engine, redis: Redis
) -> None:
    transfer_id = await begun(engine)
    streams = Streams(redis)

    with recorded_spans() as spans:
        await outbox.dispatch(engine.pool, streams, Platform.SPOTIFY)
        await redis.flushall()
        await engine.skip(outbox.LOST_AFTER_S + 1)
        rescued_count = await outbox.rescue(engine.pool, streams, Platform.SPOTIFY)
        await outbox.dispatch(engine.pool, streams, Platform.SPOTIFY)

    first, again = spans.get_finished_spans()
    entries: Any = await redis.xrange(key(Platform.SPOTIFY, "jobs"))
    ((entry_id, fields),) = entries
    assert rescued_count == 1
    assert [(one.name, one.kind) for one in (first, again)] == [("send spotify read", SpanKind.PRODUCER)] * 2
    assert {one.parent.span_id for one in (first, again) if one.parent} == {0xB7AD6B7169203331}
    assert fields["traceparent"] == f"00-{FIRST['traceparent'][3:35]}-{again.context.span_id:016x}-01"
    assert dict(again.attributes or {}) == {
        "messaging.system": "redis",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "{crossplay:spotify}:jobs",
        "messaging.message.id": entry_id,
        "crossplay.platform": "spotify",
        "crossplay.transfer_id": transfer_id,
        "crossplay.user_id": str(await engine.pool.fetchval("SELECT user_id FROM jobs")),
        "crossplay.job_id": fields["job_id"],
        "crossplay.phase": "read",
        "crossplay.batch": 0,
    }


async def test_a_message_that_cannot_be_sent_is_an_error_in_its_trace(engine: Engine) -> None:
    await begun(engine)
    away = open_redis(Secret("redis://127.0.0.1:1/0"))

    with recorded_spans() as spans, pytest.raises(STORE_ERRORS):
        await outbox.dispatch(engine.pool, Streams(away), Platform.SPOTIFY)

    (failed,) = spans.get_finished_spans()
    await away.aclose()
    assert failed.status.status_code is StatusCode.ERROR
    assert (failed.attributes or {})["error.type"] == "ConnectionError"


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
