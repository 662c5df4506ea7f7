"""The only way out to platforms: reads that repeat themselves, writes that are sent once."""

import functools
import random
import re
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any, Self, TypeAlias, TypeVar, overload
from urllib.parse import quote, urlencode

import aiohttp
import msgspec
from aiohttp.connector import AddrInfoType
from aiohttp_retry import JitterRetry, RetryClient
from yarl import URL

from shared.clock import Clock, SystemClock
from shared.errors import (
    CrossplayError,
    PlatformAnswerInvalid,
    PlatformError,
    PlatformUnavailable,
    ReconnectRequired,
    SentLate,
)
from shared.models import Platform, TokenSet
from shared.platforms.answers import (
    Answer,
    Failure,
    Refusal,
    error_of,
    parse_retry_after,
    rate_limited,
)
from shared.platforms.attempts import Attempts
from shared.platforms.backoff import Backoff
from shared.platforms.base import Budget, Gate, PlatformProfile, Price, Session

T = TypeVar("T")


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What proves who calls, in the headers or in the query of a request."""

    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}

    def __repr__(self) -> str:
        return "Proof(…)"


NO_PROOF = Proof()
Sign: TypeAlias = Callable[[TokenSet | None], Proof]
"""Makes the proof; the tokens are None where a call needs no user."""
Reword: TypeAlias = Callable[[Answer], Answer]
"""Gives an answer the status that it means, where a platform says errors in other ways."""

_READ_ATTEMPTS = 3
_OTHER_TOKENS = 2


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """One request. route is a template whose {names} are filled from path; query values are never logged.

    body is sent as JSON of that media type, form as a form; at most one of them, and only in writes. nothing:
    a 404 whose text holds the word is no error but an answer, namely the bytes.
    """

    operation: str
    route: str
    method: str = "GET"
    path: Mapping[str, str] = {}
    query: Mapping[str, str | int] = {}
    body: Any = None
    media_type: str = "application/json"
    form: Mapping[str, str] | None = None
    headers: Mapping[str, str] = {}
    nothing: tuple[str, bytes] | None = None

    def __repr__(self) -> str:
        return f"Call(operation={self.operation!r}, method={self.method!r}, route={self.route!r}, …)"

    def url(self, base_url: str, *, proof: Mapping[str, str]) -> URL:
        route = self.route.format(**{name: quote(value, safe="") for name, value in self.path.items()})
        return URL(base_url.rstrip("/") + route, encoded=True).with_query({**self.query, **proof})

    def content(self) -> tuple[str, bytes]:
        """Return content type and bytes of the request body."""
        if self.form is not None:
            return "application/x-www-form-urlencoded", urlencode(self.form).encode()
        return self.media_type, b"" if self.body is None else msgspec.json.encode(self.body)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a platform is and how it is spoken to.

    can_refresh: a 401 may be cured with the session's refresh token. send_timeout_s must be what the
    gate's lease check counts with: a write is over after it, whatever happens. probe: a call without a user;
    where a user's call ends in ReconnectRequired, it tells whether the app itself is refused. reword: see
    Reword; it sees each answer before anybody else does.
    """

    label: str
    profile: PlatformProfile
    base_url: str
    read_timeout_s: float
    send_timeout_s: float
    sign: Sign
    can_refresh: bool = False
    refusals: tuple[Refusal, ...] = ()
    probe: Call | None = None
    reword: Reword | None = None


class PlatformHttp:
    """One platform's connections of one process; open it with `async with`.

    Both verbs raise PlatformUnavailable, RateLimited, ReconnectRequired, PlatformDenied, PlatformNotFound,
    PlatformRejected, and what the budget, the session and the gate raise.
    """

    def __init__(self, endpoint: Endpoint, *, budget: Budget, clock: Clock | None = None) -> None:
        self._endpoint = endpoint
        self._budget = budget
        self._clock = clock or SystemClock()
        self._backoff = Backoff(first_s=endpoint.profile.backoff_s, clock=self._clock, rng=random.Random())
        self._open = AsyncExitStack()
        self._reader: RetryClient
        self._writer: aiohttp.ClientSession

    @property
    def platform(self) -> Platform:
        return self._endpoint.profile.platform

    @property
    def label(self) -> str:
        return self._endpoint.label

    async def __aenter__(self) -> Self:
        reader = await self._open.enter_async_context(
            _session(aiohttp.TCPConnector(limit=self._endpoint.profile.concurrency))
        )
        # aiohttp-retry would repeat every method on every 5xx and, unasked, no exception at all.
        self._reader = RetryClient(
            reader,
            retry_options=JitterRetry(
                attempts=_READ_ATTEMPTS,
                start_timeout=0.2,
                max_timeout=5.0,
                random_interval_size=0.5,
                methods={"GET"},
                statuses={500, 502, 503, 504},
                exceptions={aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError},
                retry_all_server_errors=False,
            ),
        )
        # aiohttp sends PUT and DELETE again on a connection that went stale: writes never reuse one.
        make_socket = functools.partial(_impatient_socket, self._endpoint.send_timeout_s)
        connector = aiohttp.TCPConnector(force_close=True, socket_factory=make_socket)
        self._writer = await self._open.enter_async_context(_session(connector))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def read(self, call: Call, *, session: Session | None, into: type[T]) -> T:
        """Ask, a few times where the platform falters, and decode the JSON answer.

        session None: no user is needed. Raises also PlatformAnswerInvalid.
        """
        answer = await self._authorized(call, session, functools.partial(self._get, call))
        if not answer.is_success:
            answer = await self._nothing(call, answer, is_personal=session is not None)
        try:
            return msgspec.json.decode(answer.body, type=into)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PlatformAnswerInvalid(
                f"{self.label} answered something that is not what it promises.",
                platform=self.platform,
                operation=call.operation,
                status=answer.status,
            ) from error

    @overload
    async def write(self, call: Call, *, session: Session | None, gate: Gate, into: type[T]) -> T: ...

    @overload
    async def write(self, call: Call, *, session: Session | None, gate: Gate, into: None = None) -> None: ...

    async def write(
        self, call: Call, *, session: Session | None, gate: Gate, into: type[T] | None = None
    ) -> T | None:
        """Send once. gate is called when the next thing to happen is that the bytes leave.

        After PlatformUnavailable the write may have happened; that is also said of one that the platform
        accepted with an answer that cannot be read. Raises also SentLate.
        """
        answer = await self._authorized(call, session, functools.partial(self._send, call, gate))
        if not answer.is_success:
            raise await self._refusal(call, answer, is_personal=session is not None)
        if into is None:
            return None
        try:
            return msgspec.json.decode(answer.body, type=into)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise PlatformUnavailable(
                f"{self.label} accepted it, but its answer cannot be read.",
                platform=self.platform,
                operation=call.operation,
                status=answer.status,
            ) from error

    async def _authorized(
        self,
        call: Call,
        session: Session | None,
        exchange: Callable[[Proof], Awaitable[Answer]],
    ) -> Answer:
        sign = self._endpoint.sign
        tokens = await session.tokens() if session else None
        answer = await exchange(sign(tokens))
        # Refused tokens mean that nothing was done, so that even a write may be sent again: with those of
        # a sign-in that this process has not seen yet, which may be as dead, and then with refreshed ones.
        for _ in range(_OTHER_TOKENS):
            if not session or not tokens or not await self._is_token_refused(call, answer):
                break
            tokens = await session.refresh(rejected=tokens)
            answer = await exchange(sign(tokens))
        if answer.is_success:
            self._backoff.reset()
        return answer

    async def _is_token_refused(self, call: Call, answer: Answer) -> bool:
        """Whether other tokens may help: fresh ones, or those of a new connection that we have not seen yet.

        Raises what the app itself is refused with.
        """
        if self._endpoint.can_refresh:
            return answer.status == HTTPStatus.UNAUTHORIZED
        if answer.is_success or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            return False
        return isinstance(await self._refusal(call, answer, is_personal=True), ReconnectRequired)

    async def _get(self, call: Call, proof: Proof) -> Answer:
        attempts = self._attempts(call, timeout_s=self._endpoint.read_timeout_s)
        try:
            async with self._reader.get(
                call.url(self._endpoint.base_url, proof=proof.query),
                headers={**proof.headers, **call.headers},
                allow_redirects=False,
                middlewares=(attempts,),
            ) as response:
                return self._reworded(await _answer(response))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(call) from error

    async def _send(self, call: Call, gate: Gate, proof: Proof) -> Answer:
        kind, content = call.content()
        body = _GatedBody(content, gate=gate, clock=self._clock)
        attempts = self._attempts(call, timeout_s=self._endpoint.send_timeout_s, is_single=True)
        try:
            async with self._writer.request(
                call.method,
                call.url(self._endpoint.base_url, proof=proof.query),
                data=aiter(body),
                headers={
                    **proof.headers,
                    **call.headers,
                    "Content-Type": kind,
                    # Without it the generator would be sent in chunks, which not every platform takes.
                    "Content-Length": str(len(content)),
                },
                allow_redirects=False,
                middlewares=(attempts,),
            ) as response:
                return self._reworded(await _answer(response))
        except (aiohttp.ClientError, TimeoutError) as error:
            if body.refusal is not None:
                raise body.refusal from None
            raise self._unreachable(call) from error
        finally:
            # The gate has promised no more time than this; whatever left later nobody waits for.
            if body.took_s > self._endpoint.send_timeout_s:
                raise SentLate("This process was frozen while it sent a write.")

    def _reworded(self, answer: Answer) -> Answer:
        return self._endpoint.reword(answer) if self._endpoint.reword else answer

    def _attempts(self, call: Call, *, timeout_s: float, is_single: bool = False) -> Attempts:
        return Attempts(
            platform=self.platform,
            operation=call.operation,
            route=call.route,
            spend=functools.partial(self._budget.acquire, self._price(call)),
            timeout_s=timeout_s,
            is_single=is_single,
        )

    def _price(self, call: Call) -> Price:
        return self._endpoint.profile.price(call.operation)

    async def _nothing(self, call: Call, answer: Answer, *, is_personal: bool) -> Answer:
        """Return what stands for an answer that the platform words as a 404, or raise."""
        if call.nothing and answer.status == HTTPStatus.NOT_FOUND:
            word, body = call.nothing
            if word.encode() in answer.body:
                return Answer(status=answer.status, body=body)
        raise await self._refusal(call, answer, is_personal=is_personal)

    async def _refusal(self, call: Call, answer: Answer, *, is_personal: bool) -> CrossplayError:
        failure = Failure(
            label=self.label,
            platform=self.platform,
            operation=call.operation,
            status=answer.status,
            text=answer.body[:4096].decode(errors="replace"),
            is_personal=is_personal,
        )
        if answer.status != HTTPStatus.TOO_MANY_REQUESTS:
            error = error_of(failure, refusals=self._endpoint.refusals)
            if is_personal and self._endpoint.probe and isinstance(error, ReconnectRequired):
                # Raises what the app is refused with, or what leaves the question open.
                await self.read(self._endpoint.probe, session=None, into=msgspec.Raw)
            return error
        wait_s = parse_retry_after(answer.retry_after, date=answer.date, now=self._clock.now())
        pool = self._price(call).pool
        if wait_s is None and self._is_quota(failure):
            return rate_limited(failure, retry_after_s=await self._budget.use_up(pool=pool))
        if wait_s is None:
            wait_s = self._backoff.next_s()
        await self._budget.cool_down(wait_s, pool=pool)
        return rate_limited(failure, retry_after_s=wait_s)

    def _is_quota(self, failure: Failure) -> bool:
        word = self._endpoint.profile.quota_word
        return word is not None and re.search(word, failure.text) is not None

    def error(self, kind: type[PlatformError], message: str, *, call: Call) -> PlatformError:
        """Return an error about a call that was answered, and yet not as it should be."""
        return kind(message.format(label=self.label), platform=self.platform, operation=call.operation)

    def blank(self, call: Call) -> PlatformError:
        """Return an error about a success that lacks what it should bring; it may be asked for again."""
        return self.error(PlatformUnavailable, "{label} answered without any content.", call=call)

    def _unreachable(self, call: Call) -> PlatformUnavailable:
        return PlatformUnavailable(
            f"{self.label} cannot be reached or does not answer in time.",
            platform=self.platform,
            operation=call.operation,
        )


class _GatedBody:
    """A request body that asks the gate when it is about to leave, and remembers a refusal.

    aiohttp wraps what a body raises into a connection error; nothing of the request has left by then.
    took_s: from before the gate until the bytes were with the kernel; 0 until they are.
    """

    def __init__(self, content: bytes, *, gate: Gate, clock: Clock) -> None:
        self._content = content
        self._gate = gate
        self._clock = clock
        self.refusal: CrossplayError | None = None
        self.took_s = 0.0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        asked_at = self._clock.monotonic()
        try:
            self._gate()
        except CrossplayError as error:
            self.refusal = error
            raise
        yield self._content
        self.took_s = self._clock.monotonic() - asked_at


async def _answer(response: aiohttp.ClientResponse) -> Answer:
    return Answer(
        status=response.status,
        body=await response.read(),
        retry_after=response.headers.get("Retry-After"),
        date=response.headers.get("Date"),
    )


def _impatient_socket(send_timeout_s: float, address: AddrInfoType) -> socket.socket:
    """Make a socket whose unsent bytes die with it: the kernel must not deliver a write after its time."""
    family, kind, protocol, _, _ = address
    made = socket.socket(family, kind, protocol)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, int(send_timeout_s * 1000))
    made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return made


def _session(connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        headers={"User-Agent": "crossplay"},
        cookie_jar=aiohttp.DummyCookieJar(),
        # Each attempt has its own clock: waiting for the budget must not count.
        timeout=aiohttp.ClientTimeout(total=None),
    )
