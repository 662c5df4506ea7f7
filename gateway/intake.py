"""What a request has to look like before its handler sees it: its query, and the type of its body."""

import msgspec
from aiohttp import hdrs, web

from gateway.actions.refusals import UnsupportedMediaType
from gateway.decoding import decode_query
from gateway.operations import Handler, Operation


class NoQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The query of an operation that has none."""


def checked(operation: Operation) -> Handler:
    """Return the operation's handler behind the checks that its declaration asks for."""
    takes_body = operation.body is not None
    # What anybody may call is also called by load balancers and browsers, which add what they like.
    takes_no_query = operation.query is None and not operation.is_open

    async def handle(request: web.Request) -> web.StreamResponse:
        if takes_no_query:
            decode_query(request.query, into=NoQuery)
        if takes_body or operation.raw_body:
            _check_encoding(request)
        if takes_body:
            _check_body_type(request)
        return await operation.handler(request)

    return handle


def _check_encoding(request: web.Request) -> None:
    """Raises UnsupportedMediaType. Nothing is unpacked: 256 KiB of gzip can hold 256 MiB."""
    encoding = request.headers.get(hdrs.CONTENT_ENCODING, "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise UnsupportedMediaType("Bodies are read as they are: send it without `Content-Encoding`.")


def _check_body_type(request: web.Request) -> None:
    """Raises UnsupportedMediaType.

    A page of strangers can make a browser send JSON under another type, but not under this one without
    asking us first (CORS).
    """
    if not request.can_read_body:
        return
    if request.content_type != "application/json" and not request.content_type.endswith("+json"):
        raise UnsupportedMediaType("Bodies are JSON: send `Content-Type: application/json`.")
    if (request.charset or "utf-8").lower() not in {"utf-8", "utf8", "us-ascii"}:
        raise UnsupportedMediaType("JSON is UTF-8: leave `charset` out, or name utf-8.")
