"""Rows as the database gives them, for tests that need none of it."""

from datetime import UTC, datetime

from shared.db.transfers import Transfer
from shared.lifecycle import Phase, State
from shared.models import ConnectionId, Explicit, Platform, PlaylistId, Policy, TransferId, UserId

TRANSFER = Transfer(
    id=TransferId("t"),
    user_id=UserId("u"),
    request_sha256=b"",
    source_connection_id=ConnectionId("a"),
    source_platform=Platform.SPOTIFY,
    source_playlist_id=PlaylistId("p"),
    source_name="Road Trip",
    target_connection_id=ConnectionId("b"),
    target_platform=Platform.APPLE_MUSIC,
    target_playlist_id=None,
    target_name="Night Drive",
    target_url=None,
    target_is_new=True,
    policy=Policy.EXACT,
    explicit=Explicit.AS_SOURCE,
    on_duplicate="skip",
    state=State.RUNNING,
    phase=Phase.MATCH,
    revision=7,
    is_cancelling=False,
    is_read=True,
    pause_reason=None,
    pause_platform=None,
    resume_at=None,
    error_code=None,
    error_text=None,
    warnings=(),
    trace={},
    is_target_claimed=False,
    target_base_count=None,
    target_count=None,
    repair_count=0,
    created_at=datetime(2026, 11, 22, tzinfo=UTC),
    started_at=None,
    finished_at=None,
)
