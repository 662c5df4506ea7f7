"""The catalog as one country sees it, under the ids that live now."""

from collections.abc import Iterable

from aiohttp import web

from deploy.sandbox.albums import Album
from deploy.sandbox.artists import Artist
from deploy.sandbox.desk import Desk
from deploy.sandbox.ids import decimal
from deploy.sandbox.recordings import Recording

PLATFORM = "tidal"


class Holdings:
    """What one request may see: without the tracks of other countries, and those that are dead by a fault."""

    def __init__(self, desk: Desk, request: web.Request) -> None:
        self._catalog = desk.catalog
        self.country = request.query.get("countryCode") or desk.options.country
        dead, churned = desk.fault("dead_ids", request), desk.fault("churned_ids", request)
        self._dead = set(dead.ids if dead else ())
        self._new_ids = {}
        for own_id in churned.ids if churned else ():
            if recording := self._catalog.by_id.get(own_id):
                # The control routes shall know the new id, too.
                self._new_ids[own_id] = decimal(f"tidal:again:{own_id}", length=9)
                self._catalog.by_id[self._new_ids[own_id]] = recording

    def id_of(self, recording: Recording) -> str:
        own_id = recording.ids[PLATFORM]
        return self._new_ids.get(own_id, own_id)

    def track(self, track_id: str) -> Recording | None:
        """Return the track of an id; None for one that is dead, unknown or not to be had here."""
        recording = self._catalog.by_id.get(track_id)
        is_here = recording is not None and track_id not in self._new_ids and self._has(recording)
        return recording if is_here else None

    def with_isrc(self, isrc: str) -> list[Recording]:
        return self._here(self._catalog.recordings[at] for at in self._catalog.with_isrc(isrc))

    def tracks_by_text(self, text: str) -> list[Recording]:
        return self._here(self._catalog.recordings[at] for at in self._catalog.index.ranked(text))

    def albums_by_text(self, text: str) -> list[Album]:
        albums = self._catalog.albums
        return [albums.named[at] for at in albums.index.ranked(text)]

    def artists_by_text(self, text: str) -> list[Artist]:
        return self._catalog.artists.found(text)

    def artist(self, artist_id: str) -> Artist | None:
        return self._catalog.artists.by_id.get(artist_id)

    def album(self, album_id: str) -> Album | None:
        return self._catalog.albums.by_id.get(album_id)

    def tracks_of(self, album: Album) -> list[Recording]:
        return self._here(album.tracks)

    def _here(self, recordings: Iterable[Recording]) -> list[Recording]:
        return [recording for recording in recordings if self._has(recording)]

    def _has(self, recording: Recording) -> bool:
        is_dead = self.id_of(recording) in self._dead or "tidal" in recording.unplayable_on
        return not is_dead and (recording.countries is None or self.country in recording.countries)
