"""The command in front of a gateway that plays a script."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from deploy.cli.main import run
from tests.fakes.gateway import API_KEY, FakeGateway

Crossplay = Callable[..., Awaitable[int]]


@pytest_asyncio.fixture
async def gateway() -> AsyncIterator[FakeGateway]:
    async with FakeGateway() as fake:
        yield fake


@pytest.fixture
def crossplay(gateway: FakeGateway) -> Crossplay:
    """Run a client verb in a thread, against this gateway."""

    async def call(*arguments: str) -> int:
        return await asyncio.to_thread(run, [*arguments, "--server", gateway.url, "--key", API_KEY])

    return call
