"""Let pages of other origins call the API from a browser: those that the operator names, and no others."""

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from gateway.operations import Handler

_PREFLIGHT_LIFE_S = 600
_METHODS = "GET, POST, PUT, DELETE"
_REQUEST_HEADERS = (
    "Accept, Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, Prefer, "
    "traceparent, tracestate, X-Request-Id"
)
_EXPOSED = (
    "Location, ETag, Retry-After, Link, RateLimit, RateLimit-Policy, Idempotent-Replayed, traceparent, "
    "X-Request-Id"
)
_PREFLIGHT = {
    hdrs.ACCESS_CONTROL_ALLOW_METHODS: _METHODS,
    hdrs.ACCESS_CONTROL_ALLOW_HEADERS: _REQUEST_HEADERS,
    hdrs.ACCESS_CONTROL_MAX_AGE: str(_PREFLIGHT_LIFE_S),
}

Finish = Callable[[web.Request, web.StreamResponse], Awaitable[None]]


def cross_origin(origins: frozenset[str]) -> tuple[Callable[..., Awaitable[web.StreamResponse]], Finish]:
    """Return a middleware that answers preflights, and what adds to each answer whose headers are sent.

    origins: exact ones, `https://app.example`. No answer allows any origin, or credentials: API keys travel
    in a header that a page has to set itself.
    """

    @web.middleware
    async def answer_preflight(request: web.Request, handler: Handler) -> web.StreamResponse:
        is_preflight = (
            request.method == hdrs.METH_OPTIONS
            and request.headers.get(hdrs.ORIGIN) in origins
            and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
        )
        return web.Response(status=204, headers=_PREFLIGHT) if is_preflight else await handler(request)

    async def finish(request: web.Request, response: web.StreamResponse) -> None:
        vary = response.headers.get(hdrs.VARY)
        response.headers[hdrs.VARY] = f"{vary}, {hdrs.ORIGIN}" if vary else hdrs.ORIGIN
        origin = request.headers.get(hdrs.ORIGIN)
        if origin in origins:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = str(origin)
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = _EXPOSED

    return answer_preflight, finish
