"""The playlists in the account data that Spotify sends its users, as their JSON has them."""

import msgspec

from shared.formats.entries import Entry
from shared.models import NotTransferable


class Track(msgspec.Struct):
    trackName: str | None = None  # noqa: N815 - theirs
    artistName: str | None = None  # noqa: N815 - theirs
    albumName: str | None = None  # noqa: N815 - theirs
    trackUri: str | None = None  # noqa: N815 - theirs


class Episode(msgspec.Struct):
    episodeName: str | None = None  # noqa: N815 - theirs
    showName: str | None = None  # noqa: N815 - theirs


class LocalTrack(msgspec.Struct):
    uri: str | None = None


class Row(msgspec.Struct):
    track: Track | None = None
    episode: Episode | None = None
    localTrack: LocalTrack | None = None  # noqa: N815 - theirs


class Head(msgspec.Struct):
    name: str | None = None
    items: list[msgspec.Raw] = []


class Saved(msgspec.Struct):
    """A row of `YourLibrary.json`."""

    artist: str | None = None
    album: str | None = None
    track: str | None = None
    uri: str | None = None


def to_entry(row: Row) -> Entry:
    if row.track is not None:
        return Entry(
            title=row.track.trackName or "",
            artists=(row.track.artistName,) if row.track.artistName else (),
            album=row.track.albumName or "",
            uri=row.track.trackUri or "",
        )
    if row.episode is not None:
        names = (row.episode.showName, row.episode.episodeName)
        return Entry(title=" – ".join(filter(None, names)), kind=NotTransferable.EPISODE)
    return Entry(uri=(row.localTrack.uri if row.localTrack else None) or "")


def saved_to_entry(row: Saved) -> Entry:
    return Entry(
        title=row.track or "",
        artists=(row.artist,) if row.artist else (),
        album=row.album or "",
        uri=row.uri or "",
    )
