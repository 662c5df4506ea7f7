"""YouTube's pages: a size, and tokens that lead on and back."""

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused

LARGEST = 50
DEFAULT = 5
_MORE = 0x80


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a list that was asked for."""

    size: int
    offset: int


def asked_page(request: web.Request) -> Page:
    """Read `maxResults` and `pageToken`. Raises Refused(400)."""
    raw = request.query.get("maxResults", str(DEFAULT))
    if not (raw.isascii() and raw.isdigit() and int(raw) <= LARGEST):
        message = f"Invalid value '{raw}'. Values must be within the range: [0, {LARGEST}]"
        raise Refused(400, message, code="invalidParameter", title="global", parameter="maxResults")
    token = request.query.get("pageToken")
    return Page(size=int(raw), offset=_offset_of(token) if token else 0)


def listing(kind: str, rows: Sequence[Any], *, page: Page, total: int | None = None) -> dict[str, Any]:
    """Build a list answer. rows: the whole list as shapes, or its page alone where its total is given."""
    is_cut = total is not None
    length = len(rows) if total is None else total
    shown = list(rows) if is_cut else list(rows[page.offset : page.offset + page.size])
    end = page.offset + page.size
    tokens = {}
    if page.size and end < length:
        tokens["nextPageToken"] = token_of(end)
    if page.offset:
        tokens["prevPageToken"] = token_of(max(0, page.offset - page.size), is_back=True)
    info = {"totalResults": length, "resultsPerPage": page.size}
    return {
        "kind": f"youtube#{kind}ListResponse",
        "etag": "sandbox",
        **tokens,
        "pageInfo": info,
        "items": shown,
    }


def token_of(offset: int, *, is_back: bool = False) -> str:
    """Write a token as the platform's are built: a small protobuf message, an offset and a direction."""
    number, varint = offset, bytearray()
    while number >= _MORE:
        varint.append(number & 0x7F | _MORE)
        number >>= 7
    varint.append(number)
    return base64.urlsafe_b64encode(bytes([8, *varint, 16, int(is_back)])).rstrip(b"=").decode()


def _offset_of(token: str) -> int:
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        varint = raw[1:-2]
        offset = sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(varint))
        if varint and token_of(offset, is_back=bool(raw[-1])) == token.rstrip("="):
            return offset
    except (ValueError, binascii.Error):
        pass
    message = "The request specifies an invalid page token."
    raise Refused(400, message, code="invalidPageToken", title="youtube.parameter", parameter="pageToken")
