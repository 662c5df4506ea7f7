"""Connections of a user: listed with their end, tried out, disconnected for good, and connected again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from shared.db import connections
from shared.db.pool import Pool
from shared.errors import PlatformDenied, PlatformUnavailable, RateLimited, ReconnectRequired
from shared.models import Platform
from shared.secret import Secret
from shared.settings import Settings
from shared.streams import open_redis
from tests.fakes.platforms import FakePlatforms
from tests.integration.gateway.conftest import Caller, Serve, sign_in, transfer_body

pytestmark = pytest.mark.integration

UNKNOWN = "3f0c2f6e-9f2d-4a53-a8b1-7c9a3c5c0001"


async def of(call: Caller, platform: str) -> dict[str, Any]:
    listed = await call("GET", f"/connections?platform={platform}")
    return dict(listed.json["items"][0])


async def ends_in(pool: Pool, connection_id: str, *, days: float) -> None:
    await pool.execute(
        "UPDATE connections SET sign_in_ends_at = now() + make_interval(secs => $2) WHERE id = $1",
        connection_id,
        days * 86400,
    )


@pytest.mark.parametrize("platform", ["spotify", "apple_music"])
async def test_a_new_connection_says_when_its_sign_in_ends(connected: Caller, platform: str) -> None:
    shown = await of(connected, platform)

    ends_at = datetime.fromisoformat(shown["sign_in_ends_at"])
    authorized_at = datetime.fromisoformat(shown["authorized_at"])
    months = 12 * (ends_at.year - authorized_at.year) + ends_at.month - authorized_at.month
    assert months == 6
    assert shown["days_left"] == (ends_at - authorized_at).days
    assert (shown["notice"], shown["action_url"]) == (None, None)


async def test_an_end_that_is_near_is_told_wherever_the_connection_is(connected: Caller, pool: Pool) -> None:
    spotify = await of(connected, "spotify")
    await ends_in(pool, spotify["id"], days=6.5)

    shown = await connected("GET", f"/connections/{spotify['id']}")
    platforms = await connected("GET", "/platforms")

    there = next(one for one in platforms.json["items"] if one["platform"] == "spotify")["connections"][0]
    assert shown.json["days_left"] == there["days_left"] == 7
    assert "ends in 7 days" in shown.json["notice"]
    assert shown.json["notice"] == there["notice"]
    assert shown.json["action_url"] == f"/connect/spotify?connection={spotify['id']}"


async def test_signing_in_anew_moves_the_end(connected: Caller, platforms: FakePlatforms, pool: Pool) -> None:
    spotify = await of(connected, "spotify")
    await ends_in(pool, spotify["id"], days=3)

    await sign_in(connected, platforms, code="again")
    renewed = await of(connected, "spotify")

    assert renewed["id"] == spotify["id"]
    assert renewed["days_left"] == spotify["days_left"]
    assert renewed["notice"] is None


@pytest.mark.parametrize(("days", "codes"), [(0.5, ["sign_in_ends"]), (1.5, [])])
async def test_a_transfer_is_warned_of_a_sign_in_that_ends_within_a_day(
    connected: Caller, pool: Pool, days: float, codes: list[str]
) -> None:
    await ends_in(pool, (await of(connected, "apple_music"))["id"], days=days)

    reply = await connected("POST", "/transfer", json=transfer_body())

    assert [warning["code"] for warning in reply.json["warnings"]] == codes
    assert all("Apple Music" in warning["detail"] for warning in reply.json["warnings"])


async def test_connections_are_found_by_platform_and_state(connected: Caller, pool: Pool) -> None:
    spotify, apple = await of(connected, "spotify"), await of(connected, "apple_music")
    await pool.execute("UPDATE connections SET state = 'reconnect_required' WHERE id = $1", apple["id"])

    every = await connected("GET", "/connections")
    due = await connected("GET", "/connections?state=reconnect_required")
    gone = await connected("GET", "/connections?state=disconnected")
    odd = await connected("GET", "/connections?state=asleep")
    unknown = await connected("GET", "/connections?platform=gramophone")

    assert [one["id"] for one in every.json["items"]] == [spotify["id"], apple["id"]]
    assert [one["id"] for one in due.json["items"]] == [apple["id"]]
    assert gone.json["items"] == []
    assert (odd.problem(), odd.pointers()) == ((422, "validation"), ["/query/state"])
    assert "connected, reconnect_required, disconnected" in odd.json["errors"][0]["detail"]
    assert unknown.problem() == (404, "unknown-platform")


@pytest.mark.parametrize(("method", "tail"), [("GET", ""), ("DELETE", ""), ("POST", "/test")])
async def test_foreign_unknown_and_malformed_connections_are_not_there(
    connected: Caller, stranger: Caller, pool: Pool, method: str, tail: str
) -> None:
    foreign = await stranger.connect_apple_music()

    replies = [
        await connected(method, f"/connections/{one}{tail}") for one in (foreign, UNKNOWN, "drop-table")
    ]

    assert {reply.problem() for reply in replies} == {(404, "not-found")}
    assert await pool.fetchval("SELECT state FROM connections WHERE id = $1", foreign) == "connected"


async def test_a_disconnected_account_is_wiped_and_says_where_the_permission_is_ended(
    connected: Caller, platforms: FakePlatforms, pool: Pool, settings: Settings
) -> None:
    spotify = await of(connected, "spotify")
    await connected("GET", "/playlists?platform=spotify")
    before = await pool.fetchval("SELECT sealed_tokens FROM connections WHERE id = $1", spotify["id"])

    reply = await connected("DELETE", f"/connections/{spotify['id']}")

    row = await pool.fetchrow("SELECT * FROM connections WHERE id = $1", spotify["id"])
    assert reply.status == 200
    assert reply.json["revoked"] is False
    assert reply.json["revoke_url"] == "https://spotify.example/apps"
    assert "Mira Holt" in reply.json["text"]
    assert "Spotify" in reply.json["text"]
    assert reply.json["connection"]["state"] == "disconnected"
    assert row is not None
    assert (row["state"], row["sealed_tokens"], row["sign_in_ends_at"]) == ("disconnected", "", None)
    async with open_redis(settings.redis_url) as redis:
        kept = [await redis.get(key) or "" for key in await redis.keys("crossplay:connection:*")]
        assert before not in str(kept)
        assert await redis.keys(f"crossplay:playlists:{spotify['id']}*") == []


async def test_a_disconnected_account_is_found_by_its_id_and_state_alone(
    connected: Caller, platforms: FakePlatforms
) -> None:
    spotify = await of(connected, "spotify")
    await connected("DELETE", f"/connections/{spotify['id']}")
    platforms.accounts[Platform.SPOTIFY].calls.clear()

    listed = await connected("GET", "/connections")
    gone = await connected("GET", "/connections?state=disconnected")
    shown = await connected("GET", f"/connections/{spotify['id']}")
    by_platform = await connected("GET", "/playlists?platform=spotify")
    by_id = await connected("GET", f"/playlists?connection={spotify['id']}")
    tried = await connected("POST", f"/connections/{spotify['id']}/test")

    assert "spotify" not in [one["platform"] for one in listed.json["items"]]
    assert [one["id"] for one in gone.json["items"]] == [spotify["id"]]
    assert shown.json["action_url"] == f"/connect/spotify?connection={spotify['id']}"
    assert by_platform.problem() == (409, "connection-missing")
    assert by_id.problem() == (409, "reconnect-required")
    assert "disconnected" in by_id.json["detail"]
    assert tried.json["health"] == "reconnect_required"
    assert platforms.accounts[Platform.SPOTIFY].calls == []


async def test_disconnecting_twice_is_answered_alike(connected: Caller, pool: Pool) -> None:
    path = f"/connections/{(await of(connected, 'spotify'))['id']}"

    first = await connected("DELETE", path)
    again = await connected("DELETE", path)

    assert (first.status, again.status) == (200, 200)
    assert first.json == again.json


async def test_transfers_that_need_a_disconnected_account_wait_and_go_on_when_it_is_back(
    connected: Caller, platforms: FakePlatforms, pool: Pool
) -> None:
    spotify = await of(connected, "spotify")
    waiting = (await connected("POST", "/transfer", json=transfer_body())).json["id"]
    begun = (await connected("POST", "/transfer", json=transfer_body())).json["id"]
    read = (await connected("POST", "/transfer", json=transfer_body())).json["id"]
    await pool.execute("UPDATE transfers SET state = 'running', started_at = now() WHERE id = $1", begun)
    await pool.execute(
        "UPDATE transfers SET state = 'running', started_at = now(), is_read = true WHERE id = $1", read
    )

    async def states() -> list[str]:
        return [(await connected("GET", f"/status/{one}")).json["state"] for one in (waiting, begun, read)]

    await connected("DELETE", f"/connections/{spotify['id']}")
    apart = await states()
    paused = (await connected("GET", f"/status/{waiting}")).json["paused"]
    await sign_in(connected, platforms, code="again")

    assert apart == ["paused", "paused", "running"]
    assert (paused["reason"], paused["platform"]) == ("reconnect_required", "spotify")
    assert paused["action_url"] == f"/connect/spotify?connection={spotify['id']}"
    assert await states() == ["queued", "running", "running"]
    assert (await of(connected, "spotify"))["id"] == spotify["id"]


async def test_transfers_go_on_when_another_process_stores_tokens_after_a_refusal(
    connected: Caller, pool: Pool
) -> None:
    spotify = await of(connected, "spotify")
    transfer_id = (await connected("POST", "/transfer", json=transfer_body())).json["id"]
    version = await pool.fetchval("SELECT version FROM connections WHERE id = $1", spotify["id"])
    await connections.mark_reconnect_required(pool, spotify["id"], version=version)
    await pool.execute(
        "UPDATE transfers SET state = 'paused', pause_reason = 'reconnect_required', "
        "pause_platform = 'spotify' WHERE id = $1",
        transfer_id,
    )

    is_stored = await connections.store_tokens(pool, spotify["id"], version=version, sealed_tokens="fresh")

    assert is_stored
    assert (await of(connected, "spotify"))["state"] == "connected"
    assert (await connected("GET", f"/status/{transfer_id}")).json["state"] == "queued"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ("is_cancelling = true", "queued"),
        ("state = 'completed'", "completed"),
        ("state = 'paused', pause_reason = 'user'", "paused"),
    ],
)
async def test_what_is_stopping_over_or_paused_by_its_user_is_left_as_it_is(
    connected: Caller, pool: Pool, change: str, state: str
) -> None:
    transfer_id = (await connected("POST", "/transfer", json=transfer_body())).json["id"]
    await pool.execute(f"UPDATE transfers SET {change} WHERE id = $1", transfer_id)
    before = await pool.fetchrow("SELECT * FROM transfers WHERE id = $1", transfer_id)

    await connected("DELETE", f"/connections/{(await of(connected, 'apple_music'))['id']}")

    after = await pool.fetchrow("SELECT * FROM transfers WHERE id = $1", transfer_id)
    assert after is not None
    assert after["state"] == state
    assert after == before


async def test_a_good_connection_is_said_to_be_good(connected: Caller, platforms: FakePlatforms) -> None:
    spotify = await of(connected, "spotify")

    reply = await connected("POST", f"/connections/{spotify['id']}/test")

    assert (reply.status, reply.json["health"]) == (200, "ok")
    assert reply.json["text"] == "Spotify answers to Mira Holt."
    assert platforms.accounts[Platform.SPOTIFY].calls[-1] == "account"


@pytest.mark.parametrize("kind", ["refused tokens", "refused otherwise"])
async def test_a_refused_connection_has_to_be_renewed_from_then_on(
    connected: Caller, platforms: FakePlatforms, kind: str
) -> None:
    spotify = await of(connected, "spotify")
    account = platforms.accounts[Platform.SPOTIFY]
    if kind == "refused tokens":
        account.accepted_tokens = set()
    else:
        account.error = ReconnectRequired("It allows too little.")

    reply = await connected("POST", f"/connections/{spotify['id']}/test")

    shown = await connected("GET", f"/connections/{spotify['id']}")
    assert reply.json["health"] == "reconnect_required"
    assert reply.json["connection"] == shown.json
    assert shown.json["state"] == "reconnect_required"
    assert shown.json["action_url"] == f"/connect/spotify?connection={spotify['id']}"


async def test_a_refusal_that_comes_after_a_new_sign_in_does_not_undo_it(
    connected: Caller, platforms: FakePlatforms, pool: Pool
) -> None:
    spotify = await of(connected, "spotify")
    account = platforms.accounts[Platform.SPOTIFY]
    account.error = ReconnectRequired("Revoked.")
    before = datetime.now(UTC) - timedelta(days=1)
    await pool.execute("UPDATE connections SET authorized_at = $2 WHERE id = $1", spotify["id"], before)

    async def renewed() -> None:
        await pool.execute("UPDATE connections SET authorized_at = now() WHERE id = $1", spotify["id"])

    account.before_call = renewed
    await connected("POST", f"/connections/{spotify['id']}/test")

    assert (await of(connected, "spotify"))["state"] == "connected"


@pytest.mark.parametrize(
    "error",
    [
        PlatformUnavailable("Spotify cannot be reached.", platform="spotify", operation="account"),
        RateLimited("Spotify asks to wait 9 s.", platform="spotify", operation="account", retry_after_s=9),
        PlatformDenied("This account is not on the list.", platform="spotify", operation="account"),
    ],
)
async def test_what_signing_in_again_would_not_cure_leaves_the_connection_as_it_is(
    connected: Caller, platforms: FakePlatforms, error: Exception
) -> None:
    spotify = await of(connected, "spotify")
    platforms.accounts[Platform.SPOTIFY].error = error

    reply = await connected("POST", f"/connections/{spotify['id']}/test")

    assert (reply.status, reply.json["health"], reply.json["text"]) == (200, "unavailable", str(error))
    assert reply.json["connection"]["state"] == "connected"


async def test_a_platform_that_is_not_set_up_cannot_be_tried_out(
    connected: Caller, platforms: FakePlatforms
) -> None:
    spotify = await of(connected, "spotify")
    platforms.unconfigured.add(Platform.SPOTIFY)

    reply = await connected("POST", f"/connections/{spotify['id']}/test")

    assert (reply.json["health"], reply.json["connection"]["state"]) == ("unavailable", "connected")
    assert "CROSSPLAY_" in reply.json["text"]


async def test_an_account_is_disconnected_while_redis_is_away(
    serve: Serve, settings: Settings, connected: Caller, pool: Pool
) -> None:
    spotify = await of(connected, "spotify")
    lonely = await serve(replace(settings, redis_url=Secret("redis://127.0.0.1:1/0")))
    call = Caller(lonely, key=connected.key, user_id=connected.user_id)

    reply = await call("DELETE", f"/connections/{spotify['id']}")

    assert reply.status == 200
    assert await pool.fetchval("SELECT sealed_tokens FROM connections WHERE id = $1", spotify["id"]) == ""
