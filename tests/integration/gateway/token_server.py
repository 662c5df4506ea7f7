"""A strict platform on a real socket: refresh tokens work once, and using one again ends everything."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from aiohttp import web
from aiohttp.test_utils import TestServer

from shared.models import TokenSet

Odd = Callable[[web.Request], Awaitable[web.StreamResponse]]

TOKEN_ROUTE = "/api/token"
FIRST = TokenSet(access_token="access-0", refresh_token="refresh-0")


class TokenServer:
    """Gives out access-N and refresh-N, whose number rises with each refresh.

    asked_count: calls of the token route. reused_count: those with a refresh token that had been used.
    me_count: calls of the account route; before_me: sees each first. odd: answers in place of the next
    refreshes. is_rotating: a refresh token is replaced with each use. is_over: set when the server stops.
    """

    def __init__(self) -> None:
        self.number = 0
        self.is_valid = True
        self.is_revoked = False
        self.is_rotating = True
        self.asked_count = 0
        self.reused_count = 0
        self.me_count = 0
        self.before_me: Callable[[], Awaitable[None]] | None = None
        self.odd: list[Odd] = []
        self.is_asked = asyncio.Event()
        self.is_over = asyncio.Event()
        app = web.Application()
        app.router.add_post(TOKEN_ROUTE, self._token)
        app.router.add_get("/me", self._me)
        self._server = TestServer(app)

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.is_over.set()
        await self._server.close()

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    def expire(self) -> None:
        """Let the access token run out."""
        self.is_valid = False

    def rotate(self) -> web.Response:
        """Answer a refresh as it should be answered."""
        self.number += 1
        self.is_valid = True
        refreshed = {"refresh_token": f"refresh-{self.number}"} if self.is_rotating else {}
        return web.json_response(
            {
                "access_token": f"access-{self.number}",
                "token_type": "Bearer",
                "expires_in": 3600,
                "scope": "read",
                **refreshed,
            }
        )

    async def _token(self, request: web.Request) -> web.StreamResponse:
        self.asked_count += 1
        self.is_asked.set()
        if self.odd:
            return await self.odd.pop(0)(request)
        form = await request.post()
        newest = self.number if self.is_rotating else 0
        if self.is_revoked or form["refresh_token"] != f"refresh-{newest}":
            self.reused_count += not self.is_revoked
            self.is_revoked = True
            return web.json_response({"error": "invalid_grant"}, status=400)
        return self.rotate()

    async def _me(self, request: web.Request) -> web.Response:
        self.me_count += 1
        if self.before_me:
            await self.before_me()
        is_known = request.headers.get("Authorization") == f"Bearer access-{self.number}"
        if not self.is_valid or self.is_revoked or not is_known:
            return web.json_response({"error": {"status": 401}}, status=401)
        return web.json_response({"number": self.number})
