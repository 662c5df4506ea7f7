"""The one sentence that says how a transfer stands."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from shared.lifecycle import Bucket, PauseReason, Phase, State
from shared.models import Platform, PlaylistId, TransferId
from shared.summaries import summarize
from tests.fakes.rows import TRANSFER

LABELS = {Platform.SPOTIFY: "Spotify", Platform.APPLE_MUSIC: "Apple Music"}
UNDO = {"undoes": TransferId("u"), "target_playlist_id": PlaylistId("p")}


def sentence(counts: dict[str, int], **changes: Any) -> str:
    return summarize(
        msgspec.structs.replace(TRANSFER, **{"phase": Phase.READ, **changes}),
        counts={bucket: counts.get(bucket, 0) for bucket in Bucket},
        label=LABELS.__getitem__,
    )


@pytest.mark.parametrize(
    ("changes", "counts", "expected"),
    [
        ({"state": State.QUEUED}, {}, "Waiting to start."),
        ({}, {"pending": 40}, "Reading “Road Trip” from Spotify: 40 so far."),
        ({"phase": Phase.MATCH}, {"pending": 10, "deferred": 2, "ready": 28}, "Matched 28 of 40."),
        (
            {"phase": Phase.WRITE},
            {"written": 5, "ready": 30, "review": 5},
            "Added 5 of 35 to “Night Drive”.",
        ),
        ({"phase": Phase.VERIFY}, {"written": 40}, "Checking “Night Drive” on Apple Music."),
        (
            {
                "state": State.PAUSED,
                "pause_reason": PauseReason.RATE_LIMITED,
                "pause_platform": Platform.SPOTIFY,
                "resume_at": datetime(2026, 11, 23, 7, 40, tzinfo=UTC),
            },
            {},
            "Spotify asked us to wait; continues at 2026-11-23 07:40 UTC.",
        ),
        (
            {
                "state": State.PAUSED,
                "pause_reason": PauseReason.RECONNECT_REQUIRED,
                "pause_platform": Platform.APPLE_MUSIC,
            },
            {},
            "Apple Music needs you to sign in again; the rest follows by itself.",
        ),
        (
            {"state": State.PAUSED, "pause_reason": PauseReason.PLATFORM_NOT_CONFIGURED},
            {},
            "A platform is not set up on this server; its operator has to do that.",
        ),
        (
            {
                "state": State.PAUSED,
                "pause_reason": PauseReason.PLATFORM_DENIED,
                "pause_platform": Platform.SPOTIFY,
            },
            {},
            "Spotify does not allow this; it has to be cured there, then connect again.",
        ),
        (
            {
                "state": State.PAUSED,
                "pause_reason": PauseReason.OPERATOR,
                "pause_platform": Platform.SPOTIFY,
                "pause_text": "Back at noon.",
            },
            {},
            "Spotify is paused by the operator of this server (Back at noon); this goes on by itself.",
        ),
        (
            {
                "state": State.PAUSED,
                "pause_reason": PauseReason.OPERATOR,
                "pause_platform": Platform.SPOTIFY,
                "is_cancelling": True,
            },
            {},
            "Spotify is paused by the operator of this server; this stops when its last write can be read.",
        ),
        ({"is_cancelling": True}, {}, "Stopping: what is under way ends first."),
        ({**UNDO, "phase": Phase.UNDO}, {"removed": 5, "pending": 4}, "Removed 5 of 9 from “Night Drive”."),
        (
            {**UNDO, "state": State.COMPLETED},
            {"removed": 9},
            "All 9 were removed from “Night Drive” on Apple Music, checked.",
        ),
        (
            {**UNDO, "state": State.COMPLETED},
            {"removed": 7, "failed": 2},
            "7 of 9 were removed from “Night Drive” on Apple Music; the rest: 2 failed.",
        ),
        (
            {**UNDO, "state": State.COMPLETED, "target_playlist_id": None},
            {"removed": 9},
            "“Night Drive” on Apple Music was deleted: it held nothing but what had been added.",
        ),
        ({**UNDO, "state": State.COMPLETED}, {}, "Nothing had been added to “Night Drive” on Apple Music."),
        (
            {**UNDO, "state": State.CANCELLED},
            {"removed": 3, "skipped": 6},
            "Stopped by you; 3 had been removed before.",
        ),
        (
            {"state": State.COMPLETED},
            {"written": 30, "already_present": 10},
            "All 40 are in “Night Drive” on Apple Music, checked.",
        ),
        (
            {"state": State.COMPLETED},
            {"written": 1},
            "The one song is in “Night Drive” on Apple Music, checked.",
        ),
        ({"state": State.COMPLETED}, {}, "“Road Trip” is empty: nothing had to be moved."),
        (
            {"state": State.COMPLETED},
            {"written": 331, "unmatched": 5, "review": 4},
            "331 of 340 are in “Night Drive” on Apple Music; the rest: 5 without a match, 4 to be looked at.",
        ),
        (
            {"state": State.COMPLETED},
            {"written": 1, "not_transferable": 1, "skipped": 2},
            "1 of 4 are in “Night Drive” on Apple Music; the rest: 1 that cannot be moved, 2 skipped by you.",
        ),
        (
            {"state": State.CANCELLED},
            {"written": 120, "ready": 5},
            "Stopped by you; 120 had been added before.",
        ),
        (
            {"state": State.FAILED, "error_text": "The playlist is gone."},
            {},
            "Failed: The playlist is gone; nothing had been added.",
        ),
    ],
)
def test_the_sentence_says_what_is_going_on(
    changes: dict[str, Any], counts: dict[str, int], expected: str
) -> None:
    assert sentence(counts, **changes) == expected


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("phase", list(Phase))
def test_there_is_a_sentence_for_every_state(state: State, phase: Phase) -> None:
    assert sentence({}, state=state, phase=phase).endswith(".")
