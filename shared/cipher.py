"""Encryption at rest: AES-256-GCM under a key ring, each text bound to the place where it is stored."""

import base64
import binascii
import os
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.errors import CrossplayError

_FORMAT = "v1"
_NONCE_BYTES = 12


class SealBroken(CrossplayError):
    """A sealed text cannot be opened. The text names the key's id at most, never any material."""

    code = "seal-broken"


class KeyMissing(SealBroken):
    """The ring lacks the key that sealed a text; with that key added again it opens. kid: the key's id."""

    def __init__(self, kid: str) -> None:
        super().__init__(f"The key ring has no key {kid!r}: add it to CROSSPLAY_SECRET_KEYS again.")
        self.kid = kid


class Cipher:
    """Seals texts as `v1.<key id>.<nonce>.<ciphertext>`, the last two in URL-safe base64 without padding.

    ring: key bytes by key id; the first one seals, all of them open.
    """

    def __init__(self, ring: Mapping[str, bytes]) -> None:
        if not ring:
            raise ValueError("a key ring needs at least one key")
        self._keys = {kid: AESGCM(key) for kid, key in ring.items()}
        self.sealing_kid = next(iter(ring))

    def __repr__(self) -> str:
        return f"Cipher(kids={tuple(self._keys)!r})"

    @property
    def kids(self) -> tuple[str, ...]:
        """Ids of the ring's keys, the sealing one first."""
        return tuple(self._keys)

    def seal(self, text: str, *, context: str) -> str:
        """Encrypt a text for one place. context names it, e.g. `<row id>|<platform>|<field>`."""
        nonce = os.urandom(_NONCE_BYTES)
        content = self._keys[self.sealing_kid].encrypt(nonce, text.encode(), context.encode())
        return ".".join((_FORMAT, self.sealing_kid, _encode(nonce), _encode(content)))

    def open(self, sealed: str, *, context: str) -> str:
        """Decrypt what was sealed under the same context. Raises SealBroken."""
        parts = sealed.split(".")
        if len(parts) != 4 or parts[0] != _FORMAT:
            raise SealBroken(f"This is no text sealed in the form {_FORMAT}.")
        _, kid, nonce, content = parts
        key = self._keys.get(kid)
        if key is None:
            raise KeyMissing(kid)
        try:
            return key.decrypt(_decode(nonce), _decode(content), context.encode()).decode()
        except (InvalidTag, ValueError) as error:
            raise SealBroken(
                f"The text was sealed for another place or by another key {kid!r}, or it was changed."
            ) from error


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
