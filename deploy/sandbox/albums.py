"""The albums of the world: which recordings stand on each, and how they are found."""

from collections.abc import Iterable

import msgspec

from deploy.sandbox.recordings import Recording, derived_id
from deploy.sandbox.search_index import Document, SearchIndex

UNKNOWN_ARTIST = "Unknown Artist"


class Album(msgspec.Struct, frozen=True, kw_only=True):
    """All recordings of one album name and main artist, by disc and track."""

    id: str
    name: str
    artist: str
    tracks: tuple[Recording, ...]

    @property
    def release_date(self) -> str | None:
        return self.tracks[0].release_date


def main_artist(recording: Recording) -> str:
    return (recording.artists or (UNKNOWN_ARTIST,))[0]


def album_id(recording: Recording, *, platform: str) -> str:
    """Return the platform's id of the album that a recording stands on."""
    return derived_id(platform, f"album:{recording.album}|{main_artist(recording)}")


class Albums:
    """The albums of one platform; those without a name are read by id, but no search finds them."""

    def __init__(self, platform: str, recordings: Iterable[Recording]) -> None:
        groups: dict[str, list[Recording]] = {}
        for recording in recordings:
            groups.setdefault(album_id(recording, platform=platform), []).append(recording)
        self.by_id = {own_id: _album(own_id, tracks) for own_id, tracks in groups.items()}
        self.named = tuple(album for album in self.by_id.values() if album.name)
        self.index = SearchIndex(
            Document(title=album.name, artist=album.artist, album=album.name) for album in self.named
        )


def _album(own_id: str, tracks: list[Recording]) -> Album:
    tracks.sort(key=lambda recording: (recording.disc_number or 1, recording.track_number or 1))
    return Album(id=own_id, name=tracks[0].album, artist=main_artist(tracks[0]), tracks=tuple(tracks))
