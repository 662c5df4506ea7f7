"""Secrets and signatures: what the reference implementation of Standard Webhooks accepts."""

import base64
import json
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from shared.cipher import Cipher, SealBroken
from shared.webhook_secrets import new_secret, seal, sign, unseal

BODY = '{"type":"webhook.test","data":{"name":"Ærø – „Ende“"}}'.encode()


def headers(signature: str, *, timestamp_s: int) -> dict[str, str]:
    return {"webhook-id": "m-1", "webhook-timestamp": str(timestamp_s), "webhook-signature": signature}


def test_the_reference_implementation_accepts_each_of_two_signatures() -> None:
    secrets = (new_secret(), new_secret())
    now_s = int(time.time())

    signature = sign(BODY, message_id="m-1", timestamp_s=now_s, by=secrets)

    assert len(signature.split(" ")) == 2
    for secret in secrets:
        told = Webhook(secret.reveal()).verify(BODY, headers(signature, timestamp_s=now_s))
        assert told == json.loads(BODY)


def test_another_secret_body_or_time_is_refused() -> None:
    secret, now_s = new_secret(), int(time.time())
    signature = sign(BODY, message_id="m-1", timestamp_s=now_s, by=[secret])

    for other, body, at_s in (
        (new_secret(), BODY, now_s),
        (secret, BODY + b" ", now_s),
        (secret, BODY, now_s - 1),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(other.reveal()).verify(body, headers(signature, timestamp_s=at_s))


def test_a_secret_is_of_the_promised_form_and_hides_itself() -> None:
    secret = new_secret()

    assert secret.reveal().startswith("whsec_")
    assert len(base64.b64decode(secret.reveal().removeprefix("whsec_"))) == 32
    assert "whsec_" not in repr(secret)
    assert secret != new_secret()


def test_a_sealed_secret_opens_in_its_own_row_only() -> None:
    cipher, secret = Cipher({"k1": bytes(32)}), new_secret()

    sealed = seal(cipher, secret, webhook_id="w-1")

    assert unseal(cipher, sealed, webhook_id="w-1") == secret
    with pytest.raises(SealBroken):
        unseal(cipher, sealed, webhook_id="w-2")
