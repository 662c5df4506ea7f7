"""The developer token: a JSON Web Token that says which Apple developer team calls."""

from datetime import datetime, timedelta

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from shared.clock import Clock
from shared.errors import SettingsError

# Apple allows up to 15777000 s (developer.apple.com/documentation/applemusicapi, read 2026-11-22).
_LIFE = timedelta(hours=12)
_RENEW_BEFORE_END = timedelta(hours=1)


class DeveloperToken:
    """Mints the token and keeps it until an hour before its end. Raises SettingsError for a useless key."""

    def __init__(self, *, team_id: str, key_id: str, pem: str, clock: Clock) -> None:
        self._team_id = team_id
        self._key_id = key_id
        self._key = _private_key(pem)
        self._clock = clock
        self._token = ""
        self._ends_at: datetime | None = None

    def current(self) -> str:
        now = self._clock.now()
        if self._ends_at is None or now > self._ends_at - _RENEW_BEFORE_END:
            self._ends_at = now + _LIFE
            self._token = jwt.encode(
                {"iss": self._team_id, "iat": now, "exp": self._ends_at},
                self._key,
                algorithm="ES256",
                headers={"kid": self._key_id},
            )
        return self._token


def _private_key(pem: str) -> EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise SettingsError(
            ("CROSSPLAY_APPLE_MUSIC_PRIVATE_KEY: is not an unencrypted P-256 key as Apple gives it (.p8).",)
        )
    return key
