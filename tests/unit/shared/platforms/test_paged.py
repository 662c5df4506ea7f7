"""What adapters share, seen at the smallest one: a shelf of words."""

from collections.abc import Mapping, Sequence

import pytest
from msgspec import UNSET, UnsetType, structs

from shared.errors import PlatformUnavailable
from shared.models import Platform, Playlist, PlaylistId, SourceItem, TokenSet, TrackId
from shared.platforms.base import ADDED, Added, Capabilities, Gate, TargetRow, WriteClass
from shared.platforms.collections import Collection, Keeping
from shared.platforms.paged import PagedAdapter
from shared.platforms.paging import Pager
from tests.fakes.session import FakeSession

CAN = Capabilities(
    write_class=WriteClass.APPEND_AND_READ_BACK,
    isrc_batch=0,
    add_batch=1,
    read_page=2,
    playlist_limit=None,
    visibility_delay_s=0.0,
    reads_lag=False,
)
ANY = PlaylistId("any")


class Words(PagedAdapter[str, str]):
    platform = Platform.FILE

    def __init__(
        self,
        words: Sequence[str] | UnsetType,
        *,
        at_once: bool = False,
        collections: Mapping[Collection, Keeping] = {},
        scopes: tuple[str, ...] = (),
    ) -> None:
        session = FakeSession(TokenSet(access_token="any", scopes=scopes))
        super().__init__(session=session, capabilities=structs.replace(CAN, collections=collections))
        self.words = words
        self.at_once = at_once
        self.read_count = 0

    async def read_all(self) -> Sequence[str] | UnsetType:
        self.read_count += 1
        return self.words

    async def _playlists(self) -> Pager[str]:
        return self._cut(self.read_all, operation="list_playlists", at_once=self.at_once)

    async def _rows(self, playlist_id: PlaylistId, *, operation: str) -> Pager[str]:
        assert playlist_id == ANY
        return self._cut(self.read_all, operation=operation)

    async def _to_playlist(self, raw: str, /) -> Playlist | None:
        return Playlist(id=PlaylistId(raw), name=raw) if raw else None

    def _description_of(self, raw: str, /) -> str:
        return f"made of {raw}"

    def _to_item(self, raw: str, /) -> SourceItem:
        return SourceItem(title=raw)

    def _to_target_row(self, raw: str, /) -> TargetRow:
        return TargetRow(track_id=TrackId(raw), title=raw)

    async def _head(self, playlist_id: PlaylistId) -> Playlist:
        return Playlist(id=playlist_id, name="any")

    async def _add(
        self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], position: int, key: str, gate: Gate
    ) -> Added:
        return ADDED

    async def _remove(self, playlist_id: PlaylistId, *, track_ids: Sequence[TrackId], gate: Gate) -> None:
        pass


LIKED = {Collection.LIKED: Keeping(url="https://words.test/liked")}
AGREED = {Collection.LIKED: Keeping(url="https://words.test/liked", scope="read-liked")}


async def test_playlists_come_page_by_page_without_rows_that_are_none() -> None:
    adapter = Words(["one", "", "three"])

    first = await adapter.list_playlists()
    second = await adapter.list_playlists(cursor=first.next_cursor)

    assert [one.name for one in (*first.playlists, *second.playlists)] == ["one", "three"]
    assert second.next_cursor is None


@pytest.mark.parametrize(("collections", "scopes"), [(LIKED, ()), (AGREED, ("read-liked",))])
async def test_liked_songs_stand_first_and_once(
    collections: Mapping[Collection, Keeping], scopes: tuple[str, ...]
) -> None:
    adapter = Words(["one", "two", "three"], collections=collections, scopes=scopes)

    first = await adapter.list_playlists()
    second = await adapter.list_playlists(cursor=first.next_cursor)

    assert [one.name for one in first.playlists] == ["Liked Songs", "one", "two"]
    assert [one.name for one in second.playlists] == ["three"]


async def test_liked_songs_are_listed_to_whom_they_are_shown_alone() -> None:
    adapter = Words(["one"], collections=AGREED, scopes=("read-other",))

    page = await adapter.list_playlists()

    assert [one.name for one in page.playlists] == ["one"]


async def test_list_that_comes_at_once_is_one_page() -> None:
    adapter = Words(["one", "two", "three"], at_once=True)

    page = await adapter.list_playlists()

    assert (len(page.playlists), page.next_cursor, adapter.read_count) == (3, None, 1)


async def test_playlist_is_found_by_its_description_on_a_later_page() -> None:
    adapter = Words(["one", "two", "three"])

    found = await adapter.find_playlist("of three")

    assert found is not None
    assert found.name == "three"
    assert await adapter.find_playlist("of four") is None


async def test_source_is_read_by_pages_and_target_to_its_end() -> None:
    adapter = Words(["one", "two", "three"])

    page = await adapter.read_items(ANY)
    view = await adapter.read_target(ANY, offset=1)
    pages = [page async for page in adapter.read_target_pages(ANY, offset=1)]

    assert ([item.title for item in page.items], page.total) == (["one", "two"], 3)
    assert ([row.track_id for row in view.rows], view.total) == (["two", "three"], 3)
    assert [[row.title for row in one.rows] for one in pages] == [["two", "three"]]


async def test_answer_without_its_list_is_no_empty_list() -> None:
    with pytest.raises(PlatformUnavailable):
        await Words(UNSET).read_items(ANY)
