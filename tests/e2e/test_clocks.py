"""Wall clocks jump or never agreed: leases, budgets, tokens and sign-ins do not care."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from deploy.dev.processes import Process
from tests.e2e.stack import Stack
from tests.e2e.worlds import Worlds
from tests.faults.clocks import WrongClock, tidy_up

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

LOST = "Lease lost"
WAITS = "asks to wait"


async def test_clocks_that_jump_apart_in_the_middle_of_a_transfer_do_no_harm(
    stack: Stack, worlds: Worlds, tmp_path: Path
) -> None:
    clocks = [WrongClock(tmp_path / name) for name in ("one", "other")]
    turn_apart(clocks, hours=1)
    await stack.forget_answers()
    async with workers_under(stack, clocks) as workers:
        lost_count, wait_count = stack.told_count(LOST), stack.told_count(WAITS)
        transfer_id = await stack.start(worlds.road_trip)

        for request_count, hours in ((8, -1), (16, 1)):
            await stack.reached(transfer_id, request_count=request_count)
            turn_apart(clocks, hours=hours)

        status = await stack.user.end(transfer_id)
        shown_hours = [hours_off(stack, worker.name) for worker in workers]

    assert await stack.flaws(worlds.road_trip, status) == []
    assert shown_hours == [1, -1]
    assert stack.told_count(LOST) == lost_count
    assert stack.told_count(WAITS) == wait_count
    # Who is an hour ahead takes a good token for an old one, once; nobody chases the other.
    assert await stack.request_count("spotify", "token") <= len(clocks)
    assert await refused_count(stack) == 0


@pytest.mark.parametrize("hours", [-1, 1])
async def test_a_gateway_whose_clock_is_wrong_connects_starts_and_tells(
    stack: Stack, worlds: Worlds, tmp_path: Path, hours: int
) -> None:
    clock = WrongClock(tmp_path / "gateway")
    clock.turn(hours=hours)
    await stack.forget_answers()

    async with gateway_under(stack, environ=clock.environ), stack.new_user(f"astray {hours}") as user:
        cut = worlds.movable
        status = await user.end(await user.start(cut.platform, cut.name, cut.target))
        flaws = await stack.flaws(cut, status, user=user)
        shown_hours = hours_off(stack, "gateway")

    assert flaws == []
    assert shown_hours == hours
    # One for the sign-in; tokens that were issued an hour ago by the workers' clocks are replaced once.
    assert await stack.request_count("spotify", "token") <= 2
    assert await refused_count(stack) == 0


def turn_apart(clocks: Sequence[WrongClock], *, hours: int) -> None:
    for clock, sign in zip(clocks, (1, -1), strict=True):
        clock.turn(hours=sign * hours)


@asynccontextmanager
async def workers_under(stack: Stack, clocks: Sequence[WrongClock]) -> AsyncIterator[list[Process]]:
    """Have a worker for each clock and no other one; whoever comes next starts its own."""
    for worker in list(stack.workers):
        await stack.kill(worker)
    try:
        yield [await start_worker(stack, environ=clock.environ) for clock in clocks]
    finally:
        for worker in list(stack.workers):
            await stack.kill(worker)


async def start_worker(stack: Stack, *, environ: Mapping[str, str]) -> Process:
    with more_environ(stack, environ):
        worker = await stack.system.add_worker()
    tidy_up(worker.pid)
    return worker


@asynccontextmanager
async def gateway_under(stack: Stack, *, environ: Mapping[str, str]) -> AsyncIterator[None]:
    """Run the gateway with more in its environment, then again as it was."""
    with more_environ(stack, environ):
        await stack.system.restart_gateway()
    tidy_up(stack.processes[0].pid)
    try:
        yield
    finally:
        await stack.system.restart_gateway()


@contextmanager
def more_environ(stack: Stack, environ: Mapping[str, str]) -> Iterator[None]:
    stack.system.settings.update(environ)
    try:
        yield
    finally:
        for name in environ:
            del stack.system.settings[name]


def hours_off(stack: Stack, name: str) -> int:
    """Return how far ahead a process was when it wrote its last line."""
    line = (stack.data_dir / "logs" / f"{name}.log").read_text().splitlines()[-1]
    wrote_at: datetime = datetime.fromisoformat(msgspec.json.decode(line)["ts"])
    return round((wrote_at - datetime.now(UTC)).total_seconds() / 3600)


async def refused_count(stack: Stack) -> int:
    """Return how many calls the platforms have answered with 401 or 429."""
    by_status = [
        (await stack.control(platform, "requests"))["by_status"] for platform in stack.system.sandbox_urls
    ]
    return sum(counts.get("401", 0) + counts.get("429", 0) for counts in by_status)
