"""The rules that settings must keep beyond their types. Texts of faults show no value."""

from collections.abc import Callable
from urllib.parse import urlsplit

import msgspec

from shared import redis_address
from shared.settings import (
    PREFIX,
    Settings,
    parse_key_ring,
    parse_networks,
    parse_origins,
    parse_platforms,
    private_key_pem,
    variable_of,
)

_ADDRESSES = (
    "public_url",
    "trace_url",
    "spotify_api_url",
    "spotify_accounts_url",
    "apple_music_api_url",
    "apple_music_musickit_url",
    "youtube_api_url",
    "youtube_auth_url",
    "youtube_token_url",
    "deezer_api_url",
    "deezer_accounts_url",
    "listenbrainz_api_url",
    "tidal_api_url",
    "tidal_auth_url",
    "tidal_login_url",
    "soundcloud_api_url",
    "soundcloud_sign_in_url",
)
_POSTGRES_SCHEMES = ("postgresql", "postgres")


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one variable. what: completes a sentence that begins with its name.

    value: what stands there, for those who ask for it; None for what may be secret.
    """

    variable: str
    what: str
    cure: str = ""
    value: str | None = None

    @property
    def text(self) -> str:
        """The whole sentence, with the cure and without the value."""
        return f"{self.variable} {self.what}.{f' {self.cure}' if self.cure else ''}"


def broken_rules(settings: Settings) -> list[Fault]:
    """Return the faults of a whole set of settings; reads the file of a private key, if one is named."""
    return [*_address_faults(settings), *_text_faults(settings), *_relation_faults(settings)]


def address_parts(text: str) -> tuple[str, str]:
    """Return scheme and host; empty ones of what is no address, whose error would show the password in it.

    A password with a bare `/` also makes none: what stands before it would be read, and told, as the port.
    """
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - it raises when it is asked for
    except ValueError:
        return "", ""
    return parts.scheme, parts.hostname or ""


def _address_faults(settings: Settings) -> list[Fault]:
    faults = []
    for name in _ADDRESSES:
        text = getattr(settings, name)
        scheme, host = address_parts(text)
        if text and (scheme not in ("http", "https") or not host):
            what = "must be an http or https address"
            faults.append(Fault(variable=variable_of(name), what=what, value=text))
    database_url = settings.database_url.reveal()
    if database_url and address_parts(database_url)[0] not in _POSTGRES_SCHEMES:
        faults.append(_store_fault("database_url", beginning="postgresql://"))
    try:
        redis_address.parse(settings.redis_url.reveal() or "redis://none")
    except ValueError:
        faults.append(_store_fault("redis_url", beginning="redis:// or redis+cluster://"))
    return faults


def _store_fault(name: str, *, beginning: str) -> Fault:
    return Fault(
        variable=variable_of(name),
        what=f"must be an address that begins with {beginning}",
        cure="A password in it must have its special signs encoded: `/` is %2F, `@` is %40.",
    )


def _text_faults(settings: Settings) -> list[Fault]:
    checks: tuple[tuple[str, Callable[[], object]], ...] = (
        ("secret_keys", lambda: parse_key_ring(settings.secret_keys)),
        ("webhook_allowed_networks", lambda: parse_networks(settings.webhook_allowed_networks)),
        ("subsonic_allowed_networks", lambda: parse_networks(settings.subsonic_allowed_networks)),
        ("worker_platforms", lambda: parse_platforms(settings.worker_platforms)),
        ("cors_origins", lambda: parse_origins(settings.cors_origins)),
    )
    faults = []
    for name, check in checks:
        try:
            check()
        except ValueError as error:
            faults.append(Fault(variable=variable_of(name), what=f"cannot be used: {error}"))
    if settings.apple_music_private_key:
        try:
            private_key_pem(settings)
        except (OSError, ValueError):
            what = "is neither PEM text nor a readable file"
            faults.append(Fault(variable=variable_of("apple_music_private_key"), what=what))
    return faults


def _relation_faults(settings: Settings) -> list[Fault]:
    faults = []
    if settings.lease_s < 2 * settings.send_timeout_s:
        faults.append(
            Fault(
                variable=variable_of("lease_s"),
                what=f"must be at least twice {PREFIX}SEND_TIMEOUT_S, so that no send outlives it",
                value=f"{settings.lease_s:g}",
            )
        )
    if settings.trace_url and "{trace_id}" not in settings.trace_url:
        faults.append(
            Fault(
                variable=variable_of("trace_url"),
                what="must have `{trace_id}` in it, where the id of a trace is put",
                value=settings.trace_url,
            )
        )
    return faults
