"""What a run has left behind: what was asked, what the platforms did, what status told. Values only."""

from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec import structs

from tests.chaos.plans import Expected, Plan

ENDED = ("completed", "failed", "cancelled")


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """One answer of `GET /status/{id}`. digest: of the whole body. ended_at_s: its finished_at.

    target_id: the first playlist; further_ids: those that what did not fit went to, in order.
    """

    at_s: float
    revision: int
    state: str
    phase: str
    counts: dict[str, int]
    digest: str
    pause_reason: str | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()
    target_id: str | None = None
    further_ids: tuple[str, ...] = ()
    outcome: str | None = None
    ended_at_s: float | None = None


class Track(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the final listing; source and target are track ids."""

    position: int
    source_id: str | None
    title: str
    outcome: str
    is_written: bool
    reason: str
    target_id: str | None


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """What its user did to a transfer, or to an account, and the status of the answer."""

    at_s: float
    kind: str
    status: int


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One transfer from its wish to its end.

    name: of the target, which nothing else has if it is new. shelf_id: the existing target. base: what
    stood there. source_ids: of the rows, in order.
    """

    wish: str
    transfer_id: str | None
    name: str
    source_platform: str
    target_platform: str
    source_playlist_id: str
    source_ids: tuple[str | None, ...]
    expected: tuple[Expected, ...]
    on_duplicate: str
    shelf_id: str | None
    base: tuple[str, ...]
    acts: tuple[Act, ...]
    snapshots: tuple[Snapshot, ...]
    tracks: tuple[Track, ...]

    @property
    def last(self) -> Snapshot | None:
        return self.snapshots[-1] if self.snapshots else None

    @property
    def target_id(self) -> str | None:
        """The playlist that it says it has written to."""
        return self.shelf_id or (self.last.target_id if self.last else None)

    @property
    def target_ids(self) -> tuple[str, ...]:
        """All playlists that it says it has written to, in order."""
        further_ids = self.last.further_ids if self.last else ()
        return tuple(filter(None, (self.target_id, *further_ids)))

    @property
    def written_ids(self) -> tuple[str, ...]:
        """What is said to have been added, in order."""
        return tuple(track.target_id or "" for track in self.tracks if track.is_written)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a sandbox did to a playlist. name: of one that was created. by: platform or control."""

    platform: str
    number: int
    at_s: float
    by: str
    kind: str
    playlist_id: str
    name: str | None = None
    position: int | None = None
    track_ids: tuple[str | None, ...] = ()


CREATED, INSERTED, REPLACED = "playlist_created.v1", "items_inserted.v1", "items_replaced.v1"
CHANGED = "details_changed.v1"


def with_names(changes: Sequence[Change]) -> list[Change]:
    """Tell a playlist that was made and named by two calls as one that was made under that name."""
    made = {one.playlist_id for one in changes if one.kind == CREATED and one.by == "platform"}
    named = {
        one.playlist_id: one.name
        for one in changes
        if one.kind == CHANGED and one.by == "platform" and one.playlist_id in made
    }
    return [
        structs.replace(one, name=named.get(one.playlist_id) or one.name) if one.kind == CREATED else one
        for one in changes
        if not (one.kind == CHANGED and one.playlist_id in named)
    ]


def as_inserts(changes: Iterable[Change]) -> list[Change]:
    """Tell a list that was replaced by itself with some more in one place as what it is: an insert."""
    lists: dict[str, list[str | None]] = {}
    told = []
    for change in changes:
        before = lists.setdefault(change.playlist_id, [])
        meant = _meant(change, before) if change.kind == REPLACED else change
        if meant.kind == INSERTED:
            at = len(before) if meant.position is None else meant.position
            before[at:at] = meant.track_ids
        elif meant.kind == REPLACED:
            before[:] = meant.track_ids
        told.append(meant)
    return told


def _meant(change: Change, before: Sequence[str | None]) -> Change:
    """Return a replacement as the insert of one piece, if it is that."""
    after = change.track_ids
    at = next((n for n, (one, other) in enumerate(zip(before, after, strict=False)) if one != other), None)
    at = len(before) if at is None else at
    count = len(after) - len(before)
    if count < 0 or list(after[at + count :]) != list(before[at:]):
        return change
    return structs.replace(change, kind=INSERTED, position=at, track_ids=after[at : at + count])


class Strike(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that really struck. at_s is 0 for those that a sandbox played."""

    kind: str
    at_s: float = 0.0
    count: int = 1
    detail: str = ""


class History(msgspec.Struct, frozen=True, kw_only=True):
    """All of a run. rows: what stands in each target at the end, by playlist id.

    leftovers: sentences about what should have gone. answers: what the platforms answered, by status.
    """

    plan: Plan
    stories: tuple[Story, ...]
    changes: tuple[Change, ...]
    rows: dict[str, tuple[str | None, ...]]
    strikes: tuple[Strike, ...]
    leftovers: tuple[str, ...] = ()
    answers: dict[str, int] = {}
    duration_s: float = 0.0

    def changes_of(self, playlist_ids: Collection[str], *, by: str) -> list[Change]:
        return [change for change in self.changes if change.playlist_id in playlist_ids and change.by == by]
