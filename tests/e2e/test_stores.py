"""Redis loses everything, or dies, in the middle of a transfer: that costs time, never data."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from deploy.dev.binaries import find_redis
from deploy.dev.processes import Process, ProcessSpec
from deploy.dev.servers import free_port
from tests.e2e.stack import FAST, Stack, clean_environ
from tests.e2e.worlds import Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

READY_TIMEOUT_S = 30.0


async def test_redis_emptied_again_and_again_costs_no_track(stack: Stack, worlds: Worlds) -> None:
    await stack.forget_answers()
    transfer_id = await stack.start(worlds.road_trip)

    for request_count in (4, 8, 12, 16, 20, 24, 28):
        await stack.reached(transfer_id, request_count=request_count)
        await stack.flush()

    status = await stack.user.end(transfer_id)
    assert await stack.flaws(worlds.road_trip, status) == []


async def test_redis_killed_and_started_empty_costs_no_track(tmp_path: Path, worlds: Worlds) -> None:
    port = free_port()
    environ = {**FAST, "CROSSPLAY_REDIS_URL": f"redis://127.0.0.1:{port}/0"}
    async with (
        _forgetful_redis(tmp_path, port=port) as first,
        Stack.run(tmp_path / "stack", worlds=worlds.paths, environ=environ, latency_ms=15) as stack,
    ):
        await stack.refresh()
        transfer_id = await stack.start(worlds.road_trip)
        await stack.reached(transfer_id, request_count=12)
        await first.kill()
        async with _forgetful_redis(tmp_path, port=port):
            status = await stack.user.end(transfer_id)
            flaws = await stack.flaws(worlds.road_trip, status)

    assert flaws == []


@asynccontextmanager
async def _forgetful_redis(directory: Path, *, port: int) -> AsyncIterator[Process]:
    """Run a server that writes nothing to disk."""
    environ = clean_environ()
    program = await asyncio.to_thread(find_redis, environ)
    process = await Process.start(
        ProcessSpec(
            name="redis",
            command=(
                str(program),
                "--port",
                str(port),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ),
            log_path=directory / "redis.log",
            environment=environ,
            cwd=directory,
        )
    )

    async def answers() -> bool:
        try:
            async with redis.asyncio.Redis(port=port, retry=Retry(NoBackoff(), 0)) as client:
                return bool(await client.ping())
        except (RedisError, OSError):
            return False

    try:
        await process.wait_ready(answers, timeout_s=READY_TIMEOUT_S)
        yield process
    finally:
        await process.stop()
