"""Sandboxes and pages of other origins, for tests in a real browser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from yarl import URL

from deploy.sandbox.options import Options
from deploy.sandbox.server import build_app
from deploy.sandbox.world import World


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[URL]:
    """Run an application on a free port of 127.0.0.1."""
    server = TestServer(app)
    await server.start_server()
    try:
        yield server.make_url("/")
    finally:
        await server.close()


@asynccontextmanager
async def sandbox(options: Options) -> AsyncIterator[URL]:
    """Run a simulated platform with nothing in it."""
    async with serving(build_app(World.load([]), options=options)) as url:
        yield url


async def order(url: URL, path: str, body: Any) -> Any:
    """Order something of a sandbox behind the platform's back."""
    async with ClientSession() as session, session.post(url / "_sandbox" / path, json=body) as answer:
        assert answer.ok, await answer.text()
        return await answer.json()
