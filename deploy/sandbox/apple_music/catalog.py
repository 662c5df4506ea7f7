"""Apple Music's catalog: storefronts, songs by id, ISRC or equivalence, albums, and search."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from aiohttp import web

from deploy.sandbox.albums import Album
from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.apple_music.access import Access
from deploy.sandbox.apple_music.objects import album_head, song
from deploy.sandbox.apple_music.paging import Page, asked_page, bad_parameter, listed, no_related
from deploy.sandbox.desk import Desk
from deploy.sandbox.recordings import Recording, clean_isrc

STOREFRONTS = {"de": "Germany", "fr": "France", "gb": "United Kingdom", "jp": "Japan", "us": "United States"}
MOST_ISRCS = 25
MOST_IDS = 300
MOST_IDS_WITH_RELATIONS = 150
MOST_EQUIVALENTS = 25
MOST_ALBUM_TRACKS = 300
SEARCHED = ("albums", "songs")


def storefront_shape(own_id: str) -> dict[str, Any]:
    return {
        "id": own_id,
        "type": "storefronts",
        "href": f"/v1/storefronts/{own_id}",
        "attributes": {
            "name": STOREFRONTS.get(own_id, own_id),
            "explicitContentPolicy": "allowed",
            "supportedLanguageTags": ["en-US"],
            "defaultLanguageTag": "en-US",
        },
    }


class MusicCatalog:
    """Everything that needs the developer token only."""

    def __init__(self, desk: Desk, *, access: Access) -> None:
        self._desk = desk
        self._access = access
        self._storefronts = {**STOREFRONTS, desk.options.storefront: desk.options.storefront}
        items = [item for playlist in desk.store.playlists.values() for item in playlist.items]
        self._unplayable = {item.track_id for item in items if item.kind == "unplayable"}

    def shape(self, recording: Recording, *, storefront: str) -> dict[str, Any]:
        own_id = recording.ids["apple_music"]
        is_playable = own_id not in self._unplayable and "apple_music" not in recording.unplayable_on
        return song(recording, storefront=storefront, is_playable=is_playable)

    async def test(self, request: web.Request) -> web.Response:
        self._access.developer(request)
        return web.Response(text="", content_type="application/json")

    async def list_storefronts(self, request: web.Request) -> web.Response:
        self._access.developer(request)
        return json_answer({"data": [storefront_shape(own_id) for own_id in self._storefronts]})

    def storefront(self, request: web.Request) -> str:
        """Return the storefront of a call that needs the developer token only."""
        self._access.developer(request)
        storefront = request.match_info["storefront"]
        if storefront not in self._storefronts:
            raise Refused(404, "No storefront with this id", code="40400", title="Resource Not Found")
        return storefront

    async def lookup_isrc(self, request: web.Request) -> web.Response:
        """Songs by up to 25 ISRCs: none, one or several each, in the catalog's order."""
        storefront = self.storefront(request)
        catalog = self._desk.catalog
        asked = {clean_isrc(isrc) or "" for isrc in listed(request, "filter[isrc]", most=MOST_ISRCS)}
        found = (
            []
            if self._desk.fault("no_results", request)
            else self._alive(
                (catalog.recordings[p] for isrc in asked for p in catalog.with_isrc(isrc)), request
            )
        )
        found.sort(key=lambda recording: recording.ids["apple_music"])
        shapes = [self.shape(recording, storefront=storefront) for recording in found]
        by_isrc: dict[str, list[dict[str, str]]] = {isrc: [] for isrc in sorted(asked)}
        for shape in shapes:
            reference = {name: shape[name] for name in ("id", "type", "href")}
            by_isrc[shape["attributes"]["isrc"]].append(reference)
        return json_answer({"data": shapes, "meta": {"filters": {"isrc": by_isrc}}})

    async def get_songs(self, request: web.Request) -> web.Response:
        """Songs by up to 300 ids; unknown ones are simply absent."""
        storefront = self.storefront(request)
        ids = listed(request, "ids", most=MOST_IDS)
        relations = set(request.query.get("include", "").split(",")) & {"artists", "albums"}
        if relations and len(ids) > MOST_IDS_WITH_RELATIONS:
            raise Refused(504, "too much work")
        return json_answer({"data": self._songs(ids, storefront=storefront, request=request)})

    async def equivalents(self, request: web.Request) -> web.Response:
        """The same recordings in this storefront; in the sandbox they have the same ids everywhere."""
        storefront = self.storefront(request)
        ids = listed(request, "filter[equivalents]", most=MOST_EQUIVALENTS)
        shapes = self._songs(ids, storefront=storefront, request=request)
        if request.query.get("restrict") == "explicit":
            shapes = [s for s in shapes if s["attributes"].get("contentRating") != "explicit"]
        return json_answer({"data": shapes})

    def _songs(self, ids: list[str], *, storefront: str, request: web.Request) -> list[dict[str, Any]]:
        known = (self._desk.catalog.by_id.get(own_id) for own_id in dict.fromkeys(ids))
        alive = self._alive((recording for recording in known if recording), request)
        return [self.shape(recording, storefront=storefront) for recording in alive]

    def _alive(self, recordings: Iterable[Recording], request: web.Request) -> list[Recording]:
        fault = self._desk.fault("dead_ids", request)
        dead = frozenset(fault.ids) if fault else frozenset()
        return [recording for recording in recordings if recording.ids["apple_music"] not in dead]

    async def get_song(self, request: web.Request) -> web.Response:
        storefront = self.storefront(request)
        found = self._songs([request.match_info["id"]], storefront=storefront, request=request)
        if not found:
            raise Refused(404, "Resource with requested id was not found", code="40400")
        return json_answer({"data": found})

    async def get_album(self, request: web.Request) -> web.Response:
        """One album with its first tracks."""
        album, songs = self._album(request)
        shape = album_head(album, storefront=request.match_info["storefront"])
        page = Page(limit=MOST_ALBUM_TRACKS, offset=0)
        tracks = {"href": f"{shape['href']}/tracks", "data": page.of(songs)}
        return json_answer({"data": [{**shape, "relationships": {"tracks": tracks}}]})

    async def get_album_tracks(self, request: web.Request) -> web.Response:
        """An album's tracks, by disc and track; how many there are is not told."""
        _, songs = self._album(request)
        page = asked_page(request, largest=MOST_ALBUM_TRACKS, default=MOST_ALBUM_TRACKS)
        rows = page.of(songs)
        if not rows:
            raise no_related("tracks")
        return json_answer({"data": rows, **page.next_of(request, total=len(songs))})

    def _album(self, request: web.Request) -> tuple[Album, list[dict[str, Any]]]:
        storefront = self.storefront(request)
        album = self._desk.catalog.albums.by_id.get(request.match_info["id"])
        if album is None:
            raise Refused(404, "Resource with requested id was not found", code="40400")
        alive = self._alive(album.tracks, request)
        return album, [self.shape(recording, storefront=storefront) for recording in alive]

    async def search(self, request: web.Request) -> web.Response:
        """Search songs and albums by words; no hit is an empty `results`."""
        storefront = self.storefront(request)
        term = request.query.get("term", "").strip()
        if not term:
            raise bad_parameter("term", "Value must not be empty")
        types = [kind for kind in SEARCHED if kind in request.query.get("types", "").split(",")]
        if not types:
            raise bad_parameter("types", "The sandbox searches songs and albums only")
        page = asked_page(request, largest=25, default=5)
        is_in_vain = self._desk.fault("no_results", request) is not None
        found = {} if is_in_vain else {kind: self._found(kind, term, storefront) for kind in types}
        results = {
            kind: {
                "href": request.path_qs,
                **page.next_of(request, total=len(rows)),
                "data": [shape() for shape in page.of(rows)],
            }
            for kind, rows in found.items()
            if page.of(rows)
        }
        order = list(results)
        return json_answer({"results": results, "meta": {"results": {"order": order, "rawOrder": order}}})

    def _found(self, kind: str, term: str, storefront: str) -> list[Callable[[], dict[str, Any]]]:
        catalog = self._desk.catalog
        if kind == "albums":
            albums = (catalog.albums.named[position] for position in catalog.albums.index.ranked(term))
            return [partial(album_head, album, storefront=storefront) for album in albums]
        recordings = (catalog.recordings[position] for position in catalog.index.ranked(term))
        return [partial(self.shape, recording, storefront=storefront) for recording in recordings]
