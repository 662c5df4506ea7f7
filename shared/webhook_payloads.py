"""What a webhook is told: bodies made from the facts that were stored when it happened."""

from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from shared.db.target_parts import TargetPart
from shared.db.transfers import Transfer
from shared.lifecycle import Bucket, PauseReason, Phase, State, count_buckets, is_full
from shared.models import Outcome, Platform
from shared.summaries import Label, summarize
from shared.targets import PlaylistPart, targets_of
from shared.webhook_events import WebhookEvent

_TEXT_LIMIT = 300
_MOST_TARGETS = 10
# Columns that a snapshot leaves out: no payload needs them, and some are long.
_LEFT_OUT: dict[str, Any] = {"request_sha256": b"", "trace": {}, "warnings": ()}


class TransferLinks(msgspec.Struct, frozen=True, kw_only=True):
    """Paths of this server."""

    self: str
    tracks: str
    report: str


class TransferData(msgspec.Struct, frozen=True, kw_only=True):
    """How a transfer stood at the event; `links.self` has the rest, and what has changed since.

    outcome: full or partial, null until it is completed. counts: by bucket, with their total. targets: the
    playlists that its tracks stand in, at most the first ten.
    """

    id: str
    revision: int
    state: State
    phase: Phase
    outcome: str | None
    pause_reason: PauseReason | None
    error_code: str | None
    counts: dict[str, int]
    summary: str
    targets: tuple[PlaylistPart, ...]
    links: TransferLinks


class ConnectionData(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A connection at the event. sign_in_ends_at: with `connection.expiring` only."""

    id: str
    platform: Platform
    label: str
    state: str
    sign_in_ends_at: datetime | None = None


class TestData(msgspec.Struct, frozen=True, kw_only=True):
    """The webhook that is tried."""

    __test__ = False

    webhook: str


class TransferPayload(msgspec.Struct, frozen=True, kw_only=True):
    """timestamp: when it happened."""

    type: WebhookEvent
    timestamp: datetime
    data: TransferData


class ConnectionPayload(msgspec.Struct, frozen=True, kw_only=True):
    """timestamp: when it happened."""

    type: WebhookEvent
    timestamp: datetime
    data: ConnectionData


class TestPayload(msgspec.Struct, frozen=True, kw_only=True):
    """timestamp: when it was asked for."""

    __test__ = False

    type: WebhookEvent
    timestamp: datetime
    data: TestData


Payload: TypeAlias = TransferPayload | ConnectionPayload | TestPayload


def payload(event: WebhookEvent, *, snapshot: dict[str, Any], at: datetime, label: Label) -> Payload:
    """Make an event's body. snapshot: as the database's triggers store it.

    Long texts are cut, so that it stays far below the 20 kB that receivers may rely on.
    Raises msgspec.ValidationError, LookupError or ValueError for a snapshot of another form.
    """
    match event.subject:
        case "transfer":
            return TransferPayload(type=event, timestamp=at, data=_transfer(snapshot, label=label))
        case "connection":
            data = msgspec.convert({**snapshot, "label": _cut(snapshot.get("label"))}, ConnectionData)
            return ConnectionPayload(type=event, timestamp=at, data=data)
    return TestPayload(type=event, timestamp=at, data=msgspec.convert(snapshot, TestData))


def _transfer(snapshot: dict[str, Any], *, label: Label) -> TransferData:
    facts = snapshot["transfer"]
    texts = {name: _cut(facts[name]) for name in ("source_name", "target_name", "pause_text", "error_text")}
    row = msgspec.convert({**_LEFT_OUT, **facts, **texts}, Transfer)
    counts = _counts(snapshot["counts"])
    ending = ("full" if is_full(counts) else "partial") if row.state is State.COMPLETED else None
    return TransferData(
        id=row.id,
        revision=row.revision,
        state=row.state,
        phase=row.phase,
        outcome=ending,
        pause_reason=row.pause_reason,
        error_code=row.error_code,
        counts={"total": sum(counts.values()), **{bucket.value: count for bucket, count in counts.items()}},
        summary=summarize(row, counts=counts, label=label),
        targets=targets_of(row, _parts(snapshot))[:_MOST_TARGETS],
        links=TransferLinks(
            self=f"/status/{row.id}", tracks=f"/status/{row.id}/tracks", report=f"/status/{row.id}/report"
        ),
    )


def _parts(snapshot: dict[str, Any]) -> tuple[TargetPart, ...]:
    """Read the playlists; what was stored by the release before knows of none."""
    parts = [{**part, "name": _cut(part["name"])} for part in snapshot.get("parts", ())]
    return msgspec.convert(parts, tuple[TargetPart, ...])


def _counts(rows: list[Any]) -> dict[Bucket, int]:
    return count_buckets({(Outcome(outcome), is_written): count for outcome, is_written, count in rows})


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= _TEXT_LIMIT else text[: _TEXT_LIMIT - 1] + "…"
