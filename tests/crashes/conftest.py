"""One system without workers for all of these tests."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.crashes.lab import Lab
from tests.e2e.worlds import Worlds, write_worlds


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return write_worlds(tmp_path_factory.mktemp("crash-worlds"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def common_lab(tmp_path_factory: pytest.TempPathFactory, worlds: Worlds) -> AsyncIterator[Lab]:
    async with Lab.open(tmp_path_factory.mktemp("lab"), worlds) as lab:
        yield lab


@pytest_asyncio.fixture(loop_scope="session")
async def lab(common_lab: Lab) -> AsyncIterator[Lab]:
    """The system without workers, faults, transfers and work."""
    await common_lab.clean()
    yield common_lab
    await common_lab.clean()
