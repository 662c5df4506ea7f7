"""YouTube's JSON into our values: pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from html import unescape

from shared.models import (
    Account,
    Album,
    AlbumId,
    NotTransferable,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    Track,
    TrackId,
)
from shared.platforms.base import TargetRow
from shared.platforms.collections import Collection
from shared.platforms.values import parameter_of, parse_duration, split_address
from shared.platforms.youtube import wire

LIKED = "LL"
"""The playlist of what an account likes, the newest first."""
_VIDEO_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_PLAYLIST_ID = re.compile(r"(?:PL|UU|FL|OLAK5uy_|RDCLAK5uy_)[A-Za-z0-9_-]{10,64}")
_HOSTS = frozenset({"youtube.com", "www.youtube.com", "m.youtube.com", "music.youtube.com"})
_TOPIC = " - Topic"
# Sports, travel, games, comedy, news, how-to, education, science, causes, shows, trailers. Music is uploaded
# under all the others too: music, people, entertainment, film.
_SPOKEN = frozenset({"17", "19", "20", "23", "25", "26", "27", "28", "29", "43", "44"})


def to_track(raw: wire.Thing) -> Track:
    """Return a track. On a Topic channel the title and the artist are what the label has delivered.

    Elsewhere anybody may have uploaded it: the title is a display string, and nobody is said to play it.
    """
    title, artist = raw.snippet.title, topic_artist(raw.snippet.channel_title)
    artists, album, release_date = _delivered(raw.snippet.description) if artist else ((), None, None)
    return Track(
        platform=Platform.YOUTUBE,
        id=TrackId(raw.id),
        title=title,
        artists=artists or ((artist,) if artist else ()),
        album=album,
        duration_ms=parse_duration(raw.content_details.duration),
        release_date=release_date,
        url=f"https://www.youtube.com/watch?v={raw.id}",
    )


def topic_artist(channel: str) -> str:
    """Return the artist whose catalog a channel holds; "" of a channel that somebody made."""
    return channel.removesuffix(_TOPIC).strip() if channel.endswith(_TOPIC) else ""


def _delivered(description: str) -> tuple[tuple[str, ...], str | None, str | None]:
    """Read artists, album and day of release off the description that YouTube writes for a label's track."""
    lines = [line.strip() for line in description.splitlines() if line.strip()]
    if len(lines) < 4 or not lines[0].startswith("Provided to YouTube"):
        return (), None, None
    artists = tuple(name.strip() for name in lines[1].split(" · ")[1:])
    dates = [line.partition(": ")[2] for line in lines if line.startswith("Released on: ")]
    return artists, lines[2], next(iter(dates), None)


def to_tracks(videos: Iterable[wire.Thing], *, market: str) -> dict[TrackId, Track]:
    """Return tracks by their ids, without those that cannot be played in a market."""
    return {TrackId(raw.id): to_track(raw) for raw in videos if raw.content_details.regions.admits(market)}


def to_item(row: wire.Thing, *, videos: Mapping[str, wire.Thing]) -> SourceItem:
    """Return one row of a source. Of a video that is gone, or private, only a placeholder is left."""
    video = videos.get(video_id_of(row))
    if video is None:
        return SourceItem(not_transferable=NotTransferable.REMOVED, title=row.snippet.title)
    if video.snippet.category_id in _SPOKEN:
        return SourceItem(not_transferable=NotTransferable.VIDEO, title=video.snippet.title)
    return SourceItem(track=to_track(video), title=video.snippet.title)


def to_target_row(row: wire.Thing) -> TargetRow:
    return TargetRow(track_id=TrackId(video_id_of(row)) or None, title=row.snippet.title)


def video_id_of(row: wire.Thing) -> str:
    return row.snippet.resource_id.video_id


def to_playlist(raw: wire.Thing, *, channel_id: str | None = None) -> Playlist:
    """channel_id: the account's own; None where the playlist is known to be its own."""
    return Playlist(
        id=PlaylistId(raw.id),
        name=raw.snippet.title,
        url=f"https://www.youtube.com/playlist?list={raw.id}",
        owner=raw.snippet.channel_title or None,
        track_count=raw.content_details.item_count,
        writable=channel_id in (None, raw.snippet.channel_id),
        description=raw.snippet.description,
    )


def nearest(found: Sequence[wire.Found], *, text: str, most: int) -> list[wire.Found]:
    """Return the results that share most words with what was searched for, of equal ones the first."""
    words = set(text.casefold().split())

    def shared_count(one: wire.Found) -> int:
        said = unescape(f"{one.snippet.title} {one.snippet.channel_title}")
        return len(words.intersection(said.casefold().split()))

    return sorted(found, key=shared_count, reverse=True)[:most]


def to_album(raw: wire.Found) -> Album | None:
    """Return a playlist that a search found as an album, which it is if its name says so."""
    if not raw.id.playlist_id:
        return None
    artist = topic_artist(unescape(raw.snippet.channel_title))
    return Album(
        platform=Platform.YOUTUBE,
        id=AlbumId(raw.id.playlist_id),
        name=unescape(raw.snippet.title).removeprefix("Album - "),
        artists=(artist,) if artist else (),
    )


def to_account(raw: wire.Thing) -> Account:
    return Account(id=raw.id, label=raw.snippet.title or raw.id, market=raw.snippet.country)


def to_title(name: str) -> str:
    """Return a playlist's name as YouTube takes it: no angle brackets, at most 150 characters."""
    return name.replace("<", "‹").replace(">", "›")[:150]


def playlist_id_of(text: str) -> PlaylistId | None:
    found = parameter_of(text, "list") if split_address(text)[0] in _HOSTS else text
    if found == LIKED:
        return Collection.LIKED.playlist_id
    return PlaylistId(found) if _PLAYLIST_ID.fullmatch(found) else None


def track_id_of(text: str) -> TrackId | None:
    host, path = split_address(text)
    found = text
    if host == "youtu.be" or (host in _HOSTS and len(path) == 2 and path[0] in {"shorts", "live", "embed"}):
        found = path[-1] if path else ""
    elif host in _HOSTS:
        found = parameter_of(text, "v")
    return TrackId(found) if _VIDEO_ID.fullmatch(found) else None
