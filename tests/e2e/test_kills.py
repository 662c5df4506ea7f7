"""Workers are killed, all of them are, or they are told to leave: the target is perfect."""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.stack import Stack, wait_until
from tests.e2e.worlds import Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

SOURCE_PAGE = 50  # rows of a match job
KILL_RUN_COUNT = int(os.environ.get("CROSSPLAY_TEST_KILL_RUNS", "5"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def usual_count(common_stack: Stack, worlds: Worlds) -> int:
    """How many requests the road trip takes when nothing happens."""
    await common_stack.refresh()
    await common_stack.forget_answers()
    status = await common_stack.user.end(await common_stack.start(worlds.road_trip))
    assert await common_stack.flaws(worlds.road_trip, status) == []
    return await common_stack.total_request_count()


@pytest.mark.parametrize("seed", range(KILL_RUN_COUNT))
async def test_killed_worker_leaves_a_perfect_target(
    usual_count: int, stack: Stack, worlds: Worlds, seed: int
) -> None:
    rng = random.Random(seed)
    await stack.forget_answers()
    transfer_id = await stack.start(worlds.road_trip)
    await stack.reached(transfer_id, request_count=rng.randint(1, usual_count - 2))

    await stack.kill_any(transfer_id, rng=rng)

    status = await stack.user.end(transfer_id)
    assert await stack.flaws(worlds.road_trip, status) == []


@pytest.mark.parametrize("seed", range(3))
async def test_each_job_of_a_killed_worker_costs_at_most_one_batch_of_look_ups_again(
    usual_count: int, stack: Stack, worlds: Worlds, seed: int
) -> None:
    await stack.forget_answers()
    transfer_id = await stack.start(worlds.road_trip)
    await stack.reached(transfer_id, request_count=3 + 4 * seed)
    matcher = await stack.next_at_work(transfer_id)
    held_count = await stack.held_count(matcher)

    await stack.kill(matcher)

    status = await stack.user.end(transfer_id)
    asked = await stack.looked_up("apple_music")
    assert await stack.flaws(worlds.road_trip, status) == []
    assert sum(asked.values()) - len(asked) <= SOURCE_PAGE * max(1, held_count)


async def test_all_workers_killed_and_new_ones_started_finish_the_transfer(
    usual_count: int, stack: Stack, worlds: Worlds
) -> None:
    await stack.forget_answers()
    transfer_id = await stack.start(worlds.road_trip)
    await stack.reached(transfer_id, request_count=usual_count - 5)

    for worker in list(stack.workers):
        await stack.kill(worker)
    before = await stack.user.status(transfer_id)
    await stack.refresh()

    status = await stack.user.end(transfer_id)
    assert before["state"] == "running"
    assert await stack.flaws(worlds.road_trip, status) == []


async def test_worker_told_to_leave_finishes_its_write_first(
    usual_count: int, stack: Stack, worlds: Worlds
) -> None:
    await stack.arm("apple_music", {"operation": "add_items", "kind": "delay", "delay_ms": 600, "count": 1})
    transfer_id = await stack.start(worlds.road_trip)

    await stack.writes_begin("apple_music")
    writer = await stack.at_work(transfer_id)
    assert writer is not None

    exit_status = await stack.terminate(writer, patience_s=27.0)

    status = await stack.user.end(transfer_id)
    assert exit_status == 0
    assert await stack.flaws(worlds.road_trip, status) == []
    assert await stack.request_count("apple_music", "add_items") == 3  # 135 tracks by 50


async def test_second_signal_ends_a_worker_at_once(stack: Stack, worlds: Worlds) -> None:
    # A job that takes longer than anybody wants to wait.
    await stack.arm("spotify", {"operation": "list_items", "kind": "delay", "delay_ms": 20_000, "count": 1})
    transfer_id = await stack.start(worlds.road_trip)

    async def is_reading() -> bool:
        return await stack.at_work(transfer_id) is not None and await stack.struck_count("spotify") > 0

    await wait_until(is_reading)
    reader = await stack.at_work(transfer_id)
    assert reader is not None
    reader.send_signal(signal.SIGTERM)
    await wait_until(_says(stack.data_dir / "logs" / f"{reader.name}.log", "Worker drains"))

    exit_status = await stack.terminate(reader)

    status = await stack.user.end(transfer_id)
    assert exit_status == 1  # it did not drain: that ends with 0
    assert await stack.flaws(worlds.road_trip, status) == []


def _says(log_path: Path, message: str) -> Callable[[], Awaitable[bool]]:
    async def is_said() -> bool:
        return message in await asyncio.to_thread(log_path.read_text)

    return is_said
