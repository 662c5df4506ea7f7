"""ListenBrainz' JSON into our values: pure."""

import re
from html import unescape

from shared.models import (
    Account,
    NotTransferable,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    Track,
    TrackId,
)
from shared.platforms.base import TargetRow
from shared.platforms.listenbrainz import wire
from shared.platforms.values import id_in, line_of, parse_isrc

_MBID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SITE = "listenbrainz.org"


def to_track(mbid: str, known: wire.Known, *, is_source: bool = False) -> Track | None:
    """Return a recording; None for one without a name.

    A recording may have several ISRCs. Of a source any one leads to it; of a candidate they prove nothing
    unless there is one alone.
    """
    raw, credit, release = known.recording, known.artist or wire.ArtistCredit(), known.release
    if not raw.name:
        return None
    isrcs = tuple(filter(None, map(parse_isrc, raw.isrcs or ())))
    names = tuple(artist.name for artist in credit.artists if artist.name)
    return Track(
        platform=Platform.LISTENBRAINZ,
        id=TrackId(mbid),
        title=raw.name,
        artists=names or ((credit.name,) if credit.name else ()),
        album=release.name if release else None,
        duration_ms=raw.length or None,
        isrc=isrcs[0] if isrcs and (is_source or len(isrcs) == 1) else None,
        release_date=str(release.year) if release and release.year else None,
        url=f"{wire.RECORDING}{mbid}",
    )


def to_guess(raw: wire.Mapping, known: wire.Known | None) -> tuple[Track, ...]:
    """Return what a look-up found, with what else is known of it; () where it found nothing."""
    if not raw.recording_mbid:
        return ()
    said = wire.Known(
        recording=wire.Recording(name=raw.recording_name),
        artist=wire.ArtistCredit(name=raw.artist_credit_name),
        release=wire.Release(name=raw.release_name),
    )
    track = (to_track(raw.recording_mbid, known) if known else None) or to_track(raw.recording_mbid, said)
    return (track,) if track else ()


def to_item(raw: wire.Row, known: wire.Known | None) -> SourceItem:
    """Return what stands at a position; what is known of the recording says more: its ISRC."""
    title = line_of((raw.creator,) if raw.creator else (), raw.title or "")
    said = wire.Known(
        recording=wire.Recording(name=raw.title, length=raw.duration),
        artist=wire.ArtistCredit(name=raw.creator),
        release=wire.Release(name=raw.album),
    )
    mbid = raw.mbid or ""
    track = (to_track(mbid, known, is_source=True) if known else None) or to_track(mbid, said)
    if not mbid or track is None:
        return SourceItem(not_transferable=NotTransferable.REMOVED, title=title)
    return SourceItem(track=track, title=title or track.title)


def to_target_row(raw: wire.Row) -> TargetRow:
    return TargetRow(track_id=TrackId(raw.mbid) if raw.mbid else None, title=raw.title or "")


def to_playlist(raw: wire.Playlist, *, user_name: str, track_count: int | None = None) -> Playlist:
    """Return a playlist as this user sees it; "": nobody is signed in."""
    facts = raw.extension.facts
    return Playlist(
        id=PlaylistId(raw.mbid),
        name=raw.title or "",
        url=f"https://listenbrainz.org/playlist/{raw.mbid}",
        owner=raw.creator,
        track_count=track_count,
        writable=bool(user_name) and user_name in (raw.creator, *facts.collaborators),
        snapshot=facts.last_modified_at,
        description=description_of(raw),
    )


def description_of(raw: wire.Playlist) -> str:
    return unescape(raw.annotation or "")


def to_account(user_name: str) -> Account:
    return Account(id=user_name, label=user_name, market="")


def playlist_id_of(text: str) -> PlaylistId | None:
    """Read an MBID or an address on listenbrainz.org."""
    return PlaylistId(_id_in(text, site=_SITE, kind="playlist")) or None


def track_id_of(text: str) -> TrackId | None:
    """Read an MBID or the address of a recording, on musicbrainz.org or listenbrainz.org."""
    found = _id_in(text, site="musicbrainz.org", kind="recording") or _id_in(text, site=_SITE, kind="track")
    return TrackId(found) or None


def _id_in(text: str, *, site: str, kind: str) -> str:
    return id_in(text.lower(), sites=(site,), kinds=(kind,), form=_MBID, ends=False)
