"""What every adapter promises about reading."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from yarl import URL

from shared.errors import PlatformNotFound, PlatformUnavailable
from shared.models import Album, AlbumId, Isrc, Track
from shared.platforms.base import Page
from shared.platforms.collections import collection_of
from tests.contract.sandboxes import FLAVORS, Stage, album_length, album_line, flavors, line, long_length
from worker.matching.query import Query

on_offsets = pytest.mark.parametrize(
    "flavor",
    [name for name in flavors(lambda _: True) if FLAVORS[name].has_offsets],
    indirect=True,
)
on_lengths = pytest.mark.parametrize(
    "flavor", [name for name in sorted(FLAVORS) if FLAVORS[name].tells_length], indirect=True
)
on_every = pytest.mark.parametrize("flavor", flavors(lambda _: True, over_http=False), indirect=True)
on_plain_text = pytest.mark.parametrize(
    "flavor", [name for name in sorted(FLAVORS) if FLAVORS[name].finds_plain_text], indirect=True
)
on_isrc = pytest.mark.parametrize("flavor", flavors(lambda can: can.isrc_batch > 0), indirect=True)
on_albums = pytest.mark.parametrize("flavor", flavors(lambda can: can.has_albums), indirect=True)

UNKNOWN = Isrc("QZXX19999999")


async def found(stage: Stage, row: Mapping[str, Any]) -> Track:
    """Return a catalog line's track, by its ISRC or, where nothing is found by that, by its words."""
    if stage.capabilities.isrc_batch:
        isrc = Isrc(row["isrc"])
        return (await stage.adapter.find_by_isrc([isrc]))[isrc][0]
    words = " ".join((row["title"], *row["artists"]))
    tracks = await stage.adapter.search(Query(plain=words, title=row["title"], artist=row["artists"][0]))
    return next(track for track in tracks if track.title == row["title"])


@on_every
async def test_account_answers_with_its_market(stage: Stage) -> None:
    account = await stage.adapter.account()

    assert account.label
    assert (account.id is not None) == stage.flavor.has_account_id
    assert (account.market not in {"", "DE", "de", "US"}) == stage.flavor.has_market


@on_every
async def test_empty_playlist_is_one_empty_page(stage: Stage) -> None:
    playlist_id = await stage.playlist_named("Empty Shelf")

    page = await stage.adapter.read_items(playlist_id)

    assert (page.items, page.next_cursor) == ((), None)
    assert page.total in {0, None}


@on_every
async def test_each_odd_row_keeps_its_position_and_its_reason(stage: Stage) -> None:
    playlist_id = await stage.playlist_named("Odd Rows")

    page = await stage.adapter.read_items(playlist_id)

    assert (len(page.items), page.next_cursor) == (5, None)
    assert stage.is_length(page.total, 5)
    first, local, second, other, repeated = page.items
    assert first == repeated
    assert first.track is not None
    assert second.track is not None
    assert (first.track.title, first.track.isrc) == ("Harbour Light 0", stage.isrc(0))
    assert (second.track.title, second.track.artists) == ("Harbour Light 1", ("Quiet Engine 1",))
    assert (other.track is None) == bool(stage.flavor.odd_reasons)
    assert other.not_transferable in (stage.flavor.odd_reasons or {None})
    assert "Talk Talk Talk" in other.title
    assert "Demo Tape" in local.title
    assert local.not_transferable is stage.flavor.local_row
    if local.not_transferable is None:  # a song whose catalog id and ISRC nobody knows
        assert local.track is not None
        assert local.track.isrc is None


@on_every
async def test_three_pages_bring_every_item_in_order_with_its_repeats(stage: Stage) -> None:
    page_size = stage.capabilities.read_page
    playlist_id = await stage.playlist_named("Long Way")
    pages: list[Page] = []
    cursor = None

    while not pages or cursor:
        page = await stage.adapter.read_items(playlist_id, cursor=cursor)
        pages.append(page)
        cursor = page.next_cursor

    titles = [item.title for page in pages for item in page.items]
    isrcs = [item.track.isrc for page in pages for item in page.items if item.track]
    numbers = [n if n % (page_size + 5) else 0 for n in range(long_length(page_size))]
    assert len(pages) == 3
    assert isrcs == [stage.isrc(number) for number in numbers]
    assert [title.rpartition(" ")[2] for title in titles] == [str(number) for number in numbers]
    assert all(stage.is_length(page.total, len(numbers)) for page in pages)


@on_offsets
async def test_every_page_is_asked_with_the_same_parameters(stage: Stage) -> None:
    playlist_id = await stage.playlist_named("Long Way")

    await stage.adapter.read_target(playlist_id, offset=0)

    queries = [dict(URL(call["path"]).query) for call in await stage.calls("list_items")]
    offsets = [int(query.pop(stage.flavor.offset_name)) for query in queries]
    size = stage.capabilities.read_page
    assert offsets == [0, size, 2 * size]
    assert queries == [queries[0]] * 3
    assert queries[0]["limit"] == str(size)


async def test_all_playlists_are_listed_once_over_three_pages(stage: Stage) -> None:
    names: list[str] = []
    cursor = None

    while not names or cursor:
        page = await stage.adapter.list_playlists(cursor=cursor)
        names += [playlist.name for playlist in page.playlists if collection_of(playlist.id) is None]
        cursor = page.next_cursor

    assert sorted(names) == sorted(row["name"] for row in await stage.order("GET", "playlists"))
    assert len(await stage.calls("list_playlists")) == (1 if stage.flavor.lists_at_once else 3)


async def test_listed_playlist_is_found_again_by_id_and_by_its_address(stage: Stage) -> None:
    playlists = (await stage.adapter.list_playlists()).playlists
    listed = next(playlist for playlist in playlists if collection_of(playlist.id) is None)

    playlist = await stage.adapter.get_playlist(listed.id)

    assert (playlist.id, playlist.name, playlist.url) == (listed.id, listed.name, listed.url)
    assert playlist.readable
    assert stage.adapter.playlist_id_of(listed.id) == listed.id
    named = stage.adapter.playlist_id_of(listed.url or "")
    assert named is not None
    assert (await stage.adapter.get_playlist(named)).id == listed.id


@on_every
@pytest.mark.parametrize("text", ["", "Quiet Engine", "https://example.org/playlist/4", "p", "…/playlist/"])
async def test_text_that_is_no_playlist_is_none(stage: Stage, text: str) -> None:
    assert stage.adapter.playlist_id_of(text) is None


@on_isrc
async def test_isrc_look_up_answers_for_every_isrc_of_a_full_batch(stage: Stage) -> None:
    known = [Isrc(line(number)["isrc"]) for number in range(stage.capabilities.isrc_batch - 1)]
    asked = [*known, UNKNOWN]
    if stage.flavor.has_copy:
        await stage.adapter.find_by_isrc([UNKNOWN])
        await stage.order("DELETE", "requests")

    found = await stage.adapter.find_by_isrc(asked)

    assert list(found) == asked
    assert found[UNKNOWN] == ()
    assert [[track.isrc for track in found[isrc]] for isrc in known] == [[isrc] for isrc in known]
    assert len(await stage.calls(stage.flavor.look_up[0])) == (0 if stage.flavor.has_copy else 1)


@on_isrc
async def test_known_isrc_brings_the_track_with_what_matching_needs(stage: Stage) -> None:
    isrc = Isrc(line(3)["isrc"])

    (track,) = (await stage.adapter.find_by_isrc([isrc]))[isrc]

    assert (track.platform, track.isrc, track.title) == (stage.platform, isrc, "Harbour Light 3")
    assert (track.artists, track.album) == (("Quiet Engine 3",), "Tides")
    assert abs((track.duration_ms or 0) - 181_500) < 1000  # some tell whole seconds


async def test_tracks_are_read_by_id_and_unknown_ones_are_left_out(stage: Stage) -> None:
    known = {track.id: track for track in [await found(stage, line(number)) for number in (3, 4)]}
    first, second = known
    unknown = stage.flavor.absent_track

    tracks = await stage.adapter.read_tracks([second, unknown, first, second])

    assert tracks == known


@on_every
async def test_tracks_that_are_all_unknown_are_no_error(stage: Stage) -> None:
    unknown = stage.flavor.absent_track

    assert await stage.adapter.read_tracks([unknown]) == {}


@on_isrc  # the address of a SoundCloud track, which has none, does not hold its id
async def test_track_is_known_by_its_id_and_by_its_address(stage: Stage) -> None:
    track = await found(stage, line(3))

    assert stage.adapter.track_id_of(track.id) == track.id
    assert bool(track.url) == stage.flavor.has_track_pages
    if track.url:
        assert stage.adapter.track_id_of(track.url) == track.id


@on_every
@pytest.mark.parametrize(
    "text", ["", "Harbour Light 3", "https://example.org/track/4", "p", "…/song/", "i.x"]
)
async def test_text_that_is_no_track_is_none(stage: Stage, text: str) -> None:
    assert stage.adapter.track_id_of(text) is None


async def test_text_search_finds_the_track_by_its_fields(stage: Stage) -> None:
    query = Query(plain="Harbour Light 3 Quiet Engine 3", title='"Harbour" Light: 3', artist="Quiet Engine 3")

    tracks = await stage.adapter.search(query)

    assert any(track.title == "Harbour Light 3" for track in tracks)


@on_plain_text
async def test_text_search_finds_the_track_by_plain_text(stage: Stage) -> None:
    tracks = await stage.adapter.search(Query(plain="Harbour Light 3 Quiet Engine 3"))

    assert any(track.title == "Harbour Light 3" for track in tracks)


@on_every
@pytest.mark.parametrize("text", ["zzzzzz qqqqqq", "  "])
async def test_text_search_without_a_hit_is_empty(stage: Stage, text: str) -> None:
    assert await stage.adapter.search(Query(plain=text)) == ()


@on_albums
async def test_album_is_found_by_its_name_and_artist(stage: Stage) -> None:
    (album, *_) = await stage.adapter.search_albums("Long Player", artist="Night Ferry")

    assert (album.platform, album.name, album.artists) == (
        stage.platform,
        "The Long Player",
        ("Night Ferry",),
    )
    is_bare = stage.flavor.has_bare_albums
    assert album.track_count == (None if is_bare else album_length(stage.capabilities.read_page))
    assert album.release_date == (None if is_bare or stage.flavor.has_short_albums else "2019-05-06")
    assert len(await stage.calls(stage.flavor.look_up[1])) == 1


@on_albums
async def test_album_search_without_a_hit_is_empty(stage: Stage) -> None:
    assert await stage.adapter.search_albums("zzzzzz", artist="qqqqqq") == ()


@on_albums
async def test_long_album_is_read_to_its_end_in_its_order(stage: Stage) -> None:
    (album, *_) = await stage.adapter.search_albums("Long Player", artist="Night Ferry")

    tracks = await stage.adapter.read_album(album)

    lines = [album_line(number) for number in range(album_length(stage.capabilities.read_page))]
    assert [track.title for track in tracks] == [one["title"] for one in lines]
    assert [(track.disc_number, track.track_number) for track in tracks] == [
        (None, None) if stage.flavor.has_bare_albums else (one["disc_number"], one["track_number"])
        for one in lines
    ]
    assert {(track.album, track.release_date) for track in tracks} == {("The Long Player", "2019-05-06")}
    assert {track.isrc for track in tracks} <= {None, *(one["isrc"] for one in lines)}
    assert len(await stage.calls("get_album_tracks")) == 3


@on_albums
async def test_tracks_of_an_album_are_those_that_a_search_finds(stage: Stage) -> None:
    (album, *_) = await stage.adapter.search_albums("Long Player", artist="Night Ferry")

    tracks = await stage.adapter.read_album(album)

    searched = await found(stage, album_line(3))
    (same,) = [track for track in tracks if track.id == searched.id]
    artists = searched.artists[:1] if stage.flavor.has_short_albums else searched.artists
    # Some searches do not tell where on its album a track stands.
    places = {
        name: getattr(searched, name) or getattr(same, name) for name in ("disc_number", "track_number")
    }
    assert msgspec.structs.replace(same, isrc=searched.isrc) == msgspec.structs.replace(
        searched, artists=artists, **places
    )


@on_albums
async def test_album_that_is_gone_is_not_found(stage: Stage) -> None:
    gone = Album(platform=stage.platform, id=AlbumId("9" * 22), name="The Long Player")

    with pytest.raises(PlatformNotFound):
        await stage.adapter.read_album(gone)


async def test_page_that_is_empty_in_the_middle_is_asked_for_again(stage: Stage) -> None:
    playlist_id = await stage.playlist_named("Long Way")
    await stage.fault("empty_page", operation="list_items", after=1, count=1)

    view = await stage.adapter.read_target(playlist_id, offset=0)

    assert [row.track_id for row in view.rows] == await stage.truth(playlist_id)


async def test_page_that_stays_empty_is_never_taken_for_the_end(stage: Stage) -> None:
    playlist_id = await stage.playlist_named("Long Way")
    await stage.fault("empty_page", operation="list_items", after=1)
    first = await stage.adapter.read_items(playlist_id)

    with pytest.raises(PlatformUnavailable):
        await stage.adapter.read_items(playlist_id, cursor=first.next_cursor)


@on_every
@pytest.mark.parametrize("behind_end", [0, 5])
async def test_target_read_at_or_behind_its_end_tells_its_length(stage: Stage, behind_end: int) -> None:
    playlist_id = await stage.playlist_named("Odd Rows")

    view = await stage.adapter.read_target(playlist_id, offset=5 + behind_end)

    assert (view.rows, view.total) == ((), 5)


@on_every
async def test_target_comes_in_pages_that_together_are_all_of_it(stage: Stage) -> None:
    size = stage.capabilities.read_page
    playlist_id = await stage.playlist_named("Long Way")

    pages = [page async for page in stage.adapter.read_target_pages(playlist_id, offset=size - 10)]

    truth = await stage.truth(playlist_id)
    assert [row.track_id for page in pages for row in page.rows] == truth[size - 10 :]
    # Where pages are chained, the first one begins with rows that are passed over.
    known = stage.flavor
    first = size if known.has_offsets or known.lists_at_once or known.cuts_pages else 10
    rest_count = len(truth) - size + 10 - first
    lengths = [first, *(min(size, rest_count - n) for n in range(0, rest_count, size))]
    assert [len(page.rows) for page in pages] == lengths
    assert all(stage.is_length(page.total, len(truth)) for page in pages)


@on_every
@pytest.mark.parametrize("name", ["Empty Shelf", "Odd Rows"])
async def test_target_without_rows_from_there_on_is_one_empty_page(stage: Stage, name: str) -> None:
    playlist_id = await stage.playlist_named(name)

    pages = [page async for page in stage.adapter.read_target_pages(playlist_id, offset=5)]

    assert [page.rows for page in pages] == [()]


async def test_empty_page_never_ends_the_pages_of_a_target(stage: Stage) -> None:
    playlist_id = await stage.playlist_named("Long Way")
    await stage.fault("empty_page", operation="list_items", after=1)
    pages = aiter(stage.adapter.read_target_pages(playlist_id, offset=0))
    await anext(pages)

    with pytest.raises(PlatformUnavailable):
        await anext(pages)


@on_lengths
async def test_change_between_two_pages_of_a_target_shows_in_its_length(stage: Stage) -> None:
    playlist_id = await stage.playlist_named("Long Way")
    pages = aiter(stage.adapter.read_target_pages(playlist_id, offset=0))
    first = await anext(pages)
    (added,) = [row.track_id for row in first.rows[:1] if row.track_id]
    length = long_length(stage.capabilities.read_page)

    await stage.order("POST", f"playlists/{playlist_id}/items", {"items": [{"track_id": added}]})

    rest = [page async for page in pages]
    assert all(stage.is_length(page.total, length + 1) for page in rest)
    assert len(first.rows) + sum(len(page.rows) for page in rest) == length + 1


@on_every
async def test_no_value_that_is_read_shows_a_token(stage: Stage) -> None:
    playlist_id = await stage.playlist_named("Odd Rows")

    page = await stage.adapter.read_items(playlist_id)

    token = (await stage.session.tokens()).access_token
    assert token not in msgspec.json.encode(page).decode()
    assert token not in repr(stage.session)
