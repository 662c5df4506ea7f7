"""What a Subsonic server has: songs, albums, playlists; and who asks."""

import secrets
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aiohttp import web
from multidict import MultiDict

from deploy.sandbox.albums import Album
from deploy.sandbox.answers import json_answer
from deploy.sandbox.artists import Artist
from deploy.sandbox.changes import (
    DetailsChanged,
    FollowChanged,
    Item,
    ItemsInserted,
    ItemsReplaced,
    PlaylistCreated,
)
from deploy.sandbox.desk import Desk
from deploy.sandbox.recordings import Recording, playlist_id
from deploy.sandbox.store import Playlist
from deploy.sandbox.subsonic.access import (
    FORBIDDEN,
    GENERIC,
    NOT_FOUND,
    PARAMETERS,
    Access,
    refused,
    required,
)
from deploy.sandbox.subsonic.objects import (
    PLATFORM,
    album_head,
    artist_head,
    odd_song,
    playlist_head,
    song,
)
from deploy.sandbox.subsonic.voice import wrapped

T = TypeVar("T")

MOST_SONGS = 500
EXTENSIONS = ("formPost", "apiKeyAuthentication")


class Library:
    """Answers every call; but for the list of extensions, each one says who it is."""

    def __init__(self, desk: Desk, *, access: Access) -> None:
        self._desk = desk
        self._access = access
        self._is_open = desk.options.open_subsonic

    async def ping(self, request: web.Request) -> web.Response:
        self._access.subject(request)
        return self._say({})

    async def extensions(self, _: web.Request) -> web.Response:
        """Everybody may ask; a server that is older does not know the question."""
        if not self._is_open:
            return web.Response(status=404, text="404 page not found")
        knobs = {
            "formPost": self._desk.options.form_post,
            "apiKeyAuthentication": self._desk.options.api_keys,
        }
        listed = [{"name": name, "versions": [1]} for name in EXTENSIONS if knobs[name]]
        return self._say({"openSubsonicExtensions": listed})

    async def token_info(self, request: web.Request) -> web.Response:
        subject = self._access.subject(request)
        if not subject.is_by_key:
            raise refused(GENERIC, "There is no API key to tell of")
        return self._say({"tokenInfo": {"username": subject.user}})

    async def get_user(self, request: web.Request) -> web.Response:
        subject = self._access.subject(request)
        if required(request, "username") != subject.user:
            raise refused(FORBIDDEN, "User is not authorized for the given operation")
        roles = {"streamRole": True, "playlistRole": True, "adminRole": False, "scrobblingEnabled": True}
        others = ("settingsRole", "downloadRole", "uploadRole", "coverArtRole", "commentRole", "podcastRole")
        more = dict.fromkeys((*others, "jukeboxRole", "shareRole", "videoConversionRole"), False)
        return self._say({"user": {"username": subject.user, **roles, **more, "folder": [1]}})

    async def scan_status(self, request: web.Request) -> web.Response:
        self._access.subject(request)
        return self._say({"scanStatus": {"scanning": False, "count": len(self._desk.catalog.recordings)}})

    async def get_song(self, request: web.Request) -> web.Response:
        self._access.subject(request)
        found = self._desk.catalog.by_id.get(required(request, "id"))
        if found is None:
            raise refused(NOT_FOUND, "Song not found")
        return self._say({"song": song(found, is_open=self._is_open)})

    async def get_album(self, request: web.Request) -> web.Response:
        self._access.subject(request)
        album = self._desk.catalog.albums.by_id.get(required(request, "id"))
        if album is None:
            raise refused(NOT_FOUND, "Album not found")
        songs = [song(track, is_open=self._is_open) for track in album.tracks]
        return self._say({"album": {**album_head(album), "song": songs}})

    async def search(self, request: web.Request) -> web.Response:
        """Search songs, albums and artists.

        A query without a word, or with the two quotes that some clients send, means all.
        """
        self._access.subject(request)
        given = request[PARAMETERS]
        if "query" not in given:
            required(request, "query")
        query = given["query"].strip().strip('"')
        found = {
            "song": [
                song(row, is_open=self._is_open)
                for row in _found(self._songs, query, given=given, kind="song")
            ],
            "album": [album_head(row) for row in _found(self._albums, query, given=given, kind="album")],
            "artist": [artist_head(row) for row in _found(self._artists, query, given=given, kind="artist")],
        }
        is_in_vain = self._desk.fault("no_results", request) is not None
        shown = {kind: rows for kind, rows in found.items() if rows and not is_in_vain}
        return self._say({"searchResult3": shown})

    def _songs(self, query: str) -> Sequence[Recording]:
        catalog = self._desk.catalog
        if not query:
            return catalog.recordings
        return [catalog.recordings[position] for position in catalog.index.ranked(query)]

    def _albums(self, query: str) -> Sequence[Album]:
        albums = self._desk.catalog.albums
        if not query:
            return albums.named
        return [albums.named[position] for position in albums.index.ranked(query)]

    def _artists(self, query: str) -> Sequence[Artist]:
        artists = self._desk.catalog.artists
        return artists.found(query) if query else artists.named

    async def list_playlists(self, request: web.Request) -> web.Response:
        user = self._access.subject(request).user
        now_s = self._desk.clock.now_s()
        mine = [
            one
            for one in self._desk.store.playlists.values()
            if user in one.followers and one.visible_at_s <= now_s
        ]
        return self._say({"playlists": {"playlist": [self._head(one, user=user) for one in mine]}})

    async def get_playlist(self, request: web.Request) -> web.Response:
        user = self._access.subject(request).user
        playlist = self._playlist(required(request, "id"), user=user)
        shape = self._whole(playlist, user=user)
        if self._desk.fault("empty_page", request):
            shape.pop("entry", None)
        return self._say({"playlist": shape})

    async def create_playlist(self, request: web.Request) -> web.Response:
        """Make a playlist; nothing makes that idempotent."""
        user = self._access.subject(request).user
        items = self._items(request, "songId")
        created = PlaylistCreated(
            playlist_id=playlist_id(PLATFORM, f"created:{secrets.token_hex(16)}"),
            owner=user,
            name=required(request, "name"),
            is_public=False,
            created_at_s=self._desk.clock.now_s(),
            visible_at_s=self._desk.visible_at_s(request),
        )
        self._desk.store.record(created)
        self._insert(created.playlist_id, items, request=request)
        return self._made(created.playlist_id, user=user)

    async def replace_playlist(self, request: web.Request) -> web.Response:
        """Put other songs into a playlist, all at once."""
        user = self._access.subject(request).user
        playlist = self._own(required(request, "playlistId"), user=user)
        items = self._desk.as_written(self._items(request, "songId"), request=request)
        self._desk.store.record(ItemsReplaced(playlist_id=playlist.id, items=items))
        if name := request[PARAMETERS].get("name"):
            self._desk.store.record(DetailsChanged(playlist_id=playlist.id, name=name))
        return self._made(playlist.id, user=user)

    async def update_playlist(self, request: web.Request) -> web.Response:
        """Change words, take songs out by their place before the call, and append others: all or nothing."""
        user = self._access.subject(request).user
        playlist = self._own(required(request, "playlistId"), user=user)
        given = request[PARAMETERS]
        items = self._items(request, "songIdToAdd")
        gone = {_number(text, default=-1) for text in given.getall("songIndexToRemove", [])}
        shown = [item for item in playlist.visible_items(self._desk.clock.now_s()) if item.kind != "removed"]
        lost = {id(item) for place, item in enumerate(shown) if place in gone}
        if lost:
            kept = tuple(item for item in playlist.items if id(item) not in lost)
            self._desk.store.record(ItemsReplaced(playlist_id=playlist.id, items=kept))
        self._insert(playlist.id, items, request=request)
        if {"name", "comment", "public"} & set(given):
            self._desk.store.record(
                DetailsChanged(
                    playlist_id=playlist.id,
                    name=given.get("name"),
                    description=given.get("comment"),
                    is_public=given["public"] == "true" if "public" in given else None,
                )
            )
        return self._say({})

    async def delete_playlist(self, request: web.Request) -> web.Response:
        user = self._access.subject(request).user
        playlist = self._own(required(request, "id"), user=user)
        self._desk.store.record(FollowChanged(playlist_id=playlist.id, user=user, follows=False))
        return self._say({})

    def _playlist(self, own_id: str, *, user: str) -> Playlist:
        playlist = self._desk.store.playlists.get(own_id)
        if playlist is None or user not in playlist.followers:
            raise refused(NOT_FOUND, "Playlist not found")
        return playlist

    def _own(self, own_id: str, *, user: str) -> Playlist:
        playlist = self._playlist(own_id, user=user)
        if playlist.owner != user:
            raise refused(FORBIDDEN, "User is not authorized for the given operation")
        return playlist

    def _items(self, request: web.Request, name: str) -> list[Item]:
        fault = self._desk.fault("poison", request)
        poisoned = {*fault.poison_ids, *fault.ids} if fault else set()
        ids = request[PARAMETERS].getall(name, [])
        if any(own_id not in self._desk.catalog.by_id or own_id in poisoned for own_id in ids):
            raise refused(NOT_FOUND, "Song not found")
        return [Item(track_id=own_id) for own_id in ids]

    def _insert(self, own_id: str, items: list[Item], *, request: web.Request) -> None:
        if items:
            written = self._desk.as_written(items, request=request)
            position = len(self._desk.store.playlists[own_id].items)
            self._desk.store.record(ItemsInserted(playlist_id=own_id, position=position, items=written))

    def _made(self, own_id: str, *, user: str) -> web.Response:
        """Show what was made; before API 1.14 servers said nothing of it."""
        if not self._is_open:
            return self._say({})
        return self._say({"playlist": self._whole(self._desk.store.playlists[own_id], user=user)})

    def _rows(self, playlist: Playlist) -> list[dict[str, Any]]:
        rows = []
        for item in playlist.visible_items(self._desk.clock.now_s()):
            known = self._desk.catalog.by_id.get(item.track_id or "")
            if known is not None and item.kind in ("track", "unplayable"):
                rows.append(song(known, is_open=self._is_open))
            elif item.kind != "removed":  # what has gone from the disk is not shown
                rows.append(odd_song(item))
        return rows

    def _head(self, playlist: Playlist, *, user: str) -> dict[str, Any]:
        return playlist_head(playlist, rows=self._rows(playlist), user=user, is_open=self._is_open)

    def _whole(self, playlist: Playlist, *, user: str) -> dict[str, Any]:
        rows = self._rows(playlist)
        head = playlist_head(playlist, rows=rows, user=user, is_open=self._is_open)
        return {**head, "entry": rows} if rows else head

    def _say(self, content: dict[str, Any]) -> web.Response:
        return json_answer(wrapped(content, status="ok", is_open=self._is_open))


def _found(
    find: Callable[[str], Sequence[T]], query: str, *, given: MultiDict[str], kind: str
) -> Sequence[T]:
    """Look for as many of a kind as are wanted; not at all where none are."""
    count = min(MOST_SONGS, _number(given.get(f"{kind}Count"), default=20))
    offset = _number(given.get(f"{kind}Offset"), default=0)
    return find(query)[offset : offset + count] if count else ()


def _number(text: str | None, *, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default
