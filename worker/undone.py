"""Looks at the target of an undo: what stands there, and what stood there before the undone transfer."""

import msgspec

from shared.db import target_bases
from shared.errors import PlatformNotFound
from shared.models import PlaylistId, TrackId
from shared.platforms.base import TargetView
from worker.context import Context


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The whole target. is_gone: the playlist is. base: how often each track stood there first."""

    playlist_id: PlaylistId
    view: TargetView
    is_gone: bool
    base: dict[TrackId, int]


async def look(context: Context) -> Seen:
    """Read the target now. A playlist that is gone holds nothing."""
    transfer = context.transfer
    if transfer.target_playlist_id is None or transfer.undoes is None:
        raise LookupError(transfer.id)
    base = await target_bases.counts(context.pool, transfer.undoes, part=transfer.part)
    try:
        view, is_gone = await context.adapter.read_target(transfer.target_playlist_id, offset=0), False
    except PlatformNotFound:
        view, is_gone = TargetView(rows=(), total=0), True
    return Seen(playlist_id=transfer.target_playlist_id, view=view, is_gone=is_gone, base=base)
