"""Spotify's offset pages."""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused

Row = TypeVar("Row")
LARGEST_OFFSET = 100_000


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a list that was asked for."""

    limit: int
    offset: int

    def of(self, rows: Sequence[Row]) -> Sequence[Row]:
        return rows[self.offset : self.offset + self.limit]


def asked_page(
    request: web.Request, *, largest: int, default: int, largest_offset: int = LARGEST_OFFSET
) -> Page:
    """Read `limit` and `offset`. Raises Refused(400) with Spotify's words."""
    return Page(
        limit=_number(request, "limit", default=default, least=1, most=largest),
        offset=_number(request, "offset", default=0, least=0, most=largest_offset),
    )


def _number(request: web.Request, name: str, *, default: int, least: int, most: int) -> int:
    raw = request.query.get(name)
    if raw is None:
        return default
    if not raw.isascii() or not raw.isdigit() or not least <= int(raw) <= most:
        raise Refused(400, f"Invalid {name}")
    return int(raw)


def paging(
    rows: Sequence[Any], *, page: Page, total: int, address: str, extra: dict[str, str]
) -> dict[str, Any]:
    """Build a Paging object. address: the absolute URL of the list; extra: its other parameters."""

    def link(offset: int) -> str:
        return f"{address}?{urlencode({'offset': offset, 'limit': page.limit, **extra})}"

    end = page.offset + page.limit
    return {
        "href": link(page.offset),
        "limit": page.limit,
        "next": link(end) if end < total else None,
        "offset": page.offset,
        "previous": link(max(0, page.offset - page.limit)) if page.offset else None,
        "total": total,
        "items": list(rows),
    }
