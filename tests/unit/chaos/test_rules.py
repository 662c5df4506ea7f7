"""The rules of chaos: each way to go wrong breaks its own."""

from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from tests.chaos.history import COMMON_RULES, RULES, check
from tests.chaos.records import Act, History
from tests.unit.chaos import stories as of
from tests.unit.chaos.stories import (
    FINAL,
    FURTHER,
    SHELF,
    SNAPSHOTS,
    STORY,
    TARGET,
    WELL,
    WRITTEN,
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
    split,
    struck,
    told,
)

Make = Callable[[], History]


def broken_rules(history: History) -> set[str]:
    return {violation.rule for violation in check(history)}


def unsettled(*rows: str) -> History:
    """Return a cancelled run whose platform could not be asked what the last write did."""
    return done(
        cancelled(written=1, warnings=("unsettled",)),
        changes=(made(1, 13.0), added(2, 14.0, *rows)),
        rows={TARGET: rows},
        strikes=struck("status 404", "apple_music list_items"),
    )


BROKEN: dict[str, tuple[str, Make]] = {
    "never accepted": ("ended", lambda: told(transfer_id=None)),
    "never seen": ("ended", lambda: done(told(snapshots=(), tracks=()), changes=(), rows={})),
    "still running": ("ended", lambda: told(snapshots=SNAPSHOTS[:-1])),
    "failed for good": ("ended", lambda: told(snapshots=ending(state="failed", error="No.", outcome=None))),
    "cancelled and nobody wanted it": ("ended", lambda: told(cancelled(written=2), acts=STORY.acts)),
    "a revision fell": (
        "revisions rise",
        lambda: told(
            snapshots=(*SNAPSHOTS[:4], snapshot(4, "running", "verify", counts=FINAL), SNAPSHOTS[4])
        ),
    ),
    "a revision with two contents": (
        "revisions rise",
        lambda: told(
            snapshots=(*SNAPSHOTS[:4], msgspec.structs.replace(SNAPSHOTS[3], digest="x"), SNAPSHOTS[4])
        ),
    ),
    "counts that do not sum": (
        "counts sum",
        lambda: told(
            snapshots=(
                *SNAPSHOTS[:1],
                msgspec.structs.replace(SNAPSHOTS[1], counts={**SNAPSHOTS[1].counts, "ready": 1}),
                *SNAPSHOTS[2:],
            )
        ),
    ),
    "a total that is not the source's": (
        "counts sum",
        lambda: told(
            snapshots=(
                SNAPSHOTS[0],
                msgspec.structs.replace(SNAPSHOTS[1], counts=counts(pending=4)),
                *SNAPSHOTS[2:],
            )
        ),
    ),
    "a total that shrinks": (
        "counts sum",
        lambda: told(
            snapshots=(
                SNAPSHOTS[0],
                snapshot(2, "running", "read", counts=counts(pending=6)),
                *SNAPSHOTS[2:],
            )
        ),
    ),
    "written shrank": (
        "written grows",
        lambda: told(
            snapshots=(
                *SNAPSHOTS[:3],
                snapshot(4, "running", "verify", counts=FINAL, target_id=TARGET),
                msgspec.structs.replace(
                    SNAPSHOTS[3], counts=counts(ready=2, written=1, unmatched=1, not_transferable=1)
                ),
                SNAPSHOTS[-1],
            )
        ),
    ),
    "running after its end": (
        "endings stay",
        lambda: told(snapshots=(*SNAPSHOTS[:4], SNAPSHOTS[4], snapshot(7, "running", "write", counts=FINAL))),
    ),
    "changed after its end": (
        "endings stay",
        lambda: told(
            snapshots=(*SNAPSHOTS, msgspec.structs.replace(SNAPSHOTS[4], revision=7, digest="digest 7"))
        ),
    ),
    "failed and went on by itself": (
        "endings stay",
        lambda: told(
            snapshots=(
                *SNAPSHOTS[:3],
                snapshot(4, "failed", "write", counts=SNAPSHOTS[2].counts),
                *SNAPSHOTS[3:],
            )
        ),
    ),
    "asked to sign in again and again": (
        "reconnecting helps",
        lambda: done(
            told(acts=(*STORY.acts, *[Act(at_s=11.0, kind="reconnect spotify", status=200)] * 4)),
            strikes=struck("tokens_revoked", "spotify:access"),
        ),
    ),
    "a row is not listed": ("listing is whole", lambda: told(tracks=STORY.tracks[:-1])),
    "a row is listed twice": (
        "listing is whole",
        lambda: told(tracks=(*STORY.tracks[:2], *STORY.tracks[1:4])),
    ),
    "a row is another one": ("listing is whole", lambda: told(tracks=listed(2, source_id="s7"))),
    "a row is not settled": (
        "listing is whole",
        lambda: told(tracks=listed(3, outcome="deferred", reason="Later.")),
    ),
    "a match was not written": ("listing is whole", lambda: told(tracks=listed(2, is_written=False))),
    "a row has no reason": ("listing is whole", lambda: told(tracks=listed(3, reason=""))),
    "told as not found, and it is there": (
        "outcomes are true",
        lambda: told(tracks=listed(2, outcome="no_candidate", is_written=False, reason="Not there.")),
    ),
    "failed, and nothing refuses it": (
        "outcomes are true",
        lambda: told(tracks=listed(2, outcome="failed", is_written=False, reason="It was refused.")),
    ),
    "written, and it is refused for good": ("outcomes are true", lambda: done(plan=poisoned("t2"))),
    "another track": ("outcomes are true", lambda: told(tracks=listed(2, target_id="t7"))),
    "skipped, and it is not there": (
        "outcomes are true",
        lambda: told(tracks=listed(2, outcome="already_present", is_written=False, reason="It is there.")),
    ),
    "added, and it was to be skipped": (
        "outcomes are true",
        lambda: told(on_a_shelf(), tracks=STORY.tracks),
    ),
    "skipped by a user who did not cancel": (
        "outcomes are true",
        lambda: told(tracks=listed(2, outcome="skipped_by_user", is_written=False, reason="You did.")),
    ),
    "counts are not those of the listing": (
        "sums agree",
        lambda: told(snapshots=ending(counts=counts(written=4, not_transferable=1))),
    ),
    "the ending is not that of the listing": ("sums agree", lambda: told(snapshots=ending(outcome="full"))),
    "a written track is not there": ("nothing lost", lambda: done(rows={TARGET: ("t0", "t0")})),
    "a stranger's row is gone": ("nothing lost", lambda: on_a_shelf(rows={SHELF: ("t0", "t2", "t0")})),
    "a track stands there that nobody tells of": (
        "nothing unclaimed",
        lambda: done(rows={TARGET: (*of.WRITTEN, "t7")}),
    ),
    "a track of a cancelled transfer stands there untold": (
        "nothing unclaimed",
        lambda: done(cancelled(written=1), rows={TARGET: ("t0", "t2")}),
    ),
    "a batch was added twice": (
        "nothing twice",
        lambda: done(changes=(*WELL.changes, added(4, 16.0, "t0", "t2"))),
    ),
    "a batch was added twice, and somebody took it away": (
        "nothing twice",
        lambda: done(changes=(*WELL.changes, added(4, 16.0, "t2")), rows={TARGET: of.WRITTEN}),
    ),
    "a track that is there was added again": (
        "nothing twice",
        lambda: on_a_shelf(
            changes=(*on_a_shelf().changes, added(4, 15.0, "t0", playlist_id=SHELF)),
        ),
    ),
    "a track of a cancelled transfer that is called unsettled for no reason": (
        "nothing unclaimed",
        lambda: done(
            cancelled(written=1, warnings=("unsettled",)),
            changes=(made(1, 13.0), added(2, 14.0, "t0", "t2")),
            rows={TARGET: ("t0", "t2")},
        ),
    ),
    "a foreign track beside an unsettled one": (
        "nothing unclaimed",
        lambda: unsettled("t0", "t2", "t7"),
    ),
    "another order": (
        "order is kept",
        lambda: done(rows={TARGET: ("t2", "t0", "t0")}),
    ),
    "another order behind what stood there": (
        "order is kept",
        lambda: on_a_shelf(rows={SHELF: ("x1", "t0", "t0", "t2")}),
    ),
    "a platform that mixes, and nobody tells": (
        "order is kept",
        lambda: done(rows={TARGET: ("t2", "t0", "t0")}, strikes=struck("shuffle", "apple_music add_items")),
    ),
    "an edit is told that nobody made": (
        "warnings are true",
        lambda: told(snapshots=ending(warnings=("target_edited",))),
    ),
    "an order is told to differ that does not": (
        "warnings are true",
        lambda: told(snapshots=ending(warnings=("order_differs",))),
    ),
    "an unknown warning": ("warnings are true", lambda: told(snapshots=ending(warnings=("source_edited",)))),
    "a late write is told and nobody was frozen": (
        "warnings are true",
        lambda: told(snapshots=ending(warnings=("late_write",))),
    ),
    "another hand's rows, and nobody tells": (
        "warnings are true",
        lambda: done(
            changes=(*WELL.changes[:2], added(3, 14.5, "x1", by="control"), added(4, 15.0, "t0")),
            rows={TARGET: ("x1", *of.WRITTEN)},
        ),
    ),
    "two playlists": (
        "one target",
        lambda: done(changes=(made(9, 12.0, playlist_id="p.other"), *WELL.changes)),
    ),
    "a further playlist that is not told": (
        "splitting is told",
        lambda: split(warnings=()),
    ),
    "a further playlist that there is not": (
        "splitting is told",
        lambda: told(snapshots=(*SNAPSHOTS[:-1], replace(SNAPSHOTS[-1], warnings=("target_split",)))),
    ),
    "something out of its place for no reason": (
        "splitting is told",
        lambda: split(warnings=("target_split", "added_to_last_part")),
    ),
    "a further playlist twice": (
        "one target",
        lambda: msgspec.structs.replace(
            split(),
            changes=(*split().changes, made(9, 16.0, playlist_id="p.other", name=f"{STORY.name} (2)")),
        ),
    ),
    "a track in both playlists": (
        "nothing twice",
        lambda: msgspec.structs.replace(
            split(), changes=(*split().changes, added(9, 16.0, "t2", playlist_id=FURTHER))
        ),
    ),
    "playlists in another order": (
        "order is kept",
        lambda: msgspec.structs.replace(split(), rows={TARGET: WRITTEN[2:], FURTHER: WRITTEN[:2]}),
    ),
    "no playlist": ("one target", lambda: done(changes=WELL.changes[1:])),
    "another playlist than it tells": (
        "one target",
        lambda: done(changes=(made(1, 13.0, playlist_id="p.other"), *WELL.changes[1:])),
    ),
    "a playlist beside the one it was given": (
        "one target",
        lambda: on_a_shelf(changes=(*on_a_shelf().changes, made(9, 12.0, playlist_id="p.other"))),
    ),
    "an addition after its end": (
        "quiet after the end",
        lambda: done(changes=(*WELL.changes[:2], added(3, of.ENDED_AT_S + 1, "t0"))),
    ),
    "the source was changed": (
        "only targets change",
        lambda: done(changes=(*WELL.changes, added(4, 15.0, "s1", playlist_id="source"))),
    ),
    "a target was renamed": (
        "only targets change",
        lambda: done(
            changes=(
                *WELL.changes,
                msgspec.structs.replace(WELL.changes[0], number=4, kind="details_changed.v1", name=None),
            )
        ),
    ),
    "a job is left over": ("nothing left over", lambda: done(leftovers=("job read 0 is open",))),
}


@pytest.mark.parametrize(("rule", "make"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_promise_breaks_its_rule(rule: str, make: Make) -> None:
    history = make()

    broken = broken_rules(history)

    assert rule in broken


def test_a_run_that_was_split_breaks_none() -> None:
    assert broken_rules(split()) == set()


def test_every_rule_has_somebody_who_breaks_it() -> None:
    rules = {*RULES, *COMMON_RULES}

    broken = {rule for rule, _ in BROKEN.values()}

    assert broken == rules
