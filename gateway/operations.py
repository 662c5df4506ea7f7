"""What the gateway offers: each route with all that the router and the OpenAPI document need to know."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import msgspec
from aiohttp import web

from shared.scopes import Scope

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path.

    body, query: what decodes them; body may be annotated with more that its schema says. raw_body: it is a
    file, whatever its type. answers: body type by status, None for an answer without JSON. texts: media types
    that a 200 may have instead. headers: request headers that matter, with what they do. problems: slugs that
    callers have to expect beside those that stand around every route. answer_headers: of its 2xx answers,
    beside those that follow from status and body. scope: what an API key has to have. is_open: no API key is
    asked for; one of the two. example: a body that works. stream_example: a 200 is an event stream that looks
    like this.
    """

    method: str
    path: str
    handler: Handler
    name: str
    summary: str
    answers: Mapping[int, Any]
    texts: tuple[str, ...] = ()
    body: Any = None
    is_body_required: bool = True
    raw_body: bool = False
    query: type | None = None
    headers: Mapping[str, str] = {}
    problems: tuple[str, ...] = ()
    answer_headers: tuple[str, ...] = ()
    scope: Scope | None = None
    is_open: bool = False
    example: Any = None
    stream_example: str = ""

    def __post_init__(self) -> None:
        if (self.scope is None) is not self.is_open:
            raise ValueError(f"{self.method} {self.path} has to have either a `scope` or `is_open`")
