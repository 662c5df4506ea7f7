"""The one model of all settings: what an operator may choose, with defaults, bounds and meanings."""

import base64
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec

from shared import platform_settings
from shared.errors import SettingsError
from shared.models import Platform
from shared.platform_settings import PlatformSettings, Positive
from shared.secret import NO_SECRET, Secret

PREFIX = "CROSSPLAY_"
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")

Count = Annotated[int, msgspec.Meta(ge=1)]
CountOrOff = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
LogLevel: TypeAlias = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat: TypeAlias = Literal["auto", "json", "text"]


_LEAST_DISTINCT_BYTES = 16
"""Of 32 random bytes 30 are distinct as a rule; fewer than this happens once in 10^16 keys."""


class Settings(PlatformSettings, frozen=True, kw_only=True):
    """What an operator can choose. Each field is the variable CROSSPLAY_<NAME>: see shared/environment.py."""

    database_url: Secret = NO_SECRET
    redis_url: Secret = NO_SECRET
    secret_keys: Secret = NO_SECRET

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    public_url: str = ""
    streams_per_user: Count = 20
    key_requests_per_minute: CountOrOff = 600
    failed_keys_per_minute: CountOrOff = 60
    cors_origins: str = ""
    gateway_drain_s: Annotated[float, msgspec.Meta(ge=0)] = 5.0
    public_market: Annotated[str, msgspec.Meta(pattern="^[A-Z]{2}$")] = "US"

    webhook_timeout_s: Positive = 15.0
    webhook_allowed_networks: str = ""

    worker_concurrency: Count = 8
    worker_platforms: str = ""
    lease_s: Positive = 30.0
    send_timeout_s: Positive = 10.0
    read_timeout_s: Positive = 30.0
    drain_s: Positive = 25.0
    sweep_s: Positive = 1.0
    max_attempts: Count = 20
    playlist_limit: Count | None = None

    log_level: LogLevel = "INFO"
    log_format: LogFormat = "auto"
    trace_url: str = ""
    metrics_host: str = "127.0.0.1"
    metrics_port: Annotated[int, msgspec.Meta(ge=0, le=65535)] | None = None


REQUIRED = ("database_url", "redis_url", "secret_keys")
"""What gateways, workers and operators' verbs cannot do without."""

GROUPS: dict[str, str] = {
    "database_url": "Stores and keys",
    "host": "Gateway",
    "webhook_timeout_s": "Webhooks",
    "worker_concurrency": "Workers",
    "log_level": "Logs and traces",
    **platform_settings.GROUPS,
}
"""Titles by the first field of each group; the fields that follow it belong to it, too."""

DESCRIPTIONS: dict[str, str] = {
    "database_url": "PostgreSQL 15–18, `postgresql://user:password@host:port/name`.",
    "redis_url": "Redis ≥ 7.0 or Valkey ≥ 8, `redis://:password@host:port/0`; a cluster by some of its "
    "nodes, `redis+cluster://:password@host:port,host:port`; with TLS `rediss`.",
    "secret_keys": "Keys that encrypt tokens at rest: `kid:base64-of-32-bytes`, several by comma; the first "
    "one encrypts, all decrypt. `crossplay keys generate` makes one.",
    "host": "Address that the gateway listens on.",
    "port": "Port that the gateway listens on; 0 takes a free one.",
    "public_url": "Address under which users reach the gateway; empty: `http://<host>:<port>`.",
    "streams_per_user": "Event streams that one user may have open at one gateway.",
    "webhook_timeout_s": "Total time of one attempt to deliver to a webhook.",
    "webhook_allowed_networks": "Networks of your own that webhooks may lead to, as CIDRs by comma; http "
    "will do there. Empty: public https addresses only.",
    "key_requests_per_minute": "Requests that one API key may make at all gateways together; 0: no limit.",
    "failed_keys_per_minute": "Requests with wrong API keys that one address may send; 0: no limit.",
    "cors_origins": "Origins whose pages may call the API, `https://app.example`, several by comma; empty: "
    "none.",
    "gateway_drain_s": "How long a gateway still serves after SIGTERM, unready, so that new requests go "
    "elsewhere.",
    "public_market": "Country in whose catalog a public link is read where the target's account tells none.",
    "worker_concurrency": "Jobs that one worker runs at once, per platform.",
    "worker_platforms": "Platforms that this worker serves, `spotify,apple_music`; empty: all. Each "
    "needs one worker at least.",
    "lease_s": "How long a worker owns a job without a heartbeat; a crashed one's jobs are free after it.",
    "send_timeout_s": "Total time of one platform write; must be shorter than half the lease.",
    "read_timeout_s": "Total time of one platform read.",
    "drain_s": "How long a worker finishes jobs after SIGTERM.",
    "sweep_s": "How often runnable work is looked for in Postgres.",
    "max_attempts": "Attempts of one job before its transfer fails.",
    "playlist_limit": "Most tracks of one target playlist; what does not fit goes on in a further one, as it "
    "does at the platform's own limit. The same for gateways and workers. Empty: the platform's own alone.",
    "log_level": "The least level that is logged.",
    "log_format": "`auto` (text on a terminal, else JSON), `json` or `text`.",
    "trace_url": "Link template into your tracing backend, with `{trace_id}`.",
    "metrics_host": "Address of the private port of each gateway and worker: /metrics, /healthz, /readyz.",
    "metrics_port": "That port; 0 takes a free one. Empty: none.",
    **platform_settings.DESCRIPTIONS,
}


def variable_of(name: str) -> str:
    """Return the environment variable of a setting."""
    return PREFIX + name.upper()


def missing(settings: Settings) -> tuple[str, ...]:
    """Return the names of the required settings that are not set."""
    return tuple(name for name in REQUIRED if not getattr(settings, name))


def require_stores(settings: Settings) -> None:
    """Raise SettingsError unless both stores and a key ring are named."""
    faults = tuple(f"{variable_of(name)} is missing: {DESCRIPTIONS[name]}" for name in missing(settings))
    if faults:
        raise SettingsError(faults)


def parse_key_ring(secret_keys: Secret) -> dict[str, bytes]:
    """Return key bytes by key id, the encrypting one first.

    Raises ValueError without showing a key: for what is no key, one that nobody drew by chance, an id or a
    key that stands there twice.
    """
    ring: dict[str, bytes] = {}
    for number, part in enumerate(filter(None, secret_keys.reveal().split(",")), start=1):
        kid, separator, text = part.strip().partition(":")
        try:
            key = base64.b64decode(text, validate=True)
        except ValueError:
            key = b""
        is_id = kid.isascii() and kid.isalnum()
        if not is_id or not separator or len(key) != 32:  # AES-256
            raise ValueError(f"key {number} is not `kid:base64-of-32-bytes`")
        if len(set(key)) < _LEAST_DISTINCT_BYTES:
            raise ValueError(f"key {number} is not random: `crossplay keys generate` makes one that is")
        if kid in ring:
            raise ValueError(f"key {number} has the id of another one: each needs its own")
        if key in ring.values():
            raise ValueError(f"key {number} is the same as another one: a second id does not make it new")
        ring[kid] = key
    return ring


def parse_networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Return the networks of a list of CIDRs. Raises ValueError that names the faulty one."""
    networks = []
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            networks.append(ip_network(part))
        except ValueError:
            raise ValueError(f"{part!r} is no network such as 10.1.0.0/16 or fd00:1::/64") from None
    return tuple(networks)


def parse_origins(cors_origins: str) -> frozenset[str]:
    """Return the origins, as browsers write them. Raises ValueError that names what is none."""
    origins = frozenset(filter(None, map(str.strip, cors_origins.split(","))))
    for origin in sorted(origins):
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"`{origin}` is not `https://host` or `https://host:port` in small letters")
    return origins


def parse_platforms(text: str) -> tuple[Platform, ...]:
    """Return the platforms of a list, all for an empty one. Raises ValueError that names what is none."""
    names = dict.fromkeys(filter(None, map(str.strip, text.casefold().split(","))))
    unknown = [name for name in names if name not in set(Platform)]
    if unknown:
        raise ValueError(f"`{unknown[0]}` is none of {', '.join(Platform)}")
    return tuple(map(Platform, names)) or tuple(Platform)


def private_key_pem(settings: Settings) -> str:
    """Return the MusicKit key's PEM text, read from its file where a path was given."""
    text = settings.apple_music_private_key.reveal()
    return text if "-----BEGIN" in text else Path(text).read_text(encoding="ascii")
