"""One attempt of one request: its budget, its clock, its span and its count."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse
from opentelemetry import trace
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_RESEND_COUNT,
    HTTP_RESPONSE_STATUS_CODE,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT

from shared.meters import meters
from shared.models import Platform

_tracer = trace.get_tracer("crossplay.platforms")


_CHUNK_BYTES = 65_536
_ANSWER_BYTES = 64 * 1024 * 1024  # a playlist of 10,000 tracks has a quarter of it


class AnswerTooLong(aiohttp.ClientError):
    """An answer that does not come to an end."""


class Attempts:
    """The client middleware of one call; aiohttp and aiohttp-retry pass it once per attempt.

    The answer is read to its end here, so that time-out, span and repetition cover the body too.
    spend: waits until the platform's budget has room for it. is_single: a second attempt is refused,
    whichever layer wants it.
    """

    def __init__(
        self,
        *,
        platform: Platform,
        operation: str,
        route: str,
        spend: Callable[[], Awaitable[None]],
        timeout_s: float,
        is_single: bool,
    ) -> None:
        self._platform = platform
        self._operation = operation
        self._route = route
        self._spend = spend
        self._timeout_s = timeout_s
        self._is_single = is_single
        self._count = 0
        self._sent_at_s = 0.0

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if self._is_single and self._count:
            raise aiohttp.ClientConnectionError("a write is sent once")
        asked_at_s = time.monotonic()
        await self._spend()
        with _tracer.start_as_current_span(
            f"{request.method} {self._route}",
            kind=trace.SpanKind.CLIENT,
            attributes={
                HTTP_REQUEST_METHOD: request.method,
                HTTP_REQUEST_RESEND_COUNT: self._count,
                "url.template": self._route,
                SERVER_ADDRESS: request.url.host or "",
                SERVER_PORT: request.url.port or 0,
                "crossplay.platform": self._platform,
                "crossplay.operation": self._operation,
                "crossplay.ratelimit.wait_s": round(time.monotonic() - asked_at_s, 4),
            },
            # Their texts may hold addresses with query values.
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            self._count += 1
            self._sent_at_s = time.monotonic()
            try:
                async with asyncio.timeout(self._timeout_s):
                    response = await handler(request)
                    await _read(response)
            except BaseException as error:
                self._settle(span, result=type(error).__name__, is_error=True)
                raise
            span.set_attribute(HTTP_RESPONSE_STATUS_CODE, response.status)
            if wish := response.headers.getall("Retry-After", []):
                span.set_attribute("http.response.header.retry-after", wish)
            self._settle(span, result=str(response.status), is_error=response.status >= 400)
            return response

    def _settle(self, span: trace.Span, *, result: str, is_error: bool) -> None:
        if is_error:
            span.set_attribute(ERROR_TYPE, result)
            span.set_status(trace.StatusCode.ERROR)
        meters.request_sent(
            platform=self._platform,
            operation=self._operation,
            status=result,
            duration_s=time.monotonic() - self._sent_at_s,
        )


async def _read(response: ClientResponse) -> None:
    """Read the body, which `response.read()` then gives. Raises AnswerTooLong."""
    chunks, count = [], 0
    try:
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            chunks.append(chunk)
            count += len(chunk)
            if count > _ANSWER_BYTES:
                break
    except BaseException:
        response.close()
        raise
    if count > _ANSWER_BYTES:
        response.close()
        raise AnswerTooLong
    response._body = b"".join(chunks)  # noqa: SLF001 - aiohttp itself reads to the end or not at all
