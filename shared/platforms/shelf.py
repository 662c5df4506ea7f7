"""The shelf: where the playlists of files stand, as the adapter needs it. Postgres implements it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from shared.models import PlaylistId, SourceItem, Track, TrackId
from shared.platforms.base import Gate


class Shelved(msgspec.Struct, frozen=True, kw_only=True):
    """A playlist's head."""

    id: PlaylistId
    name: str
    description: str
    track_count: int


class ShelfPage(msgspec.Struct, frozen=True, kw_only=True):
    """Some items of a playlist. total: its whole length."""

    items: tuple[SourceItem, ...]
    total: int


class Shelf(Protocol):
    """Playlists by their owner; what belongs to another one is as missing as what never was.

    Every method raises PlatformUnavailable where the store cannot serve. A write is done as a whole or not at
    all, and its gate is called when only the commit is left: after PlatformUnavailable it may have happened.
    """

    async def count(self, owner: str) -> int: ...

    async def heads(self, owner: str, *, offset: int, limit: int) -> tuple[Shelved, ...]:
        """Return playlists, the oldest first."""

    async def head(self, owner: str, playlist_id: PlaylistId) -> Shelved | None: ...

    async def find(self, owner: str, marker: str) -> Shelved | None:
        """Return the oldest playlist whose description holds a text."""

    async def items(
        self, owner: str, playlist_id: PlaylistId, *, offset: int, limit: int
    ) -> ShelfPage | None:
        """Return items in order; None where there is no such playlist."""

    async def keep(self, owner: str, tracks: Sequence[Track]) -> None:
        """Store tracks, so that they can be added by their ids. Idempotent."""

    async def tracks(self, owner: str, ids: Sequence[TrackId]) -> dict[TrackId, Track]: ...

    async def create(self, owner: str, name: str, *, description: str, gate: Gate) -> Shelved: ...

    async def insert(
        self,
        owner: str,
        playlist_id: PlaylistId,
        *,
        track_ids: Sequence[TrackId],
        position: int,
        gate: Gate,
    ) -> bool | None:
        """Put tracks at a position, the end at most; False, and nothing done, where one is not stored.

        None where there is no such playlist.
        """

    async def remove(
        self, owner: str, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate
    ) -> bool:
        """Take every copy of tracks out of a playlist; False where there is no such playlist."""

    async def delete(self, owner: str, playlist_id: PlaylistId, *, gate: Gate) -> None:
        """Delete a playlist. Idempotent."""
