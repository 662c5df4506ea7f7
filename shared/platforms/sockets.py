"""The HTTP clients of a platform: one whose reads repeat themselves, one whose writes are sent once.

Where users name servers of their own, each scheme has its clients: an address guard looks at every socket.
"""

import functools
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver
from aiohttp.connector import AddrInfoType, SocketFactoryType
from aiohttp_retry import JitterRetry, RetryClient

from shared.address_guard import AddressGuard, AddressRefused, ThreadedResolver
from shared.clock import Clock
from shared.errors import CrossplayError
from shared.platforms.answers import Answer
from shared.platforms.attempts import AnswerTooLong
from shared.platforms.base import Gate

_READ_ATTEMPTS = 3


class Clients(msgspec.Struct, frozen=True, kw_only=True):
    """reader repeats a GET that falters; writer sends once and never on a connection that was used before."""

    reader: RetryClient
    writer: aiohttp.ClientSession


class _Entry(msgspec.Struct, frozen=True, kw_only=True):
    """The way to servers that users name: what looks at their addresses, and who looks their names up."""

    guard: AddressGuard
    resolver: AbstractResolver
    is_encrypted: bool


async def open_clients(
    stack: AsyncExitStack,
    *,
    concurrency: int,
    send_timeout_s: float,
    guard: AddressGuard | None = None,
    resolver: AbstractResolver | None = None,
) -> dict[str, Clients]:
    """Open what the stack closes: clients by scheme where users name servers, else under "".

    concurrency: connections for reading, to each server. resolver: whoever gives it leaves it to us.
    """
    if guard is None:
        return {"": await _open(stack, None, concurrency=concurrency, send_timeout_s=send_timeout_s)}
    found = resolver or ThreadedResolver()
    stack.push_async_callback(found.close)
    return {
        scheme: await _open(
            stack,
            _Entry(guard=guard, resolver=found, is_encrypted=scheme == "https"),
            concurrency=concurrency,
            send_timeout_s=send_timeout_s,
        )
        for scheme in ("http", "https")
    }


async def answer_of(response: aiohttp.ClientResponse) -> Answer:
    return Answer(
        status=response.status,
        body=await response.read(),
        # Some say the same in a word of their own.
        retry_after=response.headers.get("Retry-After") or response.headers.get("X-RateLimit-Reset-In"),
        date=response.headers.get("Date"),
    )


async def _open(
    stack: AsyncExitStack, entry: _Entry | None, *, concurrency: int, send_timeout_s: float
) -> Clients:
    reading = _connector(
        entry, limit=0 if entry else concurrency, limit_per_host=concurrency, socket_factory=_plain_socket
    )
    # aiohttp-retry would repeat every method on every 5xx and, unasked, no exception at all.
    reader = RetryClient(
        await stack.enter_async_context(_session(reading)),
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
    make_socket = functools.partial(_impatient_socket, send_timeout_s)
    writing = _connector(entry, force_close=True, socket_factory=make_socket)
    return Clients(reader=reader, writer=await stack.enter_async_context(_session(writing)))


class GatedBody:
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


def reason_of(error: Exception) -> str:
    """Say of a server that a user has named why it cannot be reached; "" where nobody can say."""
    if isinstance(error, AnswerTooLong):
        return "It answers with more than anybody would read."
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "Its certificate is not one that this server trusts, or belongs to another name."
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return "It does not speak TLS at this address: is it another port, or http:// in place of https://?"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "Its name cannot be found: is the address spelled right?"
    if isinstance(error, aiohttp.ClientConnectorError):
        return "Nothing listens at this address, or it is not to be reached from here."
    return ""


def is_refused_here(error: Exception) -> bool:
    """Whether it was us who did not want to connect."""
    return isinstance(getattr(error, "os_error", None), AddressRefused)


def _connector(
    entry: _Entry | None,
    *,
    socket_factory: SocketFactoryType,
    limit: int = 100,
    limit_per_host: int = 0,
    force_close: bool = False,
) -> aiohttp.TCPConnector:
    if entry is None:
        return aiohttp.TCPConnector(limit=limit, force_close=force_close, socket_factory=socket_factory)

    def guarded_socket(address: AddrInfoType) -> socket.socket:
        entry.guard.check_socket(address[4], is_encrypted=entry.is_encrypted)
        return socket_factory(address)

    return aiohttp.TCPConnector(
        limit=limit,
        limit_per_host=limit_per_host,
        force_close=force_close,
        resolver=entry.resolver,
        use_dns_cache=False,
        socket_factory=guarded_socket,
    )


def _plain_socket(address: AddrInfoType) -> socket.socket:
    family, kind, protocol, _, _ = address
    return socket.socket(family, kind, protocol)


def _impatient_socket(send_timeout_s: float, address: AddrInfoType) -> socket.socket:
    """Make a socket whose unsent bytes die with it: the kernel must not deliver a write after its time."""
    made = _plain_socket(address)
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
