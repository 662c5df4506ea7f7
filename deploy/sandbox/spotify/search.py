"""Spotify's search: field filters and plain text."""

import re
from collections.abc import Sequence

from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.desk import Desk
from deploy.sandbox.recordings import Recording
from deploy.sandbox.spotify.access import anybody
from deploy.sandbox.spotify.objects import Shapes
from deploy.sandbox.spotify.paging import Page, asked_page, paging
from deploy.sandbox.world import Catalog

TYPES = frozenset({"album", "artist", "playlist", "track", "show", "episode", "audiobook"})
FILTER = re.compile(r"\b(album|artist|track|year|upc|isrc|genre|tag):", re.IGNORECASE)
PHRASE = re.compile(r'\s*"([^"]*)"(.*)', re.DOTALL)
LARGEST_OFFSET = 1000


class Query:
    """A search text taken apart: plain words, and values by filter name."""

    def __init__(self, text: str) -> None:
        parts = FILTER.split(text)
        plain = [parts[0]]
        self.filters: dict[str, list[str]] = {}
        for name, value in zip(parts[1::2], parts[2::2], strict=True):
            # A quoted value ends with its quote, any other with the next filter.
            phrase = PHRASE.fullmatch(value)
            self.filters.setdefault(name.lower(), []).append((phrase[1] if phrase else value).strip())
            plain.append(phrase[2] if phrase else "")
        self.plain = " ".join(plain).strip()

    def words(self) -> str:
        """All that speaks of title or artist, for the ranking."""
        return " ".join([self.plain, *self.filters.get("track", ()), *self.filters.get("artist", ())]).strip()


def find_tracks(catalog: Catalog, text: str) -> Sequence[Recording]:
    """Return the recordings that Spotify would find, best first."""
    query = Query(text)
    if {"upc", "genre", "tag"} & query.filters.keys():
        return ()
    among = _filtered(catalog, query)
    words = query.words()
    positions = catalog.index.ranked(words, among=among) if words else sorted(among or ())
    found = [catalog.recordings[position] for position in positions]
    return [r for r in found if all(_in_years(r, years) for years in query.filters.get("year", ()))]


def _filtered(catalog: Catalog, query: Query) -> set[int] | None:
    among: set[int] | None = None
    for name, field in (("track", "title"), ("artist", "artist"), ("album", "album")):
        for value in query.filters.get(name, ()):
            having = catalog.index.having(field, value)
            among = having if among is None else among & having
    for value in query.filters.get("isrc", ()):
        # One ISRC per query: of "isrc:A OR isrc:B" the first value is "A OR", which is none.
        having = set() if " " in value else set(catalog.with_isrc(value))
        among = having if among is None else among & having
    return among


def _in_years(recording: Recording, years: str) -> bool:
    first, _, last = years.partition("-")
    return first <= (recording.release_date or "")[:4] <= (last or first)


class Search:
    """GET /search."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._is_extended = desk.options.regime == "extended"

    async def search(self, request: web.Request) -> web.Response:
        """Search tracks; the other types are asked for in vain, with an empty page each."""
        anybody(self._desk, request)
        text = _text(request)
        if not text:
            raise Refused(400, "No search query")
        kinds = [kind for kind in request.query.get("type", "").split(",") if kind]
        if not kinds or not TYPES.issuperset(kinds):
            raise Refused(400, "Bad search type field" if kinds else "Missing parameter type")
        page = asked_page(
            request,
            largest=50 if self._is_extended else 10,
            default=20 if self._is_extended else 5,
            largest_offset=LARGEST_OFFSET,
        )
        found = () if self._desk.fault("no_results", request) else find_tracks(self._desk.catalog, text)
        return json_answer(
            {f"{kind}s": self._page(kind, found, page=page, request=request) for kind in kinds}
        )

    def _page(
        self, kind: str, found: Sequence[Recording], *, page: Page, request: web.Request
    ) -> dict[str, object]:
        shapes = Shapes(origin=str(request.url.origin()), options=self._desk.options)
        rows = found[:LARGEST_OFFSET] if kind == "track" else ()
        market = request.query.get("market")
        extra = {name: request.query[name] for name in ("market",) if name in request.query}
        return paging(
            [shapes.track(recording, market=market) for recording in page.of(rows)],
            page=page,
            total=len(rows),
            address=shapes.href("search"),
            extra={"query": _text(request), "type": kind, **extra},
        )


def _text(request: web.Request) -> str:
    """The links of Spotify's own pages say `query` instead of `q`."""
    return (request.query.get("q") or request.query.get("query") or "").strip()
