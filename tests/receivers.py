"""A receiver of webhooks on a real loopback socket: it keeps what comes and answers as it is told."""

import asyncio
from types import TracebackType
from typing import Any, Self

import msgspec
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

from tests.waiting import until


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it came."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def payload(self) -> dict[str, Any]:
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded

    def verify(self, secret: str) -> None:
        """Let the reference implementation judge; raises what it raises."""
        Webhook(secret).verify(self.body, self.headers)


class Receiver:
    """answers: by turns, the last one for ever. headers: of each answer.

    gate: an answer waits until it is set. most_at_once: so many requests waited for their answer together.
    """

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers or (204,))
        self.headers: dict[str, str] = {}
        self.gate = asyncio.Event()
        self.gate.set()
        self.most_at_once = 0
        self._busy_count = 0
        self.arrivals: list[Arrival] = []
        app = web.Application()
        app.router.add_post("/{path:.*}", self._take)
        self._server = TestServer(app)

    @property
    def url(self) -> str:
        return str(self._server.make_url("/hook"))

    @property
    def port(self) -> int:
        assert self._server.port is not None
        return self._server.port

    @property
    def types(self) -> list[str]:
        return [arrival.payload["type"] for arrival in self.arrivals]

    @property
    def ids(self) -> list[str]:
        return [arrival.id for arrival in self.arrivals]

    async def arrived(self, count: int) -> None:
        """Wait until so many requests have come."""
        await until(lambda: len(self.arrivals) >= count)

    async def __aenter__(self) -> Self:
        await self._server.start_server()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gate.set()
        await self._server.close()

    async def _take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.arrivals.append(Arrival(headers=headers, body=await request.read()))
        self._busy_count += 1
        self.most_at_once = max(self.most_at_once, self._busy_count)
        try:
            await self.gate.wait()
        finally:
            self._busy_count -= 1
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return web.Response(status=status, headers=self.headers)
