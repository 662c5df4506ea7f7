"""A drill: the system is lost, another one is made of the backup, and users go on as if nothing had been."""

import signal
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from shared.backup_file import BackupReader
from shared.db.dump import dump
from shared.db.restore import restore
from tests.e2e.stack import Stack
from tests.e2e.users import Refused
from tests.e2e.worlds import Worlds

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="session")]

DATABASE_URL = "CROSSPLAY_DATABASE_URL"
SLOW = {"operation": "add_items", "kind": "delay", "delay_ms": 400}


async def test_a_system_that_is_lost_and_restored_ends_its_transfers_perfectly(
    tmp_path: Path, worlds: Worlds
) -> None:
    file = tmp_path / "backup.tar.gz"
    async with Stack.run(tmp_path / "stack", worlds=worlds.paths, latency_ms=15) as stack:
        await stack.arm("apple_music", SLOW)
        await stack.arm("spotify", SLOW)
        begun = {await stack.start(cut): cut for cut in (worlds.shared, worlds.home)}
        await stack.writes_begin("apple_music")
        with file.open("wb") as stream:
            url = stack.system.settings[DATABASE_URL]
            await dump(url, stream, taken_at=datetime.now(UTC), settings={})
        before = {transfer_id: await stack.user.status(transfer_id) for transfer_id in begun}
        for transfer_id in begun:
            await stack.user.end(transfer_id)
        unknown_id = await stack.start(worlds.movable)
        await stack.user.end(unknown_id)

        await lose_everything(stack)
        with file.open("rb") as stream:
            await restore(await another_database(stack), BackupReader(stream))
        await stack.system.restart_gateway()
        await stack.refresh()

        flaws = [
            flaw
            for transfer_id, cut in begun.items()
            for flaw in await stack.flaws(cut, await stack.user.end(transfer_id))
        ]
        with pytest.raises(Refused) as refused:
            await stack.user.status(unknown_id)
        fresh = await stack.user.end(await stack.start(worlds.movable))

        assert {status["state"] for status in before.values()} == {"running"}
        assert flaws == []
        assert refused.value.status == 404  # what began after the backup, nobody knows of
        assert await stack.flaws(worlds.movable, fresh) == []


async def lose_everything(stack: Stack) -> None:
    """Pull every plug, and let Redis forget."""
    for process in stack.processes:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    await stack.flush()


async def another_database(stack: Stack) -> str:
    """Make an empty database, let the system use it, and return its address."""
    url = stack.system.settings[DATABASE_URL]
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE DATABASE restored")
    finally:
        await connection.close()
    stack.system.settings[DATABASE_URL] = urlunsplit(urlsplit(url)._replace(path="/restored"))
    return stack.system.settings[DATABASE_URL]
