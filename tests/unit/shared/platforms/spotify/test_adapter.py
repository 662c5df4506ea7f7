from collections.abc import AsyncIterator

import msgspec
import pytest

from shared.errors import CrossplayError, PlatformDenied, PlatformNotFound, ReconnectRequired
from shared.models import Album, AlbumId, Isrc, Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.collections import Collection
from shared.platforms.spotify.adapter import DECLARATION, SpotifyAdapter
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer, opened
from worker.matching.query import Query

LIKED, ALBUMS, ARTISTS = (one.playlist_id for one in Collection)
PLAYLIST = PlaylistId("4kBp5iVByDSAUc0lb78jCZ")
ISRC = Isrc("QZXX12600001")
ALBUM = Album(
    platform=Platform.SPOTIFY, id=AlbumId("tides"), name="Tides", artists=("Ada",), release_date="2021-03"
)


def track(own_id: str, isrc: str) -> dict[str, object]:
    return {"id": own_id, "name": "Harbour Light", "type": "track", "external_ids": {"isrc": isrc}}


def says(body: object) -> dict[str, str]:
    return {"text": msgspec.json.encode(body).decode()}


@pytest.fixture
async def session() -> FakeSession:
    return FakeSession(TokenSet(access_token="token"))


@pytest.fixture
async def adapter(answerer: Answerer, session: FakeSession) -> AsyncIterator[SpotifyAdapter]:
    async with opened(answerer.url, refusals=DECLARATION.refusals) as path:
        yield SpotifyAdapter(path.http, session=session, capabilities=DECLARATION.capabilities)


@pytest.mark.parametrize(
    ("status", "text", "kind", "words"),
    [
        (403, "Active premium subscription required for the owner of the app.", PlatformDenied, "Premium"),
        (403, "User not registered in the Developer Dashboard", PlatformDenied, "developer dashboard"),
        (403, '{"error":{"status":403,"message":"Insufficient client scope"}}', ReconnectRequired, "allow"),
        (403, '{"error":{"status":403,"message":"Forbidden"}}', PlatformDenied, "copy it"),
        (400, '{"error":{"status":400,"message":"Invalid base62 id"}}', PlatformNotFound, "playlist"),
    ],
)
async def test_refusal_tells_the_cure_whatever_form_it_has(
    adapter: SpotifyAdapter,
    answerer: Answerer,
    status: int,
    text: str,
    kind: type[CrossplayError],
    words: str,
) -> None:
    answerer.answers = [{"status": status, "text": text}]

    with pytest.raises(kind, match=words) as caught:
        await adapter.read_items(PLAYLIST)

    assert type(caught.value) is kind


async def test_isrc_search_leaves_out_wrong_recordings_and_nulls(
    adapter: SpotifyAdapter, answerer: Answerer
) -> None:
    items = [track("wrong", "QZXX12699999"), None, track("right", "qz-xx1-26-00001")]
    answerer.answers = [says({"tracks": {"items": items}})]

    found = await adapter.find_by_isrc([ISRC])

    assert [one.id for one in found[ISRC]] == ["right"]
    assert answerer.requests[0].query["q"] == f"isrc:{ISRC}"
    assert int(answerer.requests[0].query["limit"]) <= 10


async def test_fielded_search_keeps_its_syntax_and_its_length(
    adapter: SpotifyAdapter, answerer: Answerer
) -> None:
    answerer.answers = [says({"tracks": {"items": []}})]
    query = Query(plain="x", title='Say "Hello": now ' + "la " * 200, artist='A:"B"')

    await adapter.search(query)

    asked = answerer.requests[0].query["q"]
    assert asked.startswith('track:"Say Hello now la la')
    assert asked.endswith('" artist:"A B"')
    assert len(asked) <= 250


async def test_albums_are_searched_by_their_fields_and_what_is_no_album_is_left_out(
    adapter: SpotifyAdapter, answerer: Answerer
) -> None:
    raw = {
        "id": "tides",
        "name": "Tides",
        "artists": [{"name": "Ada"}],
        "total_tracks": 12.0,
        "release_date": "2021-03",
    }
    answerer.answers = [says({"albums": {"items": [None, {"id": "nameless"}, raw]}})]

    albums = await adapter.search_albums('The "Tides": one', artist="A:da")

    assert albums == (msgspec.structs.replace(ALBUM, track_count=12),)
    assert answerer.requests[0].query["q"] == 'album:"The Tides one" artist:"A da"'
    assert answerer.requests[0].query["type"] == "album"


async def test_tracks_of_an_album_learn_its_name_and_what_cannot_be_played_is_left_out(
    adapter: SpotifyAdapter, answerer: Answerer, session: FakeSession
) -> None:
    session.market = "DE"
    rows = [
        {"id": "one", "name": "Low Tide", "artists": [{"name": "Ada"}], "track_number": 1, "disc_number": 2},
        None,
        {"id": "two", "name": "High Tide", "is_playable": False},
    ]
    answerer.answers = [says({"items": rows, "total": 3})]

    (track,) = await adapter.read_album(ALBUM)

    assert (track.id, track.album, track.release_date) == ("one", "Tides", "2021-03")
    assert (track.disc_number, track.track_number, track.isrc) == (2, 1, None)
    assert answerer.requests[0].path == "/v1/albums/tides/tracks"
    assert answerer.requests[0].query["market"] == "DE"


async def test_market_is_sent_only_where_it_is_known(
    adapter: SpotifyAdapter, answerer: Answerer, session: FakeSession
) -> None:
    answerer.answers = [says({"tracks": {"items": []}})]

    await adapter.search(Query(plain="Harbour Light"))
    session.market = "DE"
    await adapter.search(Query(plain="Harbour Light"))

    unknown, known = (request.query for request in answerer.requests)
    assert "market" not in unknown
    assert known["market"] == "DE"


async def test_playlists_that_are_null_are_left_out_and_who_we_are_is_asked_once(
    adapter: SpotifyAdapter, answerer: Answerer
) -> None:
    mine = {"id": PLAYLIST, "name": "Night Drive", "owner": {"id": "ada"}, "items": {"total": 4}}
    page = says({"items": [None, mine], "total": 2})
    answerer.answers = [page, says({"id": "ada", "account_id": "acc"}), page]

    first = await adapter.list_playlists()
    second = await adapter.list_playlists()

    assert first == second
    assert [(one.name, one.writable) for one in first.playlists] == [("Night Drive", True)]
    assert [request.path for request in answerer.requests] == [
        "/v1/me/playlists",
        "/v1/me",
        "/v1/me/playlists",
    ]


async def test_track_of_another_market_keeps_the_id_that_it_was_asked_by(
    adapter: SpotifyAdapter, answerer: Answerer
) -> None:
    answerer.answers = [says({**track("relinked", ISRC), "linked_from": {"id": "asked"}})]

    found = await adapter.read_tracks([TrackId("asked")])

    assert [(asked, one.id) for asked, one in found.items()] == [("asked", "asked")]


@pytest.mark.parametrize(
    ("scopes", "ids"),
    [
        ((), [PLAYLIST]),
        (("user-read-private",), [PLAYLIST]),
        (("user-library-read",), [LIKED, ALBUMS, PLAYLIST]),
        (("user-follow-read",), [ARTISTS, PLAYLIST]),
    ],
)
async def test_collections_are_listed_where_the_account_has_agreed_to_show_them(
    answerer: Answerer, scopes: tuple[str, ...], ids: list[PlaylistId]
) -> None:
    answerer.answers = [says({"items": [{"id": PLAYLIST}], "total": 1}), says({"id": "ada"})]
    session = FakeSession(TokenSet(access_token="token", scopes=scopes))

    async with opened(answerer.url, refusals=DECLARATION.refusals) as path:
        adapter = SpotifyAdapter(path.http, session=session, capabilities=DECLARATION.capabilities)
        listed = await adapter.list_playlists()

    assert [playlist.id for playlist in listed.playlists] == ids


async def test_liked_songs_that_the_account_does_not_show_ask_to_connect_anew(
    adapter: SpotifyAdapter, answerer: Answerer
) -> None:
    answerer.answers = [
        {"status": 403, "text": '{"error":{"status":403,"message":"Insufficient client scope"}}'}
    ]

    with pytest.raises(ReconnectRequired, match="allow everything"):
        await adapter.read_items(LIKED)
