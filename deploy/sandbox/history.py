"""What has become of playlists since the start, change by change: a test holds promises against it."""

from typing import Any, Literal

import msgspec

from deploy.sandbox.changes import (
    Change,
    DetailsChanged,
    FollowChanged,
    ItemsInserted,
    ItemsReplaced,
    PlaylistCreated,
    PlaylistDeleted,
)

By = Literal["platform", "control"]

OF_PLAYLISTS = (
    PlaylistCreated,
    PlaylistDeleted,
    DetailsChanged,
    ItemsInserted,
    ItemsReplaced,
    FollowChanged,
)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A change that was made. number counts from 1; at_s is the sandbox's clock.

    by: "platform" for a client's call, "control" for what was ordered behind the platform's back.
    """

    number: int
    at_s: float
    by: By
    change: Change


class History:
    """Keeps the changes of playlists that were made while the process ran; those of the journal are older."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def note(self, change: Change, *, at_s: float, by: By) -> None:
        """Keep a change that was made just now, if it is one of a playlist."""
        if isinstance(change, OF_PLAYLISTS):
            self._entries.append(Entry(number=len(self._entries) + 1, at_s=at_s, by=by, change=change))

    def after(self, number: int) -> list[dict[str, Any]]:
        """Return the changes behind this number, oldest first, as they are told."""
        told: list[dict[str, Any]] = msgspec.to_builtins(self._entries[number:])
        return told
