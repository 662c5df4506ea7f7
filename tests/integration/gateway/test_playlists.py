"""GET /playlists: pages of any size over the platform's own, from a short cache, for one connection."""

import pytest

from shared.models import Platform
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, sign_in

pytestmark = pytest.mark.integration


async def test_a_playlist_is_listed_with_what_a_caller_needs(connected: Caller) -> None:
    reply = await connected("GET", "/playlists?platform=spotify")

    first, _, chart = reply.json["items"]
    by_id = await connected("GET", f"/playlists?connection={first['connection']}")
    assert by_id.json == reply.json
    first.pop("connection")
    assert first == {
        "id": "id-road",
        "name": "Road Trip",
        "platform": "spotify",
        "owner": None,
        "track_count": 12,
        "writable": True,
        "readable": True,
        "url": "https://spotify.example/playlist/id-road",
    }
    assert (chart["writable"], chart["readable"]) == (False, False)
    assert reply.json["next_cursor"] is None


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 7, 50])
async def test_pages_of_any_size_give_every_playlist_once(
    connected: Caller, platforms: FakePlatforms, limit: int
) -> None:
    for number in range(5):
        platforms.accounts[Platform.SPOTIFY].add(f"id-{number}", f"List {number}")

    seen: list[str] = []
    path = f"/v1/playlists?platform=spotify&limit={limit}"
    while path:
        reply = await connected("GET", path)
        assert len(reply.json["items"]) <= limit
        seen += [one["id"] for one in reply.json["items"]]
        link = reply.headers.get("Link", "")
        path = link.split(">")[0].removeprefix("<")

    assert seen == [one.id for one in platforms.accounts[Platform.SPOTIFY].playlists]


async def test_a_second_look_within_a_minute_costs_no_request(
    connected: Caller, platforms: FakePlatforms
) -> None:
    calls = platforms.accounts[Platform.SPOTIFY].calls
    await connected("GET", "/playlists?platform=spotify")
    before = len(calls)

    again = await connected("GET", "/playlists?platform=spotify")
    cached = len(calls)
    fresh = await connected("GET", "/playlists?platform=spotify&refresh=1")

    assert (again.status, fresh.status) == (200, 200)
    assert cached == before
    assert len(calls) == before + 1
    assert int(again.headers["Age"]) >= 0


async def test_without_a_name_the_only_connection_is_meant(call: Caller, platforms: FakePlatforms) -> None:
    await call.connect_apple_music()

    reply = await call("GET", "/playlists")

    assert (reply.status, reply.json["items"]) == (200, [])


async def test_several_accounts_of_one_platform_have_to_be_told_apart(
    connected: Caller, platforms: FakePlatforms
) -> None:
    spotify = platforms.accounts[Platform.SPOTIFY]
    spotify.account = type(spotify.account)(id="acc-2", label="Second", market="DE")
    await sign_in(connected, platforms, code="second")

    reply = await connected("GET", "/playlists?platform=spotify")

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == ["/query/connection"]
    assert "Second" in reply.json["errors"][0]["detail"]


async def test_an_unknown_platform_is_a_404_that_names_the_known_ones(call: Caller) -> None:
    reply = await call("GET", "/playlists?platform=gramophone")

    assert reply.problem() == (404, "unknown-platform")
    assert "apple_music" in reply.json["detail"]


async def test_no_connection_is_a_409_that_says_where_to_make_one(call: Caller) -> None:
    named = await call("GET", "/playlists?platform=apple_music")
    unnamed = await call("GET", "/playlists")

    assert named.problem() == (409, "connection-missing")
    assert named.json["connect_url"] == "/connect/apple_music"
    assert unnamed.problem() == (409, "connection-missing")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("platform=spotify&connection=x", "/query/connection"),
        ("platform=spotify&limit=0", "/query/limit"),
        ("platform=spotify&refresh=perhaps", "/query/refresh"),
        ("platform=spotify&cursor=abc", "/query/cursor"),
        ("platform=spotify&cursor=v1.k1.AAAA.AAAA", "/query/cursor"),
        ("platfrom=spotify", "/query/platfrom"),
    ],
)
async def test_a_query_of_another_form_is_refused(connected: Caller, query: str, pointer: str) -> None:
    reply = await connected("GET", f"/playlists?{query}")

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == [pointer]


async def test_a_cursor_of_another_connection_is_refused(
    connected: Caller, stranger: Caller, platforms: FakePlatforms
) -> None:
    await sign_in(stranger, platforms, code="theirs")
    mine = await connected("GET", "/playlists?platform=spotify&limit=1")

    reply = await stranger("GET", f"/playlists?platform=spotify&cursor={mine.json['next_cursor']}")

    assert reply.problem() == (422, "validation")
