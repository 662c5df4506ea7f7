from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web

from shared.errors import PlatformDenied, PlatformNotFound, PlatformRejected, PlatformUnavailable
from shared.models import Isrc, NotTransferable, PlaylistId, TokenSet, TrackId
from shared.platforms.collections import Collection
from shared.platforms.soundcloud.adapter import DECLARATION, SoundCloudAdapter
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer, opened
from worker.matching.query import Query

PLAYLIST = PlaylistId("soundcloud:playlists:12")


def urn(number: int) -> TrackId:
    return TrackId(f"soundcloud:tracks:{number}")


def row(number: int, **other: Any) -> dict[str, Any]:
    return {"urn": urn(number), "title": f"Tide {number}", **other}


class Shelf:
    """One playlist on a real socket: its visible rows by pages, its count, and what is put there."""

    def __init__(self, rows: list[dict[str, Any]], *, hidden_count: int = 0, page: int = 2) -> None:
        self.rows, self.hidden_count, self.page = rows, hidden_count, page
        self.put: list[list[str]] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if request.method == "PUT":
            body = msgspec.json.decode(await request.read())
            self.put.append([track["urn"] for track in body["playlist"]["tracks"]])
            return web.json_response({"urn": PLAYLIST})
        if not request.path.endswith("/tracks"):
            return web.json_response({"urn": PLAYLIST, "track_count": len(self.rows) + self.hidden_count})
        start = int(request.query.get("cursor", "0"))
        end = start + self.page
        following = f"https://api.soundcloud.com/x?cursor={end}&access=playable&page_size={self.page}"
        more = {"next_href": following} if end < len(self.rows) else {}
        return web.json_response({"collection": self.rows[start:end], **more})


@pytest.fixture
async def adapter(answerer: Answerer) -> AsyncIterator[SoundCloudAdapter]:
    async with opened(answerer.url, refusals=DECLARATION.refusals) as path:
        yield SoundCloudAdapter(
            path.http,
            session=FakeSession(TokenSet(access_token="token")),
            capabilities=DECLARATION.capabilities,
        )


async def add(adapter: SoundCloudAdapter, *ids: TrackId, position: int) -> None:
    await adapter.add_tracks(PLAYLIST, track_ids=ids, position=position, key="k1", gate=lambda: None)


async def test_linked_page_is_asked_for_with_everything_that_the_first_one_was(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    answerer.answers = [Shelf([row(number) for number in range(5)]).answer]

    await adapter.read_target(PLAYLIST, offset=0)

    queries = [dict(request.query) for request in answerer.requests]
    assert [query.pop("cursor", None) for query in queries] == [None, "2", "4"]
    assert {query["access"] for query in queries} == {"playable,preview,blocked"}
    assert {query["linked_partitioning"] for query in queries} == {"true"}


@pytest.mark.parametrize(
    ("position", "expected"),
    [(0, [9, 8, 1, 2, 3]), (2, [1, 2, 9, 8, 3]), (3, [1, 2, 3, 9, 8])],
)
async def test_tracks_are_inserted_by_one_new_list_of_all(
    adapter: SoundCloudAdapter, answerer: Answerer, position: int, expected: list[int]
) -> None:
    shelf = Shelf([row(1), row(2, access="blocked"), row(3)])
    answerer.answers = [shelf.answer]

    await add(adapter, urn(9), urn(8), position=position)

    assert shelf.put == [list(map(urn, expected))]


async def test_list_that_is_shorter_than_expected_is_never_replaced(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    shelf = Shelf([row(1), row(2)])
    answerer.answers = [shelf.answer]

    with pytest.raises(PlatformRejected, match="2 tracks, 3 were expected"):
        await add(adapter, urn(9), position=3)

    assert shelf.put == []


async def test_list_with_hidden_tracks_is_never_replaced(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    shelf = Shelf([row(1), row(2)], hidden_count=3)
    answerer.answers = [shelf.answer]

    with pytest.raises(PlatformDenied, match="counts 3 tracks"):
        await add(adapter, urn(9), position=2)
    with pytest.raises(PlatformDenied, match="counts 3 tracks"):
        await adapter.remove_tracks(PLAYLIST, track_ids=[urn(1)], gate=lambda: None)

    assert shelf.put == []


async def test_row_without_an_id_counts_as_hidden(adapter: SoundCloudAdapter, answerer: Answerer) -> None:
    rows: list[Any] = [row(1), None, {"title": "Nameless"}]
    shelf = Shelf(rows)
    answerer.answers = [shelf.answer]

    with pytest.raises(PlatformDenied, match="counts 2 tracks"):
        await add(adapter, urn(9), position=1)

    assert shelf.put == []


async def test_list_that_would_be_too_long_is_not_sent(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    shelf = Shelf([row(number) for number in range(499)], page=50)
    answerer.answers = [shelf.answer]

    with pytest.raises(PlatformRejected, match="at most 500"):
        await add(adapter, urn(1000), urn(1001), position=499)

    assert shelf.put == []


async def test_removal_of_what_is_not_there_sends_nothing(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    shelf = Shelf([row(1), row(2), row(1)])
    answerer.answers = [shelf.answer]

    await adapter.remove_tracks(PLAYLIST, track_ids=[urn(7)], gate=lambda: None)
    await adapter.remove_tracks(PLAYLIST, track_ids=[urn(1)], gate=lambda: None)

    assert shelf.put == [[urn(2)]]


async def test_tracks_that_are_counted_and_not_shown_are_named_at_the_end(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    answerer.answers = [Shelf([row(1), row(2), row(3)], hidden_count=2).answer]

    first = await adapter.read_items(PLAYLIST)
    last = await adapter.read_items(PLAYLIST, cursor=first.next_cursor)

    assert [item.not_transferable for item in first.items] == [None, None]
    assert [item.not_transferable for item in last.items] == [
        None,
        NotTransferable.REMOVED,
        NotTransferable.REMOVED,
    ]


async def test_track_that_is_not_taken_is_said_to_be_one(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    shelf = Shelf([])

    async def refuse(request: web.Request) -> web.StreamResponse:
        return web.Response(status=422) if request.method == "PUT" else await shelf.answer(request)

    answerer.answers = [refuse]

    with pytest.raises(PlatformRejected, match="does not take one of these tracks"):
        await add(adapter, urn(9), position=0)


@pytest.mark.parametrize(
    ("kind", "own_id"), [("playlists", "ada/sets/tides"), ("playlists", "on.soundcloud.com/AbC")]
)
async def test_playlist_is_read_by_its_address(
    adapter: SoundCloudAdapter, answerer: Answerer, kind: str, own_id: str
) -> None:
    answerer.answers = [
        {"text": msgspec.json.encode({"location": f"https://api.soundcloud.com/{kind}/12"}).decode()},
        {"text": msgspec.json.encode({"urn": PLAYLIST, "title": "Tides"}).decode()},
        {"text": '{"urn": "soundcloud:users:1"}'},
    ]

    playlist = await adapter.get_playlist(PlaylistId(own_id))

    assert playlist.id == PLAYLIST
    assert answerer.requests[0].query["url"].endswith(own_id)
    assert answerer.requests[1].path == f"/v1/playlists/{PLAYLIST}"


async def test_address_of_something_else_is_no_playlist(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    answerer.answers = [{"text": '{"location": "https://api.soundcloud.com/users/12"}'}]

    with pytest.raises(PlatformNotFound):
        await adapter.get_playlist(PlaylistId("on.soundcloud.com/AbC"))


async def test_track_is_read_by_its_address_and_found_under_it(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    answerer.answers = [
        {"text": '{"location": "https://api.soundcloud.com/tracks/soundcloud:tracks:7"}'},
        {"text": msgspec.json.encode({"collection": [row(7)]}).decode()},
    ]

    found = await adapter.read_tracks([TrackId("ada/tide-7")])

    assert {asked: track.id for asked, track in found.items()} == {"ada/tide-7": urn(7)}


async def test_many_tracks_are_read_by_fifties_and_blocked_ones_are_left_out(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    async def look_up(request: web.Request) -> web.StreamResponse:
        asked = [int(each.rpartition(":")[2]) for each in request.query["urns"].split(",")]
        rows = [row(number, access="blocked" if number == 3 else "playable") for number in asked]
        return web.json_response({"collection": rows})

    answerer.answers = [look_up]

    found = await adapter.read_tracks([urn(number) for number in range(60)])

    assert set(found) == {urn(number) for number in range(60) if number != 3}
    assert [len(request.query["urns"].split(",")) for request in answerer.requests] == [50, 10]


async def test_search_answer_without_a_list_never_looks_like_no_hit(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    answerer.answers = [{"text": "{}"}]

    with pytest.raises(PlatformUnavailable):
        await adapter.search(Query(plain="tides"))


async def test_nothing_is_looked_up_by_isrc(adapter: SoundCloudAdapter, answerer: Answerer) -> None:
    with pytest.raises(PlatformRejected):
        await adapter.find_by_isrc([Isrc("QZXX12600001")])

    assert answerer.requests == []


async def test_users_who_have_uploaded_nothing_are_no_artists(
    adapter: SoundCloudAdapter, answerer: Answerer
) -> None:
    users = [
        {"urn": f"soundcloud:users:{number}", "username": "Ada", **more}
        for number, more in enumerate(({"track_count": 0}, {"track_count": 3}, {}))
    ]
    answerer.answers = [{"text": msgspec.json.encode({"collection": [None, *users]}).decode()}]

    found = await adapter.search_artists(" Ada ")

    assert [artist.id for artist in found] == ["soundcloud:users:1", "soundcloud:users:2"]
    (request,) = answerer.requests
    assert dict(request.query) == {"q": "Ada", "limit": "20", "linked_partitioning": "true"}


@pytest.mark.parametrize(
    ("collection", "status", "words"),
    [
        (Collection.LIKED, 404, "no longer has it"),
        (Collection.ARTISTS, 404, "no longer has it"),
        (Collection.ARTISTS, 422, "2,000 at most"),
    ],
)
async def test_what_cannot_be_kept_is_refused_alone_and_is_no_missing_list(
    adapter: SoundCloudAdapter, answerer: Answerer, collection: Collection, status: int, words: str
) -> None:
    answerer.answers = [{"status": status}]

    with pytest.raises(PlatformRejected, match=words):
        await adapter.add_tracks(
            collection.playlist_id, track_ids=[urn(1)], position=0, key="k1", gate=lambda: None
        )

    assert len(answerer.requests) == 1
