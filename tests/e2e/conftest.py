"""One system for most of these tests: to start it takes longer than to use it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.stack import Stack
from tests.e2e.worlds import Worlds, write_worlds


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return write_worlds(tmp_path_factory.mktemp("worlds"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def common_stack(tmp_path_factory: pytest.TempPathFactory, worlds: Worlds) -> AsyncIterator[Stack]:
    data_dir: Path = tmp_path_factory.mktemp("stack")
    async with Stack.run(data_dir, worlds=worlds.paths, latency_ms=15) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def stack(common_stack: Stack) -> Stack:
    """The system that all share, with two workers and no faults."""
    await common_stack.refresh()
    return common_stack
