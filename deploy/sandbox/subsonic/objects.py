"""The things of a Subsonic server as its answers show them."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from deploy.sandbox.albums import Album, album_id, main_artist
from deploy.sandbox.artists import Artist, artist_id
from deploy.sandbox.changes import Item
from deploy.sandbox.recordings import Recording
from deploy.sandbox.store import Playlist

PLATFORM = "subsonic"
_SCANNED_AT = "2024-01-01T00:00:00Z"


def moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def thing_id(text: str) -> str:
    """Derive the id of what is no recording and no playlist."""
    return hashlib.sha256(f"{PLATFORM}:{text}".encode()).hexdigest()[:32]


def song(recording: Recording, *, is_open: bool) -> dict[str, Any]:
    """is_open: with what only OpenSubsonic servers tell."""
    own_id, artist = recording.ids[PLATFORM], main_artist(recording)
    album = album_id(recording, platform=PLATFORM)
    seconds = (recording.duration_ms or 0) // 1000
    shape: dict[str, Any] = {
        "id": own_id,
        "parent": album,
        "isDir": False,
        "title": recording.title,
        "album": recording.album,
        "artist": " • ".join(recording.artists) or artist,
        "coverArt": f"al-{album}",
        "size": 40_000 * seconds,
        "contentType": "audio/flac",
        "suffix": "flac",
        "duration": seconds,
        "bitRate": 320,
        "path": f"{artist}/{recording.album}/{recording.title}.flac",
        "discNumber": recording.disc_number or 1,
        "created": _SCANNED_AT,
        "albumId": album,
        "artistId": artist_id(artist, platform=PLATFORM),
        "type": "music",
        "isVideo": False,
    }
    if recording.track_number:
        shape["track"] = recording.track_number
    if recording.release_date:
        shape["year"] = int(recording.release_date[:4])
    if is_open:
        shape |= _more(recording)
    return shape


def _more(recording: Recording) -> dict[str, Any]:
    return {
        "mediaType": "song",
        "isrc": [recording.isrc] if recording.isrc else [],
        "musicBrainzId": "",
        "genres": [],
        "artists": [{"id": artist_id(name, platform=PLATFORM), "name": name} for name in recording.artists],
        "displayArtist": " • ".join(recording.artists),
        "explicitStatus": {True: "explicit", False: "clean", None: ""}[recording.is_explicit],
    }


def odd_song(item: Item) -> dict[str, Any]:
    """Show what stands in a playlist without being a song of the library: a video, a file without tags."""
    is_video = item.kind == "video"
    title = item.title or "Untitled"
    return {
        "id": thing_id(f"{item.kind}:{title}"),
        "isDir": False,
        "title": title,
        "artist": item.artist or "[Unknown Artist]",
        "duration": (item.duration_ms or 0) // 1000,
        "contentType": "video/mp4" if is_video else "audio/mpeg",
        "type": "podcast" if item.kind == "episode" else "video" if is_video else "music",
        "isVideo": is_video,
    }


def album_head(album: Album) -> dict[str, Any]:
    return {
        "id": album.id,
        "name": album.name,
        "artist": album.artist,
        "artistId": artist_id(album.artist, platform=PLATFORM),
        "songCount": len(album.tracks),
        "duration": sum((track.duration_ms or 0) // 1000 for track in album.tracks),
        "created": _SCANNED_AT,
        **({"year": int(album.release_date[:4])} if album.release_date else {}),
    }


def artist_head(artist: Artist) -> dict[str, Any]:
    return {"id": artist.id, "name": artist.name, "coverArt": f"ar-{artist.id}"}


def playlist_head(
    playlist: Playlist, *, rows: Sequence[dict[str, Any]], user: str, is_open: bool
) -> dict[str, Any]:
    shape = {
        "id": playlist.id,
        "name": playlist.name,
        "comment": playlist.description,
        "owner": playlist.owner,
        "public": playlist.is_public,
        "songCount": len(rows),
        "duration": sum(row["duration"] for row in rows),
        "created": moment(playlist.created_at_s),
        "changed": moment(playlist.created_at_s + playlist.revision),
        "coverArt": f"pl-{playlist.id}",
    }
    return {**shape, "readonly": playlist.owner != user} if is_open else shape
