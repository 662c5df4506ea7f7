"""Apple Music's JSON objects."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from deploy.sandbox.albums import UNKNOWN_ARTIST, Album
from deploy.sandbox.changes import Item
from deploy.sandbox.clock import iso
from deploy.sandbox.ids import apple_id, spotify_id
from deploy.sandbox.recordings import Recording
from deploy.sandbox.store import Playlist

ARTWORK = {
    "width": 1200,
    "height": 1200,
    "url": "https://artwork.invalid/{w}x{h}bb.jpg",
    "bgColor": "202020",
    "textColor1": "f0f0f0",
    "textColor2": "e0e0e0",
    "textColor3": "c0c0c0",
    "textColor4": "b0b0b0",
}


def artist_name(artists: Sequence[str]) -> str:
    """Join names as Apple does: A, B & C."""
    if not artists:
        return UNKNOWN_ARTIST
    return " & ".join([", ".join(artists[:-1]), artists[-1]] if len(artists) > 1 else artists)


def _known(values: dict[str, Any]) -> dict[str, Any]:
    """Apple leaves out what it does not know; it sends no nulls."""
    return {name: value for name, value in values.items() if value is not None}


def song(recording: Recording, *, storefront: str, is_playable: bool = True) -> dict[str, Any]:
    own_id = recording.ids["apple_music"]
    attributes = {
        **_spoken(recording),
        "hasLyrics": False,
        "url": f"https://music.apple.com/{storefront}/song/{quote(recording.title)}/{own_id}",
        "isrc": recording.isrc,
        "previews": [],
        "playParams": {"id": own_id, "kind": "song"} if is_playable else None,
        "isAppleDigitalMaster": False,
    }
    return {
        "id": own_id,
        "type": "songs",
        "href": f"/v1/catalog/{storefront}/songs/{own_id}",
        "attributes": _known(attributes),
    }


def album_head(album: Album, *, storefront: str) -> dict[str, Any]:
    """An album without its relationships."""
    attributes = {
        "name": album.name,
        "artistName": album.artist,
        "artwork": ARTWORK,
        "genreNames": ["Music"],
        "isComplete": True,
        "isSingle": len(album.tracks) == 1,
        "releaseDate": album.release_date,
        "trackCount": len(album.tracks),
        "url": f"https://music.apple.com/{storefront}/album/{quote(album.name)}/{album.id}",
        "playParams": {"id": album.id, "kind": "album"},
    }
    return {
        "id": album.id,
        "type": "albums",
        "href": f"/v1/catalog/{storefront}/albums/{album.id}",
        "attributes": _known(attributes),
    }


def _spoken(recording: Recording) -> dict[str, Any]:
    """The attributes that catalog songs and library songs share."""
    return {
        "name": recording.title,
        "artistName": artist_name(recording.artists),
        "albumName": recording.album,
        "artwork": ARTWORK,
        "durationInMillis": recording.duration_ms,
        "genreNames": ["Music"],
        "contentRating": "explicit" if recording.is_explicit else None,
        "discNumber": recording.disc_number or 1,
        "trackNumber": recording.track_number or 1,
        "releaseDate": recording.release_date,
    }


def library_id(item: Item, *, user: str) -> str:
    """Library ids belong to the user: the same song has another one in another library."""
    words = item.track_id or f"{item.kind}|{item.title}|{item.artist}|{item.album}|{item.duration_ms}"
    return f"i.{spotify_id(f'library:{user}|{words}')[:14]}"


def catalog_id(item: Item) -> str | None:
    """What the library says the catalog id is; of a removed song it leads nowhere."""
    if item.kind == "removed":
        return item.track_id or apple_id(f"removed|{item.title}|{item.artist}")
    return item.track_id


def library_song(
    item: Item, *, recording: Recording | None, user: str, has_catalog_id: bool = True
) -> dict[str, Any]:
    """A row of a library playlist. There is no ISRC here; uploads have no catalogId either."""
    own_id = library_id(item, user=user)
    is_video = item.kind == "video"
    kind = "library-music-videos" if is_video else "library-songs"
    attributes = _spoken(recording) if recording else _uploaded(item)
    params = {
        "id": own_id,
        "kind": "musicVideo" if is_video else "song",
        "isLibrary": True,
        "reporting": item.kind != "local",
        "catalogId": catalog_id(item) if has_catalog_id else None,
    }
    attributes = {**attributes, "hasLyrics": False, "playParams": _known(params)}
    return {
        "id": own_id,
        "type": kind,
        "href": f"/v1/me/library/{kind.removeprefix('library-')}/{own_id}",
        "attributes": _known(attributes),
    }


def library_album(songs: Sequence[Item], *, album: Album | None, user: str) -> dict[str, Any]:
    """An album of which the library has these songs. album: of the catalog, None for uploads."""
    first = songs[0]
    key = album.id if album else f"{first.album}|{first.artist}"
    own_id = f"l.{spotify_id(f'library:{user}|album|{key}')[:7]}"
    attributes = {
        "name": album.name if album else first.album or "Unknown Album",
        "artistName": album.artist if album else first.artist or UNKNOWN_ARTIST,
        "artwork": ARTWORK,
        "genreNames": ["Music"] if album else [],
        "releaseDate": album.release_date if album else None,
        "trackCount": len(songs),
        "playParams": {"id": own_id, "kind": "album", "isLibrary": True},
    }
    return {
        "id": own_id,
        "type": "library-albums",
        "href": f"/v1/me/library/albums/{own_id}",
        "attributes": _known(attributes),
    }


def _uploaded(item: Item) -> dict[str, Any]:
    return {
        "name": item.title or "",
        "artistName": item.artist or UNKNOWN_ARTIST,
        "albumName": item.album,
        "artwork": ARTWORK,
        "durationInMillis": item.duration_ms or 0,
        "genreNames": [],
        "discNumber": 1,
        "trackNumber": 1,
    }


def library_playlist(playlist: Playlist, *, user: str) -> dict[str, Any]:
    """A playlist without its length, which only the list of its tracks tells."""
    attributes = {
        "name": playlist.name,
        "canEdit": playlist.owner == user,
        "canDelete": playlist.owner == user,
        "hasCatalog": playlist.is_public,
        "hasCollaboration": False,
        "isPublic": playlist.is_public,
        "dateAdded": iso(playlist.created_at_s),
        "lastModifiedDate": iso(playlist.created_at_s),
        "description": {"standard": playlist.description} if playlist.description else None,
        "playParams": {
            "id": playlist.id,
            "kind": "playlist",
            "isLibrary": True,
            **({"globalId": global_id(playlist)} if playlist.is_public else {}),
        },
    }
    return {
        "id": playlist.id,
        "type": "library-playlists",
        "href": f"/v1/me/library/playlists/{playlist.id}",
        "attributes": _known(attributes),
    }


def global_id(playlist: Playlist) -> str:
    """The id under which everybody finds a public playlist in the catalog."""
    return f"pl.u-{playlist.id.removeprefix('p.')}"


def catalog_playlist(playlist: Playlist, *, storefront: str) -> dict[str, Any]:
    """A public playlist as everybody sees it, without its length."""
    own_id = global_id(playlist)
    attributes = {
        "name": playlist.name,
        "curatorName": playlist.owner,
        "playlistType": "user-shared",
        "isChart": False,
        "lastModifiedDate": iso(playlist.created_at_s),
        "description": {"standard": playlist.description} if playlist.description else None,
        "url": f"https://music.apple.com/{storefront}/playlist/{quote(playlist.name)}/{own_id}",
        "playParams": {"id": own_id, "kind": "playlist"},
    }
    return {
        "id": own_id,
        "type": "playlists",
        "href": f"/v1/catalog/{storefront}/playlists/{own_id}",
        "attributes": _known(attributes),
    }


def catalog_video(item: Item, *, recording: Recording | None, storefront: str) -> dict[str, Any]:
    """A video between songs."""
    own_id = item.track_id or apple_id(f"video|{item.title}|{item.artist}")
    return {
        "id": own_id,
        "type": "music-videos",
        "href": f"/v1/catalog/{storefront}/music-videos/{own_id}",
        "attributes": _known(_spoken(recording) if recording else _uploaded(item)),
    }
