"""Links as sources: whose account reads them, when none is needed, and what is said where one is."""

import pytest

from shared.db.pool import Pool
from shared.errors import PlatformUnavailable
from shared.models import Platform
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, sign_in, transfer_body

pytestmark = pytest.mark.integration

LINK = "https://apple_music.example/playlist/id-public"
SPOTIFY_LINK = "https://spotify.example/playlist/id-road"
TO_SPOTIFY = {"platform": "spotify"}


@pytest.fixture
async def at_spotify(call: Caller, platforms: FakePlatforms) -> Caller:
    """A caller with an account at Spotify alone; at Apple Music there is a public playlist."""
    await sign_in(call, platforms, code="first")
    music = platforms.accounts[Platform.APPLE_MUSIC]
    music.add("id-public", "Songs of Summer", url=LINK, track_count=12)
    music.add("id-private", "Nobody's Business")
    return call


@pytest.mark.parametrize(
    "source",
    [
        {"playlist": LINK},
        {"platform": "apple_music", "playlist": LINK},
        {"platform": "apple_music", "playlist": "id-public"},
    ],
)
async def test_what_everybody_may_see_needs_no_account(
    at_spotify: Caller, platforms: FakePlatforms, pool: Pool, source: dict[str, str]
) -> None:
    reply = await at_spotify("POST", "/transfer", json=transfer_body(source=source, target=TO_SPOTIFY))

    assert reply.status == 202, reply.text
    assert reply.json["source"] == {
        "platform": "apple_music",
        "connection": None,
        "playlist": "id-public",
        "name": "Songs of Summer",
    }
    assert platforms.accounts[Platform.APPLE_MUSIC].public_markets == ["DE"]  # the target's
    market = await pool.fetchval("SELECT market FROM public_sources WHERE transfer_id = $1", reply.json["id"])
    assert market == "DE"


async def test_a_status_and_a_list_show_a_transfer_without_a_source_account(at_spotify: Caller) -> None:
    body = transfer_body(source={"playlist": LINK}, target=TO_SPOTIFY)
    started = await at_spotify("POST", "/transfer", json=body)

    status = await at_spotify("GET", f"/status/{started.json['id']}")
    listed = await at_spotify("GET", "/transfers")

    assert status.json["source"]["connection"] is None
    assert [row["source"]["connection"] for row in listed.json["items"]] == [None]


async def test_the_users_own_account_reads_a_link_where_there_is_one(
    connected: Caller, platforms: FakePlatforms
) -> None:
    platforms.accounts[Platform.APPLE_MUSIC].add("id-public", "Songs of Summer")

    reply = await connected(
        "POST", "/transfer", json=transfer_body(source={"playlist": LINK}, target=TO_SPOTIFY)
    )

    assert reply.status == 202, reply.text
    assert reply.json["source"]["connection"] is not None
    assert platforms.accounts[Platform.APPLE_MUSIC].public_markets == []


async def test_an_account_that_is_to_be_connected_again_does_not_hinder(
    connected: Caller, platforms: FakePlatforms, pool: Pool
) -> None:
    platforms.accounts[Platform.APPLE_MUSIC].add("id-public", "Songs of Summer")
    await pool.execute(
        "UPDATE connections SET state = 'reconnect_required' WHERE platform = 'apple_music' AND user_id = $1",
        connected.user_id,
    )

    reply = await connected(
        "POST", "/transfer", json=transfer_body(source={"playlist": LINK}, target=TO_SPOTIFY)
    )

    assert reply.status == 202, reply.text
    assert reply.json["source"]["connection"] is None


async def test_a_platform_that_shows_apps_nothing_says_why_and_what_helps(
    call: Caller, platforms: FakePlatforms
) -> None:
    await call.connect_apple_music()

    for source in ({"playlist": SPOTIFY_LINK}, {"platform": "spotify", "playlist": "id-road"}):
        reply = await call("POST", "/transfer", json=transfer_body(source=source))

        assert reply.problem() == (409, "connection-missing")
        assert reply.json["detail"] == platforms.public_reads(Platform.SPOTIFY).reason
        assert reply.json["connect_url"] == "/connect/spotify"


async def test_a_name_is_looked_for_in_an_account_only(at_spotify: Caller) -> None:
    source = {"platform": "apple_music", "playlist": "Songs of Summer"}

    reply = await at_spotify("POST", "/transfer", json=transfer_body(source=source, target=TO_SPOTIFY))

    assert reply.problem() == (409, "connection-missing")
    assert reply.json["connect_url"] == "/connect/apple_music"


async def test_a_private_playlist_is_not_shown_to_everybody(at_spotify: Caller) -> None:
    source = {"playlist": "https://apple_music.example/playlist/id-private"}

    reply = await at_spotify("POST", "/transfer", json=transfer_body(source=source, target=TO_SPOTIFY))

    assert reply.problem() == (422, "playlist-not-readable")
    assert "connect your Apple Music account" in reply.json["detail"]


async def test_a_link_to_no_known_platform_is_refused_with_the_known_ones(at_spotify: Caller) -> None:
    source = {"playlist": "https://gramophone.example/playlist/1"}

    reply = await at_spotify("POST", "/transfer", json=transfer_body(source=source, target=TO_SPOTIFY))

    assert reply.problem() == (422, "validation")
    assert reply.pointers() == ["/source/playlist"]
    assert "Spotify, Apple Music" in reply.json["errors"][0]["detail"]


async def test_a_server_that_reads_nothing_publicly_asks_for_the_account(
    at_spotify: Caller, platforms: FakePlatforms
) -> None:
    platforms.without_key.add(Platform.APPLE_MUSIC)
    body = transfer_body(source={"playlist": LINK}, target=TO_SPOTIFY)

    keyless = await at_spotify("POST", "/transfer", json=body)
    platforms.unconfigured.add(Platform.APPLE_MUSIC)
    unconfigured = await at_spotify("POST", "/transfer", json=body)

    assert keyless.problem() == (409, "connection-missing")
    assert unconfigured.problem() == (409, "platform-not-configured")


async def test_a_fault_of_the_platform_is_told_as_ever(at_spotify: Caller, platforms: FakePlatforms) -> None:
    platforms.accounts[Platform.APPLE_MUSIC].error = PlatformUnavailable(
        "Apple Music does not answer.", platform="apple_music", operation="get_playlist"
    )

    reply = await at_spotify(
        "POST", "/transfer", json=transfer_body(source={"playlist": LINK}, target=TO_SPOTIFY)
    )

    assert reply.problem() == (503, "upstream-unavailable")
