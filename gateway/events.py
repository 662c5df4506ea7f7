"""What a stream of events says: the kind of each change, and how an event stands on the wire."""

from enum import StrEnum

import msgspec

from gateway.schemas import StatusResource
from shared.lifecycle import TERMINAL, State


class EventKind(StrEnum):
    """The name of an event, by what its reader has to do about it."""

    SNAPSHOT = "snapshot"
    PROGRESS = "progress"
    PAUSED = "paused"
    RESUMED = "resumed"
    ATTENTION = "attention"
    DONE = "done"


# A browser waits so long before it opens a stream again.
OPENING = b"retry: 2000\n\n"
# A comment: proxies see that the stream lives, readers see nothing.
PING = b": ping\n\n"
# Without an id, so that the last one stands; without data nobody would be told.
BYE = b"retry: 1000\nevent: bye\ndata: {}\n\n"


def kind_of(after: StatusResource, *, before: StatusResource | None) -> EventKind:
    """Name a change by the most pressing thing in it.

    before: what the reader has seen last; None if that is not known.
    """
    if after.state in TERMINAL:
        return EventKind.DONE
    if before is None:
        return EventKind.SNAPSHOT
    if after.state is State.PAUSED and (before.state, before.paused) != (after.state, after.paused):
        is_for_user = after.paused is not None and after.paused.action_url is not None
        return EventKind.ATTENTION if is_for_user else EventKind.PAUSED
    if after.state is not State.PAUSED and before.state in {State.PAUSED, *TERMINAL}:
        return EventKind.RESUMED
    return EventKind.ATTENTION if _has_more_to_look_at(after, before=before) else EventKind.PROGRESS


def encode(kind: EventKind, *, status: StatusResource) -> bytes:
    """Write an event; its id is the revision that it tells of."""
    data = msgspec.json.encode(status)  # has no line break: in JSON texts they are escaped
    return b"id: %d\nevent: %b\ndata: %b\n\n" % (status.revision, kind.encode(), data)


def _has_more_to_look_at(after: StatusResource, *, before: StatusResource) -> bool:
    """Whether the first doubtful match or another warning has come; not each of many matches is news."""
    is_first_review = after.counts.review > 0 and before.counts.review == 0
    return is_first_review or len(after.warnings) > len(before.warnings)
