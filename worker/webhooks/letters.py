"""What is sent for a delivery: its body and the headers that sign it, after Standard Webhooks 1.0.0."""

import time
from collections.abc import Sequence

import msgspec

from shared import webhook_secrets
from shared.cipher import Cipher
from shared.db.webhook_queue import Claim, Message
from shared.secret import Secret
from shared.summaries import Label
from shared.webhook_payloads import payload


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A request's body and headers."""

    body: bytes
    headers: dict[str, str]

    def __repr__(self) -> str:
        return "Letter(…)"


class Letters:
    """Writes letters. label: a platform's name for people."""

    def __init__(self, cipher: Cipher, *, label: Label) -> None:
        self._cipher = cipher
        self._label = label

    def write(self, claimed: Claim, message: Message) -> Letter:
        """Write and sign, with the time of the attempt, so that receivers can refuse old copies.

        The body is the same each time. Raises SealBroken, and msgspec.ValidationError, LookupError
        or ValueError for stored facts that cannot be read.
        """
        body = msgspec.json.encode(
            payload(message.type, snapshot=message.snapshot, at=message.created_at, label=self._label)
        )
        timestamp_s = int(time.time())
        signature = webhook_secrets.sign(
            body, message_id=message.id, timestamp_s=timestamp_s, by=self._secrets(claimed)
        )
        return Letter(
            body=body,
            headers={
                "webhook-id": message.id,
                "webhook-timestamp": str(timestamp_s),
                "webhook-signature": signature,
            },
        )

    def _secrets(self, claimed: Claim) -> Sequence[Secret]:
        sealed = filter(None, (claimed.sealed_secret, claimed.sealed_old_secret))
        return [webhook_secrets.unseal(self._cipher, one, webhook_id=claimed.id) for one in sealed]
