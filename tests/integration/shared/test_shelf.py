"""The shelf on real Postgres: order, repeats, owners, and writes that are whole or nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from shared.db import users
from shared.db.pool import Pool, open_pool
from shared.db.shelf import PostgresShelf
from shared.errors import LeaseLost, PlatformUnavailable
from shared.models import Platform, PlaylistId, Track, TrackId, UserId
from shared.platforms.files.identity import identify
from shared.secret import Secret

pytestmark = pytest.mark.integration

NOBODYS = PlaylistId("3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001")


def open_gate() -> None:
    """The lease is ours."""


def closed_gate() -> None:
    raise LeaseLost("Another worker owns this transfer.")


def track(title: str) -> Track:
    return identify(Track(platform=Platform.FILE, id=TrackId(""), title=title))


def ids(titles: str) -> list[TrackId]:
    """Return the ids of tracks that are called by one letter each."""
    return [track(title).id for title in titles]


@pytest_asyncio.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with await open_pool(Secret(database_url), size=4) as opened:
        yield opened


@pytest.fixture
def shelf(pool: Pool) -> PostgresShelf:
    return PostgresShelf(pool)


@pytest_asyncio.fixture
async def owner(pool: Pool, shelf: PostgresShelf) -> UserId:
    user_id = await users.ensure(pool, name="mira")
    await shelf.keep(user_id, [track(title) for title in "abcdef"])
    return user_id


async def new(shelf: PostgresShelf, owner: UserId, titles: str = "") -> PlaylistId:
    head = await shelf.create(owner, "Night Drive", description="[marker]", gate=open_gate)
    if titles:
        assert await shelf.insert(owner, head.id, track_ids=ids(titles), position=0, gate=open_gate)
    return head.id


async def told(shelf: PostgresShelf, owner: UserId, playlist_id: PlaylistId) -> str:
    """Return the titles in order, whose count the head has, too."""
    page = await shelf.items(owner, playlist_id, offset=0, limit=1000)
    head = await shelf.head(owner, playlist_id)
    assert page is not None
    assert head is not None
    assert page.total == head.track_count == len(page.items)
    return "".join(item.title for item in page.items)


@pytest.mark.parametrize(
    ("position", "whole"), [(0, "xyxabca"), (2, "abxyxca"), (4, "abcaxyx"), (9, "abcaxyx"), (-3, "xyxabca")]
)
async def test_tracks_stand_where_they_are_put_and_what_was_there_moves_up(
    shelf: PostgresShelf, owner: UserId, position: int, whole: str
) -> None:
    await shelf.keep(owner, [track("x"), track("y")])
    playlist_id = await new(shelf, owner, "abca")

    await shelf.insert(owner, playlist_id, track_ids=ids("xyx"), position=position, gate=open_gate)

    assert await told(shelf, owner, playlist_id) == whole


async def test_removed_tracks_go_with_every_copy_and_the_rest_closes_up(
    shelf: PostgresShelf, owner: UserId
) -> None:
    playlist_id = await new(shelf, owner, "abcabd")

    done = [
        await shelf.remove(owner, playlist_id, track_ids=ids(titles), gate=open_gate) for titles in ("a", "a")
    ]

    assert done == [True, True]
    assert await told(shelf, owner, playlist_id) == "bcbd"
    await shelf.insert(owner, playlist_id, track_ids=ids("e"), position=4, gate=open_gate)
    assert await told(shelf, owner, playlist_id) == "bcbde"


async def test_tracks_that_are_not_stored_are_not_put_anywhere(shelf: PostgresShelf, owner: UserId) -> None:
    playlist_id = await new(shelf, owner, "ab")

    done = await shelf.insert(
        owner, playlist_id, track_ids=[*ids("c"), TrackId("0" * 32)], position=2, gate=open_gate
    )

    assert done is False
    assert await told(shelf, owner, playlist_id) == "ab"


async def test_a_closed_gate_leaves_everything_as_it_was(shelf: PostgresShelf, owner: UserId) -> None:
    playlist_id = await new(shelf, owner, "ab")

    for write in (
        shelf.create(owner, "Another", description="", gate=closed_gate),
        shelf.insert(owner, playlist_id, track_ids=ids("c"), position=0, gate=closed_gate),
        shelf.remove(owner, playlist_id, track_ids=ids("a"), gate=closed_gate),
        shelf.delete(owner, playlist_id, gate=closed_gate),
    ):
        with pytest.raises(LeaseLost):
            await write

    assert await told(shelf, owner, playlist_id) == "ab"
    assert await shelf.count(owner) == 1


async def test_tracks_are_stored_once_however_often_they_are_kept(
    shelf: PostgresShelf, owner: UserId, pool: Pool
) -> None:
    for _ in range(2):
        await shelf.keep(owner, [track("a"), track("g"), track("a")])

    assert await pool.fetchval("SELECT count(*) FROM shelf_tracks") == 7
    assert await shelf.tracks(owner, [*ids("ga"), TrackId("none")]) == {
        one.id: one for one in (track("a"), track("g"))
    }


async def test_what_belongs_to_somebody_else_is_not_there(
    shelf: PostgresShelf, owner: UserId, pool: Pool
) -> None:
    stranger = await users.ensure(pool, name="somebody else")
    playlist_id = await new(shelf, owner, "ab")

    shown = [
        await shelf.head(stranger, playlist_id),
        await shelf.find(stranger, "[marker]"),
        await shelf.items(stranger, playlist_id, offset=0, limit=9),
        await shelf.insert(stranger, playlist_id, track_ids=ids("a"), position=0, gate=open_gate),
    ]
    removed = await shelf.remove(stranger, playlist_id, track_ids=ids("a"), gate=open_gate)
    await shelf.delete(stranger, playlist_id, gate=open_gate)

    assert shown == [None] * 4
    assert removed is False
    assert (await shelf.tracks(stranger, ids("ab")), await shelf.count(stranger)) == ({}, 0)
    assert await told(shelf, owner, playlist_id) == "ab"


async def test_the_oldest_playlist_with_a_marker_is_found(shelf: PostgresShelf, owner: UserId) -> None:
    first, _ = await new(shelf, owner), await new(shelf, owner)

    found = await shelf.find(owner, "[marker]")

    assert found is not None
    assert (found.id, await shelf.find(owner, "%")) == (first, None)


async def test_a_deleted_playlist_is_gone_and_to_delete_it_again_is_no_error(
    shelf: PostgresShelf, owner: UserId, pool: Pool
) -> None:
    playlist_id = await new(shelf, owner, "ab")

    for _ in range(2):
        await shelf.delete(owner, playlist_id, gate=open_gate)

    assert await shelf.items(owner, playlist_id, offset=0, limit=9) is None
    assert await pool.fetchval("SELECT count(*) FROM shelf_items") == 0
    assert await shelf.head(owner, NOBODYS) is None


async def test_writers_at_the_same_time_lose_nothing_of_each_other(
    shelf: PostgresShelf, owner: UserId
) -> None:
    playlist_id = await new(shelf, owner)

    async def put(titles: Sequence[TrackId]) -> None:
        await shelf.insert(owner, playlist_id, track_ids=titles, position=0, gate=open_gate)

    await asyncio.gather(*(put(ids("abc")) for _ in range(8)))

    assert await told(shelf, owner, playlist_id) == "abc" * 8


async def test_a_database_that_is_away_is_an_unavailable_platform(
    shelf: PostgresShelf, owner: UserId, pool: Pool
) -> None:
    await pool.close()

    for call in (
        shelf.count(owner),
        shelf.items(owner, NOBODYS, offset=0, limit=9),
        shelf.keep(owner, [track("a")]),
        shelf.create(owner, "x", description="", gate=open_gate),
    ):
        with pytest.raises(PlatformUnavailable):
            await call
