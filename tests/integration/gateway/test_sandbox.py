"""The gateway with its real adapters, in front of the simulated platforms: both flows, both failures."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
import pytest_asyncio
from aiohttp.test_utils import BaseTestServer, TestClient, TestServer

from deploy.cli.loopback import visit
from deploy.sandbox.options import Options
from deploy.sandbox.server import build_app as build_sandbox
from gateway import keys
from gateway.app import build_app
from shared.db.pool import Pool
from shared.models import Platform
from shared.settings import Settings
from tests.contract.sandboxes import FLAVORS
from tests.integration.gateway.conftest import Caller, Reply, new_caller, transfer_body
from tests.integration.sandbox.harness import playlist, track, world_of

pytestmark = pytest.mark.integration

SPOTIFY, APPLE_MUSIC = Platform.SPOTIFY, Platform.APPLE_MUSIC


class Stage(msgspec.Struct, kw_only=True):
    """A gateway, a caller, and the sandboxes by platform."""

    call: Caller
    sandboxes: dict[Platform, BaseTestServer]

    async def order(self, platform: Platform, path: str, body: Any = None) -> Any:
        """Give an order to a sandbox, behind the platform's back."""
        url = self.sandboxes[platform].make_url(f"/_sandbox/{path}")
        async with aiohttp.ClientSession() as client, client.post(url, json=body) as response:
            assert response.ok, await response.text()
            return await response.json() if response.content_type == "application/json" else None

    async def agree(self, started: Reply) -> Reply:
        """Open the sign-in as a browser does, and hand in the address at its end."""
        address = await visit(started.json["authorize_url"])
        return await self.call("POST", f"{started.headers['Location']}/answer", json={"address": address})

    async def connect_both(self) -> None:
        await self.agree(await self.call("POST", "/connect/spotify", json={"hand_in": True}))
        token = (await self.order(APPLE_MUSIC, "user-tokens"))["music_user_token"]
        reply = await self.call("POST", "/connect/apple_music", json={"music_user_token": token})
        assert reply.status == 201, reply.text


@pytest_asyncio.fixture
async def stage(settings: Settings, pool: Pool, tmp_path: Path) -> AsyncIterator[Stage]:
    tracks = [track(number) for number in range(1, 4)]
    world = world_of(tmp_path, catalog=tracks, playlists=[playlist("Harbour Songs", tracks)])
    async with (
        TestServer(build_sandbox(world, options=Options(platform="spotify"))) as spotify,
        TestServer(build_sandbox(world, options=FLAVORS["apple_music"].options)) as apple_music,
    ):
        sandboxes = {SPOTIFY: spotify, APPLE_MUSIC: apple_music}
        app = build_app(_with_sandboxes(settings, sandboxes))
        async with TestClient(TestServer(app)) as client:
            app[keys.ADDRESS].url = str(client.make_url("")).rstrip("/")
            yield Stage(call=await new_caller(client, pool, name="mira"), sandboxes=sandboxes)


def to_collection(source: str, playlist: str | None, *, name: str | None = None) -> dict[str, Any]:
    """Return the wish for a transfer within Spotify."""
    target = {"platform": "spotify", "playlist": playlist, "name": name}
    return transfer_body(
        source={"platform": "spotify", "playlist": source},
        target={key: value for key, value in target.items() if value},
    )


def _with_sandboxes(settings: Settings, sandboxes: dict[Platform, BaseTestServer]) -> Settings:
    for platform, server in sandboxes.items():
        settings = msgspec.structs.replace(settings, **FLAVORS[platform].settings(server.make_url("/")))
    return settings


async def test_both_accounts_are_connected_and_a_transfer_is_accepted(stage: Stage) -> None:
    await stage.connect_both()

    listed = await stage.call("GET", "/playlists?platform=spotify")
    body = transfer_body(source={"platform": "spotify", "playlist": "Harbour Songs"})
    created = await stage.call("POST", "/transfer", json=body)

    connections = (await stage.call("GET", "/connections")).json["items"]
    assert {one["platform"] for one in connections} == {"spotify", "apple_music"}
    named = [one["name"] for one in listed.json["items"]]
    assert named == ["Liked Songs", "Saved Albums", "Followed Artists", "Harbour Songs"]
    assert created.status == 202
    assert created.json["source"]["playlist"] == listed.json["items"][3]["id"]


@pytest.mark.parametrize("named", ["liked", "Liked Songs", "https://open.spotify.com/collection/tracks"])
async def test_liked_songs_are_a_source_like_any_playlist(stage: Stage, named: str) -> None:
    await stage.connect_both()

    created = await stage.call(
        "POST", "/transfer", json=transfer_body(source={"platform": "spotify", "playlist": named})
    )

    assert created.status == 202
    assert created.json["source"]["playlist"] == "liked"
    assert created.json["target"]["name"] == "Liked Songs"


@pytest.mark.parametrize("named", ["liked", "https://open.spotify.com/collection/tracks"])
async def test_liked_songs_are_a_target_like_any_playlist(stage: Stage, named: str) -> None:
    await stage.connect_both()

    created = await stage.call("POST", "/transfer", json=to_collection("Harbour Songs", named))

    assert created.status == 202
    assert created.json["target"] | {"connection": ""} == {
        "platform": "spotify",
        "connection": "",
        "playlist": "liked",
        "name": "Liked Songs",
    }


@pytest.mark.parametrize(
    ("source", "playlist", "name", "refusal", "pointers"),
    [
        ("artists", None, None, (422, "target-not-writable"), []),  # no app may follow artists there
        ("albums", "Harbour Songs", None, (422, "validation"), ["/target"]),
        ("albums", "liked", None, (422, "validation"), ["/target"]),
        ("albums", None, "My albums", (422, "validation"), ["/target"]),
        ("albums", None, None, (422, "validation"), ["/target/playlist"]),  # of one account
        ("Harbour Songs", "albums", None, (422, "validation"), ["/target/playlist"]),
        ("liked", "artists", None, (422, "validation"), ["/target/playlist"]),
        ("liked", "liked", None, (422, "validation"), ["/target/playlist"]),
    ],
)
async def test_what_does_not_go_together_is_refused_with_a_cure(
    stage: Stage,
    source: str,
    playlist: str | None,
    name: str | None,
    refusal: tuple[int, str],
    pointers: list[str],
) -> None:
    await stage.connect_both()

    reply = await stage.call("POST", "/transfer", json=to_collection(source, playlist, name=name))

    assert reply.problem() == refusal, reply.json
    assert [error["pointer"] for error in reply.json.get("errors", [])] == pointers


async def test_a_sign_in_of_the_sandbox_leaves_the_session_connected(stage: Stage) -> None:
    started = await stage.call("POST", "/connect/spotify", json={"hand_in": True})

    session = await stage.agree(started)

    assert session.json["status"] == "connected"
    assert session.json["connection"]["platform"] == "spotify"


async def test_a_user_token_that_apple_music_does_not_know_is_refused(stage: Stage) -> None:
    reply = await stage.call("POST", "/connect/apple_music", json={"music_user_token": "made-up"})

    assert reply.problem() == (422, "connect-failed")


async def test_a_playlist_that_the_platform_does_not_have_is_refused(stage: Stage) -> None:
    await stage.connect_both()
    body = transfer_body(source={"platform": "spotify", "playlist": "0" * 22})

    reply = await stage.call("POST", "/transfer", json=body)

    assert reply.problem() == (422, "playlist-not-readable")


async def test_an_id_of_another_platforms_form_is_taken_for_a_name(stage: Stage) -> None:
    await stage.connect_both()
    body = transfer_body(source={"platform": "spotify", "playlist": "p.AbCdEf123456789"})

    reply = await stage.call("POST", "/transfer", json=body)

    assert reply.problem() == (422, "playlist-not-readable")


@pytest.mark.parametrize("platform", [SPOTIFY, APPLE_MUSIC])
async def test_revoked_tokens_ask_to_connect_again_and_then_work(stage: Stage, platform: Platform) -> None:
    await stage.connect_both()
    path = f"/playlists?platform={platform}&refresh=1"
    await stage.order(platform, "tokens/revoke", {})

    refused = await stage.call("GET", path)
    await stage.connect_both()
    cured = await stage.call("GET", path)

    assert refused.problem() == (409, "reconnect-required")
    connection = refused.json["connection"]
    assert refused.json["action_url"] == f"/connect/{platform}?connection={connection}"
    assert cured.status == 200


async def test_a_revoked_access_token_alone_is_refreshed_unseen(stage: Stage) -> None:
    await stage.connect_both()
    await stage.order(SPOTIFY, "tokens/revoke", {"kind": "access"})

    reply = await stage.call("GET", "/playlists?platform=spotify&refresh=1")

    assert reply.status == 200
