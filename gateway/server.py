"""The HTTP server below the application: what no request can be made of is told as a problem, too.

aiohttp answers such bytes itself, before any middleware, as text/plain. It has one place where it does so,
RequestHandler.handle_error; the classes around the handler here only bring it there.

They also give a connection its times, which aiohttp has none of: who sends a request byte by byte would hold
it for ever. How many connections one address may have is the business of the proxy in front.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import hdrs, web
from loguru import logger

from gateway import answer_headers, problems
from gateway.actions.refusals import BodyTooSlow

HEAD_TIMEOUT_S = 10.0
BODY_TIMEOUT_S = 30.0
IDLE_TIMEOUT_S = 75.0
LINGER_S = 5.0


class Times(msgspec.Struct, frozen=True, kw_only=True):
    """How long a connection may take.

    head_s: for first line and headers, from their first byte on. body_s: for the body, from the end of the
    head on. idle_s: without a request. linger_s: for what is still to come of a body that was answered
    already, so that its sender gets to read the answer. None of them limits how long an answer may take.
    """

    head_s: float = HEAD_TIMEOUT_S
    body_s: float = BODY_TIMEOUT_S
    idle_s: float = IDLE_TIMEOUT_S
    linger_s: float = LINGER_S


TIMES = Times()


class ProblemHandler(web.RequestHandler):
    """Speaks HTTP on one connection."""

    def __init__(self, manager: web.Server, *, head_s: float, **options: Any) -> None:
        super().__init__(manager, **options)
        self._head_s = head_s
        self._head_timer: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._is_waiting:
            self._stop_head_timer()
        elif self._head_timer is None:
            self._head_timer = asyncio.get_running_loop().call_later(self._head_s, self._give_up)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._stop_head_timer()
        super().connection_lost(exc)

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
        logger.bind(request_id=request_id, error=type(exc).__name__).info("Request cannot be read")
        body = problems.body_of(problems.UNREADABLE, error=None, request_id=request_id, trace_id=None)
        response = web.Response(
            status=status,
            body=msgspec.json.encode(body),
            content_type="application/problem+json",
            headers={
                **answer_headers.EVERYWHERE,
                hdrs.SERVER: answer_headers.SERVER,
                "X-Request-Id": request_id,
            },
        )
        response.force_close()
        return response

    @property
    def _is_waiting(self) -> bool:
        """Whether no whole head is there, and no request is being answered."""
        return self._waiter is not None and not self._waiter.done()

    def _give_up(self) -> None:
        self._head_timer = None
        if self._is_waiting:
            logger.info("Request head took too long")
            self.force_close()

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class ProblemServer(web.Server):
    """Makes a ProblemHandler for each connection."""

    def __init__(self, made: web.Server, *, times: Times, options: dict[str, Any]) -> None:
        """made: what aiohttp has made for the application. options: those of its handlers."""
        super().__init__(
            _in_time(made.request_handler, body_s=times.body_s),
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
        )
        self._times = times
        self._options = options

    def __call__(self) -> web.RequestHandler:
        return ProblemHandler(
            self,
            head_s=self._times.head_s,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=self._times.idle_s,
            lingering_time=self._times.linger_s,
            auto_decompress=False,  # nothing packed is read: see gateway/intake.py
            **self._options,
        )


class ProblemRunner(web.AppRunner):
    """Runs an application on a ProblemServer. options: of the handlers, as AppRunner has them."""

    def __init__(
        self, app: web.Application, *, shutdown_timeout: float, times: Times = TIMES, **options: Any
    ) -> None:
        super().__init__(app, shutdown_timeout=shutdown_timeout, **options)
        self._times = times
        self._options = options

    async def _make_server(self) -> web.Server:
        return ProblemServer(await super()._make_server(), times=self._times, options=self._options)


def _in_time(
    handle: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], *, body_s: float
) -> Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]:
    """Let whoever reads the body hear that it took too long; a request without one has all the time."""

    async def handle_in_time(request: web.BaseRequest) -> web.StreamResponse:
        is_late = False

        def give_up() -> None:
            nonlocal is_late
            if not request.content.is_eof():
                is_late = True
                request.content.set_exception(BodyTooSlow("The rest of the body did not arrive in time."))
                request.content.feed_eof()

        timer = asyncio.get_running_loop().call_later(body_s, give_up)
        try:
            response = await handle(request)
        finally:
            timer.cancel()
        if is_late:  # what comes now may be the body or a request: nobody knows
            response.force_close()
        return response

    return handle_in_time
