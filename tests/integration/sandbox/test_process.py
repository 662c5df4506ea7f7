"""The sandbox as a process: ready line, stop, kill, restart with its state."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from aiohttp import ClientSession, TCPConnector

from deploy.sandbox.faults import Fault, Kind
from tests.integration.sandbox.harness import Caller, Starter, playlist, track

ROOT = Path(__file__).resolve().parents[3]
READY_WITHIN_S = 30


@asynccontextmanager
async def running(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, Caller]]:
    """Start the command, wait for its line, and kill it if it is still there at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "deploy.sandbox",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), READY_WITHIN_S)
        async with ClientSession(connector=TCPConnector(force_close=True)) as session:
            yield process, Caller(session=session, url=msgspec.json.decode(line)["url"], headers={})
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stopped_sandbox_leaves_with_zero(number: signal.Signals) -> None:
    async with running("--platform", "apple_music") as (process, apple):
        health = await apple.json("GET", "/_sandbox/health")

        process.send_signal(number)
        code = await asyncio.wait_for(process.wait(), READY_WITHIN_S)

    assert (health["platform"], code) == ("apple_music", 0)


async def test_a_killed_sandbox_comes_back_with_playlists_and_tokens(tmp_path: Path) -> None:
    world, state = tmp_path / "mine.json", tmp_path / "state"
    world.write_bytes(msgspec.json.encode(playlist("Mine", [track(0), track(1)])))
    command = ("--platform", "spotify", "--world", str(world), "--state", str(state))
    async with running(*command) as (process, spotify):
        tokens = await spotify.log_in()
        own_id = await spotify.playlist_id("Mine")
        rows = await spotify.json("GET", f"/v1/playlists/{own_id}/items")
        uris = [row["item"]["uri"] for row in rows["items"]]
        await spotify.json("POST", f"/v1/playlists/{own_id}/items", status=201, json={"uris": uris})
        made = await spotify.json("POST", "/v1/me/playlists", status=201, json={"name": "Made"})
        before = await spotify.truth(own_id)
        process.kill()
        await process.wait()
    with (state / "spotify.jsonl").open("ab") as journal:
        journal.write(b'{"type":"items_ins')  # what a kill in the middle of a write leaves

    async with running(*command) as (_, spotify):
        spotify.headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        after = await spotify.truth(own_id)
        listed = await spotify.json("GET", "/v1/me/playlists")
        await spotify.refresh(tokens["refresh_token"])
        await spotify.json("PUT", f"/v1/playlists/{own_id}", json={"name": "Still mine"})

    async with running(*command) as (_, spotify):
        names = {row["name"] for row in await spotify.json("GET", "/_sandbox/playlists")}

    assert after == before
    assert len(after) == 4
    assert made["id"] in [row["id"] for row in listed["items"]]
    assert names == {"Still mine", "Made"}


async def test_an_unreadable_world_is_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"title": "fine"}\n{"title": \n')
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deploy.sandbox", "--platform", "spotify", "--world", str(broken)),
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )

    _, told = await asyncio.wait_for(process.communicate(), READY_WITHIN_S)

    assert process.returncode == 2
    assert told.decode().startswith("sandbox: broken.jsonl, line 2: ")


@pytest.mark.parametrize("platform", ["spotify", "apple_music"])
async def test_every_operation_and_fault_is_documented(starter: Starter, platform: str) -> None:
    readme = (ROOT / "deploy/sandbox/README.md").read_text()
    sandbox = await starter(platform)

    health = await sandbox.json("GET", "/_sandbox/health")

    words = {*health["operations"], *get_args(Kind), *Fault.__struct_fields__}
    assert [word for word in sorted(words) if word not in readme] == []
