"""A gateway on the very server that the process runs, and plain sockets to talk to it."""

from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.server import ProblemRunner


class RealServer(TestServer):
    """A TestServer whose connections are served as the process serves them."""

    def __init__(self, app: web.Application, **options: Any) -> None:
        super().__init__(app)
        self._options = options

    async def _make_runner(self, **_: Any) -> web.AppRunner:
        return ProblemRunner(self.app, access_log=None, shutdown_timeout=1.0, **self._options)
