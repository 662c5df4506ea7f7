"""Developer tokens: JSON Web Tokens that say which Apple developer team calls, or whose web page."""

from collections.abc import Mapping
from datetime import timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.clock import Clock
from shared.errors import SettingsError

# Apple allows up to 15777000 s (developer.apple.com/documentation/applemusicapi, read 2026-11-22).
_LIFE = timedelta(hours=24)
# A token that was issued in the future is none yet. This machine's clock may be so far ahead, and behind by
# what of the life is left when the next one is minted.
_BACKDATED = timedelta(hours=6)
_RENEW_AFTER_S = 6 * 3600.0
_PAGE_LIFE = timedelta(hours=1)


class DeveloperToken:
    """Mints the token and keeps it for some hours. Raises SettingsError for a useless key."""

    def __init__(self, *, team_id: str, key_id: str, pem: str, clock: Clock) -> None:
        self._team_id = team_id
        self._key_id = key_id
        self._key = _private_key(pem)
        self._clock = clock
        self._token = ""
        self._renew_at_s = 0.0

    def current(self) -> str:
        if not self._token or self._clock.monotonic() >= self._renew_at_s:
            self._renew_at_s = self._clock.monotonic() + _RENEW_AFTER_S
            self._token = self._mint(_LIFE, claims={})
        return self._token

    def for_page(self, *, origin: str) -> str:
        """Return a token that a web page may show: good there alone, and for an hour or two."""
        return self._mint(_BACKDATED + _PAGE_LIFE, claims={"origin": [origin]})

    def _mint(self, life: timedelta, *, claims: Mapping[str, object]) -> str:
        issued_at = self._clock.now() - _BACKDATED
        return jwt.encode(
            {"iss": self._team_id, "iat": issued_at, "exp": issued_at + life, **claims},
            self._key,
            algorithm="ES256",
            headers={"kid": self._key_id},
        )


def _private_key(pem: str) -> EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise SettingsError(
            ("CROSSPLAY_APPLE_MUSIC_PRIVATE_KEY is not an unencrypted P-256 key as Apple gives it (.p8).",)
        )
    return key
