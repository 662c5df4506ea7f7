"""Files: playlists that stand in our own database, read from files and written to be fetched as some.

There is no catalog: a track is what its file, or the platform that it comes from, has said of it.
"""

import uuid
from collections.abc import Sequence

from shared.errors import PlatformNotFound, PlatformRejected, ReconnectRequired
from shared.models import Account, Platform, Playlist, PlaylistId, SourceItem, Track, TrackId
from shared.platforms.absent import WithoutAlbums, WithoutIsrcs
from shared.platforms.base import ADDED, Added, Capabilities, Gate, Session, TargetRow, TextQuery, WriteClass
from shared.platforms.declaration import Declaration
from shared.platforms.files.identity import identify, is_track_id
from shared.platforms.paged import PagedAdapter
from shared.platforms.paging import Pager, RawPage
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, PublicReads, SignInTerms
from shared.platforms.shelf import Shelf, Shelved

_PAGE = 100
_LABEL = "Files"


class FilesAdapter(WithoutIsrcs, WithoutAlbums, PagedAdapter[Shelved, SourceItem]):
    """One user's shelf. The access token of its session is its owner's id: nobody signs in."""

    platform = Platform.FILE

    def __init__(self, shelf: Shelf, *, session: Session, capabilities: Capabilities) -> None:
        super().__init__(session=session, capabilities=capabilities)
        self._shelf = shelf

    async def account(self) -> Account:
        return Account(id=await self._owner(), label=_LABEL, market="")

    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        head = await self._shelf.head(await self._owner(), playlist_id)
        if head is None:
            raise _not_found("get_playlist")
        return _playlist(head)

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        return await self._shelf.tracks(await self._owner(), list(dict.fromkeys(ids)))

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        del query
        return ()

    async def adopt(self, tracks: Sequence[Track]) -> tuple[Track, ...]:
        adopted = tuple(map(identify, tracks))
        await self._shelf.keep(await self._owner(), adopted)
        return adopted

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        del key
        return _playlist(
            await self._shelf.create(await self._owner(), name, description=description, gate=gate)
        )

    async def find_playlist(self, marker: str) -> Playlist | None:
        head = await self._shelf.find(await self._owner(), marker)
        return _playlist(head) if head else None

    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        del key
        is_done = await self._shelf.insert(
            await self._owner(), playlist_id, track_ids=track_ids, position=position, gate=gate
        )
        if is_done is None:
            raise _not_found("add_tracks")
        if not is_done:
            raise PlatformRejected(
                "Nothing is stored here of one of the tracks.", platform=self.platform, operation="add_tracks"
            )
        return ADDED

    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        owner = await self._owner()
        if not await self._shelf.remove(owner, playlist_id, track_ids=track_ids, gate=gate):
            raise _not_found("remove_tracks")

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        await self._shelf.delete(await self._owner(), playlist_id, gate=gate)

    def playlist_id_of(self, text: str) -> PlaylistId | None:
        return playlist_id_of(text)

    def track_id_of(self, text: str) -> TrackId | None:
        return TrackId(text) if is_track_id(text) else None

    async def _owner(self) -> str:
        tokens = await self._session.tokens()
        if tokens is None:
            raise ReconnectRequired("Files are read in the name of their user alone.")
        return tokens.access_token

    async def _playlists(self) -> Pager[Shelved]:
        owner = await self._owner()

        async def fetch(offset: int, limit: int) -> RawPage[Shelved]:
            heads = await self._shelf.heads(owner, offset=offset, limit=limit)
            return RawPage(rows=heads, limit=limit, total=await self._shelf.count(owner))

        return self._pager(fetch, operation="list_playlists")

    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> Pager[SourceItem]:
        owner = await self._owner()

        async def fetch(offset: int, limit: int) -> RawPage[SourceItem]:
            page = await self._shelf.items(owner, playlist_id, offset=offset, limit=limit)
            if page is None:
                raise _not_found(operation)
            return RawPage(rows=page.items, limit=limit, total=page.total)

        return self._pager(fetch, operation=operation)

    async def _to_playlist(self, raw: Shelved) -> Playlist:
        return _playlist(raw)

    def _description_of(self, raw: Shelved) -> str:
        return raw.description

    async def _to_items(self, rows: Sequence[SourceItem]) -> tuple[SourceItem, ...]:
        return tuple(rows)

    def _to_target_row(self, raw: SourceItem) -> TargetRow:
        return TargetRow(track_id=raw.track.id if raw.track else None, title=raw.title)


def playlist_id_of(text: str) -> PlaylistId | None:
    """Return the id of a file; nothing else names one."""
    try:
        is_ours = str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return None
    return PlaylistId(text.lower()) if is_ours else None


def _playlist(head: Shelved) -> Playlist:
    return Playlist(id=head.id, name=head.name, track_count=head.track_count, description=head.description)


def _not_found(operation: str) -> PlatformNotFound:
    return PlatformNotFound(
        "There is no file of this id: list them with `GET /files`.",
        platform=Platform.FILE,
        operation=operation,
        status=404,
    )


_SOURCE, _READ_ON = "this server's own database", "2026-11-28"

DECLARATION = Declaration(
    label=_LABEL,
    profile=PlatformProfile(
        platform=Platform.FILE,
        scope="server",
        counted_by="",
        # Nobody counts, and no pace is kept: it only says that files alone need no second worker.
        pools={REQUESTS: Pool(limit=2, window_s=1.0)},
        concurrency=1,
        backoff_s=1.0,
        source=_SOURCE,
        read_on=_READ_ON,
    ),
    capabilities=Capabilities(
        write_class=WriteClass.POSITIONED_INSERT,
        isrc_batch=0,
        add_batch=500,
        read_page=_PAGE,
        playlist_limit=None,
        visibility_delay_s=0.0,
        reads_lag=False,
        remove_batch=500,
        takes_any_track=True,
    ),
    sign_in=SignInTerms(life_months=None, revoke_url="", revoke_place="", source=_SOURCE, read_on=_READ_ON),
    public=PublicReads(
        is_possible=False,
        reason="Files stand in this server's own database, each user's for that user alone.",
        source=_SOURCE,
        read_on=_READ_ON,
    ),
    playlist_id_of=playlist_id_of,
    required=(),
    shelve=FilesAdapter,
    refusals=(),
)
