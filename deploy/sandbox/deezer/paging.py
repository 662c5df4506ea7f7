"""Deezer's pages by index and limit."""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from deploy.sandbox.deezer.voice import refused

Row = TypeVar("Row")
LARGEST_INDEX = 1_000_000
LARGEST_LIMIT = 100
"""Larger pages are asked for by some, in vain or not: nobody wrote it down. This one is borne."""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a list that was asked for."""

    index: int
    limit: int

    def of(self, rows: Sequence[Row]) -> Sequence[Row]:
        return rows[self.index : self.index + self.limit]


def asked_page(request: web.Request, *, default: int = 25) -> Page:
    """Read `index` and `limit`; a larger limit is cut. Raises Refused(500)."""
    numbers = {}
    for name, usual in (("index", 0), ("limit", default)):
        raw = request.query.get(name, str(usual))
        if not raw.isascii() or not raw.isdigit() or int(raw) > LARGEST_INDEX:
            raise refused(500, f"Wrong parameter: {name}")
        numbers[name] = int(raw)
    return Page(index=numbers["index"], limit=min(numbers["limit"], LARGEST_LIMIT))


def listing(rows: Sequence[Any], *, page: Page, total: int, request: web.Request) -> dict[str, Any]:
    """Build a list with its links, which keep all parameters but the index. rows: the page's."""
    kept = {name: value for name, value in request.query.items() if name != "index"}

    def link(index: int) -> str:
        return f"{request.url.origin()}{request.path}?{urlencode({**kept, 'index': index})}"

    shape: dict[str, Any] = {"data": list(rows), "total": total}
    end = page.index + page.limit
    if page.index:
        shape["prev"] = link(max(0, page.index - page.limit))
    if end < total:
        shape["next"] = link(end)
    return shape
