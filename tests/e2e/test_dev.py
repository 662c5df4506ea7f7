"""`crossplay dev`: its ready line, its ends, and what a kept directory remembers."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import redis.asyncio

from tests.e2e import families
from tests.e2e.stack import clean_environ
from tests.e2e.users import User
from tests.e2e.worlds import Worlds

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(not families.IS_VISIBLE, reason="this system shows no processes under /proc"),
]

PATIENCE_S = 60.0
SOME = ("spotify", "apple_music", "subsonic")
"""Platforms enough for a system that is kept; an account at the last one is one at this address."""

Ready = dict[str, Any]


class Dev(msgspec.Struct, frozen=True, kw_only=True):
    """A running `crossplay dev`. family: every process that it has started."""

    process: asyncio.subprocess.Process
    ready: Ready
    family: set[families.Member]

    async def end(self, signal_number: signal.Signals) -> int:
        """Signal it; return its exit status."""
        self.process.send_signal(signal_number)
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


@asynccontextmanager
async def dev(*arguments: str, temporary_dir: Path) -> AsyncIterator[Dev]:
    with (temporary_dir / "dev.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.cli.main", "dev", "--json", "--port", "0", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
            env={**clean_environ(), "TMPDIR": str(temporary_dir)},
        )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            ready = msgspec.json.decode(await process.stdout.readline(), type=Ready)
        yield Dev(process=process, ready=ready, family=families.family_of(process.pid))
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def names_in(directory: Path) -> list[str]:
    return [path.name for path in directory.iterdir()]


async def test_ready_line_tells_what_a_program_needs(tmp_path: Path, worlds: Worlds) -> None:
    home = [part for path in worlds.paths for part in ("--world", str(path))]
    async with dev(*home, "--workers", "3", temporary_dir=tmp_path) as system:
        ready = system.ready
        connection = await asyncpg.connect(ready["database_url"])
        try:
            user_count = await connection.fetchval("SELECT count(*) FROM users")
        finally:
            await connection.close()
        async with redis.asyncio.Redis.from_url(ready["redis_url"]) as client:
            has_redis = await client.ping()
        async with User.open(ready["gateway"], key=ready["api_key"]) as user:
            listed = {
                platform: [
                    item["name"] for item in (await user.get(f"/playlists?platform={platform}"))["items"]
                ]
                for platform in ready["sandbox"]
            }
            users = (await user.get("/users"))["items"]
        exit_status = await system.end(signal.SIGTERM)
        left = await families.wait_gone(system.family)

    pids = {member.pid for member in system.family}
    assert set(ready) == {
        *("gateway", "api_key", "sandbox", "workers", "probes", "database_url", "redis_url")
    }
    assert all(set(sandbox) == {"url"} for sandbox in ready["sandbox"].values())
    assert len(set(ready["workers"])) == 3
    assert set(ready["workers"]) <= pids
    assert (user_count, has_redis) == (1, True)
    assert [one["name"] for one in users] == ["dev"]
    assert worlds.road_trip.name in listed["spotify"]
    assert worlds.home.name in listed["apple_music"]
    assert (exit_status, left) == (0, set())
    assert names_in(tmp_path) == ["dev.log"]  # nothing is left of its directory


async def test_kept_directory_remembers_everything(tmp_path: Path, worlds: Worlds) -> None:
    arguments = ["--data-dir", str(tmp_path / "kept")]
    arguments += [part for path in worlds.paths for part in ("--world", str(path))]
    arguments += [part for platform in SOME for part in ("--platform", platform)]
    async with dev(*arguments, temporary_dir=tmp_path) as system:
        async with User.open(system.ready["gateway"], key=system.ready["api_key"]) as user:
            before = await user.end(await user.start("spotify", worlds.movable.name, "apple_music"))
            connections = await user.get("/connections")
        first_status = await system.end(signal.SIGINT)
        first_left = await families.wait_gone(system.family)

    async with (
        dev(*arguments, temporary_dir=tmp_path) as again,
        User.open(again.ready["gateway"], key=again.ready["api_key"]) as user,
    ):
        after = await user.status(before["id"])
        accounts = await user.get("/connections")
        playlists = await user.get("/playlists?platform=apple_music&limit=200")
        back = await user.end(await user.start("apple_music", before["target_playlist"]["id"], "spotify"))
        again.process.kill()
        await again.process.wait()
        left = await families.wait_gone(again.family)

    assert (first_status, first_left) == (0, set())
    assert again.ready["api_key"] == system.ready["api_key"]
    assert (before["state"], before["outcome"]) == ("completed", "full")
    assert {**after, "links": None} == {**before, "links": None}
    assert {item["id"] for item in accounts["items"]} == {item["id"] for item in connections["items"]}
    assert before["target_playlist"]["name"] in [item["name"] for item in playlists["items"]]
    assert (back["state"], back["counts"]["written"]) == ("completed", len(worlds.movable.written))
    assert left == set()
