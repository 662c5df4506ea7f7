"""Which playlists a transfer's tracks stand in: one as a rule, more where they did not fit. Pure."""

from collections.abc import Sequence

import msgspec

from shared.db.target_parts import TargetPart
from shared.db.transfers import Transfer
from shared.models import PlaylistId


class PlaylistPart(msgspec.Struct, frozen=True, kw_only=True):
    """One of the playlists. track_count: of all that stand in it, null where that is not known."""

    id: str
    name: str
    url: str | None
    track_count: int | None


def targets_of(transfer: Transfer, parts: Sequence[TargetPart]) -> tuple[PlaylistPart, ...]:
    """Return the playlists that were made or found, in order. parts: none where the first one is all.

    About the one that is being worked on the transfer's own row knows better.
    """
    current = max((one.part for one in parts if not one.is_closed), default=1)
    name = next((one.name for one in parts if one.part == current), transfer.target_name)
    found: dict[int, tuple[PlaylistId | None, str, str | None, int | None]] = {
        one.part: (one.playlist_id, one.name, one.url, one.track_count) for one in parts
    }
    found[current] = (transfer.target_playlist_id, name, transfer.target_url, transfer.target_count)
    return tuple(
        PlaylistPart(id=own_id, name=name, url=url, track_count=count if transfer.undoes is None else None)
        for _, (own_id, name, url, count) in sorted(found.items())
        if own_id is not None
    )
