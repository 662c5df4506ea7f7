"""The jukebox: which call does what. docs/tutorials/write-an-adapter.md goes through it."""

from collections.abc import Sequence

from crossplay_jukebox import convert, wire
from shared.models import Account, Isrc, Playlist, PlaylistId, Track, TrackId
from shared.platforms.absent import WithoutAlbums
from shared.platforms.base import ADDED, Added, Capabilities, Gate, TextQuery, WriteClass
from shared.platforms.call import Call
from shared.platforms.declaration import Declaration
from shared.platforms.forms import token_form
from shared.platforms.paged import WebAdapter
from shared.platforms.paging import Pager
from shared.platforms.profile import REQUESTS, PlatformProfile, Pool, PublicReads, SignInTerms
from shared.platforms.values import by_isrc

_PAGE = 20
_LIST, _ITEMS = "/lists/{id}", "/lists/{id}/items"


class JukeboxAdapter(WithoutAlbums, WebAdapter[wire.Playlist, wire.Track]):
    """One listener's account."""

    platform = convert.PLATFORM
    playlist_id_of = staticmethod(convert.playlist_id_of)
    track_id_of = staticmethod(convert.track_id_of)
    _to_item = staticmethod(convert.to_item)
    _to_target_row = staticmethod(convert.to_target_row)

    async def account(self) -> Account:
        me = await self._read(Call(operation="account", route="/me"), into=wire.Me)
        return Account(id=me.id, label=me.name, market="")

    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        call = Call(operation="get_playlist", route=_LIST, path={"id": playlist_id})
        return convert.to_playlist(await self._read(call, into=wire.Playlist))

    async def find_by_isrc(self, isrcs: Sequence[Isrc]) -> dict[Isrc, tuple[Track, ...]]:
        tracks = await self._songs("find_by_isrc", {"isrc": ",".join(isrcs)})
        return by_isrc(tracks, isrcs=isrcs)

    async def read_tracks(self, ids: Sequence[TrackId]) -> dict[TrackId, Track]:
        tracks = await self._songs("read_tracks", {"ids": ",".join(dict.fromkeys(ids))})
        return {track.id: track for track in tracks}

    async def search(self, query: TextQuery) -> tuple[Track, ...]:
        text = query.plain.strip()
        return await self._songs("search", {"q": text}) if text else ()

    async def create_playlist(self, name: str, *, description: str, key: str, gate: Gate) -> Playlist:
        del key  # the jukebox knows no keys of writes
        body = {"name": name, "description": description}
        call = Call(operation="create_playlist", method="POST", route="/lists", body=body)
        made = await self._http.write(call, session=self._session, gate=gate, into=wire.Playlist)
        return convert.to_playlist(made)

    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        del key
        await self._change(
            "add_tracks", "POST", playlist_id, body={"ids": list(track_ids), "at": position}, gate=gate
        )
        return ADDED

    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        await self._change("remove_tracks", "DELETE", playlist_id, body={"ids": list(track_ids)}, gate=gate)

    async def delete_playlist(self, playlist_id: PlaylistId, *, gate: Gate) -> None:
        call = Call(operation="delete_playlist", method="DELETE", route=_LIST, path={"id": playlist_id})
        await self._delete(call, gate=gate)

    async def _change(
        self, operation: str, method: str, playlist_id: PlaylistId, *, body: object, gate: Gate
    ) -> None:
        call = Call(operation=operation, method=method, route=_ITEMS, path={"id": playlist_id}, body=body)
        await self._send(call, gate=gate)

    async def _songs(self, operation: str, query: dict[str, str | int]) -> tuple[Track, ...]:
        call = Call(operation=operation, route="/songs", query=query)
        answer = await self._read(call, into=wire.Rows[wire.Track])
        return tuple(filter(None, map(convert.to_track, answer.page(_PAGE).rows)))

    async def _playlists(self) -> Pager[wire.Playlist]:
        call = Call(operation="list_playlists", route="/lists")
        return self._counted(call, into=wire.Rows[wire.Playlist])

    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> Pager[wire.Track]:
        call = Call(operation=operation, route=_ITEMS, path={"id": playlist_id})
        return self._counted(call, into=wire.Rows[wire.Track])

    async def _to_playlist(self, raw: wire.Playlist) -> Playlist:
        return convert.to_playlist(raw)

    def _description_of(self, raw: wire.Playlist) -> str:
        return raw.description


DECLARATION = Declaration(
    label="Jukebox",
    profile=PlatformProfile(
        platform=convert.PLATFORM,
        scope="app",
        counted_by="jukebox_api_url",
        pools={REQUESTS: Pool(limit=20, window_s=1.0)},
        concurrency=4,
        backoff_s=1.0,
        source="the jukebox is invented",
        read_on="2026-11-28",
    ),
    capabilities=Capabilities(
        write_class=WriteClass.POSITIONED_INSERT,
        isrc_batch=10,
        add_batch=20,
        remove_batch=20,
        read_page=_PAGE,
        playlist_limit=None,
        visibility_delay_s=1.0,
        reads_lag=False,
    ),
    sign_in=SignInTerms(
        life_months=None,
        revoke_url="https://jukebox.example/tokens",
        revoke_place="the jukebox's page of tokens",
        source="the jukebox is invented",
        read_on="2026-11-28",
    ),
    public=PublicReads(
        is_possible=False,
        reason="The jukebox plays for its own guests only: connect with your token.",
        source="the jukebox is invented",
        read_on="2026-11-28",
    ),
    playlist_id_of=convert.playlist_id_of,
    required=(),
    build=JukeboxAdapter,
    refusals=(),
    form=token_form(label="Token"),
)
