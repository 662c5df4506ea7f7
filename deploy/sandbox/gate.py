"""The gate every platform call passes: latency, rate limit, faults, counting."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, Throttled, Voice, html_answer
from deploy.sandbox.clock import Clock
from deploy.sandbox.counters import Counters
from deploy.sandbox.faults import Fault, FaultBook, Operation, Strike
from deploy.sandbox.options import Options, RateLimit

Handler = Callable[[web.Request], Awaitable[web.Response]]
Answerer = Callable[[], Awaitable[web.Response]]

PARTIAL = web.RequestKey("partial", int)
OPERATION = web.RequestKey("operation", Operation)

# Spotify says these without JSON.
PLAIN_REFUSALS = {
    "premium_required": (
        "Active premium subscription required for the owner of the app. When the subscription status "
        "changes, it can take a few hours before requests are allowed again."
    ),
    "not_registered": "User not registered in the Developer Dashboard",
}
LONGEST_WAIT_MS = 3_600_000


class Lost(Exception):
    """The connection is cut without an answer."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """How far a window is used. reset_in_s: until all of it is free again."""

    limit: int
    left: int
    reset_in_s: float


class Window:
    """A sliding window over the calls of one server; says how long the next call must wait."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._calls: deque[float] = deque()

    def wait_s(self, now_s: float) -> float:
        """Book a call. Returns 0 when it may pass, else the seconds until one may."""
        while self._calls and self._calls[0] <= now_s - self._limit.window_s:
            self._calls.popleft()
        if len(self._calls) < self._limit.request_count:
            self._calls.append(now_s)
            return 0.0
        return self._calls[0] + self._limit.window_s - now_s

    def standing(self, now_s: float) -> Standing:
        """Say how far it is used, without a call."""
        recent = [at_s for at_s in self._calls if at_s > now_s - self._limit.window_s]
        return Standing(
            limit=self._limit.request_count,
            left=self._limit.request_count - len(recent),
            reset_in_s=recent[-1] + self._limit.window_s - now_s if recent else 0.0,
        )


class Gate:
    """Wraps the platform's handlers; what happens here is the same on every platform."""

    def __init__(
        self, *, voice: Voice, clock: Clock, options: Options, is_limit_per_address: bool = False
    ) -> None:
        self.book = FaultBook()
        self.counters = Counters()
        self.operations: set[str] = set()
        self.closing = asyncio.Event()
        self._voice = voice
        self._clock = clock
        self._latency_s = options.latency_ms / 1000
        self._is_limit_per_address = is_limit_per_address
        self._limit: RateLimit | None = None
        self._windows: dict[str, Window] = {}
        self.limit(options.rate_limit)

    def limit(self, rate_limit: RateLimit | None) -> None:
        """Keep to another limit from now on; None: to none."""
        self._limit = rate_limit
        self._windows.clear()

    def standing(self, request: web.Request) -> "Standing | None":
        """Say how far the caller's window is used; None without a limit."""
        if self._limit is None:
            return None
        key = request.remote or "" if self._is_limit_per_address else ""
        return self._windows.setdefault(key, Window(self._limit)).standing(self._clock.now_s())

    def _wait_s(self, request: web.Request) -> float:
        """Book a call in the window that counts it: everybody's, or that of the caller's address."""
        if self._limit is None:
            return 0.0
        key = request.remote or "" if self._is_limit_per_address else ""
        window = self._windows.setdefault(key, Window(self._limit))
        return window.wait_s(self._clock.now_s())

    def guard(self, operation: Operation, handler: Handler) -> Handler:
        """Return the handler as it is to be routed."""
        self.operations.add(operation.name)

        async def guarded(request: web.Request) -> web.Response:
            request[OPERATION] = operation
            try:
                answer = await self._answer(operation, request, handler)
                status = str(answer.status)
            except Lost:
                if request.transport is not None:
                    request.transport.abort()
                answer, status = web.Response(), "lost"
            self.counters.count(
                operation.name,
                status=status,
                call={
                    "at_s": self._clock.now_s(),
                    "caller": request.remote,
                    "method": request.method,
                    "path": request.path if operation.is_account else request.path_qs,
                },
            )
            return answer

        return guarded

    async def _answer(self, operation: Operation, request: web.Request, handler: Handler) -> web.Response:
        if self._latency_s:
            await asyncio.sleep(self._latency_s)
        wait_s = 0.0 if operation.is_account else self._wait_s(request)
        if wait_s > 0:
            return self._voice.throttled(Throttled(retry_after_s=wait_s, is_own_limit=True))

        async def truly() -> web.Response:
            try:
                return await handler(request)
            except Refused as refused:
                return self._voice.refusal(refused)

        strike = self.book.call_fault(operation, now_s=self._clock.now_s())
        if strike is None:
            return await truly()
        if strike.fault.partial is not None:
            request[PARTIAL] = strike.fault.partial
        return await self._struck(strike, request=request, truly=truly)

    async def _struck(self, strike: Strike, *, request: web.Request, truly: Answerer) -> web.Response:
        fault = strike.fault
        if fault.kind.startswith("applied_then_"):
            return await self._applied(fault, request=request, answer=await truly())
        if fault.kind == "delay":
            await self._pause(fault, request=request, default_ms=1000)
            return await truly()
        if fault.kind == "timeout":
            await self._pause(fault, request=request, default_ms=LONGEST_WAIT_MS)
            raise Lost
        if fault.kind == "drop":
            raise Lost
        return self._instead(strike, operation=request[OPERATION])

    async def _applied(self, fault: Fault, *, request: web.Request, answer: web.Response) -> web.Response:
        """The call was done; the caller gets to know something else, late, or nothing."""
        if fault.kind == "applied_then_lost":
            raise Lost
        if fault.kind == "applied_then_error":
            return self._failure(fault, operation=request[OPERATION], default_status=502)
        if fault.kind == "applied_then_empty":
            return web.Response(status=answer.status)
        await self._pause(fault, request=request, default_ms=1000)
        return answer

    def _instead(self, strike: Strike, *, operation: Operation) -> web.Response:
        """Answers that stand in for the platform's own; nothing was done."""
        fault = strike.fault
        match fault.kind:
            case "rate_limit" | "quota":
                throttled = Throttled(
                    retry_after_s=strike.wait_s,
                    is_plain_text=fault.plain_text,
                    is_quota=fault.kind == "quota",
                )
                return self._voice.throttled(throttled)
            case "premium_required" | "not_registered":
                return web.Response(status=403, text=PLAIN_REFUSALS[fault.kind])
            case "html":
                return html_answer(fault.status or 502)
            case "garbage":
                return web.Response(body=b'{"items": [{"na', status=200, content_type="application/json")
            case "empty":
                return web.Response(status=fault.status or 200)
            case _:
                return self._failure(fault, operation=operation, default_status=500)

    def _failure(self, fault: Fault, *, operation: Operation, default_status: int) -> web.Response:
        status = fault.status or default_status
        if fault.body is None:
            return self._voice.failure(status, operation=operation.name)
        if isinstance(fault.body, str):
            return web.Response(status=status, text=fault.body)
        raw = msgspec.json.encode(fault.body)
        return web.Response(status=status, body=raw, content_type="application/json")

    async def _pause(self, fault: Fault, *, request: web.Request, default_ms: int) -> None:
        """Wait, but no longer than the caller holds the line or the server runs."""
        left_ms = default_ms if fault.delay_ms is None else fault.delay_ms
        while left_ms > 0 and not self.closing.is_set():
            if request.transport is None or request.transport.is_closing():
                return
            step_ms = min(left_ms, 20)
            await asyncio.sleep(step_ms / 1000)
            left_ms -= step_ms
