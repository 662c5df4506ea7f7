"""What every adapter promises about liked songs, where its platform has them."""

import pytest

from shared.models import TrackId
from shared.platforms.base import Page
from shared.platforms.liked import LIKED
from tests.contract.sandboxes import Stage, flavors

pytestmark = pytest.mark.parametrize("flavor", flavors(lambda can: can.has_liked), indirect=True)


async def liked(stage: Stage, count: int) -> list[TrackId]:
    """Let the account like that many tracks; return them as the platform shows them, the newest first."""
    track_ids = [stage.track_id(number) for number in range(count)]
    await stage.order("POST", "likes", {"track_ids": track_ids})
    return track_ids[::-1]


async def read(stage: Stage) -> list[Page]:
    pages: list[Page] = []
    while not pages or pages[-1].next_cursor:
        cursor = pages[-1].next_cursor if pages else None
        pages.append(await stage.adapter.read_items(LIKED, cursor=cursor))
    return pages


async def test_liked_songs_are_the_first_of_the_listed_playlists_and_stand_there_once(stage: Stage) -> None:
    first = await stage.adapter.list_playlists()
    second = await stage.adapter.list_playlists(cursor=first.next_cursor)

    ids = [playlist.id for page in (first, second) for playlist in page.playlists]
    assert (ids[0], ids.count(LIKED)) == (LIKED, 1)
    assert first.playlists[0].name == "Liked Songs"
    assert (first.playlists[0].readable, first.playlists[0].writable) == (True, False)


async def test_liked_songs_are_known_by_their_id_and_their_address(stage: Stage) -> None:
    await liked(stage, 3)
    listed = (await stage.adapter.list_playlists()).playlists[0]

    found = await stage.adapter.get_playlist(LIKED)

    assert (found.id, found.name, found.url, found.owner) == (LIKED, listed.name, listed.url, listed.owner)
    assert found.track_count in {3, None}
    assert stage.adapter.playlist_id_of(LIKED) == stage.adapter.playlist_id_of(listed.url or "") == LIKED


async def test_liked_songs_are_read_newest_first_over_three_pages(stage: Stage) -> None:
    expected = await liked(stage, 2 * stage.capabilities.read_page + 7)

    pages = await read(stage)

    assert [item.track.id for page in pages for item in page.items if item.track] == expected
    assert len(pages) == 3
    assert all(stage.is_length(page.total, len(expected)) for page in pages)


async def test_song_that_is_liked_again_stands_there_once_at_its_place(stage: Stage) -> None:
    expected = await liked(stage, 3)
    await stage.order("POST", "likes", {"track_ids": [expected[-1]]})

    (page,) = await read(stage)

    assert [item.track.id for item in page.items if item.track] == expected


async def test_account_that_likes_nothing_has_an_empty_list(stage: Stage) -> None:
    (page,) = await read(stage)

    assert (page.items, page.next_cursor) == ((), None)
