"""Where a platform's sign-in ends when the gateway cannot be reached by it: on the user's own machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Self
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from deploy.cli.exits import CommandStopped, Exit

PATIENCE_S = 600.0
_VISIT_TIMEOUT_S = 30.0
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Crossplay</title>'
    "<p>This is done. Go back to the terminal, and close this window.</p>"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'",
}


class Loopback:
    """Listens at one address of this machine until a browser is sent there with an answer."""

    def __init__(self, redirect_uri: str) -> None:
        self._redirect_uri = redirect_uri
        self._answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @classmethod
    @asynccontextmanager
    async def open(cls, redirect_uri: str) -> AsyncIterator[Self]:
        """Raises OSError where the port is taken."""
        parts = urlsplit(redirect_uri)
        loopback = cls(redirect_uri)
        app = web.Application()
        app.router.add_get(parts.path, loopback._take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, parts.hostname, parts.port or 80).start()
            yield loopback
        finally:
            await runner.cleanup()

    async def address(self) -> str:
        """Wait for the answer and return the address that it came by."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self._answered
        except TimeoutError:
            raise CommandStopped(
                "Nobody has agreed within ten minutes.",
                code=Exit.SIGN_IN,
                cure="Run the same command again to get a new address.",
            ) from None

    async def _take(self, request: web.Request) -> web.Response:
        if "state" in request.query and not self._answered.done():
            self._answered.set_result(f"{self._redirect_uri}?{request.query_string}")
        return web.Response(text=_PAGE, content_type="text/html", headers=_HEADERS)


async def visit(authorize_url: str) -> str:
    """Open a consent page that asks nobody; return the address to which it sends a browser.

    In a session of its own: the API key stays here.
    """
    timeout = aiohttp.ClientTimeout(total=_VISIT_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as browser,
            browser.get(authorize_url, allow_redirects=False) as page,
        ):
            if page.status in (HTTPStatus.FOUND, HTTPStatus.SEE_OTHER):
                return page.headers["Location"]
            reason = f"it answers {page.status}, which is no redirect"
    except (aiohttp.ClientError, TimeoutError) as error:
        reason = str(error)
    raise CommandStopped(
        f"The consent page cannot be passed: {reason}.",
        code=Exit.FAILED,
        cure="Without --follow the address is opened in your browser.",
    )
