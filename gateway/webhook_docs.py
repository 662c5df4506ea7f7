"""The `webhooks` section of the OpenAPI document: what receivers get, with an example of each event."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from shared.lifecycle import Bucket, Phase, State
from shared.models import Platform
from shared.targets import PlaylistPart
from shared.webhook_events import WebhookEvent
from shared.webhook_payloads import (
    ConnectionData,
    ConnectionPayload,
    Payload,
    TestData,
    TestPayload,
    TransferData,
    TransferLinks,
    TransferPayload,
)

PAYLOADS: dict[str, type] = {
    "transfer": TransferPayload,
    "connection": ConnectionPayload,
    "webhook": TestPayload,
}
_HEADERS = {
    "webhook-id": "The delivery's id; the same at each attempt, so that a repetition can be told.",
    "webhook-timestamp": "When this attempt was made, in seconds since 1970.",
    "webhook-signature": "`v1,` and the base64 of an HMAC-SHA256; two of them while a secret is rotated.",
}
_AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
_ID = "0b7e8a52-3a6f-4c39-9a55-5f4a8f0a8a11"
_STATES = {
    WebhookEvent.TRANSFER_QUEUED: (State.QUEUED, Phase.READ, "Waiting to start."),
    WebhookEvent.TRANSFER_PAUSED: (State.PAUSED, Phase.MATCH, "Paused by you; resume it when you like."),
    WebhookEvent.TRANSFER_COMPLETED: (
        State.COMPLETED,
        Phase.VERIFY,
        "11 of 12 are in “Road Trip” on Apple Music; the rest: 1 to be looked at.",
    ),
    WebhookEvent.TRANSFER_FAILED: (
        State.FAILED,
        Phase.WRITE,
        "Failed: the playlist is gone; 4 had been added before.",
    ),
    WebhookEvent.TRANSFER_CANCELLED: (
        State.CANCELLED,
        Phase.WRITE,
        "Stopped by you; 4 had been added before.",
    ),
}


def describe(schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a path item for each event. schemas: of the payloads, by the repr of their type."""
    return {
        event.value: {
            "post": {
                "operationId": "on" + "".join(map(str.title, event.name.split("_"))),
                "summary": f"`{event}`, for webhooks that subscribe to it.",
                "security": [],
                "parameters": [
                    {
                        "name": name,
                        "in": "header",
                        "required": True,
                        "description": text,
                        "schema": {"type": "string"},
                    }
                    for name, text in _HEADERS.items()
                ],
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": schemas[repr(PAYLOADS[event.subject])],
                            "example": msgspec.to_builtins(_example(event)),
                        }
                    },
                },
                "responses": {
                    "2XX": {"description": "Taken. Its body is not read."},
                    "410": {"description": "Not wanted any more: the webhook is disabled."},
                    "default": {"description": "Not taken: it is sent again later."},
                },
            }
        }
        for event in WebhookEvent
    }


def _example(event: WebhookEvent) -> Payload:
    if event.subject == "webhook":
        return TestPayload(type=event, timestamp=_AT, data=TestData(webhook=_ID))
    if event.subject == "connection":
        state = event.value.partition(".")[2].replace("expiring", "connected")
        data = ConnectionData(
            id=_ID,
            platform=Platform.SPOTIFY,
            label="Mira",
            state=state,
            sign_in_ends_at=_AT if event is WebhookEvent.CONNECTION_EXPIRING else None,
        )
        return ConnectionPayload(type=event, timestamp=_AT, data=data)
    return TransferPayload(type=event, timestamp=_AT, data=_transfer(event))


def _transfer(event: WebhookEvent) -> TransferData:
    state, phase, summary = _STATES.get(event, (State.RUNNING, Phase.MATCH, "Matched 5 of 12."))
    counts = {"total": 12, **{bucket.value: 0 for bucket in Bucket}, "written": 11, "review": 1}
    if state is not State.COMPLETED:
        counts |= {"written": 0, "ready": 4, "pending": 7}
    return TransferData(
        id=_ID,
        revision=23,
        state=state,
        phase=phase,
        outcome="partial" if state is State.COMPLETED else None,
        pause_reason=None,
        error_code="playlist-not-found" if state is State.FAILED else None,
        counts=counts,
        summary=summary,
        targets=(PlaylistPart(id="p.8Wx6vgVTPz1", name="Road Trip", url=None, track_count=11),)
        if state is State.COMPLETED
        else (),
        links=TransferLinks(
            self=f"/status/{_ID}", tracks=f"/status/{_ID}/tracks", report=f"/status/{_ID}/report"
        ),
    )
