"""The HTTP server below the application: what no request can be made of is told as a problem, too.

aiohttp answers such bytes itself, before any middleware, as text/plain. It has one place where it does so,
RequestHandler.handle_error; the two classes around the handler here only bring it there.
"""

import asyncio
import uuid
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import hdrs, web
from loguru import logger

from gateway import problems


class ProblemHandler(web.RequestHandler):
    """Speaks HTTP on one connection."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer bytes that are no request, and close: nobody knows where the next one would begin.

        The answer says nothing of what came, which may be anything. Raises ConnectionError where an answer
        has begun already.
        """
        if status != HTTPStatus.BAD_REQUEST or request.writer.output_size > 0:
            return super().handle_error(request, status, exc, message)
        request_id = uuid.uuid4().hex
        logger.bind(request_id=request_id, error=type(exc).__name__).info("no request can be read")
        body = problems.body_of(problems.UNREADABLE, error=None, request_id=request_id, trace_id=None)
        response = web.Response(
            status=status,
            body=msgspec.json.encode(body),
            content_type="application/problem+json",
            headers={"X-Request-Id": request_id, hdrs.CACHE_CONTROL: "no-store"},
        )
        response.force_close()
        return response


class ProblemServer(web.Server):
    """Makes a ProblemHandler for each connection."""

    def __init__(self, made: web.Server, *, options: dict[str, Any]) -> None:
        """made: what aiohttp has made for the application. options: those of its handlers."""
        super().__init__(
            made.request_handler,
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
        )
        self._options = options

    def __call__(self) -> web.RequestHandler:
        return ProblemHandler(self, loop=asyncio.get_running_loop(), **self._options)


class ProblemRunner(web.AppRunner):
    """Runs an application on a ProblemServer. options: of the handlers, as AppRunner has them."""

    def __init__(self, app: web.Application, *, shutdown_timeout: float, **options: Any) -> None:
        super().__init__(app, shutdown_timeout=shutdown_timeout, **options)
        self._options = options

    async def _make_server(self) -> web.Server:
        return ProblemServer(await super()._make_server(), options=self._options)
