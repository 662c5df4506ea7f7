"""What a phase hands back: values that say what happened to one batch; transfer.py stores them."""

from typing import TypeAlias

import msgspec

from shared.db.items import Settled
from shared.errors import CrossplayError
from shared.models import Playlist, Removal, SourceItem, TrackId


class PageRead(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the source. next_cursor is None at its end; total is the source's length, where known."""

    items: tuple[SourceItem, ...]
    next_cursor: str | None
    total: int | None = None


class BatchMatched(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions for a batch. failure is set where a look-up failed; those items are deferred, not decided."""

    settled: tuple[Settled, ...]
    failure: CrossplayError | None = None


class TargetCreated(msgspec.Struct, frozen=True, kw_only=True):
    """The target playlist exists now, and it is ours."""

    playlist: Playlist


class TargetRead(msgspec.Struct, frozen=True, kw_only=True):
    """An existing target before our first write. tail: its last tracks; how often each stands is stored."""

    track_count: int
    tail: tuple[TrackId, ...] = ()


class BatchWritten(msgspec.Struct, frozen=True, kw_only=True):
    """Which positions stand in the target now, and its length. May be none: then nothing had arrived.

    refused: positions that the platform will never take; refusal says why, for people. is_denied: it has said
    no to their very tracks, so that these are not chosen again. chosen: other tracks, found for positions
    whose first choice it would not take. present: positions whose track stands there and may not twice.
    is_proved: the platform has named what it added, see base.Added.
    """

    positions: tuple[int, ...]
    target_count: int
    refused: tuple[int, ...] = ()
    refusal: str = ""
    is_denied: bool = False
    chosen: tuple[Settled, ...] = ()
    present: tuple[int, ...] = ()
    is_proved: bool = False
    batch_limit: int | None = None
    failure_count: int = 0
    delay_s: float = 0
    warning: str | None = None


class WriteFinished(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is left to write, or to remove."""


class LookAgain(msgspec.Struct, frozen=True, kw_only=True):
    """The target does not show everything yet, and this platform may need longer."""

    delay_s: float


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """Positions that were written and are not there; they are to be written again."""

    positions: tuple[int, ...]


class Verified(msgspec.Struct, frozen=True, kw_only=True):
    """The target was read and compared. vanished: positions that could not be made to stay."""

    warnings: tuple[str, ...] = ()
    vanished: tuple[int, ...] = ()


class PartFilled(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist is full and proved; what is left goes to the next one. The fields are those of Verified."""

    warnings: tuple[str, ...] = ()
    vanished: tuple[int, ...] = ()


class BatchRemoved(msgspec.Struct, frozen=True, kw_only=True):
    """What became of positions of an undo; may be none. The rest means what it means in BatchWritten."""

    settled: tuple[Removal, ...]
    batch_limit: int | None = None
    failure_count: int = 0
    delay_s: float = 0


class RemoveMore(msgspec.Struct, frozen=True, kw_only=True):
    """Tracks show that had not been seen; they are removed, too."""


class Undone(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing of the undone transfer stands in the target but what is named."""

    settled: tuple[Removal, ...] = ()
    warnings: tuple[str, ...] = ()
    is_playlist_deleted: bool = False


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is under way any more, as the user wished. is_settled: it is known what the last write did."""

    is_settled: bool = True

    @property
    def warnings(self) -> tuple[str, ...]:
        return () if self.is_settled else ("unsettled",)


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """Run the same job again after delay_s; nothing failed."""

    delay_s: float


Result: TypeAlias = (
    PageRead
    | BatchMatched
    | TargetCreated
    | TargetRead
    | BatchWritten
    | WriteFinished
    | LookAgain
    | Repair
    | Verified
    | PartFilled
    | BatchRemoved
    | RemoveMore
    | Undone
    | Cancelled
    | Wait
)
