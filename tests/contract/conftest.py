"""Every test of this folder runs once per platform and regime."""

from collections.abc import AsyncIterator

import pytest

from deploy.sandbox.world import World
from shared.platforms.registry import Platforms
from shared.settings import Settings
from tests.contract.sandboxes import FLAVORS, Stage, staged, write_world
from tests.fakes.budget import FakeBudgets


@pytest.fixture(scope="session", params=sorted(FLAVORS))
def flavor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def world(flavor: str, tmp_path_factory: pytest.TempPathFactory) -> World:
    known = FLAVORS[flavor]
    can = Platforms(Settings(), budgets=FakeBudgets()).capabilities(known.platform)
    return World.load(write_world(tmp_path_factory.mktemp(flavor), known, can=can))


@pytest.fixture
async def stage(world: World, flavor: str) -> AsyncIterator[Stage]:
    async with staged(world, FLAVORS[flavor]) as ready:
        yield ready


@pytest.fixture
async def impatient(world: World, flavor: str) -> AsyncIterator[Stage]:
    """The same with time-outs of a fraction of a second."""
    async with staged(world, FLAVORS[flavor], timeout_s=0.4) as ready:
        yield ready
