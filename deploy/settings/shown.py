"""What may be shown of the settings: every value but the secrets, of which their harmless parts are told."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from shared.redaction import BLANK, redact
from shared.secret import Secret
from shared.setting_kinds import as_text
from shared.settings import Settings

_TELEMETRY = "OTEL_"
_SECRET_NAME = re.compile(r"pass|secret|token|key|auth|headers|credential", re.IGNORECASE)


def shown_setting(settings: Settings, name: str) -> str:
    """Return a setting's value for people; empty where it is not set."""
    value = getattr(settings, name)
    if not isinstance(value, Secret):
        return redact(as_text(value))
    if not value:
        return ""
    if name in ("database_url", "redis_url"):
        return shown_address(value.reveal())
    if name == "secret_keys":  # ids are no secret: logs and `keys status` name them
        kids = (entry.strip().partition(":")[0] for entry in value.reveal().split(",") if entry.strip())
        return ", ".join(f"{kid}:{BLANK}" for kid in kids)
    return BLANK


def shown_address(address: str) -> str:
    """Return an address without its password, wherever in it that stands."""
    try:
        parts = urlsplit(address)
        has_password = parts.password is not None
    except ValueError:
        return BLANK
    netloc = parts.netloc
    if has_password:
        netloc = f"{quote(parts.username or '')}:{BLANK}@{netloc.rpartition('@')[2]}"
    query = urlencode(
        [(name, BLANK if _SECRET_NAME.search(name) else value) for name, value in parse_qsl(parts.query)],
        safe="[]/:",
    )
    fragment = f"#{BLANK}" if parts.fragment else ""
    return f"{parts.scheme}://{netloc}{parts.path}{query and '?' + query}{fragment}"


def shown_telemetry(environ: Mapping[str, str]) -> dict[str, str]:
    """Return OpenTelemetry's variables as they are set, without credentials."""
    return {
        name: _shown_variable(name, environ[name]) for name in sorted(environ) if name.startswith(_TELEMETRY)
    }


def _shown_variable(name: str, value: str) -> str:
    if not value or not _SECRET_NAME.search(name):
        return shown_address(value) if "://" in value else redact(value)
    return BLANK
