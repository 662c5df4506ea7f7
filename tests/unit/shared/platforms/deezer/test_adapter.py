from collections.abc import AsyncIterator

import msgspec
import pytest
from yarl import URL

from shared.errors import (
    ConnectFailed,
    CrossplayError,
    PlatformDenied,
    PlatformNotConfigured,
    PlatformNotFound,
    PlatformRejected,
    PlatformUnavailable,
    RateLimited,
    ReconnectRequired,
)
from shared.models import Isrc, Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.base import Adapter
from shared.platforms.collections import Collection
from shared.platforms.drafts import draft_title
from shared.platforms.oauth import OAuthClient, new_verifier
from shared.platforms.registry import Platforms
from shared.secret import Secret
from shared.settings import Settings
from tests.fakes.budget import FakeBudgets
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer
from worker.matching.query import Query

LIKED, ALBUMS, ARTISTS = (one.playlist_id for one in Collection)
PLAYLIST = PlaylistId("908")
ISRC = Isrc("QZXX12600001")


def says(body: object) -> dict[str, str]:
    return {"text": msgspec.json.encode(body).decode()}


def refuses(code: int, message: str = "no") -> dict[str, str]:
    return says({"error": {"type": "Exception", "message": message, "code": code}})


def track(own_id: int, **other: object) -> dict[str, object]:
    return {"id": own_id, "title": f"Harbour Light {own_id}", "artist": {"name": "Ada"}, **other}


def open_gate() -> None:
    """The lease is ours."""


@pytest.fixture
async def platforms(answerer: Answerer) -> AsyncIterator[Platforms]:
    settings = Settings(
        deezer_app_id="100",
        deezer_app_secret=Secret("hush-hush"),
        deezer_api_url=answerer.url,
        deezer_accounts_url=answerer.url,
    )
    async with Platforms(settings, budgets=FakeBudgets()) as opened:
        yield opened


@pytest.fixture
def adapter(platforms: Platforms) -> Adapter:
    return platforms.adapter(Platform.DEEZER, session=FakeSession(TokenSet(access_token="token")))


@pytest.fixture
def stranger(platforms: Platforms) -> Adapter:
    """Nobody is signed in."""
    return platforms.public_adapter(Platform.DEEZER, market="")


@pytest.fixture
def oauth(platforms: Platforms) -> OAuthClient:
    found = platforms.oauth(Platform.DEEZER)
    assert found
    return found


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (4, RateLimited),
        (100, PlatformRejected),
        (200, PlatformDenied),
        (300, ReconnectRequired),
        (500, PlatformRejected),
        (501, PlatformRejected),
        (600, PlatformRejected),
        (700, PlatformUnavailable),
        (800, PlatformNotFound),
        (901, PlatformDenied),
        (12345, PlatformRejected),
    ],
)
async def test_error_in_a_good_answer_is_told_by_its_code(
    adapter: Adapter, answerer: Answerer, code: int, kind: type[CrossplayError]
) -> None:
    answerer.answers = [refuses(code)]

    with pytest.raises(kind) as caught:
        await adapter.read_items(PLAYLIST)

    assert type(caught.value) is kind


async def test_repeated_track_is_a_conflict_and_no_other_rejection(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [refuses(500, "This song already exists in this playlist")]

    with pytest.raises(PlatformRejected, match="no track twice") as caught:
        await adapter.add_tracks(PLAYLIST, track_ids=[TrackId("1")], position=1, key="k", gate=open_gate)

    assert caught.value.status == 409


async def test_write_that_is_not_confirmed_may_have_happened(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says(False)]

    with pytest.raises(PlatformUnavailable):
        await adapter.add_tracks(PLAYLIST, track_ids=[TrackId("1")], position=1, key="k", gate=open_gate)


@pytest.mark.parametrize("code", [4, 200, 300, 500])
async def test_playlist_whose_second_step_is_refused_is_made_all_the_same(
    adapter: Adapter, answerer: Answerer, code: int
) -> None:
    answerer.answers = [says({"id": 908}), refuses(code)]

    made = await adapter.create_playlist("Night", description="by us [tr_1]", key="k", gate=open_gate)

    assert (made.id, made.name) == (PLAYLIST, "Night")
    assert answerer.requests[0].query["title"] == draft_title("Night", "by us [tr_1]")


@pytest.mark.parametrize("second", [says(True), refuses(500)])
async def test_half_made_playlist_gets_its_name_with_its_first_tracks(
    adapter: Adapter, answerer: Answerer, second: dict[str, str]
) -> None:
    answerer.answers = [says({"id": 908, "title": draft_title("Night", "by us")}), second, says(True)]

    await adapter.add_tracks(PLAYLIST, track_ids=[TrackId("1")], position=0, key="k", gate=open_gate)

    _, named, added = answerer.requests
    assert {name: named.query[name] for name in ("title", "description", "public")} == {
        "title": "Night",
        "description": "by us",
        "public": "false",
    }
    assert added.path.endswith("/tracks")


async def test_playlist_with_its_name_is_not_named_again(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says({"id": 908, "title": "Night"}), says(True)]

    await adapter.add_tracks(PLAYLIST, track_ids=[TrackId("1")], position=0, key="k", gate=open_gate)

    assert [request.method for request in answerer.requests] == ["GET", "POST"]


async def test_half_made_playlist_is_found_by_the_marker_in_its_title(
    adapter: Adapter, answerer: Answerer
) -> None:
    rows = [
        {"id": 907, "title": "Other"},
        {"id": 908, "title": draft_title("Night", "by us [tr_1]"), "creator": {"id": 5}},
    ]
    answerer.answers = [says({"data": rows, "total": 2}), says({"id": 5, "name": "Ada"})]

    found = await adapter.find_playlist("[tr_1]")

    assert found is not None
    assert (found.id, found.writable) == (PLAYLIST, True)
    assert [request.path for request in answerer.requests] == ["/v1/user/me/playlists", "/v1/user/me"]


async def test_row_without_isrc_asks_the_track_and_others_do_not(
    adapter: Adapter, answerer: Answerer
) -> None:
    rows = [track(1, isrc="QZXX12600009"), track(2), track(-3), track(4)]
    answerer.answers = [says({"data": rows, "total": 4}), says(track(2, isrc=ISRC)), refuses(800, "no data")]

    page = await adapter.read_items(PLAYLIST)

    isrcs = [item.track.isrc if item.track else None for item in page.items]
    assert isrcs == ["QZXX12600009", ISRC, None, None]
    assert [request.path for request in answerer.requests[1:]] == ["/v1/track/2", "/v1/track/4"]


async def test_what_cannot_be_played_here_gives_way_to_its_alternative(
    adapter: Adapter, answerer: Answerer
) -> None:
    other = track(2, isrc=ISRC, readable=True)
    gone = track(1, isrc=ISRC, readable=False)
    answerer.answers = [says({**gone, "alternative": other}), says(gone)]

    first = await adapter.find_by_isrc([ISRC])
    second = await adapter.find_by_isrc([ISRC])

    assert [(one.id, one.is_playable) for one in first[ISRC]] == [("2", None)]
    assert [(one.id, one.is_playable) for one in second[ISRC]] == [("1", False)]


async def test_track_that_is_read_keeps_the_id_that_was_asked(adapter: Adapter, answerer: Answerer) -> None:
    gone = track(1, readable=False)
    answerer.answers = [says({**gone, "alternative": track(2)}), says(gone)]

    found = await adapter.read_tracks([TrackId("1"), TrackId("3")])

    assert list(found) == ["1"]
    assert (found[TrackId("1")].id, found[TrackId("1")].title) == ("1", "Harbour Light 2")


async def test_liked_songs_are_read_from_the_end_of_their_list(adapter: Adapter, answerer: Answerer) -> None:
    one, rest = says({"data": [track(0)], "total": 230}), {"total": 230}
    answerer.answers = [
        one,
        says({**rest, "data": [track(n, isrc=ISRC) for n in range(130, 230)]}),
        one,
        says({**rest, "data": [track(n, isrc=ISRC) for n in range(30, 130)]}),
    ]

    first = await adapter.read_items(LIKED)
    second = await adapter.read_items(LIKED, cursor=first.next_cursor)

    ids = [item.track.id for page in (first, second) for item in page.items if item.track]
    assert ids == [str(number) for number in range(229, 29, -1)]
    assert (first.total, second.next_cursor) == (230, "200/230")
    assert {request.path for request in answerer.requests} == {"/v1/user/me/tracks"}
    asked = [(request.query["index"], request.query["limit"]) for request in answerer.requests]
    assert asked == [("0", "1"), ("130", "100"), ("0", "1"), ("30", "100")]


async def test_what_was_liked_meanwhile_does_not_shift_a_page(adapter: Adapter, answerer: Answerer) -> None:
    rows = [track(1, isrc=ISRC), track(2, isrc=ISRC)]
    answerer.answers = [
        says({"data": rows[:1], "total": 1}),
        says({"data": rows[:1], "total": 2}),
        says({"data": rows[:1], "total": 2}),
        says({"data": rows, "total": 2}),
    ]

    page = await adapter.read_items(LIKED)

    assert [item.track.id for item in page.items if item.track] == ["2", "1"]


async def test_liked_songs_that_come_without_a_list_are_not_taken_for_none(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [says({})]

    with pytest.raises(PlatformUnavailable):
        await adapter.read_items(LIKED)


async def test_loved_tracks_are_listed_as_the_collection_alone_and_read_by_their_id(
    adapter: Adapter, answerer: Answerer
) -> None:
    loved = {"id": 908, "title": "Loved Tracks", "is_loved_track": True, "creator": {"id": 5}}
    rows = [
        {"id": 907, "title": "Other", "creator": {"id": 5}},
        loved,
        {**loved, "id": 9, "creator": {"id": 6}},
    ]
    answerer.answers = [says({"data": rows, "total": 3}), says({"id": 5, "name": "Ada"}), says(loved)]

    listed = await adapter.list_playlists()
    head = await adapter.get_playlist(PLAYLIST)

    assert [one.id for one in listed.playlists] == [LIKED, ALBUMS, ARTISTS, "907", "9"]
    assert (head.name, head.writable) == ("Loved Tracks", False)


async def add(adapter: Adapter, collection: PlaylistId, *ids: str) -> None:
    await adapter.add_tracks(
        collection, track_ids=[TrackId(one) for one in ids], position=0, key="k", gate=open_gate
    )


@pytest.mark.parametrize(
    ("collection", "ids", "path", "query"),
    [
        (LIKED, ("7",), "/v1/user/me/tracks", {"track_id": "7"}),
        (ALBUMS, ("7",), "/v1/user/me/albums", {"album_id": "7"}),
        (ALBUMS, ("7", "8"), "/v1/user/me/albums", {"album_ids": "7,8"}),
        (ARTISTS, ("7", "8"), "/v1/user/me/artists", {"artist_ids": "7,8"}),
    ],
)
async def test_favorites_are_named_by_one_id_or_several(
    adapter: Adapter,
    answerer: Answerer,
    collection: PlaylistId,
    ids: tuple[str, ...],
    path: str,
    query: dict[str, str],
) -> None:
    answerer.answers = [says(True)]

    await add(adapter, collection, *ids)

    (request,) = answerer.requests
    assert (request.method, request.path) == ("POST", path)
    assert dict(request.query) == {**query, "access_token": "token"}


async def test_favorite_that_stands_there_already_is_no_error_and_among_others_halves_them(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [refuses(500, "This album already exists in your favorites")]

    await add(adapter, ALBUMS, "7")
    with pytest.raises(PlatformRejected):
        await add(adapter, ALBUMS, "7", "8")


async def test_favorite_that_is_gone_says_nothing_of_the_list(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [refuses(800, "no data")]

    with pytest.raises(PlatformRejected, match="no longer has this artist"):
        await add(adapter, ARTISTS, "7")
    await adapter.remove_tracks(ARTISTS, track_ids=[TrackId("7")], gate=open_gate)

    assert answerer.requests[-1].method == "DELETE"
    assert answerer.requests[-1].query["artist_id"] == "7"


async def test_artists_are_searched_for_by_their_plain_name(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says({"data": [{"id": 27, "name": "Ada: B"}, {"id": 28}], "total": 2})]

    (artist,) = await adapter.search_artists('Ada: "B"')

    assert (artist.id, artist.url) == ("27", "https://www.deezer.com/artist/27")
    assert (answerer.requests[0].path, answerer.requests[0].query["q"]) == ("/v1/search/artist", "Ada B")


async def test_search_names_both_fields_and_keeps_their_syntax(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says({"data": [], "total": 0})]

    await adapter.search(Query(plain="x", title='Say "Hello": now', artist='A:"B"'))

    assert answerer.requests[0].query["q"] == 'artist:"A B" track:"Say Hello now"'


async def test_search_without_any_list_is_not_taken_for_nothing_found(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [says({})]

    with pytest.raises(PlatformUnavailable):
        await adapter.search(Query(plain="Harbour Light"))


async def test_without_an_account_what_is_public_is_read_without_a_token(
    stranger: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [says({"id": 908, "title": "Open", "creator": {"id": 5, "name": "Ada"}})]

    playlist = await stranger.get_playlist(PLAYLIST)

    assert (playlist.name, playlist.owner, playlist.writable) == ("Open", "Ada", False)
    assert [dict(request.query) for request in answerer.requests] == [{}]


async def test_private_playlist_says_what_would_open_it(stranger: Adapter, answerer: Answerer) -> None:
    answerer.answers = [refuses(200)]

    with pytest.raises(PlatformDenied, match="private"):
        await stranger.read_items(PLAYLIST)


async def test_token_goes_in_the_query_alone(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says({"id": 5, "name": "Ada", "country": "FR"})]

    account = await adapter.account()

    assert (account.id, account.label, account.market) == ("5", "Ada", "FR")
    assert answerer.requests[0].query["access_token"] == "token"
    assert "Authorization" not in answerer.requests[0].headers


async def test_sign_in_speaks_deezers_words(oauth: OAuthClient, answerer: Answerer) -> None:
    answerer.answers = [says({"access_token": "fr1", "expires": 0})]

    address = oauth.authorize_url(state="st", verifier=new_verifier(), redirect_uri="https://a.example/")
    tokens = await oauth.exchange(code="c1", verifier=new_verifier(), redirect_uri="https://a.example/")

    asked = dict(URL(address).query)
    assert (asked["app_id"], asked["state"]) == ("100", "st")
    assert "manage_library" in asked["perms"].split(",")
    assert not {"code_challenge", "scope", "client_id"} & asked.keys()
    assert tokens == TokenSet(access_token="fr1")  # it has no end
    sent = answerer.requests[0]
    assert (sent.method, sent.path) == ("GET", "/v1/oauth/access_token.php")
    assert {"app_id": "100", "secret": "hush-hush", "code": "c1", "output": "json"}.items() <= dict(
        sent.query
    ).items()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("wrong code", ConnectFailed),
        ("wrong app_id or secret", PlatformDenied),
        ('{"error": {"type": "OAuthException", "message": "wrong code", "code": 300}}', ConnectFailed),
        ('{"error": {"type": "OAuthException", "message": "no such app", "code": 300}}', PlatformDenied),
        ("", PlatformUnavailable),
    ],
)
async def test_bare_words_of_the_token_server_are_understood(
    oauth: OAuthClient, answerer: Answerer, text: str, kind: type[CrossplayError]
) -> None:
    answerer.answers = [{"text": text}]

    with pytest.raises(kind):
        await oauth.exchange(code="c1", verifier=new_verifier(), redirect_uri="https://a.example/")


async def test_without_a_key_the_platform_reads_and_connecting_says_why_not() -> None:
    async with Platforms(Settings(), budgets=FakeBudgets()) as platforms:
        with pytest.raises(
            PlatformNotConfigured, match=r"CROSSPLAY_DEEZER_APP_ID.* no new app keys"
        ) as caught:
            platforms.oauth(Platform.DEEZER)

        assert platforms.is_configured(Platform.DEEZER)
        platforms.public_adapter(Platform.DEEZER, market="")
    assert "not set up" not in str(caught.value)
