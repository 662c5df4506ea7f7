"""All settings, read once from `CROSSPLAY_*` environment variables into one frozen value."""

import base64
import re
from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, get_type_hints
from urllib.parse import urlsplit

import msgspec

from shared.errors import SettingsError

PREFIX = "CROSSPLAY_"
_ORIGIN = re.compile(r"https?://(?:[a-z0-9._-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")

Positive = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]
CountOrOff = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class Secret:
    """A text that shows itself only when asked by name."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


NO_SECRET = Secret("")

_LEAST_DISTINCT_BYTES = 16
"""Of 32 random bytes 30 are distinct as a rule; fewer than this happens once in 10^16 keys."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator can choose. Each field is the variable CROSSPLAY_<NAME>; see the README table."""

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

    webhook_timeout_s: Positive = 15.0
    webhook_allowed_networks: str = ""

    worker_concurrency: Count = 8
    lease_s: Positive = 30.0
    send_timeout_s: Positive = 10.0
    read_timeout_s: Positive = 30.0
    drain_s: Positive = 25.0
    sweep_s: Positive = 1.0
    max_attempts: Count = 20

    log_level: str = "INFO"
    log_format: Annotated[str, msgspec.Meta(pattern="^(auto|json|text)$")] = "auto"
    trace_url: str = ""

    spotify_client_id: str = ""
    spotify_client_secret: Secret = NO_SECRET
    spotify_api_url: str = "https://api.spotify.com/v1"
    spotify_accounts_url: str = "https://accounts.spotify.com"
    spotify_requests_per_s: Positive | None = None
    spotify_visibility_s: Annotated[float, msgspec.Meta(ge=0)] | None = None

    apple_music_team_id: str = ""
    apple_music_key_id: str = ""
    apple_music_private_key: Secret = NO_SECRET
    apple_music_api_url: str = "https://api.music.apple.com/v1"
    apple_music_musickit_url: str = "https://js-cdn.music.apple.com/musickit/v3/musickit.js"
    apple_music_requests_per_s: Positive | None = None
    apple_music_visibility_s: Annotated[float, msgspec.Meta(ge=0)] | None = None


DESCRIPTIONS: dict[str, str] = {
    "database_url": "PostgreSQL 15–18, `postgresql://user:password@host:port/name`.",
    "redis_url": "Redis ≥ 7.0 or Valkey ≥ 8, `redis://:password@host:port/0`.",
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
    "worker_concurrency": "Jobs that one worker runs at once, per platform.",
    "lease_s": "How long a worker owns a job without a heartbeat; a crashed one's jobs are free after it.",
    "send_timeout_s": "Total time of one platform write; must be shorter than half the lease.",
    "read_timeout_s": "Total time of one platform read.",
    "drain_s": "How long a worker finishes jobs after SIGTERM.",
    "sweep_s": "How often runnable work is looked for in Postgres.",
    "max_attempts": "Attempts of one job before its transfer fails.",
    "log_level": "DEBUG, INFO, WARNING or ERROR.",
    "log_format": "`auto` (text on a terminal, else JSON), `json` or `text`.",
    "trace_url": "Link template into your tracing backend, with `{trace_id}`.",
    "spotify_client_id": "Client id of your Spotify app.",
    "spotify_client_secret": "Its secret; empty: PKCE alone.",
    "spotify_api_url": "Base address of the Spotify Web API.",
    "spotify_accounts_url": "Base address of Spotify's sign-in.",
    "spotify_requests_per_s": "Limit of all workers together, 98.5 % are used; empty: the profile's.",
    "spotify_visibility_s": "Wait before a lost write is read back; empty: the adapter's.",
    "apple_music_team_id": "Apple developer team id.",
    "apple_music_key_id": "Id of the MusicKit key.",
    "apple_music_private_key": "The MusicKit key: PEM text, or the path of the .p8 file.",
    "apple_music_api_url": "Base address of the Apple Music API.",
    "apple_music_musickit_url": "The script by which users sign in to Apple Music on a page of the gateway.",
    "apple_music_requests_per_s": "Limit of all workers together, 98.5 % are used; empty: the profile's.",
    "apple_music_visibility_s": "Wait before a lost write is read back; empty: the adapter's.",
}


def load(environ: Mapping[str, str]) -> Settings:
    """Read the settings. Raises SettingsError that lists every fault at once; texts show no value."""
    values: dict[str, Any] = {}
    faults: list[str] = []
    for name, kind in get_type_hints(Settings, include_extras=True).items():
        text = environ.get(PREFIX + name.upper(), "").strip()
        if not text:
            continue
        try:
            values[name] = msgspec.convert(text, kind, strict=False, dec_hook=_decode)
        except msgspec.ValidationError as error:
            faults.append(f"{PREFIX}{name.upper()}: {error}.")
    settings = Settings(**values)
    faults += [*_url_faults(settings), *_rule_faults(settings)]
    if faults:
        raise SettingsError(tuple(faults))
    return settings


def require_stores(settings: Settings) -> None:
    """Raise SettingsError unless both stores and a key ring are named."""
    faults = [
        f"{PREFIX}{name.upper()} is missing: {DESCRIPTIONS[name]}"
        for name in ("database_url", "redis_url", "secret_keys")
        if not getattr(settings, name)
    ]
    if faults:
        raise SettingsError(tuple(faults))


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


def private_key_pem(settings: Settings) -> str:
    """Return the MusicKit key's PEM text, read from its file where a path was given."""
    text = settings.apple_music_private_key.reveal()
    return text if "-----BEGIN" in text else Path(text).read_text(encoding="ascii")


def _decode(kind: type, value: object) -> object:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise NotImplementedError(kind)  # how a hook tells msgspec that the type is none of its own


_ADDRESSES = (
    "public_url",
    "spotify_api_url",
    "spotify_accounts_url",
    "apple_music_api_url",
    "apple_music_musickit_url",
)


def _url_faults(settings: Settings) -> list[str]:
    faults = []
    for name in _ADDRESSES:
        text = getattr(settings, name)
        scheme, host = _address_parts(text)
        if text and (scheme not in ("http", "https") or not host):
            faults.append(f"{PREFIX}{name.upper()}: must be an http or https address.")
    for name, schemes in (
        ("database_url", ("postgresql", "postgres")),
        ("redis_url", ("redis", "rediss", "unix")),
    ):
        secret = getattr(settings, name)
        if secret and _address_parts(secret.reveal())[0] not in schemes:
            faults.append(
                f"{PREFIX}{name.upper()}: must be an address that begins with {schemes[0]}://, and a "
                "password in it must have its special signs encoded (`/` is %2F)."
            )
    return faults


def _address_parts(text: str) -> tuple[str, str]:
    """Return scheme and host; empty ones of what is no address, whose error would show the password in it.

    A password with a bare `/` also makes none: what stands before it would be read, and told, as the port.
    """
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - it raises when it is asked for
    except ValueError:
        return "", ""
    return parts.scheme, parts.hostname or ""


def _rule_faults(settings: Settings) -> list[str]:
    faults = []
    if settings.lease_s < 2 * settings.send_timeout_s:
        faults.append(
            f"{PREFIX}LEASE_S must be at least twice {PREFIX}SEND_TIMEOUT_S, so that no send outlives it."
        )
    try:
        parse_key_ring(settings.secret_keys)
    except ValueError as error:
        faults.append(f"{PREFIX}SECRET_KEYS: {error}.")
    try:
        parse_networks(settings.webhook_allowed_networks)
    except ValueError as error:
        faults.append(f"{PREFIX}WEBHOOK_ALLOWED_NETWORKS: {error}.")
    try:
        parse_origins(settings.cors_origins)
    except ValueError as error:
        faults.append(f"{PREFIX}CORS_ORIGINS: {error}.")
    if settings.apple_music_private_key:
        try:
            private_key_pem(settings)
        except (OSError, UnicodeDecodeError):
            faults.append(f"{PREFIX}APPLE_MUSIC_PRIVATE_KEY: is neither PEM text nor a readable file.")
    return faults
