"""Which addresses this server may be made to call by its users, checked where the connection is made.

A name is judged by nothing but the address that the socket is about to connect to. So it does not matter what
it resolved to before, nor how an address is spelled.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias
from urllib.parse import SplitResult, urlsplit

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

URL_LIMIT = 2000

# What the IANA registries of special-purpose addresses say is not for everybody, read 2026-11-28; Python's
# own `is_global` says so in newer releases only. The last one is where Azure answers its virtual machines.
_NOT_PUBLIC_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
        ),
    )
)
# All other IPv6 addresses are local, multicast, or carry an IPv4 address (mapped, NAT64), as 6to4 does.
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))

_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_THREAD_COUNT = 32  # made when they are needed; one that waits for a dead name server is lost for a while


class UrlRefused(ValueError):
    """An address that users may not make this server call; the text says what would be better."""


class AddressRefused(OSError):
    """A connection was about to be made to an address that is not for everybody.

    It names no address: who reads it is not to learn what a name resolves to in the operator's network.
    """

    def __init__(self) -> None:
        super().__init__("the address is not public")


class Wording(msgspec.Struct, frozen=True, kw_only=True):
    """What refusals say. setting: where operators open networks. no_login: why none is in an address."""

    example: str
    setting: str
    no_login: str


WEBHOOKS = Wording(
    example="https://example.org/hooks",
    setting="CROSSPLAY_WEBHOOK_ALLOWED_NETWORKS",
    no_login="Leave user and password out: deliveries are signed, which proves who sends them.",
)


class AddressGuard:
    """Lets pass what is publicly routable, and networks of the operator's own, where http will do, too."""

    def __init__(self, allowed: Sequence[Network] = (), *, wording: Wording = WEBHOOKS) -> None:
        self._allowed = tuple(allowed)
        self._wording = wording

    def check_url(self, url: str) -> None:
        """Check what can be told from an address as it is written. Raises UrlRefused."""
        parts = _split(url, wording=self._wording)
        schemes = ("https", "http") if self._allowed else ("https",)
        if parts.scheme not in schemes:
            raise UrlRefused(
                f"Use an address that begins with {' or '.join(f'{one}://' for one in schemes)}."
            )
        address = _literal(parts.hostname or "")
        if address is not None and not self.lets_pass(address, is_encrypted=parts.scheme == "https"):
            raise UrlRefused(
                "Use an address that everybody can reach. The operator of this server can open others "
                f"with {self._wording.setting}."
            )

    def lets_pass(self, address: Address, *, is_encrypted: bool) -> bool:
        return any(address in network for network in self._allowed) or (is_encrypted and is_public(address))

    def check_socket(self, place: Any, *, is_encrypted: bool) -> None:
        """Check where a socket is about to connect to. Raises AddressRefused."""
        if not self.lets_pass(ipaddress.ip_address(place[0]), is_encrypted=is_encrypted):
            raise AddressRefused

    def session(self, *, is_encrypted: bool, resolver: AbstractResolver) -> aiohttp.ClientSession:
        """Open a session that connects nowhere else, and that keeps neither connections nor cookies.

        is_encrypted: it is for https; one for http reaches allowed networks only. resolver: its owner closes
        it. Every failure to connect is an aiohttp.ClientConnectorError, whose os_error is AddressRefused
        where we did not want to.
        """

        def guarded_socket(info: tuple[Any, ...]) -> socket.socket:
            family, kind, protocol, _, place = info
            self.check_socket(place, is_encrypted=is_encrypted)
            return socket.socket(family, kind, protocol)

        connector = aiohttp.TCPConnector(
            limit=0,
            force_close=True,
            use_dns_cache=False,
            resolver=resolver,
            socket_factory=guarded_socket,
        )
        return aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": "crossplay"},
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,  # a proxy would connect for us, unseen
            auto_decompress=False,
        )


class ThreadedResolver(AbstractResolver):
    """Asks the system in threads of its own: names that take minutes must not keep others waiting."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREAD_COUNT, thread_name_prefix="resolver")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        )
        return [
            ResolveResult(hostname=host, host=str(place[0]), port=port, family=kind, proto=protocol, flags=0)
            for kind, _, protocol, _, place in found
        ]

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)


def is_public(address: Address) -> bool:
    """Say whether an address is one that everybody on the internet can reach."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    return (
        address in _PUBLIC_V6
        and address.scope_id is None
        and not any(address in network for network in _NOT_PUBLIC_V6)
    )


def _split(url: str, *, wording: Wording) -> SplitResult:
    """Take an address apart that has one meaning only. Raises UrlRefused."""
    if len(url) > URL_LIMIT or not url.isascii() or re.search(r"[\x00-\x20\x7f\\]", url):
        raise UrlRefused(
            f"Write the address in at most {URL_LIMIT} ASCII characters, without spaces and backslashes; "
            "a name in another script has a form that begins with xn--."
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UrlRefused(f"Write a whole address, such as {wording.example}.") from None
    if "@" in parts.netloc:
        raise UrlRefused(wording.no_login)
    if "#" in url:
        raise UrlRefused("Leave out what begins with `#`: it is never sent.")
    if not parts.hostname or port == 0 or parts.netloc.endswith(":"):
        raise UrlRefused(f"Write a whole address, such as {wording.example}.")
    return parts


def _literal(host: str) -> Address | None:
    """Return the address that a host is, None for a name. Raises UrlRefused for what is neither, clearly."""
    if ":" in host:
        try:
            return ipaddress.IPv6Address(host)
        except ValueError:
            raise UrlRefused("Write the IPv6 address in its usual form, such as [2606:4700::1].") from None
    if _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        # Such a host is an IPv4 address for every client; some read octal, hexadecimal or too few parts.
        try:
            return ipaddress.IPv4Address(host)
        except ValueError:
            raise UrlRefused("Write the IPv4 address as four decimal numbers.") from None
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise UrlRefused("Write a host name of letters, digits, hyphens and dots.")
    return None
