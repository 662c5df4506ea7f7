"""TIDAL's catalog: tracks by ISRC and id, albums, search in both shapes."""

import base64
import binascii
import re
from collections.abc import Sequence

from aiohttp import web

from deploy.sandbox.answers import Refused
from deploy.sandbox.desk import Desk
from deploy.sandbox.recordings import Recording
from deploy.sandbox.tidal.access import anybody
from deploy.sandbox.tidal.documents import (
    PAGE,
    Json,
    Writer,
    cursor_of,
    include_of,
    links_of,
    offset_of,
)
from deploy.sandbox.tidal.holdings import Holdings
from deploy.sandbox.tidal.voice import document

MOST_VALUES = 20
LONGEST_QUERY = 256
ISRC = re.compile(r"[A-Z]{2}[A-Z0-9]{3}[0-9]{7}")
_SEARCH = "q~"


class Catalog:
    """GET /tracks, /albums and /searchResults."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def _start(self, request: web.Request) -> tuple[Holdings, Writer]:
        anybody(self._desk, request)
        holdings = Holdings(self._desk, request)
        return holdings, Writer(holdings)

    async def get_tracks(self, request: web.Request) -> web.Response:
        """By ISRC or by id: one ISRC brings all its tracks in pages, several bring one each."""
        holdings, writer = self._start(request)
        include = include_of(request, "tracks")
        known = {"filter[isrc]", "filter[id]", "filter[owners.id]"}
        if unknown := {name for name in request.query if name.startswith("filter[")} - known:
            raise Refused(400, f"Available filters: {sorted(known)}", parameter=min(unknown))
        cursor = None
        if ids := values_of(request, "filter[id]"):
            found = [track for own_id in ids if (track := holdings.track(own_id))]
        elif isrcs := values_of(request, "filter[isrc]"):
            found, cursor = self._with_isrcs(isrcs, holdings=holdings, request=request)
        else:
            raise Refused(400, "A filter is required", parameter="filter[id]")
        return document(
            {
                "data": [writer.track(track, include=include) for track in found],
                "included": writer.included,
                "links": links_of(request, next_cursor=cursor),
            }
        )

    def _with_isrcs(
        self, isrcs: Sequence[str], *, holdings: Holdings, request: web.Request
    ) -> tuple[list[Recording], str | None]:
        if not all(map(ISRC.fullmatch, isrcs)):
            detail = "Invalid ISRC: Must be 3 groups, 12 symbols in total"
            raise Refused(400, detail, parameter="filter[isrc]")
        if self._desk.fault("no_results", request):
            return [], None
        if len(isrcs) > 1:
            return [tracks[0] for isrc in isrcs if (tracks := holdings.with_isrc(isrc))], None
        found, offset = holdings.with_isrc(isrcs[0]), offset_of(request)
        return found[offset : offset + PAGE], cursor_of(offset + PAGE) if offset + PAGE < len(found) else None

    async def get_track(self, request: web.Request) -> web.Response:
        holdings, writer = self._start(request)
        include = include_of(request, "tracks")
        track = holdings.track(request.match_info["id"])
        if track is None:
            raise Refused(404, "The track was not found")
        return _single(request, writer.track(track, include=include), writer=writer)

    async def get_album(self, request: web.Request) -> web.Response:
        holdings, writer = self._start(request)
        include = include_of(request, "albums")
        album = holdings.album(request.match_info["id"])
        if album is None:
            raise Refused(404, "The album was not found")
        return _single(request, writer.album(album, include=include), writer=writer)

    async def get_album_tracks(self, request: web.Request) -> web.Response:
        """Page through an album; what this country does not have is left out."""
        holdings, writer = self._start(request)
        include = include_of(request, "albums").get("items") if "include" in request.query else None
        album = holdings.album(request.match_info["id"])
        if album is None:
            raise Refused(404, "The album was not found")
        tracks, offset = holdings.tracks_of(album), offset_of(request)
        rows = [writer.album_item(one, include=include) for one in tracks[offset : offset + PAGE]]
        return related(request, rows, writer=writer, offset=offset, length=len(tracks))

    async def search(self, request: web.Request) -> web.Response:
        """The shape of August 2026: a collection of the one resource of this search."""
        text = request.query.get("filter[query]", "")
        result, writer = self._searched(request, text, parameter="filter[query]")
        links = links_of(request, next_cursor=None)
        return document({"data": [result], "included": writer.included, "links": links})

    async def search_by_path(self, request: web.Request) -> web.Response:
        """The shape before: the resource itself, whose id is the query."""
        text = request.match_info["query"]
        result, writer = self._searched(request, text, parameter="id")
        return _single(request, {**result, "id": text}, writer=writer)

    def _searched(self, request: web.Request, text: str, *, parameter: str) -> tuple[Json, Writer]:
        _, writer = self._start(request)
        include = include_of(request, "searchResults")
        text = text.strip()
        if not text or len(text) > LONGEST_QUERY:
            raise Refused(400, f"The query must have 1 to {LONGEST_QUERY} characters", parameter=parameter)
        if request.query.get("explicitFilter", "INCLUDE") not in {"INCLUDE", "EXCLUDE"}:
            raise Refused(400, "Valid values: INCLUDE, EXCLUDE", parameter="explicitFilter")
        sought = "" if self._desk.fault("no_results", request) else text
        result = writer.search_result(_search_id(text), sought, include=include)
        return {**result, "attributes": {**result["attributes"], "query": text}}, writer

    async def search_tracks(self, request: web.Request) -> web.Response:
        """Page through the tracks of a search."""
        holdings, writer = self._start(request)
        # Paths go from the search on, also here.
        include = include_of(request, "searchResults").get("tracks")
        found = holdings.tracks_by_text(_search_text(request.match_info["id"]))
        offset, rows = offset_of(request), []
        for track in found[offset : offset + PAGE]:
            resource = writer.track(track, include=include or {})
            rows.append({"id": resource["id"], "type": "tracks"})
            if include is not None:
                writer.keep(resource)
        return related(request, rows, writer=writer, offset=offset, length=len(found))


def related(
    request: web.Request, rows: list[Json], *, writer: Writer, offset: int, length: int
) -> web.Response:
    """Answer a page of a relationship."""
    cursor = cursor_of(offset + PAGE) if offset + PAGE < length else None
    answer: Json = {"data": rows, "links": links_of(request, next_cursor=cursor)}
    return document({**answer, "included": writer.included} if "include" in request.query else answer)


def values_of(request: web.Request, name: str) -> list[str]:
    """Read the values of a filter. Raises Refused(400) for too many."""
    values = [value for value in ",".join(request.query.getall(name, [])).split(",") if value]
    if len(values) > MOST_VALUES:
        raise Refused(400, f"At most {MOST_VALUES} values are allowed", parameter=name)
    return values


def _single(request: web.Request, resource: Json, *, writer: Writer) -> web.Response:
    links = links_of(request, next_cursor=None)
    return document({"data": resource, "included": writer.included, "links": links})


def _search_id(text: str) -> str:
    return _SEARCH + base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _search_text(own_id: str) -> str:
    """Return the query of a search; the old shape's ids are queries."""
    if not own_id.startswith(_SEARCH):
        return own_id
    raw = own_id.removeprefix(_SEARCH)
    try:
        return base64.urlsafe_b64decode(raw + "=" * (-len(raw) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused(404, "The search was not found") from error
