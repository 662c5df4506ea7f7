"""The rules of chaos: a run that went well breaks none of them, also where something was to be borne."""

from collections.abc import Callable

import msgspec
import pytest

from tests.chaos.history import check
from tests.chaos.plans import Expected
from tests.chaos.records import Act, History
from tests.unit.chaos import stories as of
from tests.unit.chaos.stories import (
    FINAL,
    SHELF,
    SNAPSHOTS,
    STORY,
    TARGET,
    WELL,
    added,
    cancelled,
    counts,
    done,
    ending,
    listed,
    made,
    on_a_shelf,
    poisoned,
    snapshot,
    struck,
    told,
    track,
)

Make = Callable[[], History]


def beside(history: History, *, written: tuple[str, ...]) -> History:
    """Add a second transfer that writes into the same playlist."""
    first = history.stories[0]
    second = msgspec.structs.replace(
        first,
        wish="w1",
        transfer_id="other",
        source_ids=("s9",),
        expected=(Expected(outcome="exact", target_id="t9"),),
        tracks=tuple(
            msgspec.structs.replace(track(0), source_id="s9", position=number, target_id=one)
            for number, one in enumerate(written)
        ),
        snapshots=(
            msgspec.structs.replace(
                first.snapshots[-1], counts=counts(written=1), outcome="full", ended_at_s=30.0
            ),
        ),
    )
    return done(history, stories=(first, second))


WELL_ENOUGH: dict[str, Make] = {
    "nothing went wrong": lambda: WELL,
    "an existing target": on_a_shelf,
    "cancelled before anything was made": lambda: done(
        told(
            cancelled(written=0),
            snapshots=tuple(
                msgspec.structs.replace(seen, target_id=None)
                for seen in cancelled(written=0).stories[0].snapshots
            ),
        ),
        changes=(),
        rows={},
    ),
    "cancelled after the first batch": lambda: cancelled(written=2),
    "cancelled while the source was read": lambda: done(
        told(
            cancelled(written=0),
            tracks=cancelled(written=0).stories[0].tracks[:2],
            snapshots=(
                SNAPSHOTS[0],
                snapshot(
                    2,
                    "cancelled",
                    "read",
                    counts=counts(skipped=1, not_transferable=1),
                    ended_at_s=of.ENDED_AT_S,
                ),
            ),
        ),
        changes=(),
        rows={},
    ),
    "a track that is refused for good is named": lambda: done(
        told(
            tracks=listed(2, outcome="failed", is_written=False, reason="It was refused."),
            snapshots=tuple(
                msgspec.structs.replace(
                    seen, counts=counts(written=2, failed=1, unmatched=1, not_transferable=1)
                )
                if seen.counts["written"]
                else seen
                for seen in SNAPSHOTS
            ),
        ),
        plan=poisoned("t2"),
        changes=(made(1, 13.0), added(2, 14.0, "t0", "t0")),
        rows={TARGET: ("t0", "t0")},
    ),
    "another release stands for a track that is refused for good": lambda: done(
        told(tracks=listed(2, target_id="t2 again")),
        plan=poisoned("t2"),
        changes=(*WELL.changes[:1], added(2, 14.0, "t0", "t2 again", "t0")),
        rows={TARGET: ("t0", "t2 again", "t0")},
    ),
    "failed once and tried again": lambda: told(
        acts=(*STORY.acts, Act(at_s=13.5, kind="retry", status=202)),
        snapshots=(
            *SNAPSHOTS[:3],
            snapshot(4, "failed", "write", counts=SNAPSHOTS[2].counts, error="No."),
            *SNAPSHOTS[3:],
        ),
    ),
    "a repair after a platform has lied": lambda: done(
        told(
            snapshots=(
                *SNAPSHOTS[:3],
                snapshot(4, "running", "verify", counts=FINAL, target_id=TARGET),
                msgspec.structs.replace(
                    SNAPSHOTS[3], counts=counts(ready=2, written=1, unmatched=1, not_transferable=1)
                ),
                SNAPSHOTS[-1],
            )
        ),
        strikes=struck("empty", "apple_music add_items"),
    ),
    "another hand's rows, and they are told": lambda: done(
        told(snapshots=ending(warnings=("target_edited",))),
        changes=(*WELL.changes[:2], added(3, 14.5, "x1", by="control"), added(4, 15.0, "t0")),
        rows={TARGET: ("x1", *of.WRITTEN)},
    ),
    "a platform that mixes, and it is told": lambda: done(
        told(snapshots=ending(warnings=("order_differs",))),
        rows={TARGET: ("t2", "t0", "t0")},
        strikes=struck("shuffle", "apple_music add_items"),
    ),
    "a frozen worker that sent late, and it is told after the end": lambda: done(
        told(
            snapshots=(
                *SNAPSHOTS,
                msgspec.structs.replace(
                    SNAPSHOTS[-1], revision=7, digest="digest 7", warnings=("late_write",)
                ),
            )
        ),
        changes=(*WELL.changes, added(4, 25.0, "t0")),
        rows={TARGET: (*of.WRITTEN, "t0")},
        strikes=struck("freeze itself", "worker-1, write: after the gate"),
    ),
    "a cancelled transfer whose platform could not be asked any more": lambda: done(
        cancelled(written=1, warnings=("unsettled",)),
        changes=(made(1, 13.0), added(2, 14.0, "t0", "t2")),
        rows={TARGET: ("t0", "t2")},
        strikes=struck("status 404", "apple_music list_items"),
    ),
    "two transfers into one playlist": lambda: done(
        beside(on_a_shelf(), written=("t9",)),
        changes=(*on_a_shelf().changes, added(4, 15.0, "t9", playlist_id=SHELF)),
        rows={SHELF: ("x1", "t0", "t2", "t0", "t9")},
    ),
    "reconnected as often as was needed": lambda: done(
        told(acts=(*STORY.acts, *[Act(at_s=11.0, kind="reconnect spotify", status=200)] * 3)),
        strikes=struck("tokens_revoked", "spotify:access"),
    ),
}


@pytest.mark.parametrize("make", WELL_ENOUGH.values(), ids=WELL_ENOUGH.keys())
def test_a_run_in_which_all_promises_were_kept_breaks_no_rule(make: Make) -> None:
    history = make()

    violations = check(history)

    assert violations == ()


def test_a_history_survives_being_kept() -> None:
    kept = msgspec.json.encode(WELL)

    history = msgspec.json.decode(kept, type=History)

    assert history == WELL
