"""Spotify's look-ups by id: tracks, albums, artists."""

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.desk import Desk
from deploy.sandbox.ids import SPOTIFY_ID
from deploy.sandbox.recordings import Recording, digest
from deploy.sandbox.spotify.access import anybody
from deploy.sandbox.spotify.objects import Shapes
from deploy.sandbox.spotify.paging import Page, asked_page, paging


class CatalogGets:
    """GET /tracks, /albums and /artists."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def _start(self, request: web.Request) -> tuple[str, Shapes]:
        anybody(self._desk, request)
        own_id = request.match_info.get("id", "")
        if own_id and not SPOTIFY_ID.fullmatch(own_id):
            raise Refused(400, "Invalid base62 id")
        return own_id, Shapes(origin=str(request.url.origin()), options=self._desk.options)

    def _missing(self, request: web.Request) -> frozenset[str]:
        fault = self._desk.fault("dead_ids", request)
        return frozenset(fault.ids) if fault else frozenset()

    async def get_track(self, request: web.Request) -> web.Response:
        own_id, shapes = self._start(request)
        recording = self._desk.catalog.by_id.get(own_id)
        if recording is None or own_id in self._missing(request):
            raise Refused(404, "Resource not found")
        return json_answer(shapes.track(recording, market=request.query.get("market")))

    async def get_tracks(self, request: web.Request) -> web.Response:
        """Up to 50 tracks by id, in the asked order, null for unknown ones."""
        _, shapes = self._start(request)
        ids = [own_id for own_id in request.query.get("ids", "").split(",") if own_id]
        if not ids or not all(SPOTIFY_ID.fullmatch(own_id) for own_id in ids):
            raise Refused(400, "Invalid base62 id" if ids else "Missing parameter ids")
        if len(ids) > 50:
            raise Refused(400, "Too many ids requested")
        missing = self._missing(request)
        found = [None if i in missing else self._desk.catalog.by_id.get(i) for i in ids]
        market = request.query.get("market")
        return json_answer({"tracks": [r and shapes.track(r, market=market) for r in found]})

    async def get_album(self, request: web.Request) -> web.Response:
        own_id, shapes = self._start(request)
        tracks = self._tracks_of(own_id, request)
        shape = shapes.album(tracks[0], total_tracks=len(tracks))
        page = paging(
            [shapes.simplified_track(r) for r in tracks[:50]],
            page=Page(limit=50, offset=0),
            total=len(tracks),
            address=shapes.href(f"albums/{own_id}/tracks"),
            extra={},
        )
        if self._desk.options.regime == "extended":
            shape |= {"label": "Sandbox Records", "popularity": digest(own_id) % 100}
        return json_answer({**shape, "tracks": page, "copyrights": [], "external_ids": {}, "genres": []})

    async def get_album_tracks(self, request: web.Request) -> web.Response:
        own_id, shapes = self._start(request)
        tracks = self._tracks_of(own_id, request)
        market = request.query.get("market")
        page = asked_page(request, largest=50, default=20)
        return json_answer(
            paging(
                [shapes.simplified_track(r, market=market) for r in page.of(tracks)],
                page=page,
                total=len(tracks),
                address=shapes.href(f"albums/{own_id}/tracks"),
                extra={"market": market} if market else {},
            )
        )

    def _tracks_of(self, own_id: str, request: web.Request) -> list[Recording]:
        album, missing = self._desk.catalog.albums.by_id.get(own_id), self._missing(request)
        if album is None or own_id in missing:
            raise Refused(404, "Resource not found")
        return [recording for recording in album.tracks if recording.ids["spotify"] not in missing]

    async def get_artist(self, request: web.Request) -> web.Response:
        own_id, shapes = self._start(request)
        artist = self._desk.catalog.artists.by_id.get(own_id)
        if artist is None:
            raise Refused(404, "Resource not found")
        return json_answer(shapes.full_artist(artist.name))
