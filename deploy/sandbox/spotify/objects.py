"""Spotify's JSON objects, in the shape of the regime."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote_plus

from deploy.sandbox.albums import UNKNOWN_ARTIST, album_id, main_artist
from deploy.sandbox.artists import artist_id
from deploy.sandbox.changes import Item
from deploy.sandbox.clock import iso
from deploy.sandbox.ids import spotify_id
from deploy.sandbox.options import Options
from deploy.sandbox.recordings import Recording, digest

MARKETS = ["DE", "FR", "GB", "JP", "US"]
PRECISIONS = {4: "year", 7: "month", 10: "day"}


def duration_ms(recording: Recording) -> int:
    """Every Spotify track has a length: where the world knows none, one is derived."""
    if recording.duration_ms:
        return recording.duration_ms
    return 120_000 + digest(recording.key) % 180_000


class Shapes:
    """Builds objects. origin: scheme and host under which the sandbox was called."""

    def __init__(self, *, origin: str, options: Options) -> None:
        self.origin = origin
        self._is_extended = options.regime == "extended"
        self._item_keys = options.item_keys

    def href(self, path: str) -> str:
        return f"{self.origin}/v1/{path}"

    def _head(self, kind: str, own_id: str) -> dict[str, Any]:
        return {
            "external_urls": {"spotify": f"https://open.spotify.com/{kind}/{own_id}"},
            "href": self.href(f"{kind}s/{own_id}"),
            "id": own_id,
            "type": kind,
            "uri": f"spotify:{kind}:{own_id}",
        }

    def user(self, name: str) -> dict[str, Any]:
        return self._head("user", name)

    def artist(self, name: str) -> dict[str, Any]:
        return {**self._head("artist", artist_id(name, platform="spotify")), "name": name}

    def full_artist(self, name: str) -> dict[str, Any]:
        shape = {**self.artist(name), "genres": [], "images": []}
        if self._is_extended:
            shape |= {
                "followers": {"href": None, "total": digest(name) % 9999},
                "popularity": digest(name) % 100,
            }
        return shape

    def image(self, own_id: str) -> dict[str, Any]:
        return {"url": f"{self.origin}/image/{own_id}", "height": 640, "width": 640}

    def album(self, recording: Recording, *, total_tracks: int = 12) -> dict[str, Any]:
        own_id = album_id(recording, platform="spotify")
        # "0000" is what Spotify says of an album whose date nobody entered.
        date = recording.release_date or "0000"
        shape = {
            **self._head("album", own_id),
            "album_type": "album",
            "artists": [self.artist(main_artist(recording))],
            "images": [self.image(own_id)],
            "is_playable": True,
            "name": recording.album,
            "release_date": date[:10],
            "release_date_precision": PRECISIONS.get(len(date[:10]), "year"),
            "total_tracks": total_tracks,
        }
        if self._is_extended:
            shape["available_markets"] = MARKETS
        return shape

    def simplified_track(self, recording: Recording, *, market: str | None = None) -> dict[str, Any]:
        """A track inside an album: no album, no ISRC."""
        shape = {
            **self._head("track", recording.ids["spotify"]),
            "artists": [self.artist(name) for name in recording.artists or (UNKNOWN_ARTIST,)],
            "disc_number": recording.disc_number or 1,
            "duration_ms": duration_ms(recording),
            "explicit": bool(recording.is_explicit),
            "is_local": False,
            "name": recording.title,
            "preview_url": None,
            "track_number": recording.track_number or 1,
        }
        if self._is_extended:
            shape["available_markets"] = MARKETS
        if market:
            shape["is_playable"] = "spotify" not in recording.unplayable_on
        if market and "spotify" in recording.unplayable_on:
            shape["restrictions"] = {"reason": "market"}
        return shape

    def track(self, recording: Recording, *, market: str | None = None) -> dict[str, Any]:
        shape = self.simplified_track(recording, market=market)
        shape["album"] = self.album(recording)
        shape["external_ids"] = {"isrc": recording.isrc} if recording.isrc else {}
        if self._is_extended:
            shape["popularity"] = digest(recording.key) % 100
        return shape

    def playlist_track(
        self, recording: Recording, *, is_unplayable: bool = False, market: str | None = None
    ) -> dict[str, Any]:
        """A track as a playlist row shows it; one in sixteen has its ISRC in lower case."""
        shape = {**self.track(recording, market=market), "episode": False, "track": True}
        if recording.isrc and digest(recording.ids["spotify"]) % 16 == 0:
            shape["external_ids"] = {"isrc": recording.isrc.lower()}
        if is_unplayable:
            shape |= {"is_playable": False, "restrictions": {"reason": "market"}}
            if self._is_extended:
                shape["available_markets"] = []
        return shape

    def local_track(self, item: Item) -> dict[str, Any]:
        parts = [quote_plus(part or "") for part in (item.artist, item.album, item.title)]
        seconds = (item.duration_ms or 0) // 1000
        nowhere: dict[str, Any] = {"external_urls": {}, "href": None, "id": None, "uri": None}
        shape = {
            **nowhere,
            "album": {
                **nowhere,
                "album_type": None,
                "artists": [],
                "images": [],
                "name": item.album or "",
                "release_date": None,
                "release_date_precision": None,
                "type": "album",
            },
            "artists": [{**nowhere, "name": item.artist or "", "type": "artist"}],
            "disc_number": 0,
            "duration_ms": seconds * 1000,
            "explicit": False,
            "external_ids": {},
            "is_local": True,
            "name": item.title or "",
            "preview_url": None,
            "track_number": 0,
            "type": "track",
            "uri": f"spotify:local:{':'.join(parts)}:{seconds}",
        }
        if self._is_extended:
            shape |= {"popularity": 0, "available_markets": []}
        return shape

    def episode(self, item: Item) -> dict[str, Any]:
        own_id = spotify_id(f"episode:{item.title}|{item.artist}")
        show_id = spotify_id(f"show:{item.artist}")
        about = item.title or ""
        show = {
            **self._head("show", show_id),
            "copyrights": [],
            "description": about,
            "explicit": False,
            "html_description": about,
            "images": [self.image(show_id)],
            "is_externally_hosted": False,
            "languages": ["en"],
            "media_type": "audio",
            "name": item.artist or item.album or "A sandbox show",
            "total_episodes": 1,
        }
        if self._is_extended:
            show |= {"available_markets": MARKETS, "publisher": item.artist or ""}
        return {
            **self._head("episode", own_id),
            "audio_preview_url": None,
            "description": about,
            "duration_ms": item.duration_ms or 1_800_000,
            "episode": True,
            "explicit": False,
            "html_description": about,
            "images": [self.image(own_id)],
            "is_externally_hosted": False,
            "is_playable": True,
            "language": "en",
            "languages": ["en"],
            "name": about,
            "release_date": "2024-01-01",
            "release_date_precision": "day",
            "show": show,
            "track": False,
        }

    def playlist_item(self, item: Item, *, content: dict[str, Any] | None, owner: str) -> dict[str, Any]:
        shape: dict[str, Any] = {
            "added_at": iso(item.added_at_s) if item.added_at_s else None,
            "added_by": self.user(owner),
            "is_local": item.kind == "local",
            "primary_color": None,
            "video_thumbnail": {"url": None},
        }
        if self._item_keys != "old":
            shape["item"] = content
        if self._item_keys != "new":
            shape["track"] = content
        return shape

    def under_item_keys(self, build: Callable[[str], dict[str, Any]]) -> dict[str, Any]:
        """Put a playlist's items under `items`, `tracks` or both; build gets the last part of the path."""
        shape = {}
        if self._item_keys != "old":
            shape["items"] = build("items")
        if self._item_keys != "new":
            shape["tracks"] = build("tracks" if self._is_extended else "items")
        return shape
