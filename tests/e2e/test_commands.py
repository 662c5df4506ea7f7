"""The command line against the whole system: exit codes, its last line, and a gateway that restarts."""

import asyncio
import secrets

import msgspec
import pytest

from deploy.dev.servers import free_port
from tests.e2e.stack import Stack, crossplay
from tests.e2e.worlds import Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]


def last_line(out: str) -> dict[str, object]:
    return msgspec.json.decode(out.splitlines()[-1], type=dict[str, object])


async def test_complete_transfer_ends_with_zero_and_its_status(stack: Stack, worlds: Worlds) -> None:
    target = f"apple_music:Full {secrets.token_hex(4)}"

    code, out, told = await crossplay(
        *("transfer", f"spotify:{worlds.movable.name}", target, "--wait", "-o", "json"),
        environ=stack.cli_environ(),
    )

    status = last_line(out)
    assert code == 0, told
    assert status["state"] == "completed"
    assert await stack.flaws(worlds.movable, status) == []


async def test_transfer_with_named_rest_ends_with_three(stack: Stack, worlds: Worlds) -> None:
    target = f"apple_music:Partial {secrets.token_hex(4)}"

    code, out, told = await crossplay(
        *("transfer", f"spotify:{worlds.road_trip.name}", target, "-o", "json"), environ=stack.cli_environ()
    )

    assert code == 3, told
    assert await stack.flaws(worlds.road_trip, last_line(out)) == []


async def test_detached_transfer_is_followed_by_its_id(stack: Stack, worlds: Worlds) -> None:
    target = f"apple_music:Later {secrets.token_hex(4)}"
    started = await crossplay(
        *("transfer", f"spotify:{worlds.movable.name}", target, "--detach", "-o", "json"),
        environ=stack.cli_environ(),
    )

    transfer_id = str(last_line(started[1])["id"])
    code, out, _ = await crossplay(
        "status", transfer_id, "--follow", "-o", "json", environ=stack.cli_environ()
    )

    assert started[0] == code == 0
    assert await stack.flaws(worlds.movable, last_line(out)) == []


async def test_unknown_playlist_ends_with_five(stack: Stack) -> None:
    code, out, told = await crossplay(
        *("transfer", "spotify:Nobody Made This", "apple_music", "-o", "json"), environ=stack.cli_environ()
    )

    assert (code, out) == (5, "")
    assert "no playlist of this id or name" in told


async def test_unreachable_gateway_ends_with_seven(stack: Stack) -> None:
    environ = {**stack.cli_environ(), "CROSSPLAY_URL": f"http://127.0.0.1:{free_port()}"}

    code, out, told = await crossplay("transfer", "spotify:Any", "apple_music", "-o", "json", environ=environ)

    assert (code, out) == (7, "")
    assert "crossplay dev" in told


@pytest.mark.parametrize("is_killed", [False, True], ids=["restarted", "killed"])
async def test_waiting_command_survives_its_gateway(stack: Stack, worlds: Worlds, *, is_killed: bool) -> None:
    await stack.arm("apple_music", {"operation": "add_items", "kind": "delay", "delay_ms": 700})
    target = f"apple_music:Patience {secrets.token_hex(4)}"
    waiting = asyncio.create_task(
        crossplay(
            *("transfer", f"spotify:{worlds.road_trip.name}", target, "-o", "json"),
            environ=stack.cli_environ(),
        )
    )
    await stack.writes_begin("apple_music")

    await stack.system.restart_gateway(is_killed=is_killed)

    code, out, told = await waiting
    assert code == 3, told
    assert await stack.flaws(worlds.road_trip, last_line(out)) == []
