"""What is said of webhooks' payloads is true of the payloads."""

import re
import runpy
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_schema_validator import OAS31Validator

from gateway.app import OPERATIONS
from gateway.openapi import document
from shared.webhook_events import WebhookEvent
from shared.webhook_secrets import new_secret, sign

PAGE = (Path(__file__).resolve().parents[3] / "docs/reference/webhooks.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document(OPERATIONS)))
    return decoded


def test_each_event_is_described(made: dict[str, Any]) -> None:
    names = [entry["post"]["operationId"] for entry in made["webhooks"].values()]

    assert list(made["webhooks"]) == list(WebhookEvent)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("event", WebhookEvent)
def test_each_example_is_of_its_schema(made: dict[str, Any], event: WebhookEvent) -> None:
    content = made["webhooks"][event]["post"]["requestBody"]["content"]["application/json"]

    schema = {**content["schema"], "components": made["components"]}
    OAS31Validator(schema).validate(content["example"])
    assert content["example"]["type"] == event


def test_the_page_names_each_event() -> None:
    assert {event for event in WebhookEvent if f"`{event}`" in PAGE} == set(WebhookEvent)


def test_what_the_page_says_about_verifying_by_hand_is_right(tmp_path: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[1]
    script = tmp_path / "receiver.py"
    script.write_text(code, encoding="utf-8")
    is_genuine = runpy.run_path(str(script))["is_genuine"]
    secret, body, now_s = new_secret(), b'{"type":"webhook.test"}', int(time.time())

    def headers(timestamp_s: int) -> dict[str, str]:
        signature = sign(body, message_id="m-1", timestamp_s=timestamp_s, by=[new_secret(), secret])
        return {
            "webhook-id": "m-1",
            "webhook-timestamp": str(timestamp_s),
            "webhook-signature": signature,
        }

    assert is_genuine(secret.reveal(), headers(now_s), body)
    assert not is_genuine(secret.reveal(), headers(now_s), body + b" ")
    assert not is_genuine(new_secret().reveal(), headers(now_s), body)
    assert not is_genuine(secret.reveal(), headers(now_s - 600), body)
