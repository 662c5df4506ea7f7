"""YouTube's search, and videos by their ids."""

from typing import Any, TypeAlias

from aiohttp import web

from deploy.sandbox.albums import Album
from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.desk import Desk
from deploy.sandbox.kept import Kind, change
from deploy.sandbox.youtube import objects
from deploy.sandbox.youtube.access import account, anybody
from deploy.sandbox.youtube.paging import LARGEST, Page, asked_page, listing
from deploy.sandbox.youtube.playlists import WRITE_UNITS, ids_of, not_found, parts_of
from deploy.sandbox.youtube.quota import Quota

Found: TypeAlias = objects.Video | Album

LARGEST_SEARCH = 500
TYPES = frozenset({"video", "channel", "playlist"})
RATINGS = frozenset({"like", "dislike", "none"})


class Videos:
    """/search, /videos, /videos/rate and /videos:batchGetStats."""

    def __init__(self, desk: Desk, *, quota: Quota) -> None:
        self._desk = desk
        self._quota = quota

    async def search(self, request: web.Request) -> web.Response:
        """Find videos or playlists by text, as few as 500 of them; no ISRC is known here."""
        anybody(self._desk, request)
        self._quota.spend(bucket="searches")
        if "snippet" not in parts_of(request):
            raise Refused(400, "Unknown part.", code="unknownPart", title="youtube.part", parameter="part")
        kinds = set(request.query.get("type", ",".join(TYPES)).split(","))
        if not kinds <= TYPES:
            raise Refused(400, "Invalid type.", code="invalidParameter", title="global", parameter="type")
        if "videoCategoryId" in request.query and kinds != {"video"}:
            message = "The request contains an invalid combination of search filters."
            code = "invalidSearchFilter"
            raise Refused(400, message, code=code, title="youtube.search", parameter="videoCategoryId")
        text = request.query.get("q", "").strip()
        is_in_vain = self._desk.fault("no_results", request) is not None or not text
        page = asked_page(request)
        rows = [] if is_in_vain else self._found(text, kinds, request)[:LARGEST_SEARCH]
        shown = [
            objects.search_result(self._shape(own)) for own in rows[page.offset : page.offset + page.size]
        ]
        body = listing("search", shown, page=page, total=len(rows))
        return json_answer({**body, "regionCode": "US"})

    async def get_videos(self, request: web.Request) -> web.Response:
        """Read up to 50 videos; one that is gone is left out."""
        anybody(self._desk, request)
        self._quota.spend()
        shapes = [objects.video(known) for known in self._known(request)]
        rows = [objects.chosen(shape, parts_of(request)) for shape in shapes]
        return json_answer(listing("video", rows, page=Page(size=LARGEST, offset=0)))

    async def get_stats(self, request: web.Request) -> web.Response:
        """Read statistics of up to 50 videos; they have a bucket of their own."""
        anybody(self._desk, request)
        self._quota.spend(bucket="stats")
        shapes = [objects.video_stats(known) for known in self._known(request)]
        rows = [objects.chosen(shape, parts_of(request)) for shape in shapes]
        return json_answer({"kind": "youtube#batchGetStatsResponse", "etag": "sandbox", "items": rows})

    async def rate(self, request: web.Request) -> web.Response:
        """Like a video, or like it no more; what is liked already stays where it stands."""
        caller = account(self._desk, request, writes=True)
        self._quota.spend(WRITE_UNITS)
        rating, video_id = request.query.get("rating", ""), request.query.get("id", "")
        if rating not in RATINGS:
            message = "The request contains an unexpected value for the rating."
            raise Refused(400, message, code="invalidRating", title="youtube.video", parameter="rating")
        dead = self._desk.fault("dead_ids", request)
        if video_id not in self._desk.catalog.by_id or (dead and video_id in dead.ids):
            raise not_found("video")
        user, is_saved = caller.user, rating == "like"
        change(self._desk, request, user=user, kind=Kind.TRACK, ids=[video_id], is_saved=is_saved)
        return web.Response(status=204)

    def _known(self, request: web.Request) -> list[objects.Video]:
        """Return the asked videos that there are. Raises Refused(400)."""
        parts_of(request)
        ids = ids_of(request)
        if not ids or len(ids) > LARGEST:
            message = "The request specifies an invalid filter parameter."
            raise Refused(400, message, code="invalidFilters", title="youtube.parameter", parameter="id")
        fault = self._desk.fault("dead_ids", request)
        dead = set(fault.ids) if fault else set()
        known = (self._video(own_id) for own_id in dict.fromkeys(ids) if own_id not in dead)
        return [one for one in known if one]

    def _video(self, own_id: str) -> objects.Video | None:
        if recording := self._desk.catalog.by_id.get(own_id):
            return objects.video_of(recording)
        for playlist in self._desk.store.playlists.values():
            for item in playlist.items:
                if item.kind not in objects.PLACEHOLDERS and objects.odd_id(item) == own_id:
                    return objects.own_video(item, owner=playlist.owner)
        return None

    def _found(self, text: str, kinds: set[str], request: web.Request) -> list[Found]:
        catalog = self._desk.catalog
        fault = self._desk.fault("dead_ids", request)
        dead = set(fault.ids) if fault else set()
        found: list[Found] = []
        if "video" in kinds:
            videos = (objects.video_of(catalog.recordings[place]) for place in catalog.index.ranked(text))
            found += [one for one in videos if one.id not in dead]
        if "playlist" in kinds:
            found += [catalog.albums.named[place] for place in catalog.albums.index.ranked(text)]
        return found

    def _shape(self, own: Found) -> dict[str, Any]:
        return objects.video(own) if isinstance(own, objects.Video) else objects.album_playlist(own)
