"""Deezer's catalog: tracks by id or ISRC, albums, and search."""

import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from aiohttp import web

from deploy.sandbox.albums import Album
from deploy.sandbox.answers import json_answer
from deploy.sandbox.deezer.access import caller
from deploy.sandbox.deezer.objects import album_found, album_row, artist_found, full_album, full_track, track
from deploy.sandbox.deezer.paging import asked_page, listing
from deploy.sandbox.deezer.voice import refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.recordings import Recording
from deploy.sandbox.search_index import SearchIndex

FILTER = re.compile(r'\b(artist|album|track|label|dur_min|dur_max|bpm_min|bpm_max):("[^"]*"|\S+)')
FIELDS = {"artist": "artist", "album": "album", "track": "title"}


class Query:
    """A search text taken apart: plain words, and words by field."""

    def __init__(self, text: str) -> None:
        self.filters = {name: value.strip('"').strip() for name, value in FILTER.findall(text)}
        self.plain = " ".join(FILTER.sub(" ", text).split())

    def positions(self, index: SearchIndex, *, fields: dict[str, str]) -> Sequence[int]:
        """Return what an index has, nearest first; a field finds only what has all of its words."""
        named = {name: value for name, value in self.filters.items() if name in fields and value}
        among: set[int] | None = None
        for name, value in named.items():
            having = index.having(fields[name], value)
            among = having if among is None else among & having
        ranking = [value for name, value in named.items() if fields[name] != "album"]
        words = " ".join([self.plain, *ranking]).strip()
        return index.ranked(words, among=among) if words else sorted(among or ())

    def is_long_enough(self, seconds: int) -> bool:
        least, most = (self.filters.get(name, "") for name in ("dur_min", "dur_max"))
        return not (least.isdigit() and seconds < int(least)) and not (most.isdigit() and seconds > int(most))


class MusicCatalog:
    """What nobody needs an account for."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        items = [item for playlist in desk.store.playlists.values() for item in playlist.items]
        self.unplayable = {item.track_id for item in items if item.kind in {"unplayable", "removed"}}
        recordings = desk.catalog.recordings
        self.unplayable |= {one.ids["deezer"] for one in recordings if "deezer" in one.unplayable_on}

    @cached_property
    def _alternatives(self) -> dict[str, Recording]:
        """Return the release that is played for each one that is not here: another one with its ISRC."""
        catalog = self._desk.catalog
        found = {}
        for own_id in filter(None, self.unplayable):
            gone = catalog.by_id.get(own_id)
            others = [catalog.recordings[p] for p in catalog.with_isrc(gone.isrc or "")] if gone else []
            for other in others:
                if other.ids["deezer"] not in self.unplayable:
                    found[own_id] = other
        return found

    def is_readable(self, recording: Recording) -> bool:
        return recording.ids["deezer"] not in self.unplayable and "deezer" not in recording.unplayable_on

    def row(self, recording: Recording) -> dict[str, Any]:
        """Return a track as lists and searches show it."""
        has_isrc = self._desk.options.has_row_isrcs
        return track(recording, is_readable=self.is_readable(recording), has_isrc=has_isrc)

    def _full(self, recording: Recording) -> dict[str, Any]:
        shape = full_track(recording, is_readable=self.is_readable(recording))
        other = self._alternatives.get(recording.ids["deezer"])
        return {**shape, "alternative": full_track(other, is_readable=True)} if other else shape

    def _dead(self, request: web.Request) -> frozenset[str]:
        fault = self._desk.fault("dead_ids", request)
        return frozenset(fault.ids) if fault else frozenset()

    async def get_track(self, request: web.Request) -> web.Response:
        caller(self._desk, request)
        own_id = request.match_info["id"]
        recording = self._desk.catalog.by_id.get(own_id)
        if recording is None or own_id in self._dead(request):
            raise refused(800)
        return json_answer(self._full(recording))

    async def lookup_isrc(self, request: web.Request) -> web.Response:
        """One track, whatever else has the same ISRC: one that can be played here, if there is one."""
        caller(self._desk, request)
        catalog = self._desk.catalog
        dead = self._dead(request)
        found = [catalog.recordings[p] for p in catalog.with_isrc(request.match_info["isrc"])]
        alive = [recording for recording in found if recording.ids["deezer"] not in dead]
        if not alive or self._desk.fault("no_results", request):
            raise refused(800)
        alive.sort(key=lambda recording: not self.is_readable(recording))
        return json_answer(self._full(alive[0]))

    async def get_artist(self, request: web.Request) -> web.Response:
        caller(self._desk, request)
        known = self._desk.catalog.artists.by_id.get(request.match_info["id"])
        if known is None:
            raise refused(800)
        return json_answer(artist_found(known.name))

    async def get_album(self, request: web.Request) -> web.Response:
        album, tracks = self._album(request)
        rows = [track(one, is_readable=self.is_readable(one), has_isrc=False) for one in tracks]
        return json_answer(full_album(album, rows=rows))

    async def get_album_tracks(self, request: web.Request) -> web.Response:
        _, tracks = self._album(request)
        page = asked_page(request, default=50)
        rows = [album_row(one, is_readable=self.is_readable(one)) for one in page.of(tracks)]
        return json_answer(listing(rows, page=page, total=len(tracks), request=request))

    def _album(self, request: web.Request) -> tuple[Album, list[Recording]]:
        caller(self._desk, request)
        album, dead = self._desk.catalog.albums.by_id.get(request.match_info["id"]), self._dead(request)
        if album is None:
            raise refused(800)
        return album, [recording for recording in album.tracks if recording.ids["deezer"] not in dead]

    async def search(self, request: web.Request) -> web.Response:
        """Search tracks; `strict=on` changes nothing here, since every word is looked for as it is."""
        catalog, query = self._desk.catalog, self._query(request)
        found = []
        if not self._desk.fault("no_results", request):
            positions = query.positions(catalog.index, fields=FIELDS)
            found = [catalog.recordings[position] for position in positions]
        found = [one for one in found if query.is_long_enough((one.duration_ms or 0) // 1000)]
        page = asked_page(request)
        rows = [self.row(one) for one in page.of(found)]
        return json_answer(listing(rows, page=page, total=len(found), request=request))

    async def search_albums(self, request: web.Request) -> web.Response:
        albums, query = self._desk.catalog.albums, self._query(request)
        positions = query.positions(albums.index, fields={"artist": "artist", "album": "title"})
        found = [] if self._desk.fault("no_results", request) else [albums.named[p] for p in positions]
        page = asked_page(request)
        rows = [album_found(album) for album in page.of(found)]
        return json_answer(listing(rows, page=page, total=len(found), request=request))

    async def search_artists(self, request: web.Request) -> web.Response:
        query = self._query(request)
        text = query.filters.get("artist") or query.plain
        found = [] if self._desk.fault("no_results", request) else self._desk.catalog.artists.found(text)
        page = asked_page(request)
        rows = [artist_found(one.name) for one in page.of(found)]
        return json_answer(listing(rows, page=page, total=len(found), request=request))

    def _query(self, request: web.Request) -> Query:
        caller(self._desk, request)
        text = request.query.get("q", "").strip()
        if not text:
            raise refused(501, "Missing parameter: q")
        return Query(text)
