"""How answers are built and refused, whatever the platform."""

from typing import Any, Protocol

import msgspec
from aiohttp import web

HTML = "<html><head><title>{status}</title></head><body><h1>{status} upstream error</h1></body></html>"


class Refused(Exception):
    """A call that the platform refuses; its `Voice` turns it into the platform's own words.

    `code`, `title` and `parameter` are said by Apple Music only.
    """

    def __init__(
        self, status: int, message: str, *, code: str = "", title: str = "", parameter: str = ""
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.title = title
        self.parameter = parameter


class Throttled(msgspec.Struct, frozen=True, kw_only=True):
    """A 429 to be said: seconds for Retry-After (None sends no header) and which of the forms.

    is_own_limit: the server's own window ran full, no fault was ordered.
    """

    retry_after_s: float | None = None
    is_own_limit: bool = False
    is_plain_text: bool = False
    is_quota: bool = False


class Voice(Protocol):
    """The error bodies of one platform."""

    def refusal(self, refused: Refused) -> web.Response: ...

    def failure(self, status: int, *, operation: str) -> web.Response:
        """Build the body that the platform usually sends with this status."""
        ...

    def throttled(self, throttled: Throttled) -> web.Response: ...


def json_answer(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(value),
        status=status,
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )


def html_answer(status: int) -> web.Response:
    return web.Response(text=HTML.format(status=status), status=status, content_type="text/html")


def retry_headers(seconds: float | None) -> dict[str, str]:
    """Retry-After in whole seconds, never 0 for a wait that is not over."""
    return {} if seconds is None else {"Retry-After": str(max(1, -int(-seconds // 1)))}


async def json_body(request: web.Request) -> dict[str, Any]:
    """Read a JSON object from the request; no body counts as an empty object.

    A bare list is taken for the object's main list, `uris`, as Spotify does for older clients.
    Raises Refused(400) for anything else.
    """
    raw = await request.read()
    if not raw:
        return {}
    try:
        value = msgspec.json.decode(raw, type=dict[str, Any] | list[Any])
        return {"uris": value} if isinstance(value, list) else value
    except msgspec.DecodeError as error:
        raise Refused(400, "Error parsing JSON.") from error
