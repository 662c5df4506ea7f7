"""Bodies of events: made from stored facts, thin, and in words that people understand."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared.models import Platform
from shared.webhook_events import WebhookEvent
from shared.webhook_payloads import payload
from tests.fakes.rows import TRANSFER

AT = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
LIMIT_BYTES = 20_000


def label(platform: Platform) -> str:
    return {"spotify": "Spotify", "apple_music": "Apple Music"}[platform]


def facts(**changes: Any) -> dict[str, Any]:
    """Facts as a trigger stores them: without some columns, everything as JSON has it."""
    columns = msgspec.to_builtins(msgspec.structs.replace(TRANSFER, **changes))
    for name in ("request_sha256", "trace", "warnings"):
        del columns[name]
    return {"transfer": columns, "counts": [["exact", True, 11], ["exact", False, 2], ["review", False, 1]]}


def told(event: WebhookEvent, snapshot: dict[str, Any]) -> dict[str, Any]:
    made = payload(event, snapshot=snapshot, at=AT, label=label)
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(made))
    return decoded


def test_a_transfer_tells_how_it_stands_and_where_the_rest_is() -> None:
    body = told(WebhookEvent.TRANSFER_COMPLETED, facts(state="completed", phase="verify"))

    counts = body["data"].pop("counts")
    assert {name: count for name, count in counts.items() if count} == {
        "total": 14,
        "written": 11,
        "ready": 2,
        "review": 1,
    }
    assert body == {
        "type": "transfer.completed",
        "timestamp": "2026-11-28T09:30:00Z",
        "data": {
            "id": "t",
            "revision": 7,
            "state": "completed",
            "phase": "verify",
            "outcome": "partial",
            "pause_reason": None,
            "error_code": None,
            "summary": "11 of 14 are in “Night Drive” on Apple Music; the rest: 1 to be looked at.",
            "targets": [],
            "links": {"self": "/status/t", "tracks": "/status/t/tracks", "report": "/status/t/report"},
        },
    }


def test_a_transfer_that_was_split_tells_its_playlists() -> None:
    snapshot = facts(
        state="completed", target_playlist_id="p.2", target_count=3, target_url="https://x.example"
    )
    closed = {"playlist_id": "p.1", "name": "Night Drive", "track_count": 9, "is_closed": True}
    last = {"playlist_id": "p.2", "name": "Night Drive (2)", "track_count": 0, "is_closed": False}
    common = {"url": None, "is_new": True, "base_count": 0}
    snapshot["parts"] = [{"part": 1, **common, **closed}, {"part": 2, **common, **last}]

    body = told(WebhookEvent.TRANSFER_COMPLETED, snapshot)

    assert body["data"]["targets"] == [
        {"id": "p.1", "name": "Night Drive", "url": None, "track_count": 9},
        {"id": "p.2", "name": "Night Drive (2)", "url": "https://x.example", "track_count": 3},
    ]


def test_only_a_completed_transfer_has_an_outcome() -> None:
    body = told(WebhookEvent.TRANSFER_STARTED, facts())

    assert body["data"]["outcome"] is None


def test_texts_of_any_length_leave_it_thin() -> None:
    endless = "𝄞" * 50_000
    snapshot = facts(
        state="failed", source_name=endless, target_name=endless, error_text=endless, pause_text=endless
    )
    part = {"playlist_id": "p", "name": endless, "url": None, "is_new": True, "base_count": 0}
    snapshot["parts"] = [{"part": n, **part, "track_count": 1, "is_closed": True} for n in range(1, 50)]

    made = payload(WebhookEvent.TRANSFER_FAILED, snapshot=snapshot, at=AT, label=label)

    assert len(msgspec.json.encode(made)) < LIMIT_BYTES


def test_a_connection_tells_whose_it_is() -> None:
    snapshot = {"id": "c", "platform": "spotify", "label": "Mira" * 500, "state": "connected"}

    body = told(WebhookEvent.CONNECTION_CONNECTED, snapshot)
    expiring = told(
        WebhookEvent.CONNECTION_EXPIRING, {**snapshot, "sign_in_ends_at": "2026-12-05T00:00:00+00:00"}
    )

    assert set(body["data"]) == {"id", "platform", "label", "state"}
    assert len(body["data"]["label"]) == 300
    assert expiring["data"]["sign_in_ends_at"] == "2026-12-05T00:00:00Z"


def test_a_test_names_its_webhook() -> None:
    assert told(WebhookEvent.WEBHOOK_TEST, {"webhook": "w"})["data"] == {"webhook": "w"}


@pytest.mark.parametrize(
    "snapshot",
    [{}, {"transfer": {}, "counts": []}, {**facts(), "counts": [["odd", False, 1]]}, facts(state="odd")],
)
def test_facts_that_cannot_be_read_are_an_error(snapshot: dict[str, Any]) -> None:
    with pytest.raises((msgspec.ValidationError, LookupError, ValueError)):
        payload(WebhookEvent.TRANSFER_FAILED, snapshot=snapshot, at=AT, label=label)
