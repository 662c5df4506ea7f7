from collections.abc import AsyncIterator
from itertools import pairwise

import msgspec
import pytest

from shared.errors import (
    CrossplayError,
    PlatformDenied,
    PlatformNotFound,
    PlatformRejected,
    PlatformUnavailable,
    ReconnectRequired,
)
from shared.models import Album, AlbumId, Isrc, NotTransferable, Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.collections import Collection
from shared.platforms.profile import REQUESTS
from shared.platforms.registry import Platforms
from shared.platforms.tidal.adapter import DECLARATION, TidalAdapter
from shared.settings import Settings
from tests.fakes.budget import FakeBudgets
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer, opened
from worker.matching.query import Query

PLAYLIST = PlaylistId("0dc0fa56-98d0-4c96-9931-72dfa47d2d01")
LINKS = {"self": "/x"}


def says(body: object, *, status: int = 200) -> dict[str, object]:
    return {"text": msgspec.json.encode(body).decode(), "status": status}


def refused(status: int, code: str) -> dict[str, object]:
    return says({"errors": [{"status": str(status), "code": code}]}, status=status)


def row(own_id: str, item_id: str, *, kind: str = "tracks") -> dict[str, object]:
    return {"id": own_id, "type": kind, "meta": {"itemId": item_id}}


def open_gate() -> None:
    """The lease is ours."""


@pytest.fixture
def session() -> FakeSession:
    return FakeSession(TokenSet(access_token="token"), market="de")


@pytest.fixture
async def adapter(answerer: Answerer, session: FakeSession) -> AsyncIterator[TidalAdapter]:
    async with opened(answerer.url, refusals=DECLARATION.refusals) as path:
        yield TidalAdapter(path.http, session=session, capabilities=DECLARATION.capabilities)


async def add(adapter: TidalAdapter, *ids: str) -> tuple[int, ...]:
    track_ids = [TrackId(one) for one in ids]
    added = await adapter.add_tracks(PLAYLIST, track_ids=track_ids, position=7, key="k1", gate=open_gate)
    return added.left_out


async def test_writes_are_documents_under_their_key(adapter: TidalAdapter, answerer: Answerer) -> None:
    made = {"data": {"id": PLAYLIST, "type": "playlists", "attributes": {"name": "Night"}}, "links": LINKS}
    answerer.answers = [says(made, status=201), says({"data": [row("7", "i-1")], "links": LINKS})]

    await adapter.create_playlist("Night", description="[cp_1]", key="k0", gate=open_gate)
    await add(adapter, "7")

    assert [request.headers["Idempotency-Key"] for request in answerer.requests] == ["k0", "k1"]
    assert {request.content_type for request in answerer.requests} == {"application/vnd.api+json"}
    bodies = [msgspec.json.decode(body) for body in answerer.bodies]
    attributes = {"name": "Night", "description": "[cp_1]", "accessType": "UNLISTED"}
    assert bodies == [
        {"data": {"type": "playlists", "attributes": attributes}},
        {"data": [{"type": "tracks", "id": "7"}]},
    ]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (409, "IDEMPOTENT_REQUEST_IN_PROGRESS", PlatformUnavailable),
        (422, "IDEMPOTENT_REQUEST_PAYLOAD_MISMATCH", PlatformRejected),
        (409, "DUPLICATE_ITEMS_IN_COLLECTION", PlatformRejected),
    ],
)
async def test_write_that_is_under_way_is_unknown_and_any_other_conflict_is_a_refusal(
    adapter: TidalAdapter, answerer: Answerer, status: int, code: str, kind: type[CrossplayError]
) -> None:
    answerer.answers = [refused(status, code)]

    with pytest.raises(kind):
        await add(adapter, "7")

    assert len(answerer.requests) == 1


async def test_what_was_skipped_is_told_by_its_index(adapter: TidalAdapter, answerer: Answerer) -> None:
    skipped = [
        {"id": "8", "type": "tracks", "reason": "NOT_FOUND"},
        {"id": "7", "type": "tracks", "reason": "ALREADY_PRESENT"},
    ]
    answerer.answers = [says({"data": [row("7", "i-1")], "links": LINKS, "meta": {"skipped": skipped}})]

    assert await add(adapter, "7", "8", "7") == (1, 2)


async def test_answer_without_feedback_says_that_nothing_was_left_out(
    adapter: TidalAdapter, answerer: Answerer
) -> None:
    answerer.answers = [says({"links": LINKS})]

    assert await add(adapter, "7", "8") == ()


async def test_country_is_asked_for_in_the_catalog_alone(adapter: TidalAdapter, answerer: Answerer) -> None:
    answerer.answers = [says({"data": [], "links": LINKS})]

    await adapter.find_by_isrc([Isrc("QZXX12600001"), Isrc("QZXX12600002")])
    await adapter.read_tracks([TrackId("7")])
    await adapter.search(Query(plain="  a   b "))
    await adapter.read_items(PLAYLIST)
    await adapter.list_playlists()

    asked = [dict(request.query) for request in answerer.requests]
    assert [query.get("countryCode") for query in asked] == ["DE", "DE", "DE", None, None]
    assert asked[0]["filter[isrc]"] == "QZXX12600001,QZXX12600002"
    assert asked[2]["filter[query]"] == "a b"


async def test_account_without_a_country_asks_for_none(answerer: Answerer) -> None:
    answerer.answers = [says({"data": [], "links": LINKS})]
    session = FakeSession(TokenSet(access_token="token"), market="")

    async with opened(answerer.url) as path:
        adapter = TidalAdapter(path.http, session=session, capabilities=DECLARATION.capabilities)
        await adapter.find_by_isrc([Isrc("QZXX12600001")])

    assert "countryCode" not in answerer.requests[0].query


async def test_ids_are_looked_up_by_twenty(adapter: TidalAdapter, answerer: Answerer) -> None:
    answerer.answers = [says({"data": [], "links": LINKS})]

    await adapter.read_tracks([TrackId(str(number)) for number in range(41)])

    counts = [len(request.query["filter[id]"].split(",")) for request in answerer.requests]
    assert counts == [20, 20, 1]


async def test_every_copy_is_removed_by_its_occurrence_fifty_at_a_time(
    adapter: TidalAdapter, answerer: Answerer
) -> None:
    rows = [row("7", f"i-{number}") for number in range(51)]
    page = {"data": [row("8", "i-x"), *rows, row("7", "i-v", kind="videos")], "links": LINKS}
    answerer.answers = [says(page), says({"links": LINKS})]

    await adapter.remove_tracks(PLAYLIST, track_ids=[TrackId("7")], gate=open_gate)

    bodies = [msgspec.json.decode(body)["data"] for body in answerer.bodies[1:]]
    assert [len(body) for body in bodies] == [50, 1]
    assert [one["meta"]["itemId"] for body in bodies for one in body] == [f"i-{n}" for n in range(51)]


async def test_nothing_is_sent_where_nothing_is_left_to_remove(
    adapter: TidalAdapter, answerer: Answerer
) -> None:
    answerer.answers = [says({"data": [row("8", "i-1")], "links": LINKS})]

    await adapter.remove_tracks(PLAYLIST, track_ids=[TrackId("7")], gate=open_gate)

    assert [request.method for request in answerer.requests] == ["GET"]


@pytest.mark.parametrize(("owner", "is_own"), [("1", True), ("2", False)])
async def test_playlist_of_somebody_else_takes_no_tracks(
    adapter: TidalAdapter, answerer: Answerer, owner: str, *, is_own: bool
) -> None:
    owners = {"owners": {"data": [{"id": owner, "type": "users"}]}}
    head = {"id": PLAYLIST, "type": "playlists", "attributes": {"name": "Night"}, "relationships": owners}
    me = {"id": "1", "type": "users", "attributes": {"username": "mira", "country": "DE"}}
    answerer.answers = [says({"data": head, "links": LINKS}), says({"data": me, "links": LINKS})]

    playlist = await adapter.get_playlist(PLAYLIST)

    assert (playlist.writable, playlist.readable) == (is_own, True)
    assert playlist.owner == ("mira" if is_own else None)


async def test_row_that_nothing_came_along_for_keeps_its_place(
    adapter: TidalAdapter, answerer: Answerer
) -> None:
    along = {"id": "7", "type": "tracks", "attributes": {"title": "Lantern"}}
    rows = [row("9", "i-1"), row("7", "i-2")]
    answerer.answers = [says({"data": rows, "included": [along], "links": LINKS})]

    page = await adapter.read_items(PLAYLIST)

    assert [item.not_transferable for item in page.items] == [NotTransferable.REMOVED, None]


async def test_list_that_comes_without_rows_is_an_empty_one(
    adapter: TidalAdapter, answerer: Answerer
) -> None:
    answerer.answers = [says({"links": LINKS})]

    view = await adapter.read_target(PLAYLIST, offset=0)

    assert (view.rows, view.total, len(answerer.requests)) == ((), 0, 1)


async def test_tracks_of_an_album_are_told_with_their_places(
    adapter: TidalAdapter, answerer: Answerer
) -> None:
    album = Album(platform=Platform.TIDAL, id=AlbumId("1"), name="Tides", release_date="2021-03-04")
    along = {"id": "7", "type": "tracks", "attributes": {"title": "Lantern"}}
    place = {"trackNumber": 3, "volumeNumber": 2}
    rows = [{"id": "7", "type": "tracks", "meta": place}, {"id": "8", "type": "tracks", "meta": place}]
    answerer.answers = [says({"data": rows, "included": [along], "links": LINKS})]

    (track,) = await adapter.read_album(album)

    assert (track.title, track.album, track.release_date) == ("Lantern", "Tides", "2021-03-04")
    assert (track.track_number, track.disc_number) == (3, 2)


async def keep(adapter: TidalAdapter, *ids: str) -> tuple[int, ...]:
    track_ids = [TrackId(one) for one in ids]
    added = await adapter.add_tracks(
        Collection.LIKED.playlist_id, track_ids=track_ids, position=7, key="k1", gate=open_gate
    )
    return added.left_out


async def unkeep(adapter: TidalAdapter, *ids: str) -> None:
    track_ids = [TrackId(one) for one in ids]
    await adapter.remove_tracks(Collection.LIKED.playlist_id, track_ids=track_ids, gate=open_gate)


async def test_rows_of_a_collection_have_dates_of_their_own_and_no_key(
    adapter: TidalAdapter, answerer: Answerer
) -> None:
    answerer.answers = [says({"data": [], "links": LINKS})]

    await keep(adapter, "8", "7", "9")

    (request,), (body,) = answerer.requests, answerer.bodies
    rows = msgspec.json.decode(body)["data"]
    dates = [row["meta"]["addedAt"] for row in rows]
    assert "Idempotency-Key" not in request.headers
    assert [row["id"] for row in rows] == ["8", "7", "9"]
    assert all(earlier < later for earlier, later in pairwise(dates))


async def test_what_a_collection_has_already_is_not_left_out(
    adapter: TidalAdapter, answerer: Answerer
) -> None:
    skipped = [
        {"id": "8", "type": "tracks", "reason": "NOT_FOUND"},
        {"id": "7", "type": "tracks", "reason": "ALREADY_PRESENT"},
    ]
    answerer.answers = [says({"data": [], "links": LINKS, "meta": {"skipped": skipped}})]

    assert await keep(adapter, "7", "8", "9") == (1,)


async def test_one_that_stands_there_refuses_several_and_is_done_alone(
    adapter: TidalAdapter, answerer: Answerer
) -> None:
    answerer.answers = [refused(409, "DUPLICATE_ITEMS_IN_COLLECTION")]

    with pytest.raises(PlatformRejected):
        await keep(adapter, "7", "8")

    assert await keep(adapter, "7") == ()
    assert len(answerer.requests) == 2


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (409, "TOO_MANY_ITEMS_IN_COLLECTION", PlatformDenied),
        (403, "INSUFFICIENT_SCOPE", ReconnectRequired),
        (403, "FORBIDDEN", PlatformDenied),
        (400, "INVALID_REQUEST", PlatformRejected),
    ],
)
async def test_what_else_is_refused_says_what_would_cure_it(
    adapter: TidalAdapter, answerer: Answerer, status: int, code: str, kind: type[CrossplayError]
) -> None:
    answerer.answers = [refused(status, code)]

    with pytest.raises(kind):
        await keep(adapter, "7")


async def test_one_that_is_gone_is_removed_and_several_may_be_asked_for_apart(
    adapter: TidalAdapter, answerer: Answerer
) -> None:
    answerer.answers = [refused(404, "NOT_FOUND")]

    await unkeep(adapter, "7")
    with pytest.raises(PlatformNotFound):
        await unkeep(adapter, "7", "8")

    assert [row["id"] for row in msgspec.json.decode(answerer.bodies[0])["data"]] == ["7"]


async def test_row_of_a_collection_is_known_by_its_id_and_told_by_what_came_along(
    adapter: TidalAdapter, answerer: Answerer
) -> None:
    along = {"id": "7", "type": "albums", "attributes": {"title": "Tides"}}
    rows = [{"id": "9", "type": "albums"}, {"id": "7", "type": "albums"}]
    answerer.answers = [
        says({"data": rows, "included": [along], "links": LINKS}),
        says({"data": rows, "links": LINKS}),
    ]

    page = await adapter.read_items(Collection.ALBUMS.playlist_id)
    view = await adapter.read_target(Collection.ALBUMS.playlist_id, offset=0)

    assert [item.not_transferable for item in page.items] == [NotTransferable.REMOVED, None]
    assert [row.track_id for row in view.rows] == ["7", "9"]  # the last one is the newest
    assert ["include" in request.query for request in answerer.requests] == [True, False]


async def test_length_of_a_collection_is_asked_for(adapter: TidalAdapter, answerer: Answerer) -> None:
    head = {"id": "1", "type": "userCollectionArtists", "attributes": {"numberOfItems": 81}}
    answerer.answers = [says({"data": head, "links": LINKS})]

    playlist = await adapter.get_playlist(Collection.ARTISTS.playlist_id)

    assert (playlist.track_count, playlist.url) == (81, "https://tidal.com/my-collection/artists")


def test_what_brings_resources_along_costs_more_tokens() -> None:
    profile = DECLARATION.profile

    costs = {
        name: profile.price(name).cost for name in ("add_tracks", "read_target", "find_by_isrc", "search")
    }
    assert costs == {"add_tracks": 1, "read_target": 1, "find_by_isrc": 3, "search": 4}
    assert max(price.cost for price in profile.prices.values()) <= profile.pools[REQUESTS].burst


@pytest.mark.parametrize(("tokens_per_s", "limit"), [(4.0, 240.0), (0.01, 10.0)])
def test_operator_may_name_another_pace_but_none_below_the_dearest_call(
    tokens_per_s: float, limit: float
) -> None:
    platforms = Platforms(Settings(tidal_requests_per_s=tokens_per_s), budgets=FakeBudgets())

    pool = platforms.profile(Platform.TIDAL).pools[REQUESTS]

    assert (pool.limit, pool.burst) == (limit, 10)
