"""Starts sandboxes on free ports and closes them again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, TCPConnector
from aiohttp.test_utils import TestServer

from deploy.sandbox.options import Options
from tests.integration.sandbox.harness import Caller, Starter, send_once, start, world_of


@pytest.fixture
async def starter(tmp_path: Path) -> AsyncIterator[Starter]:
    """Give a function that starts a sandbox over a world and signs its caller in."""
    servers: list[TestServer] = []
    session = ClientSession(connector=TCPConnector(force_close=True), middlewares=(send_once,))

    async def run(
        platform: str, *, world: dict[str, Any] | None = None, is_signed_in: bool = True, **knobs: Any
    ) -> Caller:
        options = Options(platform=platform, **knobs)
        server, caller = await start(world_of(tmp_path, **world or {}), session=session, options=options)
        servers.append(server)
        if is_signed_in:
            await (caller.log_in() if platform == "spotify" else caller.use_apple_tokens())
        return caller

    yield run
    await session.close()
    for server in servers:
        await server.close()
