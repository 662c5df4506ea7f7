"""How handlers answer: JSON bodies, page links and cursors."""

import base64
import binascii
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

import msgspec
from aiohttp import hdrs, web

from shared.errors import FieldFault, UnknownPlatform, ValidationFailed
from shared.models import Platform

T = TypeVar("T")

Number = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A place in a list that Postgres counts by a bigint."""


def json(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        content_type="application/json",
        headers={hdrs.CACHE_CONTROL: "no-store", **(headers or {})},
    )


def next_link(request: web.Request, cursor: str | None) -> dict[str, str]:
    """Return the Link header of a page that has a next one."""
    if cursor is None:
        return {}
    query = {**request.query, "cursor": cursor}
    query.pop("refresh", None)
    return {hdrs.LINK: f'<{request.path}?{urlencode(query)}>; rel="next"'}


def seal_cursor(place: Any) -> str:
    """Write a place in a list as an opaque text. It is no secret: what it opens is the caller's own list."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).rstrip(b"=").decode("ascii")


def open_cursor(cursor: str, *, into: type[T]) -> T:
    """Raises ValidationFailed for what `seal_cursor` has not written."""
    try:
        content = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        return msgspec.json.decode(content, type=into)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        fault = FieldFault("/query/cursor", "Take it unchanged from next_cursor of the page before.")
        raise ValidationFailed("This cursor does not belong to this list.", faults=(fault,)) from None


def parse_platform(text: str) -> Platform:
    """Raises UnknownPlatform."""
    try:
        return Platform(text)
    except ValueError:
        names = ", ".join(Platform)
        raise UnknownPlatform(f"Crossplay does not speak this platform; it speaks {names}.") from None
