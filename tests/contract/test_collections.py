"""What every adapter promises about liked songs, saved albums and followed artists."""

import pytest

from shared.errors import LeaseLost
from shared.models import PlaylistId, TrackId
from shared.platforms.base import Page
from shared.platforms.collections import Collection, Keeping
from shared.platforms.registry import declarations
from tests.contract.sandboxes import FLAVORS, Stage, flavors, open_gate

KINDS = {Collection.LIKED: "track", Collection.ALBUMS: "album", Collection.ARTISTS: "artist"}
KEPT = [(name, one) for one in Collection for name in flavors(lambda can, one=one: one in can.collections)]  # type: ignore[misc]  # bound


def _written(flavor: str, collection: Collection) -> bool:
    return bool(_keeping(flavor, collection).add_batch)


def _keeping(flavor: str, collection: Collection) -> Keeping:
    return declarations()[FLAVORS[flavor].platform].capabilities.collections[collection]


on_kept = pytest.mark.parametrize(("flavor", "collection"), KEPT, indirect=["flavor"])
on_written = pytest.mark.parametrize(
    ("flavor", "collection"), [pair for pair in KEPT if _written(*pair)], indirect=["flavor"]
)


async def known(stage: Stage, collection: Collection, count: int) -> list[TrackId]:
    """Return ids of that many things which the platform has."""
    if collection is Collection.LIKED:
        return [stage.track_id(number) for number in range(count)]
    rows = await stage.order("GET", f"catalog/{KINDS[collection]}")
    assert len(rows) >= count
    return [TrackId(row["id"]) for row in rows[:count]]


async def kept(stage: Stage, collection: Collection, count: int) -> list[TrackId]:
    """Let the account keep that many things; return them as the platform shows them, the newest first."""
    ids = await known(stage, collection, count)
    await stage.order("POST", "kept", {"kind": KINDS[collection], "ids": ids})
    return ids[::-1]


async def truth(stage: Stage, collection: Collection) -> list[TrackId]:
    return [TrackId(row["id"]) for row in await stage.order("GET", f"kept/{KINDS[collection]}")]


async def read(stage: Stage, collection: Collection) -> list[Page]:
    pages: list[Page] = []
    while not pages or pages[-1].next_cursor:
        cursor = pages[-1].next_cursor if pages else None
        pages.append(await stage.adapter.read_items(collection.playlist_id, cursor=cursor))
    return pages


def ids_in(pages: list[Page]) -> list[TrackId]:
    return [item.track.id for page in pages for item in page.items if item.track]


def ordered(ids: list[TrackId], stage: Stage, collection: Collection) -> list[TrackId]:
    """Return ids as they can be compared: in no order where the platform keeps none."""
    return ids if stage.capabilities.collections[collection].is_dated else sorted(ids)


async def shown(stage: Stage, playlist_id: PlaylistId, *, offset: int) -> list[TrackId]:
    view = await stage.adapter.read_target(playlist_id, offset=offset)
    assert view.total == offset + len(view.rows)
    return [row.track_id or TrackId("") for row in view.rows]


@on_kept
async def test_collection_is_listed_before_all_playlists_and_once(
    stage: Stage, collection: Collection
) -> None:
    first = await stage.adapter.list_playlists()
    pages = [first]
    if first.next_cursor:  # some lists come whole
        pages.append(await stage.adapter.list_playlists(cursor=first.next_cursor))

    ids = [playlist.id for page in pages for playlist in page.playlists]
    collections = [one.playlist_id for one in stage.capabilities.collections]
    assert ids[: len(collections)] == collections
    assert ids.count(collection.playlist_id) == 1
    listed = first.playlists[ids.index(collection.playlist_id)]
    keeping = stage.capabilities.collections[collection]
    assert (listed.name, listed.url, listed.readable) == (collection.label, keeping.url, True)
    assert listed.writable == bool(keeping.add_batch)


@on_kept
async def test_collection_has_a_head_like_a_playlist(stage: Stage, collection: Collection) -> None:
    await kept(stage, collection, 3)

    head = await stage.adapter.get_playlist(collection.playlist_id)

    assert (head.id, head.name) == (collection.playlist_id, collection.label)
    assert head.track_count in {3, None}
    assert stage.adapter.playlist_id_of(collection) is None


@on_kept
async def test_collection_is_read_page_by_page(stage: Stage, collection: Collection) -> None:
    expected = await kept(stage, collection, 2 * stage.capabilities.read_page + 7)

    pages = await read(stage, collection)

    assert ordered(ids_in(pages), stage, collection) == ordered(expected, stage, collection)
    assert len(ids_in(pages)) == sum(len(page.items) for page in pages)
    assert all(page.total in {None, len(expected)} for page in pages)


@on_kept
async def test_items_tell_what_finds_them_elsewhere(stage: Stage, collection: Collection) -> None:
    (own_id,) = await kept(stage, collection, 1)

    (page,) = await read(stage, collection)

    (track,) = (item.track for item in page.items if item.track)
    rows = await stage.order("GET", f"catalog/{KINDS[collection]}")
    names = {row["id"]: row["name"] for row in rows}
    assert (track.id, track.title, track.platform) == (own_id, names[own_id], stage.platform)
    assert bool(track.artists) == (collection is not Collection.ARTISTS)


@on_kept
async def test_what_is_kept_again_stands_there_once_at_its_place(
    stage: Stage, collection: Collection
) -> None:
    expected = await kept(stage, collection, 3)
    await stage.order("POST", "kept", {"kind": KINDS[collection], "ids": [expected[-1]]})

    pages = await read(stage, collection)

    assert ordered(ids_in(pages), stage, collection) == ordered(expected, stage, collection)


@on_kept
async def test_account_that_keeps_nothing_has_an_empty_list(stage: Stage, collection: Collection) -> None:
    (page,) = await read(stage, collection)
    view = await stage.adapter.read_target(collection.playlist_id, offset=0)

    assert (page.items, page.next_cursor) == ((), None)
    assert (view.rows, view.total) == ((), 0)


@on_kept
async def test_collection_is_a_target_whose_last_row_is_the_newest(
    stage: Stage, collection: Collection
) -> None:
    count = stage.capabilities.read_page + 3
    expected = (await kept(stage, collection, count))[::-1]
    playlist_id = collection.playlist_id

    whole = await shown(stage, playlist_id, offset=0)
    pages = [page async for page in stage.adapter.read_target_pages(playlist_id, offset=0)]

    assert ordered(whole, stage, collection) == ordered(expected, stage, collection)
    assert [row.track_id for page in pages for row in page.rows] == whole
    assert await shown(stage, playlist_id, offset=count - 2) == whole[-2:]
    assert await shown(stage, playlist_id, offset=count) == []


@on_written
async def test_what_is_added_stands_behind_what_stood_there(stage: Stage, collection: Collection) -> None:
    before = (await kept(stage, collection, 2))[::-1]
    batch = stage.capabilities.of_target(collection).add_batch
    ids = (await known(stage, collection, 2 + min(batch, 20)))[2:]

    await stage.add(collection.playlist_id, ids)

    assert sorted(await truth(stage, collection)) == sorted([*before, *ids])
    assert sorted(await shown(stage, collection.playlist_id, offset=0)) == sorted([*before, *ids])
    if stage.capabilities.collections[collection].is_dated:
        assert sorted(await shown(stage, collection.playlist_id, offset=2)) == sorted(ids)


@on_written
async def test_what_is_added_one_by_one_keeps_that_order(stage: Stage, collection: Collection) -> None:
    ids = await known(stage, collection, 3)

    for own_id in (ids[2], ids[0], ids[1]):
        await stage.add(collection.playlist_id, [own_id])
        await stage.order("POST", "clock", {"advance_s": 1.0})

    assert await truth(stage, collection) == [ids[2], ids[0], ids[1]]
    if stage.capabilities.collections[collection].is_dated:
        assert await shown(stage, collection.playlist_id, offset=0) == [ids[2], ids[0], ids[1]]


@on_written
async def test_what_is_added_again_stands_there_once(stage: Stage, collection: Collection) -> None:
    ids = await known(stage, collection, 2)
    for own_id in (*ids, ids[0]):
        await stage.add(collection.playlist_id, [own_id])
        await stage.order("POST", "clock", {"advance_s": 1.0})

    # Some platforms date it anew: then it is the newest. The worker adds nothing that stands there.
    assert await truth(stage, collection) in (ids, ids[::-1])


@on_written
async def test_what_is_removed_is_gone_and_may_be_gone_already(stage: Stage, collection: Collection) -> None:
    if not stage.capabilities.of_target(collection).can_remove:
        return
    ids = await known(stage, collection, 3)
    for own_id in ids:
        await stage.add(collection.playlist_id, [own_id])

    for _ in range(2):
        await stage.adapter.remove_tracks(collection.playlist_id, track_ids=[ids[1]], gate=open_gate)

    assert await truth(stage, collection) == [ids[0], ids[2]]


@on_written
async def test_closed_gate_stops_an_addition(stage: Stage, collection: Collection) -> None:
    def closed() -> None:
        raise LeaseLost("Another worker owns this transfer.")

    with pytest.raises(LeaseLost):
        await stage.add(collection.playlist_id, await known(stage, collection, 1), gate=closed)

    assert await truth(stage, collection) == []


@pytest.mark.parametrize(
    ("flavor", "collection"),
    [pair for pair in KEPT if pair[1] is Collection.ALBUMS and _written(*pair)],
    indirect=["flavor"],
)
async def test_album_is_found_by_its_name_and_artist(stage: Stage, collection: Collection) -> None:
    found = await stage.adapter.search_albums("Record 3", artist="Solo 3")

    assert [(album.name, album.artists[:1]) for album in found[:1]] == [("Record 3", ("Solo 3",))]
    await stage.add(collection.playlist_id, [TrackId(found[0].id)])
    assert await truth(stage, collection) == [TrackId(found[0].id)]


@pytest.mark.parametrize(
    ("flavor", "collection"), [pair for pair in KEPT if pair[1] is Collection.ARTISTS], indirect=["flavor"]
)
async def test_artist_is_found_by_their_name(stage: Stage, collection: Collection) -> None:
    found = await stage.adapter.search_artists("Solo 3")

    assert found[0].name == "Solo 3"
    rows = await stage.order("GET", f"catalog/{KINDS[collection]}")
    assert {"id": found[0].id, "name": "Solo 3"} in rows
