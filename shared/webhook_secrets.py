"""The secrets of webhooks: made, sealed into rows, and used to sign, as Standard Webhooks 1.0.0 says."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence

from shared.cipher import Cipher
from shared.db.seals import webhook_context
from shared.secret import Secret

PREFIX = "whsec_"
_SECRET_BYTES = 32


def new_secret() -> Secret:
    return Secret(PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii"))


def seal(cipher: Cipher, secret: Secret, *, webhook_id: str) -> str:
    """Encrypt a secret for its webhook's row. It stays readable in the column of the old secret, too."""
    return cipher.seal(secret.reveal(), context=webhook_context(webhook_id))


def unseal(cipher: Cipher, sealed: str, *, webhook_id: str) -> Secret:
    """Raises SealBroken."""
    return Secret(cipher.open(sealed, context=webhook_context(webhook_id)))


def sign(body: bytes, *, message_id: str, timestamp_s: int, by: Sequence[Secret]) -> str:
    """Return the `webhook-signature` header: one signature for each secret, divided by spaces."""
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return " ".join(f"v1,{_mac(signed, secret)}" for secret in by)


def _mac(signed: bytes, secret: Secret) -> str:
    key = base64.b64decode(secret.reveal().removeprefix(PREFIX))
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")
