"""What the jukebox says, as values of Crossplay. Pure."""

import re

from crossplay_jukebox import wire
from shared.models import NotTransferable, Platform, Playlist, PlaylistId, SourceItem, Track, TrackId
from shared.platforms.base import TargetRow
from shared.platforms.values import id_in, parse_isrc

PLATFORM = Platform("jukebox")
HOST = "jukebox.example"
_PLAYLIST_ID = re.compile(r"list-[0-9a-z]{10}")
_TRACK_ID = re.compile(r"song-[0-9a-z]{10}")


def to_playlist(raw: wire.Playlist) -> Playlist:
    return Playlist(
        id=PlaylistId(raw.id),
        name=raw.name,
        url=f"https://{HOST}/lists/{raw.id}",
        track_count=raw.track_count,
        description=raw.description,
    )


def to_track(raw: wire.Track) -> Track | None:
    """Return a catalog track; None for a row that is none."""
    if raw.id is None:
        return None
    return Track(
        platform=PLATFORM,
        id=TrackId(raw.id),
        title=raw.title,
        artists=raw.artists,
        album=raw.album,
        duration_ms=raw.duration_ms,
        isrc=parse_isrc(raw.isrc),
        url=f"https://{HOST}/songs/{raw.id}",
    )


def to_item(raw: wire.Track) -> SourceItem:
    if raw.kind == "track":
        return SourceItem(track=to_track(raw), title=raw.title)
    what = NotTransferable.VIDEO if raw.kind == "video" else NotTransferable.LOCAL_FILE
    return SourceItem(not_transferable=what, title=raw.title)


def to_target_row(raw: wire.Track) -> TargetRow:
    return TargetRow(track_id=TrackId(raw.id) if raw.id else None, title=raw.title)


def playlist_id_of(text: str) -> PlaylistId | None:
    return PlaylistId(id_in(text, sites=(HOST,), kinds=("lists",), form=_PLAYLIST_ID)) or None


def track_id_of(text: str) -> TrackId | None:
    return TrackId(id_in(text, sites=(HOST,), kinds=("songs",), form=_TRACK_ID)) or None
