"""SoundCloud's JSON objects."""

from typing import Any

from deploy.sandbox.changes import Item
from deploy.sandbox.ids import soundcloud_urn, soundcloud_user
from deploy.sandbox.recordings import Recording, digest
from deploy.sandbox.soundcloud.voice import moment
from deploy.sandbox.store import Playlist

API = "https://api.soundcloud.com"
SITE = "https://soundcloud.com"
FIRST_UPLOADED_S = 1_704_067_200.0  # 2024-01-01
LABEL = "Sandbox Records"


def number_of(urn: str) -> str:
    return urn.rpartition(":")[2]


def user(name: str) -> dict[str, Any]:
    urn = soundcloud_user(name)
    slug = f"user-{number_of(urn)}"
    return {
        "avatar_url": f"https://i1.sndcdn.com/avatars-{number_of(urn)}-large.jpg",
        "city": None,
        "country": None,
        "created_at": moment(FIRST_UPLOADED_S),
        "first_name": "",
        "followers_count": digest(name) % 9999,
        "full_name": name,
        "urn": urn,
        "kind": "user",
        "last_modified": moment(FIRST_UPLOADED_S),
        "last_name": "",
        "permalink": slug,
        "permalink_url": f"{SITE}/{slug}",
        "plan": "Free",
        "uri": f"{API}/users/{urn}",
        "username": name,
    }


def access_of(recording: Recording) -> str:
    """Say what its listeners may do with a track."""
    return "blocked" if "soundcloud" in recording.unplayable_on else "playable"


def track(recording: Recording, *, access: str = "") -> dict[str, Any]:
    """A track of the catalog: three in four are uploaded by a label, which names the artist beside."""
    access = access or access_of(recording)
    artist = ", ".join(recording.artists) or None
    is_own = artist is not None and digest(recording.key) % 4 == 0
    year, month, day = (*(recording.release_date or "").split("-"), "", "", "")[:3]
    return {
        **_upload(
            recording.ids["soundcloud"],
            title=recording.title,
            uploader=artist if is_own and artist else LABEL,
            duration_ms=recording.duration_ms or 120_000 + digest(recording.key) % 180_000,
        ),
        "access": access,
        "isrc": recording.isrc,
        "metadata_artist": None if is_own else artist,
        "release_day": int(day) if day else None,
        "release_month": int(month) if month else None,
        "release_year": int(year) if year else None,
        "streamable": access != "blocked",
    }


def own_upload(item: Item, *, owner: str) -> dict[str, Any]:
    """A track that the user has uploaded without saying much about it."""
    urn = soundcloud_urn("tracks", f"upload:{item.title}|{item.artist}|{item.duration_ms}")
    shape = _upload(urn, title=item.title or "", uploader=owner, duration_ms=item.duration_ms or 60_000)
    return {**shape, "sharing": "private", "metadata_artist": item.artist}


def _upload(urn: str, *, title: str, uploader: str, duration_ms: int) -> dict[str, Any]:
    owner = user(uploader)
    slug = f"track-{number_of(urn)}"
    return {
        "kind": "track",
        "access": "playable",
        "artwork_url": None,
        "available_country_codes": None,
        "bpm": None,
        "comment_count": 0,
        "commentable": True,
        "created_at": moment(FIRST_UPLOADED_S),
        "description": None,
        "downloadable": False,
        "duration": duration_ms,
        "embeddable_by": "all",
        "favoritings_count": digest(urn) % 999,
        "genre": "",
        "isrc": None,
        "key_signature": None,
        "label_name": None,
        "license": "all-rights-reserved",
        "metadata_artist": None,
        "permalink_url": f"{owner['permalink_url']}/{slug}",
        "playback_count": digest(urn) % 99_999,
        "purchase_title": None,
        "purchase_url": None,
        "release": None,
        "release_day": None,
        "release_month": None,
        "release_year": None,
        "reposts_count": 0,
        "sharing": "public",
        "stream_url": f"{API}/tracks/{urn}/stream",
        "streamable": True,
        "tag_list": "",
        "title": title,
        "uri": f"{API}/tracks/{urn}",
        "urn": urn,
        "user": owner,
        "user_favorite": False,
        "user_playback_count": 0,
        "waveform_url": f"https://wave.sndcdn.com/{number_of(urn)}.png",
    }


def playlist_path(playlist: Playlist) -> str:
    """Where people find a playlist on the site: named by its owner and itself, never by its id."""
    return f"{user(playlist.owner)['permalink']}/sets/list-{number_of(playlist.id)}"


def playlist_head(playlist: Playlist, *, track_count: int) -> dict[str, Any]:
    return {
        "artwork_url": None,
        "created_at": moment(playlist.created_at_s),
        "description": playlist.description or None,
        "downloadable": False,
        "duration": 0,
        "ean": None,
        "embeddable_by": "all",
        "genre": "",
        "kind": "playlist",
        "label": None,
        "label_id": None,
        "label_name": None,
        "last_modified": moment(playlist.created_at_s + playlist.revision),
        "license": "all-rights-reserved",
        "likes_count": 0,
        "permalink": playlist_path(playlist).rpartition("/")[2],
        "permalink_url": f"{SITE}/{playlist_path(playlist)}",
        "playlist_type": "",
        "purchase_title": None,
        "purchase_url": None,
        "release": None,
        "release_day": None,
        "release_month": None,
        "release_year": None,
        "sharing": "public" if playlist.is_public else "private",
        "streamable": True,
        "tag_list": "",
        "tags": "",
        "title": playlist.name,
        "track_count": track_count,
        "tracks_uri": f"{API}/playlists/{playlist.id}/tracks",
        "type": "",
        "uri": f"{API}/playlists/{playlist.id}",
        "urn": playlist.id,
        "user": user(playlist.owner),
        "user_urn": soundcloud_user(playlist.owner),
    }
