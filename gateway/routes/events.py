"""Tell how a transfer goes on, as Server-Sent Events that can be taken up again where they were cut."""

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable

from aiohttp import hdrs, web

from gateway import events, keys
from gateway.actions.follow_transfer import FollowTransfer, StreamLimits
from gateway.events import EventKind
from gateway.operations import Operation
from gateway.routes.status import status_resource
from gateway.schemas import StatusResource
from shared import telemetry
from shared.lifecycle import TERMINAL
from shared.scopes import Scope

_EVENT_ID = re.compile(r"[0-9]{1,18}")


class _Reader:
    """Who reads a stream: takes each event in time, or is cut off, so that nothing piles up for it."""

    def __init__(self, request: web.Request, response: web.StreamResponse, *, limits: StreamLimits) -> None:
        self._request = request
        self._response = response
        self._limits = limits
        self._sent_s = time.monotonic()

    @property
    def is_gone(self) -> bool:
        return self._request.transport is None or self._request.transport.is_closing()

    async def send(self, content: bytes) -> None:
        """Raises ConnectionError for a reader who is gone, or does not take it in time."""
        await self._in_time(self._response.write(content))
        self._sent_s = time.monotonic()

    async def end(self) -> None:
        """End the stream so that its reader knows that it is whole. Raises ConnectionError as above."""
        await self._in_time(self._response.write_eof())

    async def ping(self) -> None:
        """Break a silence that has become too long."""
        if time.monotonic() - self._sent_s >= self._limits.ping_s:
            await self.send(events.PING)

    async def _in_time(self, sending: Awaitable[None]) -> None:
        """Both ways to send wait for a reader who has 64 KiB still to take."""
        try:
            async with asyncio.timeout(self._limits.send_s):
                await sending
        except TimeoutError:
            # Not closed: a close would wait until the reader takes what is in the buffers.
            if self._request.transport is not None:
                self._request.transport.abort()
            raise ConnectionAbortedError("the reader of an event stream is too slow") from None


async def stream(request: web.Request) -> web.StreamResponse:
    follow, user_id = request.app[keys.FOLLOW_TRANSFER], request[keys.USER_ID]
    view = await request.app[keys.READ_TRANSFER].view(user_id, request.match_info["id"])
    status = status_resource(request, view)
    is_known = _last_event_id(request) == status.revision
    if is_known and status.state in TERMINAL:
        return web.Response(status=204, headers={hdrs.CACHE_CONTROL: "no-store"})
    with follow.seat(user_id):
        response = web.StreamResponse(
            headers={
                hdrs.CONTENT_TYPE: "text/event-stream",
                hdrs.CACHE_CONTROL: "no-store",
                "X-Accel-Buffering": "no",
                "X-Request-Id": request[keys.REQUEST_ID],
                **telemetry.inject(),
            }
        )
        # Whoever is cut off comes back with the last id; nothing is left to be said here.
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            reader = _Reader(request, response, limits=follow.limits)
            await reader.send(events.OPENING)
            await _tell(request, reader, follow=follow, status=status, is_known=is_known)
            await reader.end()
        return response


async def _tell(
    request: web.Request,
    reader: _Reader,
    *,
    follow: FollowTransfer,
    status: StatusResource,
    is_known: bool,
) -> None:
    """Tell every state from this one on (after it, if it is known) up to the last one, or say goodbye.

    Raises ConnectionError when nobody listens any more.
    """
    kind = events.kind_of(status, before=None)
    if not is_known:
        await reader.send(events.encode(kind, status=status))
    looks = follow.looks(
        request[keys.USER_ID],
        status.id,
        beyond=status.revision,
        is_admitted=request.app[keys.ADMIT].watch(request[keys.ACCESS]),
    )
    async with contextlib.aclosing(looks):
        while kind is not EventKind.DONE and not reader.is_gone:
            try:
                view = await anext(looks)
            except StopAsyncIteration:
                await reader.send(events.BYE)
                return
            if view is None:
                await reader.ping()
                continue
            before, status = status, status_resource(request, view)
            kind = events.kind_of(status, before=before)
            await reader.send(events.encode(kind, status=status))


def _last_event_id(request: web.Request) -> int | None:
    """Return the revision that the client has seen last; what is none of ours is ignored."""
    text = request.headers.get("Last-Event-ID", "").strip()
    return int(text) if _EVENT_ID.fullmatch(text) else None


_EXAMPLE = """\
retry: 2000

id: 41
event: snapshot
data: {"id":"3f0c…","revision":41,"state":"running","phase":"match","summary":"Matched 60 of 120.",…}

id: 44
event: progress
data: {"id":"3f0c…","revision":44,"state":"running","phase":"match","summary":"Matched 90 of 120.",…}

: ping

id: 52
event: done
data: {"id":"3f0c…","revision":52,"state":"completed","phase":"verify","outcome":"full",…}

"""

ROUTES = (
    Operation(
        method="GET",
        path="/status/{id}/events",
        handler=stream,
        name="streamEvents",
        scope=Scope.TRANSFERS_READ,
        summary="Tell how a transfer goes on, as Server-Sent Events. Each has its revision as `id` and the "
        f"status resource as `data`; its name is one of {', '.join(EventKind)}, or `bye`.",
        headers={
            "Last-Event-ID": "The `id` of the last event that you have: it is not sent again, and 204 says "
            "that nothing more will come."
        },
        answers={200: None, 204: None},
        stream_example=_EXAMPLE,
        problems=("not-found", "too-many-streams", "store-unavailable"),
    ),
)
