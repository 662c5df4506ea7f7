"""Deezer's JSON objects, as lists, searches and look-ups show them."""

from collections.abc import Sequence
from typing import Any

from deploy.sandbox.albums import Album, album_id, main_artist
from deploy.sandbox.artists import artist_id
from deploy.sandbox.changes import Item
from deploy.sandbox.clock import iso
from deploy.sandbox.ids import decimal
from deploy.sandbox.recordings import Recording, digest, playlist_id
from deploy.sandbox.store import Playlist

COUNTRIES = ["DE", "FR", "GB", "JP", "US"]
NO_DATE = "0000-00-00"


def user_id(name: str) -> int:
    return int(decimal(f"deezer:user:{name}", length=9))


def duration_s(recording: Recording) -> int:
    return recording.duration_ms // 1000 if recording.duration_ms else 120 + digest(recording.key) % 180


def user(name: str, *, country: str) -> dict[str, Any]:
    return {
        **user_head(name),
        "link": f"https://www.deezer.com/profile/{user_id(name)}",
        "country": country,
    }


def user_head(name: str) -> dict[str, Any]:
    own_id = user_id(name)
    tracklist = f"https://api.deezer.com/user/{own_id}/flow"
    return {"id": own_id, "name": name, "tracklist": tracklist, "type": "user"}


def artist(name: str) -> dict[str, Any]:
    own_id = int(artist_id(name, platform="deezer"))
    return {
        "id": own_id,
        "name": name,
        "link": f"https://www.deezer.com/artist/{own_id}",
        "picture": f"https://api.deezer.com/artist/{own_id}/image",
        "tracklist": f"https://api.deezer.com/artist/{own_id}/top?limit=50",
        "type": "artist",
    }


def artist_found(name: str) -> dict[str, Any]:
    """The artist as a search and the own list show them."""
    return {**artist(name), "nb_album": 1, "nb_fan": digest(name) % 9999, "radio": True}


def album_of(recording: Recording) -> dict[str, Any]:
    """The album as a track names it."""
    own_id = int(album_id(recording, platform="deezer"))
    return {
        "id": own_id,
        "title": recording.album,
        "cover": f"https://api.deezer.com/album/{own_id}/image",
        "md5_image": f"{own_id:032x}",
        "tracklist": f"https://api.deezer.com/album/{own_id}/tracks",
        "type": "album",
    }


def album_found(album: Album) -> dict[str, Any]:
    """The album as a search shows it: without its date."""
    return {
        **album_of(album.tracks[0]),
        "link": f"https://www.deezer.com/album/{album.id}",
        "nb_tracks": len(album.tracks),
        "record_type": "album",
        "explicit_lyrics": False,
        "artist": artist(album.artist),
    }


def album_kept(album: Album) -> dict[str, Any]:
    """The album as its user's list shows it: with its date."""
    return {**album_found(album), "release_date": album.release_date or NO_DATE, "available": True}


def full_album(album: Album, *, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        **album_found(album),
        "upc": decimal(f"deezer:upc:{album.id}", length=12),
        "genre_id": -1,
        "label": "Sandbox Records",
        "duration": sum(map(duration_s, album.tracks)),
        "fans": digest(album.id) % 9999,
        "release_date": album.release_date or NO_DATE,
        "available": True,
        "explicit_content_lyrics": 0,
        "explicit_content_cover": 0,
        "contributors": [{**artist(album.artist), "role": "Main"}],
        "tracks": {"data": list(rows)},
    }


def track(recording: Recording, *, is_readable: bool = True, has_isrc: bool = True) -> dict[str, Any]:
    """A track as lists show it: one artist, no numbers."""
    own_id = int(recording.ids["deezer"])
    title, _, version = recording.title.partition(" (")
    return {
        "id": own_id,
        "readable": is_readable,
        "title": recording.title,
        "title_short": title,
        "title_version": f"({version}" if version else "",
        **({"isrc": recording.isrc or ""} if has_isrc else {}),
        "link": f"https://www.deezer.com/track/{own_id}",
        "duration": duration_s(recording),
        "rank": digest(recording.key) % 1_000_000,
        "explicit_lyrics": bool(recording.is_explicit),
        "explicit_content_lyrics": int(bool(recording.is_explicit)),
        "explicit_content_cover": 0,
        "preview": "",
        "artist": artist(main_artist(recording)),
        "album": album_of(recording),
        "type": "track",
    }


def album_row(recording: Recording, *, is_readable: bool) -> dict[str, Any]:
    shape = track(recording, is_readable=is_readable)
    del shape["album"]
    return {**shape, "track_position": recording.track_number or 0, "disk_number": recording.disc_number or 1}


def full_track(recording: Recording, *, is_readable: bool) -> dict[str, Any]:
    """A track as a look-up shows it."""
    date = recording.release_date or NO_DATE
    return {
        **track(recording, is_readable=is_readable),
        "share": f"https://www.deezer.com/track/{recording.ids['deezer']}?utm_source=deezer",
        "track_position": recording.track_number or 1,
        "disk_number": recording.disc_number or 1,
        "release_date": date,
        "bpm": 0,
        "gain": -9.1,
        "available_countries": COUNTRIES if is_readable else [],
        "contributors": [{**artist(name), "role": "Main"} for name in recording.artists],
        "album": {**album_of(recording), "release_date": date},
        "track_token": "sandbox",
    }


def upload(item: Item) -> dict[str, Any]:
    """A file of the user's own: its id is below zero."""
    own_id = -int(decimal(f"deezer:upload:{item.title}|{item.artist}", length=8))
    return {
        "id": own_id,
        "readable": True,
        "title": item.title or "",
        "title_short": item.title or "",
        "title_version": "",
        "duration": (item.duration_ms or 0) // 1000,
        "rank": 0,
        "explicit_lyrics": False,
        "artist": {"id": 0, "name": item.artist or "", "type": "artist"},
        "album": {"id": 0, "title": item.album or "", "type": "album"},
        "type": "track",
    }


def loved_id(user: str) -> str:
    """Return the id of the playlist that an account's favorite tracks are as well."""
    return playlist_id("deezer", f"loved:{user}")


def listed_playlist(playlist: Playlist, *, track_count: int) -> dict[str, Any]:
    """A playlist as lists show it: without its description."""
    return {
        "id": int(playlist.id),
        "title": playlist.name,
        "duration": 0,
        "public": playlist.is_public,
        "is_loved_track": playlist.id == loved_id(playlist.owner),
        "collaborative": playlist.is_collaborative,
        "nb_tracks": track_count,
        "fans": 0,
        "link": f"https://www.deezer.com/playlist/{playlist.id}",
        "picture": f"https://api.deezer.com/playlist/{playlist.id}/image",
        "checksum": f"{digest(f'{playlist.id}:{playlist.revision}'):032x}",
        "tracklist": f"https://api.deezer.com/playlist/{playlist.id}/tracks",
        "creation_date": iso(playlist.created_at_s).replace("T", " ").removesuffix("Z"),
        "picture_type": "playlist",
        "creator": user_head(playlist.owner),
        "type": "playlist",
    }


def full_playlist(playlist: Playlist, *, rows: Sequence[dict[str, Any]], track_count: int) -> dict[str, Any]:
    head = listed_playlist(playlist, track_count=track_count)
    return {
        **head,
        "description": playlist.description,
        "share": f"{head['link']}?utm_source=deezer",
        "tracks": {"data": list(rows), "checksum": head["checksum"]},
    }
