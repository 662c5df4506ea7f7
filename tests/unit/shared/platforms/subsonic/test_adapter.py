"""Which call does what on a user's own server, one that answers as it is told."""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from aiohttp import web
from yarl import URL

from shared.errors import (
    AccountError,
    LeaseLost,
    PlatformDenied,
    PlatformNotFound,
    PlatformRejected,
    PlatformUnavailable,
    ReconnectRequired,
    ValidationFailed,
)
from shared.models import Isrc, Platform, PlaylistId, TokenSet, TrackId
from shared.platforms.base import Adapter
from shared.platforms.drafts import draft_title
from shared.platforms.registry import Platforms
from shared.settings import Settings
from tests.fakes.budget import FakeBudgets
from tests.fakes.session import FakeSession
from tests.unit.shared.platforms.conftest import Answerer
from worker.matching.query import Query

PLAYLIST = PlaylistId("12")
FORMS = {"openSubsonicExtensions": [{"name": "formPost", "versions": [1]}]}
OLDER: dict[str, Any] = {"status": 404, "text": "404 page not found"}


def says(content: object = None, **head: str) -> dict[str, Any]:
    body = {"status": "ok", "version": "1.16.1", **head, **(content if isinstance(content, dict) else {})}
    return {"text": msgspec.json.encode({"subsonic-response": body}).decode()}


def refuses(code: int) -> dict[str, Any]:
    return says({"error": {"code": code, "message": "no"}}, status="failed")


def song(number: int, **other: object) -> dict[str, object]:
    return {"id": f"s{number}", "title": f"Harbour Light {number}", "artist": "Quiet Engine", **other}


def songs(*rows: dict[str, object]) -> dict[str, Any]:
    return says({"searchResult3": {"song": list(rows)} if rows else {}})


def lists(*names: str) -> dict[str, Any]:
    rows = [{"id": str(12 + place), "name": name, "owner": "mira"} for place, name in enumerate(names)]
    return says({"playlists": {"playlist": rows}})


def open_gate() -> None:
    """The lease is ours."""


def login(**values: str) -> TokenSet:
    return TokenSet(access_token=msgspec.json.encode(values).decode())


MIRA = login(user="mira", password="hush hush")


@pytest.fixture
async def platforms() -> AsyncIterator[Platforms]:
    settings = Settings(subsonic_allowed_networks="127.0.0.0/8")
    async with Platforms(settings, budgets=FakeBudgets()) as opened:
        yield opened


@pytest.fixture
def adapter(platforms: Platforms, answerer: Answerer) -> Adapter:
    return platforms.adapter(Platform.SUBSONIC, session=FakeSession(MIRA, server=answerer.url))


def asked(answerer: Answerer) -> list[str]:
    return [request.path.rpartition("/")[2].removesuffix(".view") for request in answerer.requests]


async def test_each_call_has_a_digest_of_its_own_salt_and_never_the_password(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [says()]

    await adapter.account()
    await adapter.account()

    queries = [request.query for request in answerer.requests]
    assert len({query["s"] for query in queries}) == 2
    for query in queries:
        digest = hashlib.md5(f"hush hush{query['s']}".encode(), usedforsecurity=False).hexdigest()
        assert (query["u"], query["t"], query["f"], query["v"]) == ("mira", digest, "json", "1.16.1")
        assert len(query["s"]) >= 6
        assert "hush" not in str(query)


async def test_an_account_is_named_by_its_user_and_its_server(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says()]

    account = await adapter.account()

    place = f"127.0.0.1:{URL(answerer.url).port}/v1"
    assert account.id == account.market == f"mira@{place}"
    assert account.label == f"mira at {place}"


async def test_a_key_says_whose_it_is(platforms: Platforms, answerer: Answerer) -> None:
    session = FakeSession(login(api_key="key-1"), server=answerer.url)
    answerer.answers = [says(), says({"tokenInfo": {"username": "mira"}})]

    account = await platforms.adapter(Platform.SUBSONIC, session=session).account()

    assert (account.id or "").startswith("mira@")
    for request in answerer.requests:
        assert request.query["apiKey"] == "key-1"
        assert "u" not in request.query


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (0, PlatformUnavailable),
        (10, PlatformRejected),
        (30, PlatformRejected),
        (40, ReconnectRequired),
        (41, PlatformDenied),
        (42, PlatformDenied),
        (44, ReconnectRequired),
        (50, PlatformDenied),
        (60, PlatformDenied),
        (70, PlatformNotFound),
        (99, PlatformUnavailable),
    ],
)
async def test_a_failure_in_a_good_answer_is_what_its_number_means(
    adapter: Adapter, answerer: Answerer, code: int, kind: type[Exception]
) -> None:
    answerer.answers = [refuses(code)]

    with pytest.raises(kind):
        await adapter.list_playlists()


async def test_a_write_that_fails_in_a_good_answer_was_not_done_where_the_number_says_so(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [OLDER, refuses(70), refuses(0)]

    with pytest.raises(PlatformNotFound):
        await adapter.add_tracks(PLAYLIST, track_ids=[TrackId("s1")], position=1, key="k", gate=open_gate)
    with pytest.raises(PlatformUnavailable):
        await adapter.add_tracks(PLAYLIST, track_ids=[TrackId("s1")], position=1, key="k", gate=open_gate)

    assert asked(answerer) == ["getOpenSubsonicExtensions", "updatePlaylist", "updatePlaylist"]


@pytest.mark.parametrize("older", [OLDER, refuses(0), refuses(10), {"text": "<html>"}], ids=str)
async def test_what_is_written_goes_by_the_address_where_a_server_takes_no_forms(
    adapter: Adapter, answerer: Answerer, older: dict[str, Any]
) -> None:
    answerer.answers = [older, says()]

    await adapter.add_tracks(
        PLAYLIST, track_ids=[TrackId("s1"), TrackId("s1")], position=1, key="k", gate=open_gate
    )

    write = answerer.requests[-1]
    assert (write.method, write.path) == ("GET", "/v1/rest/updatePlaylist.view")
    assert write.query.getall("songIdToAdd") == ["s1", "s1"]
    assert write.query["playlistId"] == "12"


async def test_what_is_written_goes_by_a_form_with_its_proof_where_the_server_takes_them(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [says(FORMS), says()]

    for number in (1, 2):
        track_id = TrackId(f"s{number}")
        await adapter.add_tracks(PLAYLIST, track_ids=[track_id], position=1, key="k", gate=open_gate)

    assert asked(answerer) == ["getOpenSubsonicExtensions", "updatePlaylist", "updatePlaylist"]
    assert [request.method for request in answerer.requests[1:]] == ["POST", "POST"]
    assert all(request.query_string == "" for request in answerer.requests[1:])
    assert b"songIdToAdd=s2" in answerer.bodies[-1]
    assert b"&t=" in answerer.bodies[-1]


async def test_a_full_batch_fits_into_an_address(adapter: Adapter, answerer: Answerer) -> None:
    ids = [TrackId(f"{number:032}") for number in range(adapter.capabilities.add_batch)]
    answerer.answers = [OLDER, says()]

    await adapter.add_tracks(PLAYLIST, track_ids=ids, position=1, key="k", gate=open_gate)

    assert len(answerer.requests[-1].path_qs) < 2048


async def test_a_playlist_that_is_made_can_be_found_before_it_has_its_words(
    adapter: Adapter, answerer: Answerer
) -> None:
    whole = draft_title("Night", "<tr_1>")
    made = {"playlist": {"id": "12", "name": whole, "owner": "mira"}}
    answerer.answers = [OLDER, says(made), says()]

    playlist = await adapter.create_playlist("Night", description="<tr_1>", key="k", gate=open_gate)

    create, change = answerer.requests[1:]
    assert (playlist.id, playlist.name, playlist.description) == ("12", "Night", "<tr_1>")
    assert create.query["name"] == whole
    assert (change.query["name"], change.query["comment"]) == ("Night", "<tr_1>")
    answerer.answers = [lists("Other", whole)]
    found = await adapter.find_playlist("<tr_1>")
    assert found
    assert (found.id, found.name) == ("13", "Night")


@pytest.mark.parametrize(
    "failure", [{"status": 429, "headers": {"Retry-After": "9"}}, refuses(40), refuses(0)]
)
async def test_a_playlist_that_could_not_be_named_is_there_all_the_same(
    adapter: Adapter, answerer: Answerer, failure: dict[str, Any]
) -> None:
    answerer.answers = [OLDER, says({"playlist": {"id": "12", "name": "x"}}), failure]

    playlist = await adapter.create_playlist("Night", description="<tr_1>", key="k", gate=open_gate)

    assert playlist.id == "12"


async def test_a_lease_that_ends_between_the_two_calls_is_told(adapter: Adapter, answerer: Answerer) -> None:
    gates = iter([None, LeaseLost("It is over.")])

    def gate() -> None:
        refusal = next(gates)
        if refusal:
            raise refusal

    answerer.answers = [OLDER, says({"playlist": {"id": "12", "name": "x"}})]

    with pytest.raises(LeaseLost):
        await adapter.create_playlist("Night", description="<tr_1>", key="k", gate=gate)


async def test_the_first_songs_bring_a_name_along_that_is_missing(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [lists(draft_title("Night", "<tr_1>")), OLDER, says()]

    await adapter.add_tracks(PLAYLIST, track_ids=[TrackId("s1")], position=0, key="k", gate=open_gate)

    write = answerer.requests[-1].query
    assert (write["name"], write["comment"], write["songIdToAdd"]) == ("Night", "<tr_1>", "s1")


async def test_a_server_that_does_not_tell_what_it_made_is_asked_for_it(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [OLDER, says(), lists("Other", draft_title("Night", "<tr_1>")), says()]

    playlist = await adapter.create_playlist("Night", description="<tr_1>", key="k", gate=open_gate)

    assert playlist.id == "13"


async def test_a_made_playlist_that_is_not_to_be_seen_is_unknown(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [OLDER, says(), lists("Other")]

    with pytest.raises(PlatformUnavailable):
        await adapter.create_playlist("Night", description="<tr_1>", key="k", gate=open_gate)


async def test_isrcs_and_words_are_answered_from_one_reading_of_the_library(
    adapter: Adapter, answerer: Answerer
) -> None:
    rows = [song(1, isrc=["QZXX10000001", "qz-xx1-00-00002"]), song(2, isrc="QZXX10000001"), song(3)]
    answerer.answers = [songs(*rows), songs()]
    one, two, other = (Isrc(f"QZXX1000000{number}") for number in (1, 2, 9))

    found = await adapter.find_by_isrc([one, two, other])
    again = await adapter.search(Query(plain="harbour light 3"))

    assert [[track.id for track in found[isrc]] for isrc in (one, two, other)] == [["s1", "s2"], ["s1"], []]
    assert [track.isrc for track in found[two]] == [two]
    assert again[0].id == "s3"
    assert [request.query["songOffset"] for request in answerer.requests] == ["0", "3"]


async def test_a_server_that_repeats_its_first_page_is_read_once(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [songs(song(1), song(2))]

    await adapter.find_by_isrc([Isrc("QZXX10000001")])

    assert len(answerer.requests) == 2


async def test_a_server_that_gives_nothing_without_a_word_is_asked_for_each_track(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [songs(), songs(song(1, isrc=["QZXX10000001"]))]

    by_isrc = await adapter.find_by_isrc([Isrc("QZXX10000001")])
    by_words = await adapter.search(Query(plain="Harbour Light 1"))

    assert by_isrc == {"QZXX10000001": ()}
    assert [track.id for track in by_words] == ["s1"]
    assert answerer.requests[-1].query["query"] == "Harbour Light 1"


async def test_a_library_that_is_too_large_is_not_kept(adapter: Adapter, answerer: Answerer) -> None:
    async def endless(request: web.Request) -> web.Response:
        first = int(request.query["songOffset"])
        rows = [song(number) for number in range(first, first + 20_000)]
        return web.Response(text=songs(*rows)["text"])

    answerer.answers = [endless]

    found = await adapter.find_by_isrc([Isrc("QZXX10000001")])
    await adapter.find_by_isrc([Isrc("QZXX10000001")])

    assert found == {"QZXX10000001": ()}
    assert len(answerer.requests) == 3


async def test_two_accounts_of_a_server_have_libraries_of_their_own(
    adapter: Adapter, platforms: Platforms, answerer: Answerer
) -> None:
    tom = FakeSession(login(user="tom", password="x"), server=answerer.url)
    isrc = Isrc("QZXX10000001")
    answerer.answers = [songs(song(1, isrc=[isrc])), songs(), songs(song(2, isrc=[isrc])), songs()]

    mine = await adapter.find_by_isrc([isrc])
    toms = await platforms.adapter(Platform.SUBSONIC, session=tom).find_by_isrc([isrc])

    assert [mine[isrc][0].id, toms[isrc][0].id] == ["s1", "s2"]


async def test_playlists_of_others_and_smart_ones_are_not_written(
    adapter: Adapter, answerer: Answerer
) -> None:
    rows = [
        {"id": 1, "name": "Mine", "owner": "mira", "songCount": 3, "changed": "2026-01-01T00:00:00Z"},
        {"id": 2, "name": "Smart", "owner": "mira", "readonly": True},
        {"id": 3, "name": "Tom's", "owner": "tom", "public": True},
    ]
    answerer.answers = [says({"playlists": {"playlist": rows}}, type="navidrome")]

    page = await adapter.list_playlists()

    kept, playlists = page.playlists[:3], page.playlists[3:]
    assert [one.id for one in kept] == ["liked", "albums", "artists"]
    assert [one.writable for one in playlists] == [True, False, False]
    assert playlists[0].url == f"{answerer.url}/app/#/playlist/1/show"
    assert adapter.playlist_id_of(playlists[0].url or "") == "1"
    assert playlists[0].track_count == 3


async def test_another_page_of_playlists_is_none_that_was_given(adapter: Adapter) -> None:
    with pytest.raises(ValidationFailed):
        await adapter.list_playlists(cursor="50")


async def test_many_copies_are_removed_from_the_end_on(adapter: Adapter, answerer: Answerer) -> None:
    entry = [song(number % 2) for number in range(200)]
    answerer.answers = [says({"playlist": {"id": "12", "songCount": 200, "entry": entry}}), OLDER, says()]

    await adapter.remove_tracks(PLAYLIST, track_ids=[TrackId("s1")], gate=open_gate)

    removed = [request.query.getall("songIndexToRemove") for request in answerer.requests[2:]]
    assert [len(places) for places in removed] == [80, 20]
    assert sorted(int(place) for places in removed for place in places) == list(range(1, 200, 2))
    assert min(map(int, removed[0])) > max(map(int, removed[1]))


async def test_a_playlist_without_its_songs_is_asked_for_again_and_never_empty(
    adapter: Adapter, answerer: Answerer
) -> None:
    blank = says({"playlist": {"id": "12", "songCount": 1}})
    answerer.answers = [blank, says({"playlist": {"id": "12", "songCount": 1, "entry": [song(1)]}})]
    view = await adapter.read_target(PLAYLIST, offset=0)

    answerer.answers = [blank]
    with pytest.raises(PlatformUnavailable):
        await adapter.read_target(PLAYLIST, offset=0)

    assert [row.track_id for row in view.rows] == ["s1"]


def starred(**kinds: list[dict[str, object]]) -> dict[str, Any]:
    return says({"starred2": kinds})


async def test_stars_are_read_newest_first_whatever_order_they_come_in(
    adapter: Adapter, answerer: Answerer
) -> None:
    rows = [
        song(1, starred="2026-01-02T10:00:00.5Z"),
        song(2),
        song(3, starred="2026-01-02T10:00:00.123456789Z"),
        song(4, starred="2026-01-02T12:00:01+01:00"),
        song(5, starred="2026-01-03T00:00:00"),
        song(6, starred="soon"),
    ]
    answerer.answers = [starred(song=rows)]

    page = await adapter.read_items(PlaylistId("liked"))
    head = await adapter.get_playlist(PlaylistId("liked"))
    view = await adapter.read_target(PlaylistId("liked"), offset=4)

    assert [item.track.id for item in page.items if item.track] == ["s5", "s4", "s1", "s3", "s2", "s6"]
    assert (page.total, head.track_count, head.url, head.writable) == (6, 6, None, True)
    assert ([row.track_id for row in view.rows], view.total) == (["s4", "s5"], 6)
    assert asked(answerer) == ["getStarred2"] * 3


async def test_albums_and_artists_with_a_star_are_told_by_their_names(
    adapter: Adapter, answerer: Answerer
) -> None:
    albums: list[dict[str, object]] = [
        {"id": 7, "name": "Sea", "artist": "Ada", "songCount": 9, "year": 1999},
        {"id": "a8"},
    ]
    answerer.answers = [starred(album=albums, artist=[{"id": "r1", "name": "Ada"}, {"id": "r2"}])]

    pages = [await adapter.read_items(PlaylistId(name)) for name in ("albums", "artists", "liked")]

    told = [[item.track and (item.track.id, item.track.title) for item in page.items] for page in pages]
    assert told == [[("7", "Sea"), None], [("r1", "Ada"), None], []]
    album = pages[0].items[0].track
    assert album
    assert (album.artists, album.track_count, album.release_date) == (("Ada",), 9, "1999")


async def test_long_list_of_stars_is_read_once_as_a_target(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [starred(song=[song(number) for number in range(1200)])]

    view = await adapter.read_target(PlaylistId("liked"), offset=0)
    pages = [page async for page in adapter.read_target_pages(PlaylistId("liked"), offset=0)]

    assert len(view.rows) == sum(len(page.rows) for page in pages) == 1200
    assert len(answerer.requests) == 2


async def test_answer_without_stars_is_no_empty_list(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says()]

    with pytest.raises(PlatformUnavailable):
        await adapter.read_items(PlaylistId("albums"))


@pytest.mark.parametrize(
    ("name", "parameter"), [("liked", "id"), ("albums", "albumId"), ("artists", "artistId")]
)
@pytest.mark.parametrize("takes_forms", [False, True])
async def test_stars_are_given_and_taken_by_the_parameter_of_their_kind(
    adapter: Adapter, answerer: Answerer, name: str, parameter: str, *, takes_forms: bool
) -> None:
    answerer.answers = [says(FORMS) if takes_forms else OLDER, says()]
    target, ids = PlaylistId(name), [TrackId("x1")]

    await adapter.add_tracks(target, track_ids=ids, position=3, key="k", gate=open_gate)
    await adapter.remove_tracks(target, track_ids=ids, gate=open_gate)

    assert asked(answerer)[1:] == ["star", "unstar"]
    for request, sent in zip(answerer.requests[1:], answerer.bodies[1:], strict=True):
        given = sent.decode() if takes_forms else request.query_string
        assert request.method == ("POST" if takes_forms else "GET")
        assert f"{parameter}=x1" in given.split("&")


async def test_what_the_server_has_no_longer_is_refused_and_needs_no_removal(
    adapter: Adapter, answerer: Answerer
) -> None:
    answerer.answers = [OLDER, refuses(70)]
    target, ids = PlaylistId("artists"), [TrackId("x1")]

    with pytest.raises(PlatformRejected):
        await adapter.add_tracks(target, track_ids=ids, position=0, key="k", gate=open_gate)
    await adapter.remove_tracks(target, track_ids=ids, gate=open_gate)


async def test_an_album_is_looked_for_by_name_and_artist_and_then_by_name(
    adapter: Adapter, answerer: Answerer
) -> None:
    album = {"id": "a1", "name": "Sea", "artists": [{"name": "Ada"}, {"name": "Ben"}]}
    answerer.answers = [says({"searchResult3": {}}), says({"searchResult3": {"album": [album, {"id": 2}]}})]

    found = await adapter.search_albums("Sea", artist="Ada")

    assert [(one.id, one.name, one.artists) for one in found] == [("a1", "Sea", ("Ada", "Ben"))]
    queries = [request.query for request in answerer.requests]
    assert [query["query"] for query in queries] == ["Sea Ada", "Sea"]
    assert {(query["songCount"], query["albumCount"], query["artistCount"]) for query in queries} == {
        ("0", "100", "0")
    }


async def test_an_artist_is_looked_for_by_name_alone(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [says({"searchResult3": {"artist": [{"id": 1, "name": "Ada"}, {"id": 2}]}}), songs()]

    found = await adapter.search_artists("Ada")
    nobody = await adapter.search_artists("Nobody")
    no_album = await adapter.search_albums("Sea", artist="")

    assert [(one.id, one.name) for one in found] == [("1", "Ada")]
    assert (nobody, no_album) == ((), ())
    assert [request.query["query"] for request in answerer.requests] == ["Ada", "Nobody", "Sea"]


async def test_a_dead_password_asks_its_user(adapter: Adapter, answerer: Answerer) -> None:
    answerer.answers = [refuses(40)]

    with pytest.raises(AccountError):
        await adapter.add_tracks(PLAYLIST, track_ids=[TrackId("s1")], position=1, key="k", gate=open_gate)
