"""Each change has one name, and each event stands on the wire so that every client can read it."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from gateway import resources
from gateway.events import BYE, OPENING, PING, EventKind, encode, kind_of
from gateway.schemas import StatusResource
from shared.db.transfers import TransferView
from shared.lifecycle import Bucket, PauseReason, Phase, State
from shared.models import Platform, TransferId
from tests.fakes.rows import TRANSFER

WARNINGS = ({"code": "target_edited", "detail": "Somebody changed it."},)
OVER = [State.COMPLETED, State.FAILED, State.CANCELLED]


def status(*, review: int = 0, **changes: Any) -> StatusResource:
    counts = {**dict.fromkeys(Bucket, 0), Bucket.REVIEW: review}
    view = TransferView(transfer=msgspec.structs.replace(TRANSFER, **changes), counts=counts)
    return resources.status(view, label=str, trace_url="")


def paused(reason: PauseReason, **changes: Any) -> StatusResource:
    return status(
        state=State.PAUSED, pause_reason=reason, pause_platform=Platform.SPOTIFY, **{"revision": 8, **changes}
    )


def test_what_nobody_has_seen_before_is_a_snapshot() -> None:
    assert kind_of(status(), before=None) is EventKind.SNAPSHOT
    assert kind_of(paused(PauseReason.USER), before=None) is EventKind.SNAPSHOT


@pytest.mark.parametrize("state", OVER)
@pytest.mark.parametrize("before", [None, status(), status(state=State.QUEUED), paused(PauseReason.USER)])
def test_the_end_is_done_whatever_was_seen_before(state: State, before: StatusResource | None) -> None:
    after = status(state=state, review=2, warnings=WARNINGS)

    assert kind_of(after, before=before) is EventKind.DONE


@pytest.mark.parametrize(
    "after",
    [
        status(phase=Phase.WRITE),
        status(review=5, target_name="Day Drive"),
        status(is_cancelling=True, review=3),
        status(undoes=TransferId("other"), phase=Phase.UNDO, review=3),
    ],
)
def test_one_more_revision_of_a_running_transfer_is_progress(after: StatusResource) -> None:
    assert kind_of(after, before=status(review=3)) is EventKind.PROGRESS


def test_a_queued_transfer_that_starts_makes_progress() -> None:
    assert kind_of(status(), before=status(state=State.QUEUED)) is EventKind.PROGRESS


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (PauseReason.USER, EventKind.PAUSED),
        (PauseReason.OPERATOR, EventKind.PAUSED),
        (PauseReason.RATE_LIMITED, EventKind.PAUSED),
        (PauseReason.PLATFORM_NOT_CONFIGURED, EventKind.PAUSED),
        (PauseReason.RECONNECT_REQUIRED, EventKind.ATTENTION),
        (PauseReason.PLATFORM_DENIED, EventKind.ATTENTION),
    ],
)
def test_a_pause_that_only_its_user_can_end_wants_attention(reason: PauseReason, expected: EventKind) -> None:
    assert kind_of(paused(reason), before=status()) is expected
    assert kind_of(paused(reason), before=paused(PauseReason.USER, resume_at=TRANSFER.created_at)) is expected


def test_a_pause_that_stays_the_same_is_told_once() -> None:
    before = paused(PauseReason.RATE_LIMITED, resume_at=TRANSFER.created_at)
    same = paused(PauseReason.RATE_LIMITED, resume_at=TRANSFER.created_at, phase=Phase.WRITE)
    longer = paused(PauseReason.RATE_LIMITED, resume_at=datetime(2026, 11, 23, tzinfo=UTC))

    assert kind_of(same, before=before) is EventKind.PROGRESS
    assert kind_of(longer, before=before) is EventKind.PAUSED


@pytest.mark.parametrize("state", [State.RUNNING, State.QUEUED])
@pytest.mark.parametrize("before", [paused(PauseReason.USER), *(status(state=state) for state in OVER)])
def test_what_goes_on_after_a_pause_or_an_end_is_resumed(state: State, before: StatusResource) -> None:
    assert kind_of(status(state=state, review=1), before=before) is EventKind.RESUMED


def test_the_first_doubtful_match_and_each_new_warning_want_attention() -> None:
    assert kind_of(status(review=1), before=status()) is EventKind.ATTENTION
    assert kind_of(status(review=2), before=status(review=1)) is EventKind.PROGRESS
    assert kind_of(status(warnings=WARNINGS), before=status()) is EventKind.ATTENTION
    assert kind_of(status(warnings=WARNINGS), before=status(warnings=WARNINGS)) is EventKind.PROGRESS


@pytest.mark.parametrize(
    "name", ["Road\nTrip", "Road\r\n\r\nid: 9", "data: x\n\nevent: done", "Road\u2028Trip"]
)
def test_an_event_is_one_block_whatever_stands_in_its_texts(name: str) -> None:
    text = encode(EventKind.PROGRESS, status=status(target_name=name, revision=41)).decode()

    head, kind, data, *rest = text.split("\n")
    assert (head, kind, rest) == ("id: 41", "event: progress", ["", ""])
    assert "\r" not in text
    assert msgspec.json.decode(data.removeprefix("data: "))["target"]["name"] == name


def test_what_stands_between_events_moves_no_id() -> None:
    for content in (OPENING, PING, BYE):
        assert content.endswith(b"\n\n")
        assert b"\nid:" not in b"\n" + content
