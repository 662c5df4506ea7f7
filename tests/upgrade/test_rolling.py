"""The release before is replaced by this one, put back, and replaced again, while users go on as ever."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from deploy.dev.system import Options
from shared.db import schema
from shared.db.schema import Moment
from tests.e2e.stack import FAST, Stack, clean_environ
from tests.e2e.users import User
from tests.e2e.worlds import Worlds, write_worlds
from tests.upgrade.balancer import Balancer
from tests.upgrade.load import Load
from tests.upgrade.previous import ROOT, checked_out
from tests.upgrade.rolling import Rolling

pytestmark = pytest.mark.e2e

ROUND_COUNT = int(os.environ.get("CROSSPLAY_TEST_UPGRADE_ROUNDS", "1"))
BOTH_RELEASES_S = 3.0


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checked_out(tmp_path_factory.mktemp("previous"))


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return write_worlds(tmp_path_factory.mktemp("worlds"))


@pytest_asyncio.fixture
async def system(tmp_path: Path, old: Path, worlds: Worlds) -> AsyncIterator[Rolling]:
    options = Options(
        data_dir=tmp_path, worlds=worlds.paths, sandbox_arguments=("--latency-ms", "15"), is_healing=False
    )
    async with Rolling(options, tree=old, environ={**clean_environ(), **FAST}) as running:
        yield running


async def test_a_rolling_upgrade_fails_no_request_and_no_transfer_also_when_it_is_rolled_back_half_way(
    system: Rolling, old: Path, worlds: Worlds, tmp_path: Path
) -> None:
    async with (
        Balancer.run() as balancer,
        User.open(balancer.url, key=system.api_key) as user,
        aiohttp.ClientSession() as http,
    ):
        stack = Stack(system, data_dir=tmp_path, user=user, http=http)
        await balancer.add(system.gateway_url)
        cuts = (worlds.movable, worlds.home, worlds.records)

        async with Load.run(balancer.url, key=system.api_key, cuts=cuts) as load:
            await upgrade(system, balancer, old=old)

        flaws = [
            flaw
            for transfer_id, cut in load.started.items()
            for flaw in await stack.flaws(cut, await user.end(transfer_id))
        ]

    print(f"{len(load.started)} transfers, answers {dict(load.statuses)}, {load.farewell_count} farewells")  # noqa: T201 - the measurement
    assert load.faults == []
    assert {status for status in load.statuses if status >= 400} == set()
    assert flaws == []
    assert len(load.started) > 10
    assert load.statuses[200] > 200


async def upgrade(system: Rolling, balancer: Balancer, *, old: Path) -> None:
    """Go the way of docs/how-to/upgrade.md, with a step back in the middle."""
    gateway, workers = system.gateway_url, list(system.workers)
    await asyncio.sleep(BOTH_RELEASES_S)  # the load of the release before

    system.tree = ROOT
    assert (await system.command("migrate", "--check"))[0] == 1
    assert await system.command("migrate", "--pre") == (0, pre_done(old))
    for _ in range(ROUND_COUNT):
        new_gateway = await go_on(system, balancer, gateway=gateway)
        await system.retire_worker(workers[0])
        code, told = await system.command("migrate", "--post")
        assert (code, "still alive: 1 worker(s)" in told) == (1, True), told
        beside = [worker for worker in system.workers if worker is not workers[1]]

        gateway = await go_back(system, balancer, gateway=new_gateway, tree=old)
        await asyncio.gather(*map(system.retire_worker, beside))
        workers = list(system.workers)
        await asyncio.sleep(BOTH_RELEASES_S)
    await go_on(system, balancer, gateway=gateway)
    await asyncio.gather(*map(system.retire_worker, workers))

    code, told = await system.command("migrate", "--post", "--wait", "30")
    applied = [line for line in told.splitlines() if line.startswith("applied")]
    assert (code, applied) == (0, [f"applied  {name}" for name in added_since(old, Moment.POST)]), told
    assert (await system.command("migrate", "--check"))[0] == 0
    await asyncio.sleep(BOTH_RELEASES_S)


async def go_on(system: Rolling, balancer: Balancer, *, gateway: str) -> str:
    """Put this release's gateway in the place of one of the release before, and a worker beside its own."""
    system.tree = ROOT
    fresh, _ = await asyncio.gather(system.add_gateway(), system.add_worker())
    await balancer.add(fresh)
    await system.retire_abrupt_gateway(gateway, balancer)
    return fresh


async def go_back(system: Rolling, balancer: Balancer, *, gateway: str, tree: Path) -> str:
    """Do the opposite; our gateway leaves by itself when it is told to."""
    system.tree = tree
    fresh, _ = await asyncio.gather(system.add_gateway(), system.add_worker())
    await balancer.add(fresh)
    await system.retire_gateway(gateway, balancer)
    system.tree = ROOT
    return fresh


def added_since(old: Path, moment: Moment) -> list[str]:
    """Return the names of this release's migrations that the release before does not have."""
    known = {file.name for file in (old / "shared/db/migrations").iterdir()}
    return [one.name for one in schema.migrations() if one.moment is moment and one.name not in known]


def pre_done(old: Path) -> str:
    return "\n".join(
        [
            *(f"applied  {name}" for name in added_since(old, Moment.PRE)),
            *(f"waiting  {name}" for name in added_since(old, Moment.POST)),
            "Once no older gateway or worker runs: crossplay migrate --post\n",
        ]
    )
