"""Sends one signed request to an address that a user has named, once, and says how it went."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Self

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import AbstractResolver

from shared.address_guard import AddressGuard, AddressRefused, ThreadedResolver, UrlRefused
from shared.deliveries import DeliveryError
from shared.platforms.answers import parse_retry_after
from worker.webhooks.verdicts import Answer

_SUCCESS = range(200, 300)


class Sender:
    """Open it with `async with`. resolver: another way to look names up, for tests."""

    def __init__(
        self, guard: AddressGuard, *, timeout_s: float, resolver: AbstractResolver | None = None
    ) -> None:
        self._guard = guard
        self._timeout_s = timeout_s
        self._resolver = resolver
        self._open = AsyncExitStack()
        self._sessions: dict[str, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        resolver = self._resolver or ThreadedResolver()
        self._open.push_async_callback(resolver.close)
        for scheme in ("http", "https"):
            session = self._guard.session(is_encrypted=scheme == "https", resolver=resolver)
            self._sessions[scheme] = await self._open.enter_async_context(session)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a JSON body. Nothing is raised but a cancellation: an error is an answer, too.

        Of what comes back only the status and Retry-After are looked at: the rest may hold anything.
        """
        started_s = time.monotonic()
        status, retry_after_s, error = None, None, None
        try:
            async with asyncio.timeout(self._timeout_s):
                status, retry_after_s = await self._post(url, body=body, headers=headers)
        except (OSError, ValueError, aiohttp.ClientError) as failure:
            error = _error_of(failure)
        if status is not None and status not in _SUCCESS:
            error = DeliveryError.STATUS
        duration_ms = round((time.monotonic() - started_s) * 1000)
        return Answer(status=status, error=error, duration_ms=duration_ms, retry_after_s=retry_after_s)

    async def _post(self, url: str, *, body: bytes, headers: Mapping[str, str]) -> tuple[int, float | None]:
        self._guard.check_url(url)  # the operator may have closed a network since it was stored
        session = self._sessions[url.partition(":")[0].lower()]
        async with session.post(
            url,
            data=body,
            headers={hdrs.CONTENT_TYPE: "application/json", **headers},
            allow_redirects=False,
        ) as response:
            wish_s = parse_retry_after(
                response.headers.get(hdrs.RETRY_AFTER),
                date=response.headers.get(hdrs.DATE),
                now=datetime.now(UTC),
            )
            return response.status, wish_s


def _error_of(failure: Exception) -> DeliveryError:
    match failure:
        case TimeoutError():
            return DeliveryError.TIMEOUT
        case UrlRefused():
            return DeliveryError.ADDRESS_REFUSED
        case aiohttp.ClientConnectorDNSError():
            return DeliveryError.NAME_UNKNOWN
        case aiohttp.ClientSSLError():
            return DeliveryError.TLS_FAILED
        case aiohttp.ClientConnectorError(os_error=AddressRefused()):
            return DeliveryError.ADDRESS_REFUSED
    return DeliveryError.CONNECTION_FAILED
