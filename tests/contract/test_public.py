"""What every adapter promises that reads, without anybody's account, what everybody may see."""

import pytest

from shared.errors import PlatformDenied, PlatformNotFound
from shared.models import PlaylistId, SourceItem
from shared.platforms.base import Adapter
from shared.platforms.registry import Platforms
from shared.settings import Settings
from tests.contract.sandboxes import FLAVORS, Stage
from tests.fakes.budget import FakeBudgets

_PLATFORMS = Platforms(Settings(), budgets=FakeBudgets())
on_public = pytest.mark.parametrize(
    "flavor",
    [name for name in sorted(FLAVORS) if _PLATFORMS.public_reads(FLAVORS[name].platform).is_possible],
    indirect=True,
)


@pytest.fixture
def nobody(stage: Stage) -> Adapter:
    return stage.platforms.public_adapter(stage.platform, market="DE")


async def every_item(adapter: Adapter, playlist_id: PlaylistId) -> list[SourceItem]:
    items: list[SourceItem] = []
    cursor = None
    while True:
        page = await adapter.read_items(playlist_id, cursor=cursor)
        items += page.items
        cursor = page.next_cursor
        if cursor is None:
            return items


@on_public
async def test_nobody_reads_the_same_tracks_as_the_owner(stage: Stage, nobody: Adapter) -> None:
    own_id = await stage.playlist_named("Long Way")
    public_id = stage.flavor.public_id(own_id)

    head = await nobody.get_playlist(public_id)
    read = await every_item(nobody, public_id)

    owned = await every_item(stage.adapter, own_id)
    assert (head.id, head.name, head.readable) == (public_id, "Long Way", True)
    assert [item.track and (item.track.title, item.track.isrc) for item in read] == [
        item.track and (item.track.title, item.track.isrc) for item in owned
    ]


@on_public
async def test_an_empty_public_playlist_is_one_empty_page(stage: Stage, nobody: Adapter) -> None:
    public_id = stage.flavor.public_id(await stage.playlist_named("Empty Shelf"))

    page = await nobody.read_items(public_id)

    assert (page.items, page.next_cursor) == ((), None)


@on_public
async def test_nobody_sees_no_playlist_that_is_not_there(stage: Stage, nobody: Adapter) -> None:
    for absent in (stage.flavor.absent_playlist, stage.flavor.public_id(stage.flavor.absent_playlist)):
        with pytest.raises(PlatformNotFound):
            await nobody.get_playlist(absent)


@on_public
@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_of_nobody_asks_no_user_to_connect(
    stage: Stage, nobody: Adapter, status: int
) -> None:
    public_id = stage.flavor.public_id(await stage.playlist_named("Long Way"))
    await stage.fault("status", status=status, count=10)

    with pytest.raises((PlatformDenied, PlatformNotFound)):
        await nobody.read_items(public_id)
