"""Headers of answers: those that every one is sent with, and what the API document says about all of them."""

from http import HTTPStatus
from typing import Any

from aiohttp import hdrs, web

from gateway.operations import Operation
from gateway.schemas import StatusResource

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
"""Nothing that we answer is guessed at, kept, run or framed, unless a route says otherwise."""

SERVER = "crossplay"
"""Which libraries of which release are behind it is nobody's business."""

_TEXT = {"type": "string"}
_SECONDS = {"type": "integer", "minimum": 0}
_DESCRIBED: dict[str, dict[str, Any]] = {
    "X-Request-Id": {
        "description": "Names the request in the log: your own `X-Request-Id`, else a new one.",
        "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
        "required": True,
    },
    "X-Content-Type-Options": {
        "description": "Always `nosniff`.",
        "schema": {"type": "string", "const": "nosniff"},
        "required": True,
    },
    "traceparent": {"description": "The request's trace, as W3C Trace Context has it.", "schema": _TEXT},
    "ETag": {
        "description": "The transfer's revision; send it back as `If-None-Match`.",
        "schema": {"type": "string", "pattern": '^W/"[0-9]+"$'},
        "required": True,
    },
    "Preference-Applied": {"description": "The `Prefer: wait=…` that was followed.", "schema": _TEXT},
    "Location": {
        "description": "Where it is to be found.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {"description": "Seconds after which it is worth to ask again.", "schema": _SECONDS},
    "Idempotent-Replayed": {
        "description": "`true`: this is the answer to the same request before.",
        "schema": {"type": "string", "const": "true"},
    },
    "Link": {"description": 'The next page, as `rel="next"`.', "schema": _TEXT},
    "Age": {"description": "How old the list is, in seconds.", "schema": _SECONDS, "required": True},
    "Content-Disposition": {"description": "A name for the file.", "schema": _TEXT, "required": True},
    "Vary": {"description": "The request headers that the answer depends on.", "schema": _TEXT},
    "RateLimit-Policy": {
        "description": "How many requests your key may make in `w` seconds.",
        "schema": _TEXT,
    },
    "RateLimit": {
        "description": "How many of them are left, and in `t` seconds all of them.",
        "schema": _TEXT,
    },
    "WWW-Authenticate": {
        "description": "How to show who you are.",
        "schema": {"type": "string", "const": 'Bearer realm="crossplay"'},
        "required": True,
    },
}
_ALWAYS = ("X-Request-Id", "X-Content-Type-Options", "traceparent")
_GUARDED = ("RateLimit-Policy", "RateLimit")
_BY_STATUS = {
    201: ("Location",),
    202: ("Location",),
    303: ("Location",),
    304: ("ETag", "Preference-Applied"),
}


async def add(_: web.Request, response: web.StreamResponse) -> None:
    """Add to an answer that is about to be sent what it does not have yet."""
    for name, value in EVERYWHERE.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = SERVER


def of_answer(operation: Operation, *, status: int, body: Any) -> dict[str, Any]:
    """Describe the headers of an operation's answer."""
    names = [*_ALWAYS, *_BY_STATUS.get(status, ()), *(() if operation.is_open else _GUARDED)]
    if body is StatusResource:
        names += ["ETag", "Retry-After", "Preference-Applied", "Idempotent-Replayed"]
    if "next_cursor" in getattr(body, "__struct_fields__", ()):
        names.append("Link")
    if status == HTTPStatus.OK and "Accept" in operation.headers:
        names.append("Vary")
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        names.append("Retry-After")
    names += operation.answer_headers
    return {name: _DESCRIBED[name] for name in dict.fromkeys(names)}


def of_problem(status: int) -> dict[str, Any]:
    """Describe the headers of a problem."""
    names = [*_ALWAYS]
    if status == HTTPStatus.UNAUTHORIZED:
        names.append("WWW-Authenticate")
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        names.append("Retry-After")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        names += _GUARDED
    return {name: _DESCRIBED[name] for name in names}
