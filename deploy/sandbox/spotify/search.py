"""Spotify's search: field filters and plain text."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from aiohttp import web

from deploy.sandbox.albums import Album, Albums
from deploy.sandbox.answers import Refused, json_answer
from deploy.sandbox.artists import Artist, Artists
from deploy.sandbox.desk import Desk
from deploy.sandbox.recordings import Recording
from deploy.sandbox.search_index import SearchIndex
from deploy.sandbox.spotify.access import anybody
from deploy.sandbox.spotify.objects import Shapes
from deploy.sandbox.spotify.paging import Page, asked_page, paging
from deploy.sandbox.world import Catalog

TYPES = frozenset({"album", "artist", "playlist", "track", "show", "episode", "audiobook"})
FILTER = re.compile(r"\b(album|artist|track|year|upc|isrc|genre|tag):", re.IGNORECASE)
PHRASE = re.compile(r'\s*"([^"]*)"(.*)', re.DOTALL)
LARGEST_OFFSET = 1000

Row = Callable[[], dict[str, object]]
"""Makes the JSON of something found, if it is shown at all."""


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

    def words(self, name: str) -> str:
        """All that speaks of the name (a filter's) or the artist of what is looked for, for the ranking."""
        return " ".join([self.plain, *self.filters.get(name, ()), *self.filters.get("artist", ())]).strip()

    def having(self, index: SearchIndex, fields: Mapping[str, str]) -> set[int] | None:
        """Return what the index has for the filters, None without any. fields: of the index, by filter."""
        among: set[int] | None = None
        for name, field in fields.items():
            for value in self.filters.get(name, ()):
                having = index.having(field, value)
                among = having if among is None else among & having
        return among

    def is_in_years(self, release_date: str | None) -> bool:
        return all(_is_in(years, release_date) for years in self.filters.get("year", ()))


def find_tracks(catalog: Catalog, text: str) -> Sequence[Recording]:
    """Return the recordings that Spotify would find, best first."""
    query = Query(text)
    if {"upc", "genre", "tag"} & query.filters.keys():
        return ()
    among = _filtered(catalog, query)
    words = query.words("track")
    positions = catalog.index.ranked(words, among=among) if words else sorted(among or ())
    found = [catalog.recordings[position] for position in positions]
    return [recording for recording in found if query.is_in_years(recording.release_date)]


def find_albums(albums: Albums, text: str) -> Sequence[Album]:
    """Return the albums that Spotify would find, best first; filters of tracks find none."""
    query = Query(text)
    if {"upc", "genre", "tag", "track", "isrc"} & query.filters.keys():
        return ()
    among = query.having(albums.index, {"album": "title", "artist": "artist"})
    found = [albums.named[position] for position in albums.index.ranked(query.words("album"), among=among)]
    return [album for album in found if query.is_in_years(album.release_date)]


def find_artists(artists: Artists, text: str) -> Sequence[Artist]:
    """Return the artists that Spotify would find, best first; filters of others find none."""
    query = Query(text)
    return () if query.filters.keys() - {"artist"} else artists.found(query.words("artist"))


def _filtered(catalog: Catalog, query: Query) -> set[int] | None:
    among = query.having(catalog.index, {"track": "title", "artist": "artist", "album": "album"})
    for value in query.filters.get("isrc", ()):
        # One ISRC per query: of "isrc:A OR isrc:B" the first value is "A OR", which is none.
        having = set() if " " in value else set(catalog.with_isrc(value))
        among = having if among is None else among & having
    return among


def _is_in(years: str, release_date: str | None) -> bool:
    first, _, last = years.partition("-")
    return first <= (release_date or "")[:4] <= (last or first)


class Search:
    """GET /search."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._is_extended = desk.options.regime == "extended"

    async def search(self, request: web.Request) -> web.Response:
        """Search tracks, albums and artists; the others are asked for in vain, with an empty page each."""
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
        is_in_vain = self._desk.fault("no_results", request) is not None
        pages = {}
        for kind in kinds:
            rows = () if is_in_vain else self._rows(kind, text, request=request)
            pages[f"{kind}s"] = _page(kind, rows[:LARGEST_OFFSET], page=page, request=request)
        return json_answer(pages)

    def _rows(self, kind: str, text: str, *, request: web.Request) -> Sequence[Row]:
        shapes = Shapes(origin=str(request.url.origin()), options=self._desk.options)
        market, catalog = request.query.get("market"), self._desk.catalog
        if kind == "track":
            return [
                partial(shapes.track, recording, market=market) for recording in find_tracks(catalog, text)
            ]
        if kind == "album":
            return [
                partial(shapes.album, album.tracks[0], total_tracks=len(album.tracks))
                for album in find_albums(catalog.albums, text)
            ]
        if kind == "artist":
            return [partial(shapes.full_artist, one.name) for one in find_artists(catalog.artists, text)]
        return ()


def _page(kind: str, rows: Sequence[Row], *, page: Page, request: web.Request) -> dict[str, object]:
    market = {name: request.query[name] for name in ("market",) if name in request.query}
    return paging(
        [shape() for shape in page.of(rows)],
        page=page,
        total=len(rows),
        address=f"{request.url.origin()}/v1/search",
        extra={"query": _text(request), "type": kind, **market},
    )


def _text(request: web.Request) -> str:
    """The links of Spotify's own pages say `query` instead of `q`."""
    return (request.query.get("q") or request.query.get("query") or "").strip()
