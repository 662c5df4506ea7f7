"""ListenBrainz' playlists, in JSPF: a place is the only handle of a row."""

import re
import secrets
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from deploy.sandbox.answers import Refused, json_answer, json_body
from deploy.sandbox.changes import (
    DetailsChanged,
    Item,
    ItemsInserted,
    ItemsReplaced,
    PlaylistCreated,
    PlaylistDeleted,
)
from deploy.sandbox.desk import Desk
from deploy.sandbox.listenbrainz.access import (
    MBID,
    account,
    asked_number,
    caller,
    shown,
    token_of,
    user_of,
)
from deploy.sandbox.listenbrainz.catalog import artist_mbid, credit, release_mbid
from deploy.sandbox.recordings import derived_id, playlist_id
from deploy.sandbox.store import Playlist

PLAYLIST = "https://musicbrainz.org/doc/jspf#playlist"
TRACK = "https://musicbrainz.org/doc/jspf#track"
RECORDING = "https://musicbrainz.org/recording/"
BARE_SIGN = re.compile(r"&(?!#?\w+;)")
MOST_ADDED = 100
LARGEST_PAGE = 100
TAG = re.compile(r"<(?!/?(?:a|strong|b|em|i|u|ul|li|p|br)\b)[^>]*>")


class Range(msgspec.Struct, frozen=True, kw_only=True):
    index: int
    count: int


class Playlists:
    """Everything under /user/<name>/playlists and /playlist."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def validate_token(self, request: web.Request) -> web.Response:
        """Say whose token it is; one that is not good is no error."""
        value = token_of(request) or request.query.get("token", "")
        if not value:
            raise Refused(400, "You need to provide an Authorization token.")
        user = user_of(self._desk, value)
        if user is None:
            return json_answer({"code": 200, "message": "Token invalid.", "valid": False})
        return json_answer({"code": 200, "message": "Token valid.", "valid": True, "user_name": user})

    async def list_of_user(self, request: web.Request) -> web.Response:
        """A user's playlists, newest first and without their rows; private ones for themselves alone."""
        name, asking = request.match_info["user_name"], caller(self._desk, request)
        owners = {self._desk.options.user, *(p.owner for p in self._desk.store.playlists.values())}
        if name not in owners:
            raise Refused(404, f"Cannot find user: {name}")
        count, offset = asked_number(request, "count", default=25), asked_number(request, "offset", default=0)
        count, now_s = min(count, LARGEST_PAGE), self._desk.clock.now_s()
        mine = [
            one
            for one in self._desk.store.playlists.values()
            if one.owner == name and one.visible_at_s <= now_s and (one.is_public or asking == name)
        ]
        mine.sort(key=lambda one: (-one.created_at_s, one.id))
        rows = [{"playlist": self._head(one) | {"track": []}} for one in mine[offset : offset + count]]
        answer = {"count": len(rows), "offset": offset, "playlist_count": len(mine), "playlists": rows}
        return json_answer(answer)

    def _head(self, playlist: Playlist) -> dict[str, Any]:
        facts = {
            "creator": playlist.owner,
            "public": playlist.is_public,
            "last_modified_at": _iso(playlist.created_at_s + playlist.revision),
        }
        shape: dict[str, Any] = {
            "creator": playlist.owner,
            "title": playlist.name,
            "identifier": f"https://listenbrainz.org/playlist/{playlist.id}",
            "date": _iso(playlist.created_at_s),
            "extension": {PLAYLIST: facts},
        }
        return shape | ({"annotation": playlist.description} if playlist.description else {})

    async def get(self, request: web.Request) -> web.Response:
        """The whole playlist; its rows come with their words unless those are not wanted."""
        playlist = shown(self._desk, request, user=caller(self._desk, request))
        if self._desk.fault("empty_page", request):
            return json_answer({})
        with_words = request.query.get("fetch_metadata", "true") != "false"
        items = playlist.visible_items(self._desk.clock.now_s())
        rows = [self._row(item, owner=playlist.owner, with_words=with_words) for item in items]
        return json_answer({"playlist": self._head(playlist) | {"track": rows}})

    def _row(self, item: Item, *, owner: str, with_words: bool) -> dict[str, Any]:
        """A row; of a recording that nobody knows any more a world's own words are all there is."""
        recording = self._desk.catalog.by_id.get(item.track_id or "")
        own_id = item.track_id or derived_id("listenbrainz", f"lost:{item.title}|{item.artist}")
        facts: dict[str, Any] = {"added_by": owner, "added_at": _iso(item.added_at_s)}
        shape: dict[str, Any] = {"identifier": [f"{RECORDING}{own_id}"]}
        if with_words and recording:
            shape |= {"title": recording.title, "creator": credit(recording), "album": recording.album}
            shape |= {"duration": recording.duration_ms} if recording.duration_ms else {}
            artists = [f"https://musicbrainz.org/artist/{artist_mbid(name)}" for name in recording.artists]
            facts["artist_identifiers"] = artists
            facts["release_identifier"] = f"https://musicbrainz.org/release/{release_mbid(recording)}"
        elif with_words:
            words = {"title": item.title, "creator": item.artist, "album": item.album}
            shape |= {name: text for name, text in words.items() if text}
        return shape | {"extension": {TRACK: facts}}

    async def create(self, request: web.Request) -> web.Response:
        """Create a playlist, with rows if it has some; nothing makes it idempotent."""
        user = account(self._desk, request)
        wanted = _jspf(await json_body(request))
        is_public = wanted.get("extension", {}).get(PLAYLIST, {}).get("public")
        if not wanted.get("title"):
            raise Refused(400, "JSPF playlist must contain a title element with the title of the playlist.")
        if not isinstance(is_public, bool):
            raise Refused(400, f"JSPF playlist.extension.{PLAYLIST}.public field must be given.")
        items = self._items(wanted, request=request)
        created = PlaylistCreated(
            playlist_id=playlist_id("listenbrainz", f"created:{secrets.token_hex(16)}"),
            owner=user,
            name=wanted["title"],
            description=_cleaned(wanted.get("annotation") or ""),
            is_public=is_public,
            created_at_s=self._desk.clock.now_s(),
            visible_at_s=self._desk.visible_at_s(request),
        )
        self._desk.store.record(created)
        if items:
            written = self._desk.as_written(items, request=request)
            change = ItemsInserted(playlist_id=created.playlist_id, position=0, items=written)
            self._desk.store.record(change)
        return json_answer({"status": "ok", "playlist_mbid": created.playlist_id})

    def _mine(self, request: web.Request) -> Playlist:
        user = account(self._desk, request)
        playlist = shown(self._desk, request, user=user)
        if playlist.owner != user:
            raise Refused(403, "You are not allowed to change this playlist.")
        return playlist

    async def edit(self, request: web.Request) -> web.Response:
        playlist = self._mine(request)
        wanted = _jspf(await json_body(request))
        annotation = wanted.get("annotation")
        change = DetailsChanged(
            playlist_id=playlist.id,
            name=wanted.get("title"),
            description=None if annotation is None else _cleaned(annotation),
            is_public=wanted.get("extension", {}).get(PLAYLIST, {}).get("public"),
        )
        self._desk.store.record(change)
        return json_answer({"status": "ok"})

    async def add(self, request: web.Request) -> web.Response:
        """Add up to 100 recordings at the end, or at a place. Any MBID is taken, and none is looked up."""
        playlist = self._mine(request)
        items = self._items(_jspf(await json_body(request)), request=request)
        if len(items) > MOST_ADDED:
            raise Refused(400, f"You may only add max {MOST_ADDED} recordings per call.")
        length = len(playlist.items)
        place = min(int(request.match_info.get("offset", length)), length)
        written = self._desk.as_written(items, request=request)
        change = ItemsInserted(playlist_id=playlist.id, position=place, items=written)
        self._desk.store.record(change)
        return json_answer({"status": "ok"})

    def _items(self, wanted: dict[str, Any], *, request: web.Request) -> list[Item]:
        items = []
        fault = self._desk.fault("poison", request)
        poisoned = {*fault.poison_ids, *fault.ids} if fault else set()
        for number, row in enumerate(wanted.get("track", [])):
            named = row.get("identifier") or ""
            address = named[0] if isinstance(named, list) and named else named
            mbid = str(address).removeprefix(RECORDING)
            if not str(address).startswith(RECORDING) or not MBID.fullmatch(mbid):
                raise Refused(400, f"JSPF playlist track {number} does not contain a valid identifier field.")
            if mbid in poisoned:
                raise Refused(
                    fault.status or 500 if fault else 500, "Failed to add recordings to the playlist."
                )
            items.append(Item(track_id=mbid.lower()))
        return items

    async def remove(self, request: web.Request) -> web.Response:
        """Remove as many rows as are said, from a place on."""
        playlist = self._mine(request)
        try:
            wanted = msgspec.convert(await json_body(request), Range)
        except msgspec.ValidationError as error:
            keys = "post data for a remove instruction must include the keys 'index' and 'count'."
            raise Refused(400, keys) from error
        if wanted.index < 0 or wanted.count < 0:
            raise Refused(400, "values for 'index' and 'count' must all be positive integers.")
        left = [*playlist.items[: wanted.index], *playlist.items[wanted.index + wanted.count :]]
        self._desk.store.record(ItemsReplaced(playlist_id=playlist.id, items=tuple(left)))
        return json_answer({"status": "ok"})

    async def delete(self, request: web.Request) -> web.Response:
        self._desk.store.record(PlaylistDeleted(playlist_id=self._mine(request).id))
        return json_answer({"status": "ok"})


def _jspf(body: dict[str, Any]) -> dict[str, Any]:
    playlist = body.get("playlist")
    if not isinstance(playlist, dict):
        raise Refused(400, "JSPF playlist requires 'playlist' element")
    return playlist


def _cleaned(annotation: str) -> str:
    """Take all tags but a few out, and write a bare sign as HTML has it."""
    return BARE_SIGN.sub("&amp;", TAG.sub("", annotation))


def _iso(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()
