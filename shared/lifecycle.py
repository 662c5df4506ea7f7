"""States, phases and counts of a transfer, and the rules between them."""

from collections.abc import Mapping
from enum import StrEnum

from shared.models import MATCHED, Outcome


class State(StrEnum):
    """Where a transfer stands for its user."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({State.COMPLETED, State.FAILED, State.CANCELLED})


class Phase(StrEnum):
    """What a transfer is doing, in this order; an undo has `undo` and `verify` only."""

    READ = "read"
    MATCH = "match"
    WRITE = "write"
    UNDO = "undo"
    VERIFY = "verify"


class PauseReason(StrEnum):
    """Why a transfer waits."""

    USER = "user"
    OPERATOR = "operator"
    RATE_LIMITED = "rate_limited"
    RECONNECT_REQUIRED = "reconnect_required"
    PLATFORM_DENIED = "platform_denied"
    PLATFORM_NOT_CONFIGURED = "platform_not_configured"
    TOKENS_LOCKED = "tokens_locked"


class Bucket(StrEnum):
    """A disjoint part of a transfer's items; all of them sum to the total."""

    PENDING = "pending"
    DEFERRED = "deferred"
    READY = "ready"
    WRITTEN = "written"
    ALREADY_PRESENT = "already_present"
    REVIEW = "review"
    UNMATCHED = "unmatched"
    NOT_TRANSFERABLE = "not_transferable"
    SKIPPED = "skipped"
    FAILED = "failed"
    REMOVED = "removed"


_BUCKETS = {
    Outcome.PENDING: Bucket.PENDING,
    Outcome.DEFERRED: Bucket.DEFERRED,
    Outcome.ALREADY_PRESENT: Bucket.ALREADY_PRESENT,
    Outcome.REVIEW: Bucket.REVIEW,
    Outcome.NO_CANDIDATE: Bucket.UNMATCHED,
    Outcome.ONLY_OTHER_VERSION: Bucket.UNMATCHED,
    Outcome.NOT_TRANSFERABLE: Bucket.NOT_TRANSFERABLE,
    Outcome.SKIPPED_BY_USER: Bucket.SKIPPED,
    Outcome.FAILED: Bucket.FAILED,
    Outcome.REMOVED: Bucket.REMOVED,
}


def bucket_of(outcome: Outcome, *, is_written: bool) -> Bucket:
    if outcome in MATCHED:
        return Bucket.WRITTEN if is_written else Bucket.READY
    return _BUCKETS[outcome]


def count_buckets(rows: Mapping[tuple[Outcome, bool], int]) -> dict[Bucket, int]:
    """Sum item counts by (outcome, is written) into every bucket, empty ones included."""
    counts = dict.fromkeys(Bucket, 0)
    for (outcome, is_written), count in rows.items():
        counts[bucket_of(outcome, is_written=is_written)] += count
    return counts


def is_full(counts: Mapping[Bucket, int]) -> bool:
    """Whether every item of the source stands in the target; of an undo, whether none does any more."""
    done = (Bucket.WRITTEN, Bucket.ALREADY_PRESENT, Bucket.REMOVED)
    return sum(counts[bucket] for bucket in done) == sum(counts.values())
