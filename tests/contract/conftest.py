"""Every test of this folder runs once per platform and regime."""

from collections.abc import AsyncIterator

import pytest

from deploy.sandbox.world import World
from shared.platforms.registry import Platforms
from shared.settings import Settings
from tests.contract.sandboxes import FLAVORS, Stage, flavors, staged, write_world
from tests.contract.shelves import shelved
from tests.fakes.budget import FakeBudgets


@pytest.fixture(scope="session", params=flavors(lambda _: True))
def flavor(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def world(flavor: str, tmp_path_factory: pytest.TempPathFactory) -> World | None:
    """The sandbox's; None for a platform that has none."""
    known = FLAVORS[flavor]
    if not known.has_http:
        return None
    can = Platforms(Settings(), budgets=FakeBudgets()).capabilities(known.platform)
    return World.load(write_world(tmp_path_factory.mktemp(flavor), known, can=can))


@pytest.fixture
def shelf_url(request: pytest.FixtureRequest, flavor: str) -> str:
    """A database of the test's own, where the platform's playlists stand in one; or nothing."""
    return "" if FLAVORS[flavor].has_http else str(request.getfixturevalue("database_url"))


@pytest.fixture
async def stage(world: World | None, flavor: str, shelf_url: str) -> AsyncIterator[Stage]:
    known = FLAVORS[flavor]
    async with shelved(known, shelf_url) if world is None else staged(world, known) as ready:
        yield ready


@pytest.fixture
async def impatient(world: World | None, flavor: str) -> AsyncIterator[Stage]:
    """The same with time-outs of a fraction of a second."""
    assert world is not None
    async with staged(world, FLAVORS[flavor], timeout_s=0.4) as ready:
        yield ready
