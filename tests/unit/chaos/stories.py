"""A small run in which everything went well, and the ways to change one thing about it."""

from typing import Any

import msgspec

from tests.chaos.plans import FIRST_PAIR, Expected, Plan, PlatformFault
from tests.chaos.records import Act, Change, History, Snapshot, Story, Strike, Track

TARGET, FURTHER, SHELF = "p.made", "p.further", "p.shelf"
EXPECTED = (
    Expected(outcome="exact", target_id="t0"),
    Expected(outcome="not_transferable"),
    Expected(outcome="same_recording", target_id="t2"),
    Expected(outcome="no_candidate"),
    Expected(outcome="exact", target_id="t0"),
)
SOURCE_IDS = ("s0", None, "s2", "s3", "s0")
WRITTEN = ("t0", "t2", "t0")
BUCKETS = ("pending", "deferred", "ready", "written", "already_present", "review", "unmatched")
ENDED_AT_S = 20.0


def counts(**told: int) -> dict[str, int]:
    rest = dict.fromkeys((*BUCKETS, "not_transferable", "skipped", "failed"), 0)
    return {"total": sum(told.values()), **rest, **told}


FINAL = counts(written=3, unmatched=1, not_transferable=1)


def snapshot(revision: int, state: str, phase: str, **other: Any) -> Snapshot:
    told = {"counts": counts(), "digest": f"digest {revision}", **other}
    return Snapshot(at_s=10.0 + revision, revision=revision, state=state, phase=phase, **told)


SNAPSHOTS = (
    snapshot(1, "queued", "read"),
    snapshot(2, "running", "match", counts=counts(pending=4, not_transferable=1)),
    snapshot(3, "running", "write", counts=counts(ready=3, unmatched=1, not_transferable=1)),
    snapshot(5, "running", "verify", counts=FINAL, target_id=TARGET),
    snapshot(
        6,
        "completed",
        "verify",
        counts=FINAL,
        target_id=TARGET,
        outcome="partial",
        ended_at_s=ENDED_AT_S,
    ),
)


def track(position: int, **other: Any) -> Track:
    expected, source_id = EXPECTED[position], SOURCE_IDS[position]
    is_written = expected.target_id is not None
    told = {
        "source_id": source_id,
        "title": f"Song {position}",
        "outcome": expected.outcome,
        "is_written": is_written,
        "reason": "" if is_written else "Because.",
        "target_id": expected.target_id,
    }
    return Track(position=position, **{**told, **other})


STORY = Story(
    wish="w0",
    transfer_id="transfer",
    name="chaos target",
    source_platform="spotify",
    target_platform="apple_music",
    source_playlist_id="source",
    source_ids=SOURCE_IDS,
    expected=EXPECTED,
    on_duplicate="skip",
    shelf_id=None,
    base=(),
    acts=(Act(at_s=10.0, kind="start", status=202),),
    snapshots=SNAPSHOTS,
    tracks=tuple(map(track, range(5))),
)


def made(number: int, at_s: float, *, playlist_id: str = TARGET, **other: Any) -> Change:
    told = {"by": "platform", "kind": "playlist_created.v1", "name": STORY.name, **other}
    return Change(platform="apple_music", number=number, at_s=at_s, playlist_id=playlist_id, **told)


def added(
    number: int, at_s: float, *track_ids: str, playlist_id: str = TARGET, by: str = "platform"
) -> Change:
    return Change(
        platform="apple_music",
        number=number,
        at_s=at_s,
        by=by,
        kind="items_inserted.v1",
        playlist_id=playlist_id,
        position=0,
        track_ids=track_ids,
    )


PLAN = Plan(
    platforms=FIRST_PAIR,
    seed=1,
    worker_count=2,
    is_forgetful=True,
    wishes=(),
    troubles=(),
    faults=(),
    events=(),
    limits={},
    calm_at_s=3.0,
)
WELL = History(
    plan=PLAN,
    stories=(STORY,),
    changes=(made(1, 13.0), added(2, 14.0, "t0", "t2"), added(3, 15.0, "t0")),
    rows={TARGET: WRITTEN},
    strikes=(),
)


def split(*, warnings: tuple[str, ...] = ("target_split",)) -> History:
    """Tell of the same run where the last track did not fit into the first playlist."""
    last = msgspec.structs.replace(SNAPSHOTS[-1], further_ids=(FURTHER,), warnings=warnings)
    second = made(3, 14.5, playlist_id=FURTHER, name=f"{STORY.name} (2)")
    return msgspec.structs.replace(
        WELL,
        stories=(msgspec.structs.replace(STORY, snapshots=(*SNAPSHOTS[:-1], last)),),
        changes=(*WELL.changes[:2], second, added(4, 15.0, "t0", playlist_id=FURTHER)),
        rows={TARGET: WRITTEN[:2], FURTHER: WRITTEN[2:]},
    )


def told(history: History = WELL, **changes: Any) -> History:
    """Change what the story of a history says."""
    story = msgspec.structs.replace(history.stories[0], **changes)
    return msgspec.structs.replace(history, stories=(story, *history.stories[1:]))


def done(history: History = WELL, **changes: Any) -> History:
    """Change what else stands in a history."""
    return msgspec.structs.replace(history, **changes)


def ending(**changes: Any) -> tuple[Snapshot, ...]:
    """Return the snapshots with another last one."""
    return (*SNAPSHOTS[:-1], msgspec.structs.replace(SNAPSHOTS[-1], **changes))


def listed(position: int, **changes: Any) -> tuple[Track, ...]:
    """Return the listing with another line."""
    tracks = list(STORY.tracks)
    tracks[position] = track(position, **changes)
    return tuple(tracks)


def on_a_shelf(**changes: Any) -> History:
    """Return a run into a playlist that held a stranger and one of ours, which is skipped."""
    story = msgspec.structs.replace(
        STORY,
        shelf_id=SHELF,
        base=("x1", "t0"),
        tracks=listed(0, outcome="already_present", is_written=False, reason="It is there."),
        snapshots=tuple(
            msgspec.structs.replace(
                seen,
                target_id=SHELF,
                counts=counts(written=2, already_present=1, unmatched=1, not_transferable=1)
                if seen.counts["written"]
                else seen.counts,
            )
            for seen in SNAPSHOTS
        ),
    )
    history = History(
        plan=PLAN,
        stories=(story,),
        changes=(
            made(1, 9.0, playlist_id=SHELF, by="control", name="shelf"),
            added(2, 9.0, "x1", "t0", playlist_id=SHELF, by="control"),
            added(3, 14.0, "t2", "t0", playlist_id=SHELF),
        ),
        rows={SHELF: ("x1", "t0", "t2", "t0")},
        strikes=(),
    )
    return msgspec.structs.replace(history, **changes)


def cancelled(*, written: int, warnings: tuple[str, ...] = (), **changes: Any) -> History:
    """Return a run that its user has cancelled when the first so many tracks were written."""
    tracks = []
    left = written
    for position in range(5):
        if not EXPECTED[position].target_id:
            tracks.append(track(position))
        elif left > 0:
            left -= 1
            tracks.append(track(position))
        else:
            skipped = {"outcome": "skipped_by_user", "is_written": False, "reason": "It was cancelled."}
            tracks.append(track(position, **skipped))
    final = counts(written=written, skipped=3 - written, unmatched=1, not_transferable=1)
    return done(
        told(
            tracks=tuple(tracks),
            acts=(*STORY.acts, Act(at_s=14.0, kind="cancel", status=202)),
            snapshots=(
                *SNAPSHOTS[:3],
                msgspec.structs.replace(
                    SNAPSHOTS[-1], state="cancelled", counts=final, outcome=None, warnings=warnings
                ),
            ),
        ),
        changes=(made(1, 13.0), added(2, 14.0, *WRITTEN[:written])),
        rows={TARGET: WRITTEN[:written]},
        **changes,
    )


def poisoned(track_id: str) -> Plan:
    """Return a plan in which the target refuses a track for good."""
    fault = {"operation": "add_items", "kind": "poison", "poison_ids": [track_id], "status": 400}
    return msgspec.structs.replace(
        PLAN,
        faults=(
            PlatformFault(trouble="poison for good", platform="apple_music", fault=fault, is_lasting=True),
        ),
    )


def struck(kind: str, detail: str = "", *, count: int = 1) -> tuple[Strike, ...]:
    return (Strike(kind=kind, detail=detail, count=count),)
