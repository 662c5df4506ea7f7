"""The only way out to platforms: reads that repeat themselves, writes that are sent once."""

import functools
import random
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import datetime
from http import HTTPStatus
from typing import Self, TypeAlias, TypeVar, overload

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from yarl import URL

from shared.address_guard import AddressGuard, UrlRefused
from shared.clock import Clock, SystemClock
from shared.errors import (
    CrossplayError,
    PlatformAnswerInvalid,
    PlatformDenied,
    PlatformError,
    PlatformUnavailable,
    ReconnectRequired,
    SentLate,
)
from shared.models import Platform
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
from shared.platforms.base import Budget, Gate, Session, is_personal
from shared.platforms.call import Call, Proof, Sign
from shared.platforms.profile import PlatformProfile, Price
from shared.platforms.sockets import Clients, GatedBody, answer_of, is_refused_here, open_clients, reason_of

T = TypeVar("T")


Reword: TypeAlias = Callable[[Answer], Answer]
"""Gives an answer the status that it means, where a platform says errors in other ways."""
BudgetOf: TypeAlias = Callable[[str], Budget]
"""Gives the budget of one server, by its host and port."""

_OTHER_TOKENS = 2
_SERVER_COUNT = 1000  # of users' own that a process keeps budgets of


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Where a platform is and how it is spoken to.

    can_refresh: a 401 may be cured with the session's refresh token. send_timeout_s must be what the
    gate's lease check counts with: a write is over after it, whatever happens. probe: a call without a user;
    where a user's call ends in ReconnectRequired, it tells whether the app itself is refused. reword: see
    Reword; it sees each answer before anybody else does. guard: users name servers of their own, which are
    called where it lets us; base_url then means nothing.
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
    guard: AddressGuard | None = None


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where calls go, with what counts them there."""

    base_url: str
    clients: Clients
    budget: Budget
    backoff: Backoff


class PlatformHttp:
    """One platform's connections of one process; open it with `async with`.

    budget: where users name servers of their own, what gives the budget of each. resolver: another way to
    look the names of those up, for tests.

    Both verbs raise PlatformUnavailable, RateLimited, ReconnectRequired, PlatformDenied, PlatformNotFound,
    PlatformRejected, and what the budget, the session and the gate raise.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        budget: Budget | BudgetOf,
        clock: Clock | None = None,
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._budget = budget
        self._clock = clock or SystemClock()
        self._resolver = resolver
        self._open = AsyncExitStack()
        self._clients: dict[str, Clients] = {}
        self._places: OrderedDict[str, _Place] = OrderedDict()

    @property
    def platform(self) -> Platform:
        return self._endpoint.profile.platform

    @property
    def label(self) -> str:
        return self._endpoint.label

    def now(self) -> datetime:
        """Tell the time, for calls that have to say it."""
        return self._clock.now()

    async def __aenter__(self) -> Self:
        self._clients = await open_clients(
            self._open,
            concurrency=self._endpoint.profile.concurrency,
            send_timeout_s=self._endpoint.send_timeout_s,
            guard=self._endpoint.guard,
            resolver=self._resolver,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def read(self, call: Call, *, session: Session | None, into: type[T]) -> T:
        """Ask, a few times where the platform falters, and decode the JSON answer.

        session None: no user is needed. Raises also PlatformAnswerInvalid.
        """
        place = await self._place(call, session)
        answer = await self._authorized(call, session, place, functools.partial(self._get, call, place))
        if not answer.is_success:
            answer = await self._nothing(call, answer, place, is_personal=is_personal(session))
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
        place = await self._place(call, session)
        answer = await self._authorized(
            call, session, place, functools.partial(self._send, call, place, gate)
        )
        if not answer.is_success:
            raise await self._refusal(call, answer, place, is_personal=is_personal(session))
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
        place: _Place,
        exchange: Callable[[Proof], Awaitable[Answer]],
    ) -> Answer:
        sign = self._endpoint.sign
        tokens = await session.tokens() if session else None
        answer = await exchange(sign(tokens))
        # Refused tokens mean that nothing was done, so that even a write may be sent again: with those of
        # a sign-in that this process has not seen yet, which may be as dead, and then with refreshed ones.
        for _ in range(_OTHER_TOKENS):
            if not session or not tokens or not await self._is_token_refused(call, answer, place):
                break
            tokens = await session.refresh(rejected=tokens)
            answer = await exchange(sign(tokens))
        if answer.is_success:
            place.backoff.reset()
        return answer

    async def _is_token_refused(self, call: Call, answer: Answer, place: _Place) -> bool:
        """Whether other tokens may help: fresh ones, or those of a new connection that we have not seen yet.

        Raises what the app itself is refused with.
        """
        if self._endpoint.can_refresh:
            return answer.status == HTTPStatus.UNAUTHORIZED
        if answer.is_success or answer.status == HTTPStatus.TOO_MANY_REQUESTS:
            return False
        return isinstance(await self._refusal(call, answer, place, is_personal=True), ReconnectRequired)

    async def _get(self, call: Call, place: _Place, proof: Proof) -> Answer:
        attempts = self._attempts(call, place, timeout_s=self._endpoint.read_timeout_s)
        try:
            async with place.clients.reader.get(
                call.url(place.base_url, proof=proof),
                headers={**proof.headers, **call.headers},
                allow_redirects=False,
                middlewares=(attempts,),
            ) as response:
                return self._reworded(await answer_of(response))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise self._unreachable(call, error) from error

    async def _send(self, call: Call, place: _Place, gate: Gate, proof: Proof) -> Answer:
        kind, content = call.content(proof=proof)
        body = GatedBody(content, gate=gate, clock=self._clock)
        attempts = self._attempts(call, place, timeout_s=self._endpoint.send_timeout_s, is_single=True)
        try:
            async with place.clients.writer.request(
                call.method,
                call.url(place.base_url, proof=proof),
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
                return self._reworded(await answer_of(response))
        except (aiohttp.ClientError, TimeoutError) as error:
            if body.refusal is not None:
                raise body.refusal from None
            raise self._unreachable(call, error) from error
        finally:
            # The gate has promised no more time than this; whatever left later nobody waits for.
            if body.took_s > self._endpoint.send_timeout_s:
                raise SentLate("This process was frozen while it sent a write.")

    def _reworded(self, answer: Answer) -> Answer:
        return self._endpoint.reword(answer) if self._endpoint.reword else answer

    async def _place(self, call: Call, session: Session | None) -> _Place:
        """Return where a call goes. Raises PlatformDenied where a user's server may not be called."""
        guard, server = self._endpoint.guard, ""
        if guard is not None:
            server = session.server if session else ""
            try:
                guard.check_url(server)
            except UrlRefused as error:
                raise self._not_called(call, str(error)) from error
        place = self._places.get(server)
        if place is None:
            place = self._places[server] = self._new_place(server)
            if len(self._places) > _SERVER_COUNT:
                self._places.popitem(last=False)
        self._places.move_to_end(server)
        return place

    def _new_place(self, server: str) -> _Place:
        address = URL(server)
        return _Place(
            base_url=server or self._endpoint.base_url,
            clients=self._clients[address.scheme],
            budget=self._budget(f"{address.host}:{address.port}") if callable(self._budget) else self._budget,
            backoff=Backoff(first_s=self._endpoint.profile.backoff_s, clock=self._clock, rng=random.Random()),
        )

    def _attempts(self, call: Call, place: _Place, *, timeout_s: float, is_single: bool = False) -> Attempts:
        return Attempts(
            platform=self.platform,
            operation=call.operation,
            route=call.route,
            spend=functools.partial(place.budget.acquire, self._price(call)),
            timeout_s=timeout_s,
            is_single=is_single,
        )

    def _price(self, call: Call) -> Price:
        return self._endpoint.profile.price(call.operation)

    async def _nothing(self, call: Call, answer: Answer, place: _Place, *, is_personal: bool) -> Answer:
        """Return what stands for an answer that the platform words as a 404, or raise."""
        if call.nothing and answer.status == HTTPStatus.NOT_FOUND:
            word, body = call.nothing
            if word.encode() in answer.body:
                return Answer(status=answer.status, body=body)
        raise await self._refusal(call, answer, place, is_personal=is_personal)

    async def _refusal(
        self, call: Call, answer: Answer, place: _Place, *, is_personal: bool
    ) -> CrossplayError:
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
            return rate_limited(failure, retry_after_s=await place.budget.use_up(pool=pool))
        if wait_s is None:
            wait_s = place.backoff.next_s()
        await place.budget.cool_down(wait_s, pool=pool)
        return rate_limited(failure, retry_after_s=wait_s)

    def _is_quota(self, failure: Failure) -> bool:
        word = self._endpoint.profile.quota_word
        return word is not None and re.search(word, failure.text) is not None

    def error(self, kind: type[PlatformError], message: str, *, operation: str) -> PlatformError:
        """Return an error about a call that was answered, and yet not as it should be."""
        return kind(message.format(label=self.label), platform=self.platform, operation=operation)

    def blank(self, operation: str) -> PlatformError:
        """Return an error about a success that lacks what it should bring; it may be asked for again."""
        return self.error(PlatformUnavailable, "{label} answered without any content.", operation=operation)

    def _unreachable(self, call: Call, error: Exception) -> PlatformError:
        if is_refused_here(error):
            return self._not_called(call, "Its name leads to an address that not everybody can reach.")
        text = f"{self.label} cannot be reached or does not answer in time."
        why = reason_of(error) if self._endpoint.guard else ""
        return PlatformUnavailable(f"{text} {why}".rstrip(), platform=self.platform, operation=call.operation)

    def _not_called(self, call: Call, why: str) -> PlatformDenied:
        text = f"This {self.label} server is not called from here. {why}"
        return PlatformDenied(text, platform=self.platform, operation=call.operation)
