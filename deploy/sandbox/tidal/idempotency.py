"""Idempotency keys of mutations: what was done once is answered again, for an hour."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.tidal.access import anybody

Handler = Callable[[web.Request], Awaitable[web.Response]]

LIFE_S = 3600.0
LONGEST_KEY = 128


@dataclass(kw_only=True)
class _Known:
    """A mutation under its key; the answer is missing while it is at work."""

    payload: str
    begun_at_s: float
    answer: tuple[int, bytes, str] | None = None


class Replays:
    """Remembers answers by account and key, as long as the process runs; refusals are not remembered."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._known: dict[tuple[str, str], _Known] = {}

    def once(self, handler: Handler) -> Handler:
        """Return the handler of a mutation as one that takes keys."""

        async def replaying(request: web.Request) -> web.Response:
            caller, key = anybody(self._desk, request), request.headers.get("Idempotency-Key", "")
            if len(key) > LONGEST_KEY:
                raise Refused(400, f"Idempotency-Key has more than {LONGEST_KEY} characters")
            if not key:
                return await self._worked(handler, request)
            payload = await _fingerprint(request)
            known = self._alive((caller.user, key))
            if known is not None:
                return _again(known, payload=payload)
            known = _Known(payload=payload, begun_at_s=self._desk.clock.now_s())
            self._known[caller.user, key] = known
            try:
                answer = await self._worked(handler, request)
            except BaseException:
                del self._known[caller.user, key]
                raise
            content = answer.body if isinstance(answer.body, bytes) else b""
            known.answer = (answer.status, content, answer.content_type)
            return answer

        return replaying

    async def _worked(self, handler: Handler, request: web.Request) -> web.Response:
        await asyncio.sleep(self._desk.options.write_hold_ms / 1000)
        return await handler(request)

    def _alive(self, name: tuple[str, str]) -> _Known | None:
        known = self._known.get(name)
        if known is not None and known.begun_at_s + LIFE_S <= self._desk.clock.now_s():
            del self._known[name]
            return None
        return known


async def _fingerprint(request: web.Request) -> str:
    text = f"{request.method} {request.path_qs}\n".encode() + await request.read()
    return hashlib.sha256(text).hexdigest()


def _again(known: _Known, *, payload: str) -> web.Response:
    """Answer as before. Raises Refused where that was another request, or is not over yet."""
    if known.payload != payload:
        raise Refused(
            422,
            "Idempotency key reused with a different payload",
            code="IDEMPOTENT_REQUEST_PAYLOAD_MISMATCH",
        )
    if known.answer is None:
        raise Refused(
            409,
            "Request already in progress for this idempotency key",
            code="IDEMPOTENT_REQUEST_IN_PROGRESS",
        )
    status, body, content_type = known.answer
    return web.Response(status=status, body=body, content_type=content_type)
