"""A short text that is the same for processes that run with the same settings."""

import hashlib
import hmac

import msgspec

from shared.secret import Secret
from shared.settings import Settings, private_key_pem

_PURPOSE = b"crossplay config hash v1\n"  # keeps it apart from whatever else is made with these keys


def config_hash(settings: Settings) -> str:
    """Return 12 hex digits that depend on the value of every setting, secrets and their files included.

    They stand in logs, so they must not let anybody try out passwords: the key ring is the key of the hash,
    and whoever has that needs to guess nothing. Without a ring it is empty; no role runs without one.
    """
    ring = settings.secret_keys.reveal().encode()
    if not ring:
        return ""
    values = {name: _value(settings, name) for name in settings.__struct_fields__}
    return hmac.new(ring, _PURPOSE + msgspec.json.encode(values), hashlib.sha256).hexdigest()[:12]


def _value(settings: Settings, name: str) -> object:
    value = getattr(settings, name)
    if name == "apple_music_private_key" and value:
        return private_key_pem(settings)
    return value.reveal() if isinstance(value, Secret) else value
