"""Let requests in: whose key it is, whether there are too many of them, and who only guesses."""

import hashlib
import ipaddress
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from gateway.actions.refusals import TooManyRequests
from shared.allowances import Allowance, Allowances
from shared.clock import Clock
from shared.db import api_keys
from shared.db.api_keys import Access
from shared.db.pool import Pool
from shared.errors import ScopeMissing, Unauthenticated
from shared.scopes import Scope

K = TypeVar("K")
V = TypeVar("V")

_BEARER = re.compile(r"Bearer +([\x21-\x7e]+)", re.IGNORECASE)
_REMEMBERED_COUNT = 10_000
_RECHECK_S = 1.0


class Admit:
    """Admits requests. requests: counted per key; failures: per address of a client; None: not limited."""

    def __init__(
        self, *, pool: Pool, requests: Allowances | None, failures: Allowances | None, clock: Clock
    ) -> None:
        self._pool = pool
        self._requests = requests
        self._failures = failures
        self._clock = clock
        self._barred_until_s: dict[str, float] = {}  # by origin
        self._good: dict[bytes, None] = {}  # digests of keys that were good here, the oldest first

    async def authenticate(self, authorization: str, *, address: str) -> Access:
        """Return what the key in an Authorization header gives access to.

        address: of the client, as its connection has it. From one that has sent too many wrong keys, only
        keys that were good here before are looked at: so guessing is slow, and does not lock out whoever
        shares the address, be it a whole company behind a proxy.
        Raises Unauthenticated, TooManyRequests.
        """
        if not authorization:
            raise Unauthenticated("Send your API key as `Authorization: Bearer cp_live_…`.")
        origin, digest = origin_of(address), hashlib.sha256(authorization.encode(errors="replace")).digest()
        barred_s = self._barred_until_s.get(origin, 0.0) - self._clock.monotonic()
        if barred_s > 0 and digest not in self._good:
            raise _too_many_failures(barred_s)
        try:
            access = await self._access(authorization)
        except Unauthenticated as error:
            self._good.pop(digest, None)
            await self._count_failure(origin, error)
            raise
        if self._failures is not None:
            _keep(self._good, digest, None)
        return access

    async def count(self, access: Access) -> Allowance | None:
        """Count a request of this key; None where keys are not limited."""
        return await self._requests.take(access.key_id) if self._requests else None

    async def give_back(self, access: Access) -> Allowance | None:
        """Count a request of this key less: it has cost nothing."""
        return await self._requests.give_back(access.key_id) if self._requests else None

    def watch(self, access: Access) -> Callable[[], Awaitable[bool]]:
        """Return what tells, during a long answer, whether the key is still good: a second late at most."""
        asked_s = self._clock.monotonic()

        async def is_still_good() -> bool:
            nonlocal asked_s
            now_s = self._clock.monotonic()
            if now_s - asked_s < _RECHECK_S:
                return True
            asked_s = now_s
            return await api_keys.is_good(self._pool, access.key_id)

        return is_still_good

    async def _access(self, authorization: str) -> Access:
        bearer = _BEARER.fullmatch(authorization)
        if bearer is None:
            raise Unauthenticated("Send your API key as `Authorization: Bearer cp_live_…`.")
        return await api_keys.authenticate(self._pool, text=bearer[1])

    async def _count_failure(self, origin: str, error: Unauthenticated) -> None:
        """Raises TooManyRequests where there have been too many."""
        if self._failures is None:
            return
        allowance = await self._failures.take(origin)
        if not allowance.is_granted:
            _keep(self._barred_until_s, origin, self._clock.monotonic() + allowance.wait_s)
            raise _too_many_failures(allowance.wait_s) from error


def require(scope: Scope, *, access: Access) -> None:
    """Raises ScopeMissing."""
    if scope not in access.scopes:
        raise ScopeMissing(f"Your API key does not have the scope `{scope}`.")


def spend(allowance: Allowance) -> None:
    """Raises TooManyRequests where a request came too much."""
    if not allowance.is_granted:
        raise TooManyRequests(
            f"Your API key may make {allowance.limit} requests per minute; go on in a moment, more slowly.",
            retry_after_s=allowance.wait_s,
        )


def origin_of(address: str) -> str:
    """Return what is counted together: an IPv4 address, or the /64 that one IPv6 client has for itself."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"  # a Unix socket's peer has no address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{ipaddress.IPv6Address(int(parsed) >> 64 << 64)}/64"


def _too_many_failures(wait_s: float) -> TooManyRequests:
    return TooManyRequests(
        "Too many requests with wrong API keys have come from your address.", retry_after_s=wait_s
    )


def _keep(kept: dict[K, V], key: K, value: V) -> None:
    """Remember something as the newest, and forget the oldest where it gets too much."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > _REMEMBERED_COUNT:
        del kept[next(iter(kept))]
