"""Where Redis is, as its address says: one server, or a cluster of which some nodes are named."""

from urllib.parse import urlsplit, urlunsplit

import msgspec

_CLUSTER = "+cluster"
_PORT = 6379
_PLAIN = ("redis", "rediss", "unix")
SCHEMES = (*_PLAIN, "redis+cluster", "rediss+cluster")


class RedisAddress(msgspec.Struct, frozen=True, kw_only=True):
    """node_urls: the one server, or the nodes by which the others are found. They hold the password."""

    is_cluster: bool
    node_urls: tuple[str, ...]

    def __repr__(self) -> str:
        return f"RedisAddress(is_cluster={self.is_cluster}, …)"

    @property
    def nodes(self) -> tuple[tuple[str, int], ...]:
        """Return host and port of each node of a cluster."""
        parts = map(urlsplit, self.node_urls)
        return tuple((one.hostname or "", one.port or _PORT) for one in parts)

    def node_url(self, host: str, port: int) -> str:
        """Return the address of another node of the same cluster: same password, same options."""
        parts = urlsplit(self.node_urls[0])
        return urlunsplit(parts._replace(netloc=f"{_before_hosts(parts.netloc)}{_bracketed(host)}:{port}"))


def parse(url: str) -> RedisAddress:
    """Read an address such as `redis://…` or `redis+cluster://:password@host:port,host:port`.

    Raises ValueError, whose text tells no part of the address: a password may stand anywhere in a wrong one.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError("its scheme is none that Crossplay knows")
    if not parts.scheme.endswith(_CLUSTER):
        return RedisAddress(is_cluster=False, node_urls=(_checked(url),))
    before = _before_hosts(parts.netloc)
    hosts = parts.netloc.removeprefix(before).split(",")
    if parts.path.strip("/") not in ("", "0"):
        raise ValueError("a cluster has only the database 0")
    scheme = parts.scheme.removesuffix(_CLUSTER)
    nodes = [urlunsplit(parts._replace(scheme=scheme, netloc=f"{before}{host}")) for host in hosts]
    return RedisAddress(is_cluster=True, node_urls=tuple(map(_checked, nodes)))


def _checked(url: str) -> str:
    """Return the address of one server if it is one."""
    parts = urlsplit(url)
    try:
        has_host = bool(parts.hostname or parts.scheme == "unix")
        parts.port  # noqa: B018 - it raises when it is asked for
    except ValueError:
        raise ValueError("it is no address") from None
    if not has_host:
        raise ValueError("it names no host")
    return url


def _before_hosts(netloc: str) -> str:
    """Return user and password with their `@`, nothing where there are none."""
    user, at, _ = netloc.rpartition("@")
    return f"{user}{at}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
