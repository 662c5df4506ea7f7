"""Delivers what is due to webhooks, some at once, and keeps their log tidy; any number of workers may."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec
from loguru import logger
from opentelemetry.context import Context
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_REQUEST_RESEND_COUNT,
    HTTP_RESPONSE_STATUS_CODE,
)
from opentelemetry.trace import Span, SpanKind, StatusCode

from shared import spans, telemetry
from shared.cipher import SealBroken
from shared.db import webhook_queue
from shared.db.pool import STORE_ERRORS, Pool
from shared.db.webhook_queue import Claim, Message
from shared.deliveries import Attempted, DeliveryError, DeliveryState
from shared.meters import meters
from worker.webhooks.letters import Letters
from worker.webhooks.sender import Sender
from worker.webhooks.verdicts import Answer, judge

SLOT_COUNT = 16
FAILING_SLOT_COUNT = 8
"""So many of the slots webhooks may take whose last attempt failed: those that answer find a free one."""

PER_USER_COUNT = 4
"""So many webhooks of one user are served at once, by all workers together."""

TIDY_EVERY_S = 60.0
KEPT_DAYS = 30
_PRUNE_COUNT = 5000
_AWAY = (*STORE_ERRORS, asyncpg.PostgresError, TimeoutError)


class Deliverer:
    """One worker's part. A webhook has one attempt at a time, whoever makes it.

    lease_s: how long a webhook rests where a worker dies in an attempt; longer than an attempt can take.
    pause_s: between two looks for what is due, while there is nothing.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        letters: Letters,
        sender: Sender,
        lease_s: float,
        pause_s: float,
        rng: random.Random,
    ) -> None:
        self._pool = pool
        self._sender = sender
        self._letters = letters
        self._lease_s = lease_s
        self._pause_s = pause_s
        self._rng = rng
        self._attempts: dict[asyncio.Task[None], bool] = {}  # whether its webhook was failing before
        self._is_away = False
        self._tidy_at_s = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop`. Attempts that are under way then are what `drain` waits for.

        If cancelled, they are too.
        """
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                is_more = await self._guarded(self._start_next)
                if not is_more:
                    await self._guarded(self._tidy)
                    await asyncio.wait(
                        {stopping, *self._attempts},
                        timeout=self._pause_s,
                        return_when=asyncio.FIRST_COMPLETED,
                    )
        except asyncio.CancelledError:
            for attempt in self._attempts:
                attempt.cancel()
            raise
        finally:
            stopping.cancel()

    async def drain(self) -> None:
        """Wait for the attempts under way; if cancelled, they are too, and somebody makes them again."""
        await asyncio.gather(*self._attempts, return_exceptions=True)

    async def _guarded(self, act: Callable[[], Awaitable[bool]]) -> bool:
        """Do something that needs the store; where that is away, say so once, and try again later."""
        try:
            result = await act()
        except _AWAY as error:
            if not self._is_away:
                logger.warning("Webhooks wait", error=type(error).__name__)
            self._is_away = True
            return False
        if self._is_away:
            logger.info("Webhooks go on")
        self._is_away = False
        return result

    async def _start_next(self) -> bool:
        """Start one attempt; False if there is nothing to deliver, or nobody free to do it."""
        if len(self._attempts) >= SLOT_COUNT:
            return False
        is_failing_welcome = sum(self._attempts.values()) < FAILING_SLOT_COUNT
        found = await webhook_queue.claim(
            self._pool,
            lease_s=self._lease_s,
            per_user_count=PER_USER_COUNT,
            is_failing_welcome=is_failing_welcome,
        )
        if found is None:
            return False
        claimed, message = found
        attempt = asyncio.create_task(self._attempt(claimed, message))
        self._attempts[attempt] = claimed.failing_s > 0
        attempt.add_done_callback(self._ended)
        return True

    def _ended(self, attempt: asyncio.Task[None]) -> None:
        del self._attempts[attempt]
        if not attempt.cancelled() and attempt.exception() is not None:
            logger.opt(exception=attempt.exception()).error("Delivery broke off")

    async def _attempt(self, claimed: Claim, message: Message) -> None:
        answer = await self._send(claimed, message)
        result = judge(
            answer,
            event=message.type,
            failure_count=message.failure_count,
            failing_s=claimed.failing_s,
            rng=self._rng,
        )

        async def store() -> bool:
            return await webhook_queue.settle(self._pool, claimed, message=message, result=result)

        if await self._guarded(store):
            _tell(claimed, result)

    async def _send(self, claimed: Claim, message: Message) -> Answer:
        try:
            letter = self._letters.write(claimed, message)
        except (SealBroken, msgspec.ValidationError, LookupError, ValueError) as error:
            logger.bind(delivery_id=message.id, error=type(error).__name__).error("Delivery cannot be signed")
            return Answer(status=None, error=DeliveryError.UNSIGNED, duration_ms=0)
        with telemetry.tracer.start_as_current_span(
            f"deliver {message.type}",
            context=Context(),
            kind=SpanKind.CLIENT,
            attributes=_attributes(claimed, message),
        ) as span:
            answer = await self._sender.post(claimed.url, body=letter.body, headers=letter.headers)
            _mark(span, answer)
            return answer

    async def _tidy(self) -> bool:
        if time.monotonic() >= self._tidy_at_s:
            await webhook_queue.tell_expiring(self._pool)
            await webhook_queue.prune(self._pool, older_than_days=KEPT_DAYS, limit=_PRUNE_COUNT)
            self._tidy_at_s = time.monotonic() + TIDY_EVERY_S
        return True


def _attributes(claimed: Claim, message: Message) -> dict[str, str | int]:
    """Describe an attempt without its address, which may hold what only its owner should know."""
    known: dict[str, str | int] = {
        HTTP_REQUEST_METHOD: "POST",
        HTTP_REQUEST_RESEND_COUNT: message.failure_count,
        "crossplay.webhook_id": claimed.id,
        "crossplay.delivery_id": message.id,
    }
    if transfer := message.snapshot.get("transfer"):
        known[spans.TRANSFER_ID] = transfer["id"]
    return known


def _mark(span: Span, answer: Answer) -> None:
    if answer.status is not None:
        span.set_attribute(HTTP_RESPONSE_STATUS_CODE, answer.status)
    if answer.error is not None:
        span.set_attribute(ERROR_TYPE, str(answer.error))
        span.set_status(StatusCode.ERROR)


def _tell(claimed: Claim, result: Attempted) -> None:
    outcome = "retried" if result.state is DeliveryState.PENDING else str(result.state)
    meters.webhook_attempted(outcome)
    if result.disabled_reason is not None:
        logger.bind(webhook_id=claimed.id, reason=result.disabled_reason).warning("Webhook disabled")
