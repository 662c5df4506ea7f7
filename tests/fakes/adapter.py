"""A platform in memory with an adapter in front of it: the workers' port, with its moods on demand."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import msgspec

from shared.errors import PlatformNotFound, PlatformRejected, PlatformUnavailable
from shared.models import (
    Account,
    Album,
    AlbumId,
    Artist,
    ArtistId,
    Isrc,
    Platform,
    Playlist,
    PlaylistId,
    SourceItem,
    Track,
    TrackId,
)
from shared.platforms.base import (
    Added,
    Capabilities,
    Gate,
    Page,
    PlaylistPage,
    TargetPage,
    TargetRow,
    TargetView,
    TextQuery,
)
from shared.platforms.collections import collection_of

SEARCH_PAGE = 10


class Death(asyncio.CancelledError):
    """The worker's end at this very point: nothing of its own runs after it."""


class Lost(msgspec.Struct, frozen=True, kw_only=True):
    """A write whose answer does not arrive. applied_count: how many of its tracks are stored, None for all.

    error: what the caller meets, else PlatformUnavailable.
    """

    applied_count: int | None = None
    error: BaseException | None = None


class StoredPlaylist:
    """A playlist as it is, and the older states that lagging reads still show."""

    def __init__(self, head: Playlist, track_ids: Sequence[TrackId] = ()) -> None:
        self.head = head
        self.track_ids = list(track_ids)
        self.stale: deque[list[TrackId]] = deque()


class MemoryPlatform:
    """One platform: its catalog, its playlists, and what goes wrong next.

    lag_count: so many reads after each write show the state before it. add_mishaps, create_mishaps,
    remove_mishaps, delete_mishaps: met one by one by the coming writes; None lets one pass.
    lookup_errors, search_errors, album_errors: the same for look-ups by ISRC, by text, of albums. poison: ids
    with which a write is refused as a whole, or breaks where poison_breaks. is_reversing: a batch is stored
    back to front. shown_as: what reads call an id; None stands for a row without a name. left_out: ids that
    a write leaves out, and says so. answers: of writes by their key, given again where keys are known.
    on_call: awaited with the name of each call before it is served.
    """

    def __init__(self, platform: Platform, *, capabilities: Capabilities) -> None:
        self.platform = platform
        self.capabilities = capabilities
        self.playlists: dict[PlaylistId, StoredPlaylist] = {}
        self.sources: dict[PlaylistId, list[SourceItem]] = {}
        self.tracks: dict[TrackId, Track] = {}
        self.lag_count = 0
        self.hidden_find_count = 0
        self.add_mishaps: deque[Lost | BaseException | None] = deque()
        self.create_mishaps: deque[Lost | BaseException | None] = deque()
        self.remove_mishaps: deque[Lost | BaseException | None] = deque()
        self.delete_mishaps: deque[Lost | BaseException | None] = deque()
        self.lookup_errors: deque[Exception | None] = deque()
        self.search_errors: deque[Exception | None] = deque()
        self.album_errors: deque[Exception | None] = deque()
        self.poison: set[TrackId] = set()
        self.poison_breaks = False
        self.is_reversing = False
        self.shown_as: dict[TrackId, TrackId | None] = {}
        self.left_out: set[TrackId] = set()
        self.answers: dict[str, tuple[object, Playlist | Added]] = {}
        self.on_call: Callable[[str], Awaitable[None]] | None = None
        self.calls: list[str] = []
        self.asked_isrcs: list[Isrc] = []
        self.asked_texts: list[str] = []
        self.added_batches: list[tuple[TrackId, ...]] = []
        self.removed_batches: list[tuple[TrackId, ...]] = []

    def know(self, *tracks: Track) -> None:
        """Put tracks into the catalog."""
        self.tracks.update({track.id: track for track in tracks})

    def place(self, playlist_id: str, *, track_ids: Sequence[TrackId] = (), description: str = "") -> None:
        """Make a playlist that can be a target."""
        head = Playlist(id=PlaylistId(playlist_id), name=playlist_id, description=description)
        self.playlists[head.id] = StoredPlaylist(head, track_ids)

    def ids_of(self, playlist_id: str | None = None) -> list[TrackId]:
        """Return what stands in a playlist by now; without an id in the only one."""
        if playlist_id is None:
            (stored,) = self.playlists.values()
            return stored.track_ids
        return self.playlists[PlaylistId(playlist_id)].track_ids

    def called(self, operation: str) -> int:
        return self.calls.count(operation)

    async def note(self, operation: str) -> None:
        self.calls.append(operation)
        if self.on_call is not None:
            await self.on_call(operation)


class MemoryAdapter:
    """Implements the Adapter port on a MemoryPlatform."""

    def __init__(self, world: MemoryPlatform) -> None:
        self._world = world

    @property
    def platform(self) -> Platform:
        return self._world.platform

    @property
    def capabilities(self) -> Capabilities:
        return self._world.capabilities

    async def account(self) -> Account:
        return Account(id="account", label="Mira", market="DE")

    async def list_playlists(self, *, cursor: str | None = None) -> PlaylistPage:
        heads = tuple(stored.head for stored in self._world.playlists.values())
        return PlaylistPage(playlists=heads, next_cursor=None)

    async def get_playlist(self, playlist_id: PlaylistId) -> Playlist:
        await self._world.note("get_playlist")
        stored = self._stored(playlist_id, "get_playlist")
        return msgspec.structs.replace(stored.head, track_count=len(stored.track_ids))

    async def read_items(self, playlist_id: PlaylistId, *, cursor: str | None = None) -> Page:
        await self._world.note("read_items")
        items = self._world.sources[playlist_id]
        first = int(cursor or 0)
        end = first + self.capabilities.read_page
        return Page(
            items=tuple(items[first:end]),
            next_cursor=str(end) if end < len(items) else None,
            total=len(items),
        )

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        await self._world.note("find_by_isrc")
        if self._world.lookup_errors and (error := self._world.lookup_errors.popleft()):
            raise error
        self._world.asked_isrcs += isrcs
        tracks = self._world.tracks.values()
        return {isrc: tuple(track for track in tracks if track.isrc == isrc) for isrc in isrcs}

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        await self._world.note("read_tracks")
        return {track_id: self._world.tracks[track_id] for track_id in ids if track_id in self._world.tracks}

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        await self._world.note("search")
        if self._world.search_errors and (error := self._world.search_errors.popleft()):
            raise error
        self._world.asked_texts.append(query.plain)
        words = set(query.plain.casefold().split())
        found = [
            track
            for track in self._world.tracks.values()
            if words <= set(f"{track.title} {' '.join(track.artists)}".casefold().split())
        ]
        return tuple(found[:SEARCH_PAGE])

    async def search_albums(self, name: str, *, artist: str) -> tuple[Album, ...]:
        await self._note_album_call("search_albums")
        words = set(f"{name} {artist}".casefold().split())
        found = []
        for (title, main), tracks in self._albums().items():
            if words <= set(f"{title} {main}".casefold().split()):
                album = Album(
                    platform=self.platform,
                    id=AlbumId(f"{title} by {main}"),
                    name=title,
                    artists=(main,),
                    track_count=len(tracks),
                )
                found.append(album)
        return tuple(found[:SEARCH_PAGE])

    async def search_artists(self, name: str) -> tuple[Artist, ...]:
        await self._world.note("search_artists")
        names = dict.fromkeys(one for track in self._world.tracks.values() for one in track.artists)
        return tuple(
            Artist(platform=self.platform, id=ArtistId(f"artist {one}"), name=one)
            for one in names
            if name.casefold() in one.casefold()
        )

    async def read_album(self, album: Album) -> tuple[Track, ...]:
        await self._note_album_call("read_album")
        tracks = self._albums().get((album.name, album.artists[0]))
        if tracks is None:
            raise PlatformNotFound(
                "There is no such album.", platform=self.platform, operation="read_album", status=404
            )
        return tuple(msgspec.structs.replace(track, isrc=None) for track in tracks)

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        await self._world.note("create_playlist")
        gate()
        mishap = self._mishap(self._world.create_mishaps)
        number = len(self._world.playlists) + 1
        head = Playlist(id=PlaylistId(f"made-{number}"), name=name, description=description)
        body = (name, description)
        if mishap is None and isinstance(known := self._answered(key, body), Playlist):
            return known
        if mishap is None or mishap.applied_count is None:
            self._world.playlists[head.id] = StoredPlaylist(head)
            self._world.answers[key] = (body, head)
        if mishap is not None:
            raise mishap.error or self._unavailable("create_playlist")
        return head

    async def find_playlist(self, marker: str) -> Playlist | None:
        await self._world.note("find_playlist")
        if self._world.hidden_find_count:
            self._world.hidden_find_count -= 1
            return None
        heads = (stored.head for stored in self._world.playlists.values())
        return next((head for head in heads if marker in head.description), None)

    async def add_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        await self._world.note("add_tracks")
        gate()
        mishap = self._mishap(self._world.add_mishaps)
        body = (playlist_id, tuple(track_ids), position)
        if mishap is None and isinstance(known := self._answered(key, body), Added):
            return known
        stored = self._stored(playlist_id, "add_tracks")
        can = self.capabilities.of_target(playlist_id)
        if not can.write_class.has_places:
            position = len(stored.track_ids)
        taken = [track_id for track_id in track_ids if track_id not in self._world.left_out]
        if collection_of(playlist_id):
            taken = [track_id for track_id in taken if track_id not in stored.track_ids]
        self._check(stored, taken, position=position)
        batch = taken[: None if mishap is None else mishap.applied_count]
        if self._world.is_reversing:
            batch.reverse()
        stored.stale = deque([list(stored.track_ids)] * self._world.lag_count)
        stored.track_ids[position:position] = batch
        if not can.keeps_order:
            stored.track_ids.sort()
        self._world.added_batches.append(tuple(batch))
        added = Added(
            left_out=tuple(index for index, one in enumerate(track_ids) if one in self._world.left_out),
            is_proved=self.capabilities.proves_adds and batch == taken,
        )
        if mishap is None or mishap.applied_count is None:
            self._world.answers[key] = (body, added)
        if mishap is not None:
            raise mishap.error or self._unavailable("add_tracks")
        return added

    async def remove_tracks(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate
    ) -> None:
        await self._world.note("remove_tracks")
        gate()
        mishap = self._mishap(self._world.remove_mishaps)
        stored = self._stored(playlist_id, "remove_tracks")
        if not self.capabilities.can_remove or not self._world.poison.isdisjoint(track_ids):
            raise self._rejected("Bad id.")
        batch = tuple(track_ids)[: None if mishap is None else mishap.applied_count]
        stored.stale = deque([list(stored.track_ids)] * self._world.lag_count)
        stored.track_ids[:] = [track_id for track_id in stored.track_ids if track_id not in batch]
        self._world.removed_batches.append(batch)
        if mishap is not None:
            raise mishap.error or self._unavailable("remove_tracks")

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        await self._world.note("delete_playlist")
        gate()
        mishap = self._mishap(self._world.delete_mishaps)
        if mishap is None or mishap.applied_count is None:
            self._world.playlists.pop(playlist_id, None)
        if mishap is not None:
            raise mishap.error or self._unavailable("delete_playlist")

    async def read_target(self, playlist_id: PlaylistId, *, offset: int) -> TargetView:
        ids = await self._shown(playlist_id, "read_target")
        return TargetView(rows=self._rows(ids[offset:]), total=len(ids))

    async def read_target_pages(self, playlist_id: PlaylistId, *, offset: int) -> AsyncIterator[TargetPage]:
        first, length = offset, offset + 1
        while first < length:
            ids = await self._shown(playlist_id, "read_target_page")
            length = len(ids)
            behind = first + self.capabilities.read_page
            yield TargetPage(rows=self._rows(ids[first:behind]), total=length)
            first = behind

    def playlist_id_of(self, text: str) -> PlaylistId | None:
        return PlaylistId(text)

    async def _note_album_call(self, operation: str) -> None:
        await self._world.note(operation)
        if self._world.album_errors and (error := self._world.album_errors.popleft()):
            raise error

    def _albums(self) -> dict[tuple[str, str], list[Track]]:
        albums: dict[tuple[str, str], list[Track]] = {}
        for track in self._world.tracks.values():
            if track.album:
                albums.setdefault((track.album, next(iter(track.artists), "")), []).append(track)
        return albums

    def track_id_of(self, text: str) -> TrackId | None:
        return TrackId(text)

    def _answered(self, key: str, body: object) -> Playlist | Added | None:
        """Return what a write was answered before, where the platform knows keys; None where it is new."""
        if not self.capabilities.key_life_s or key not in self._world.answers:
            return None
        known, answer = self._world.answers[key]
        if known != body:
            raise self._rejected("This key was another write's.")
        return answer

    def _mishap(self, coming: deque[Lost | BaseException | None]) -> Lost | None:
        """Return what becomes of a write, or raise what comes instead of it."""
        mishap = coming.popleft() if coming else None
        if isinstance(mishap, BaseException):
            raise mishap
        return mishap

    async def _shown(self, playlist_id: PlaylistId, operation: str) -> list[TrackId]:
        await self._world.note(operation)
        stored = self._stored(playlist_id, operation)
        return stored.stale.popleft() if stored.stale else stored.track_ids

    def _rows(self, track_ids: Sequence[TrackId]) -> tuple[TargetRow, ...]:
        return tuple(map(self.row, track_ids))

    def row(self, track_id: TrackId) -> TargetRow:
        track = self._world.tracks.get(track_id)
        title = track.title if track else "A stranger's track"
        return TargetRow(track_id=self._world.shown_as.get(track_id, track_id), title=title)

    def _check(self, stored: StoredPlaylist, track_ids: Sequence[TrackId], *, position: int) -> None:
        if position > len(stored.track_ids):
            raise self._rejected("Index out of bounds.")
        if not self.capabilities.keeps_repeats and len({*stored.track_ids, *track_ids}) < len(
            stored.track_ids
        ) + len(track_ids):
            raise self._rejected("A track stands there already.")
        limit = self.capabilities.playlist_limit
        if limit is not None and len(stored.track_ids) + len(track_ids) > limit:
            raise self._rejected("The playlist is full.")
        if not self._world.poison.isdisjoint(track_ids):
            raise self._unavailable("add_tracks") if self._world.poison_breaks else self._rejected("Bad id.")

    def _stored(self, playlist_id: PlaylistId, operation: str) -> StoredPlaylist:
        if playlist_id not in self._world.playlists:
            raise PlatformNotFound(
                "There is no such playlist.", platform=self.platform, operation=operation, status=404
            )
        return self._world.playlists[playlist_id]

    def _rejected(self, message: str) -> PlatformRejected:
        return PlatformRejected(message, platform=self.platform, operation="add_tracks", status=400)

    def _unavailable(self, operation: str) -> PlatformUnavailable:
        return PlatformUnavailable("No answer came.", platform=self.platform, operation=operation)
