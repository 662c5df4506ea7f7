"""SoundCloud's linked pages: each names the next one, and nobody counts."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer

Row = TypeVar("Row")
PAGE, LARGEST_PAGE = 50, 200


def linked(
    request: web.Request,
    rows: Sequence[Row],
    *,
    shape: Callable[[Row], dict[str, Any] | None],
    has_limit: bool = True,
    can_be_bare: bool = True,
) -> web.Response:
    """Answer a page. shape: None for a row that the caller does not get to see; pages get shorter by it.

    Without linked_partitioning the answer is a bare list of the first page, as it was in former times; unless
    it cannot be.
    """
    limit = _limit(request) if has_limit else PAGE
    offset = _offset(request)
    shown = [shaped for row in rows[offset : offset + limit] if (shaped := shape(row)) is not None]
    if can_be_bare and request.query.get("linked_partitioning", "") not in ("true", "1"):
        return json_answer(shown)
    end = offset + limit
    body: dict[str, Any] = {"collection": shown}
    if end < len(rows):
        kept = {name: value for name, value in request.query.items() if name not in ("cursor", "limit")}
        body["next_href"] = str(
            request.url.with_query({**kept, "page_size": str(limit), "cursor": _cursor(end)})
        )
    return json_answer(body)


def _cursor(offset: int) -> str:
    return base64.urlsafe_b64encode(f"after:{offset}".encode()).rstrip(b"=").decode()


def _offset(request: web.Request) -> int:
    cursor = request.query.get("cursor")
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        return int(text.removeprefix("after:"))
    except (binascii.Error, ValueError) as error:
        raise Refused(400, "cursor is not valid") from error


def _limit(request: web.Request) -> int:
    raw = request.query.get("page_size" if "cursor" in request.query else "limit", str(PAGE))
    if not raw.isascii() or not raw.isdigit() or not 1 <= int(raw) <= LARGEST_PAGE:
        raise Refused(400, f"limit must be between 1 and {LARGEST_PAGE}")
    return int(raw)
