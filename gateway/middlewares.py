"""What happens around every handler: request id, trace, log line, and errors as problems."""

import re
import time
import uuid
from http import HTTPStatus

import msgspec
from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware
from loguru import logger
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
    HTTP_ROUTE,
)
from opentelemetry.semconv.attributes.url_attributes import URL_SCHEME
from opentelemetry.trace import Span, SpanKind, StatusCode

from gateway import keys, pages, problems
from gateway.actions.refusals import BodyMalformed
from gateway.operations import Handler
from gateway.problems import Kind
from shared import spans, telemetry
from shared.db.pool import STORE_ERRORS
from shared.errors import CrossplayError, StoreUnavailable
from shared.meters import Metrics, meters

BODY_LIMIT_BYTES = 256 * 1024

_READS = ("GET", "HEAD", "OPTIONS")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


def measured(*, into: Metrics = meters) -> Middleware:
    """Return what times every request, also one whose client does not wait for the answer."""

    @web.middleware
    async def measure(request: web.Request, handler: Handler) -> web.StreamResponse:
        started_s = time.monotonic()
        status = None
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as error:
            status = error.status
            raise
        finally:
            into.request_answered(
                method=request.method if request.method in hdrs.METH_ALL else "_OTHER",
                route=_route(request),
                status=status,
                duration_s=time.monotonic() - started_s,
            )
        return response

    return measure


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request and its trace, in the answer too, and write one line about it."""
    given = request.headers.get("X-Request-Id", "")
    request[keys.REQUEST_ID] = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
    route = _route(request)
    started_s = time.monotonic()
    with (
        telemetry.tracer.start_as_current_span(
            f"{request.method} {route}",
            context=telemetry.context_from(request.headers),
            kind=SpanKind.SERVER,
            # No path: it holds ids at best, and a state or a code of somebody's sign-in at worst.
            attributes={HTTP_REQUEST_METHOD: request.method, HTTP_ROUTE: route, URL_SCHEME: request.scheme},
            record_exception=False,
        ) as span,
        logger.contextualize(request_id=request[keys.REQUEST_ID]),
    ):
        response = await handler(request)
        _mark(span, request, route=route, status=response.status)
        if not response.prepared:
            response.headers.update({"X-Request-Id": request[keys.REQUEST_ID], **telemetry.inject()})
        logger.bind(
            method=request.method,
            route=route,
            status=response.status,
            duration_s=round(time.monotonic() - started_s, 4),
        ).log(_level(request, status=response.status), "Request answered")
        return response


def _level(request: web.Request, *, status: int) -> str:
    """Who only reads changes nothing: of them, and of probes, only what went wrong is told."""
    return "DEBUG" if request.method in _READS and status < 400 else "INFO"


@web.middleware
async def tell_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into problem+json; what nobody expected is told as `internal`, its text logged."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        kind = problems.HTTP_KINDS.get(error.status, problems.INTERNAL)
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return _answer(request, kind, headers=allow)
    except web.RequestPayloadError:
        return _refuse(request, BodyMalformed("The body did not arrive whole."))
    except CrossplayError as error:
        return _refuse(request, error)
    except STORE_ERRORS as error:
        logger.bind(error=type(error).__name__).warning("Store does not answer")
        return _refuse(request, StoreUnavailable("Postgres cannot serve now; try again in a moment."))
    except Exception as error:  # noqa: BLE001 - the last line: nothing of it may reach the client
        logger.opt(exception=error).error("Unexpected fault")
        return _answer(request, problems.INTERNAL)


def for_browsers(handler: Handler) -> Handler:
    """Tell problems as a page where a browser asks for one; every other client gets problem+json."""

    async def paged(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except CrossplayError as error:
            kind = problems.kind_of(error)
            if "text/html" not in request.headers.get(hdrs.ACCEPT, "") or not kind.is_told:
                raise
            text = pages.problem(kind, detail=str(error))
            return web.Response(
                status=kind.status, text=text, content_type="text/html", headers=pages.HEADERS
            )

    return paged


def _route(request: web.Request) -> str:
    """Return the path's template; never the path, which anybody can make up."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "unmatched"


def _refuse(request: web.Request, error: CrossplayError) -> web.Response:
    kind = problems.kind_of(error)
    if kind.status >= 500 and not kind.is_told:
        logger.opt(exception=error).error("Request failed")
    return _answer(request, kind, error=error)


def _answer(
    request: web.Request,
    kind: Kind,
    *,
    error: CrossplayError | None = None,
    headers: dict[str, str] | None = None,
) -> web.Response:
    body = problems.body_of(
        kind,
        error=error,
        request_id=request[keys.REQUEST_ID],
        trace_id=telemetry.current_trace_id(),
    )
    response = web.Response(
        status=kind.status,
        body=msgspec.json.encode(body),
        content_type="application/problem+json",
        headers=headers,
    )
    wait_s = problems.retry_after_s(kind, error=error)
    if wait_s is not None:
        response.headers[hdrs.RETRY_AFTER] = str(wait_s)
    if kind.status == web.HTTPUnauthorized.status_code:
        response.headers[hdrs.WWW_AUTHENTICATE] = 'Bearer realm="crossplay"'
    return response


def _mark(span: Span, request: web.Request, *, route: str, status: int) -> None:
    """Say how it ended, for whom, and which transfer it changed, if any."""
    span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)
    if keys.USER_ID in request:
        span.set_attribute(spans.USER_ID, request[keys.USER_ID])
    if route.startswith("/status/{id}") and request.method not in (hdrs.METH_GET, hdrs.METH_HEAD):
        span.set_attribute(spans.TRANSFER_ID, request.match_info["id"])
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        span.set_attribute(ERROR_TYPE, str(status))
        span.set_status(StatusCode.ERROR)
