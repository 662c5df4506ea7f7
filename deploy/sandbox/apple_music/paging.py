"""Apple Music's pages: `next` is root-relative and forgets `limit`."""

from collections.abc import Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused

Row = TypeVar("Row")


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a list that was asked for."""

    limit: int
    offset: int

    def of(self, rows: Sequence[Row]) -> Sequence[Row]:
        return rows[self.offset : self.offset + self.limit]

    def next_of(self, request: web.Request, *, total: int) -> dict[str, str]:
        """Return {"next": address} while there is more; other parameters of the call stay in it."""
        end = self.offset + self.limit
        if end >= total:
            return {}
        kept = {name: value for name, value in request.query.items() if name not in {"limit", "offset"}}
        return {"next": f"{request.path}?{urlencode({'offset': end, **kept})}"}


def bad_parameter(name: str, detail: str) -> Refused:
    return Refused(400, detail, code="40005", title="Invalid Parameter Value", parameter=name)


def no_related(what: str) -> Refused:
    """What is said instead of an empty list."""
    detail = f"No related resources found for {what}"
    return Refused(404, detail, code="40403", title="No related resources")


def asked_page(request: web.Request, *, largest: int, default: int) -> Page:
    """Read `limit` and `offset`. Raises Refused(400) outside their bounds."""
    return Page(
        limit=_number(request, "limit", default=default, least=1, most=largest),
        offset=_number(request, "offset", default=0, least=0, most=10**9),
    )


def _number(request: web.Request, name: str, *, default: int, least: int, most: int) -> int:
    raw = request.query.get(name)
    if raw is None:
        return default
    if not raw.isascii() or not raw.isdigit() or not least <= int(raw) <= most:
        raise bad_parameter(name, f"Value must be an integer between {least} and {most}")
    return int(raw)


def listed(request: web.Request, name: str, *, most: int) -> list[str]:
    """Read a comma-separated parameter. Raises Refused(400) when it is empty or too long."""
    values = [value.strip() for value in request.query.get(name, "").split(",") if value.strip()]
    if not values:
        raise bad_parameter(name, "Value must not be empty")
    if len(values) > most:
        raise bad_parameter(name, f"Value must hold at most {most} entries")
    return values


def collection(rows: Sequence[Any], *, page: Page, total: int, request: web.Request) -> dict[str, Any]:
    return {"data": list(rows), **page.next_of(request, total=total), "meta": {"total": total}}
