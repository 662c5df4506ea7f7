"""Redis loses everything, or dies, in the middle of a transfer: that costs time, never data."""

from pathlib import Path

import pytest

from deploy.dev.servers import free_port
from tests.e2e.stack import FAST, Stack, clean_environ
from tests.e2e.worlds import Worlds
from tests.faults.redis_server import forgetful_redis

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


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
        forgetful_redis(tmp_path, port=port, environ=clean_environ()) as first,
        Stack.run(tmp_path / "stack", worlds=worlds.paths, environ=environ, latency_ms=15) as stack,
    ):
        await stack.refresh()
        transfer_id = await stack.start(worlds.road_trip)
        await stack.reached(transfer_id, request_count=12)
        await first.kill()
        async with forgetful_redis(tmp_path, port=port, environ=clean_environ()):
            status = await stack.user.end(transfer_id)
            flaws = await stack.flaws(worlds.road_trip, status)

    assert flaws == []
