"""What was added is taken back, and nothing else: after a kill, a lost answer, and a cancel half way."""

import secrets

import pytest

from tests.e2e.stack import Stack, crossplay
from tests.e2e.users import Json
from tests.e2e.worlds import Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


async def away(stack: Stack, worlds: Worlds) -> str:
    """Move the road trip to Apple Music; return the playlist it makes there."""
    status = await stack.user.end(await stack.start(worlds.road_trip))
    assert await stack.flaws(worlds.road_trip, status) == []
    return str(status["target_playlist"]["id"])


async def home(stack: Stack, source: str, *, into: str | None = None) -> str:
    """Start to move an Apple Music playlist to Spotify; return the transfer's id."""
    target = {"playlist": into} if into else {"name": f"Home {secrets.token_hex(4)}"}
    body: Json = {
        "source": {"platform": "apple_music", "playlist": source},
        "target": {"platform": "spotify", **target},
        "on_duplicate": "keep",
    }
    return str((await stack.user.post("/transfer", body))["id"])


async def undo(stack: Stack, transfer_id: str) -> str:
    return str((await stack.user.post(f"/transfer/{transfer_id}/undo", {}))["id"])


async def test_undo_over_a_kill_and_a_lost_answer_leaves_the_playlist_as_it_was(
    stack: Stack, worlds: Worlds
) -> None:
    base = await stack.user.end(await stack.start(worlds.home))
    playlist_id = base["target_playlist"]["id"]
    before = await stack.rows("spotify", playlist_id)
    done = await stack.user.end(await home(stack, await away(stack, worlds), into=playlist_id))
    assert (done["state"], done["counts"]["written"]) == ("completed", len(worlds.road_trip.written))
    await stack.arm(
        "spotify",
        {"operation": "remove_items", "kind": "applied_then_lost", "count": 1},
        {"operation": "remove_items", "kind": "delay", "delay_ms": 400, "count": 1},
    )

    undo_id = await undo(stack, done["id"])
    await stack.struck("spotify", count=2)
    victim = await stack.at_work(undo_id)
    assert victim is not None
    await stack.kill(victim)

    status = await stack.user.end(undo_id)
    counts = {name: count for name, count in status["counts"].items() if count}
    assert (status["state"], status["outcome"]) == ("completed", "full")
    assert counts == {"total": done["counts"]["written"], "removed": done["counts"]["written"]}
    assert await stack.rows("spotify", playlist_id) == before
    assert (await stack.user.status(done["id"]))["undone_by"] == undo_id
    assert (await stack.user.status(done["id"]))["state"] == "completed"


async def test_undo_by_the_command_deletes_the_playlist_that_was_made(stack: Stack, worlds: Worlds) -> None:
    done = await stack.user.end(await stack.start(worlds.home))
    name = done["target_playlist"]["name"]

    code, out, told = await crossplay("undo", done["id"], environ=stack.cli_environ())

    listed = await stack.user.get("/playlists", params={"platform": "spotify", "refresh": "true"})
    assert code == 0, told
    assert "was deleted" in out
    assert name not in [playlist["name"] for playlist in listed["items"]]


async def test_cancel_stops_within_a_batch_tells_what_was_written_and_undo_takes_exactly_that(
    stack: Stack, worlds: Worlds
) -> None:
    base = await stack.user.end(await stack.start(worlds.home))
    playlist_id = base["target_playlist"]["id"]
    before = await stack.rows("spotify", playlist_id)
    source = await away(stack, worlds)
    await stack.refresh()
    await stack.arm("spotify", {"operation": "add_items", "kind": "applied_then_delay", "delay_ms": 500})
    transfer_id = await home(stack, source, into=playlist_id)
    await stack.writes_begin("spotify")

    cancelled = await stack.user.post(f"/status/{transfer_id}/cancel", {})

    status = await stack.user.end(transfer_id)
    written = status["counts"]["written"]
    assert cancelled["state"] == "running"
    assert status["state"] == "cancelled"
    assert f"{written} had been added" in status["summary"]
    assert await stack.request_count("spotify", "add_items") == 1
    assert 0 < written < len(worlds.road_trip.written)
    assert len(await stack.rows("spotify", playlist_id)) == len(before) + written
    undone = await stack.user.end(await undo(stack, transfer_id))
    assert (undone["outcome"], undone["counts"]["removed"]) == ("full", written)
    assert await stack.rows("spotify", playlist_id) == before
