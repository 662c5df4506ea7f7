"""A PostgreSQL server of our own: its cluster, its settings, its database."""

import asyncio
import contextlib
import os
import shutil
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import msgspec

from deploy.dev.binaries import find_postgres
from deploy.dev.datadir import DataDir, write_private
from deploy.dev.identity import Identity, choose_identity
from deploy.dev.places import HERE, Place
from deploy.dev.processes import Process, ProcessSpec
from deploy.dev.servers import server_environment, start_on_free_port

USER = "crossplay"
DATABASE = "crossplay"
_INITDB_TIMEOUT_S = 120.0
# Recovery after a crash reads what was written since the last checkpoint before it answers.
_READY_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 20.0
_SETTINGS = {
    # The path of a socket may have 107 bytes, a data directory may be deeper.
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_destination": "stderr",
}
# Of other addresses only those of our own networks; which of them can come is said by listen_addresses.
# Commits stay synchronous: a killed server loses none, only a stopped machine may.
_HBA = "host all all 127.0.0.1/32 scram-sha-256\nhost all all samenet scram-sha-256\n"
_WITHOUT_FSYNC = {"fsync": "off", "full_page_writes": "off"}


class PostgresServer(msgspec.Struct, frozen=True, kw_only=True):
    """A running server. Its repr hides the password."""

    process: Process
    address: str
    port: int
    password: str

    @property
    def database_url(self) -> str:
        return f"postgresql://{USER}:{self.password}@{self.address}:{self.port}/{DATABASE}"

    def __repr__(self) -> str:
        return f"PostgresServer(port={self.port}, …)"


@asynccontextmanager
async def run_postgres(
    data_dir: DataDir,
    *,
    environ: Mapping[str, str],
    fsync: bool = True,
    has_user_namespaces: bool = True,
    place: Place = HERE,
) -> AsyncIterator[PostgresServer]:
    """Run a server on data_dir; the cluster is made at the first start. Raises StartError.

    fsync=False is faster and loses data when the machine stops, not when the server is killed.
    """
    binaries = await asyncio.to_thread(find_postgres, environ)
    cluster_dir = data_dir.path / f"pgdata-{binaries.major}"
    identity = await asyncio.to_thread(
        choose_identity, binaries, cluster_dir=cluster_dir, has_user_namespaces=has_user_namespaces
    )
    password = data_dir.password("postgres")
    spec = ProcessSpec(
        name="postgres",
        command=(),
        log_path=data_dir.log_path("postgres"),
        environment=server_environment(environ),
        prefix=(*place.prefix, *identity.prefix),
        uid=identity.uid,
        inherited_fds=(data_dir.servers_lock_fd,),
        stop_signal=signal.SIGINT,
        orphan_signal=signal.SIGINT,
    )
    cluster_dir.mkdir(mode=0o700, exist_ok=True)
    # The directory may be a link (Identity), and only the place behind it can be reached.
    home = await asyncio.to_thread(cluster_dir.resolve)
    pgdata = await _ensure_cluster(spec, home=home, identity=identity, password=password)
    _remove_stale_pid_file(pgdata)
    settings = _SETTINGS | ({} if fsync else _WITHOUT_FSYNC)
    settings |= {"listen_addresses": place.address, "hba_file": str(_admit(home, identity=identity))}
    command = (str(identity.bin_dir / "postgres"), "-D", str(pgdata), *_as_options(settings))
    process, port = await start_on_free_port(
        lambda port: msgspec.structs.replace(spec, command=(*command, "-p", str(port))),
        answers=lambda port: _answers(place.address, port=port, password=password),
        ready_timeout_s=_READY_TIMEOUT_S,
        stop_timeout_s=_STOP_TIMEOUT_S,
    )
    try:
        await _ensure_database(place.address, port=port, password=password)
        yield PostgresServer(process=process, address=place.address, port=port, password=password)
    finally:
        await process.stop(timeout_s=_STOP_TIMEOUT_S)


async def _ensure_cluster(spec: ProcessSpec, *, home: Path, identity: Identity, password: str) -> Path:
    """Make the cluster unless it is there. Returns its directory; a half-made one is never taken for it."""
    pgdata, unfinished, password_file = home / "data", home / "unfinished", home / "initial.password"
    if pgdata.exists():
        return pgdata
    await asyncio.to_thread(shutil.rmtree, unfinished, ignore_errors=True)
    _write_for(identity, path=password_file, text=password)
    command = (
        *(str(identity.bin_dir / "initdb"), "-D", str(unfinished), "-U", USER, "--encoding=UTF8"),
        *("--auth=scram-sha-256", f"--pwfile={password_file}", "--no-instructions"),
    )
    process = await Process.start(msgspec.structs.replace(spec, name="initdb", command=command))
    try:
        await process.wait_ended_well(timeout_s=_INITDB_TIMEOUT_S)
    finally:
        await process.stop()
        password_file.unlink()
    return unfinished.rename(pgdata)


def _admit(home: Path, *, identity: Identity) -> Path:
    """Write down who may log in. Returns the file."""
    hba = home / "hba.conf"
    _write_for(identity, path=hba, text=_HBA)
    return hba


def _write_for(identity: Identity, *, path: Path, text: str) -> None:
    write_private(path, text)
    if identity.uid is not None:
        os.chown(path, identity.uid, identity.uid)


async def _answers(address: str, *, port: int, password: str) -> bool:
    try:
        connection = await _connect(address, port=port, password=password)
    except (OSError, asyncpg.CannotConnectNowError):
        return False
    await connection.close()
    return True


async def _ensure_database(address: str, *, port: int, password: str) -> None:
    connection = await _connect(address, port=port, password=password)
    try:
        with contextlib.suppress(asyncpg.DuplicateDatabaseError):
            await connection.execute(f'CREATE DATABASE "{DATABASE}"')
    finally:
        await connection.close()


async def _connect(address: str, *, port: int, password: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(
        host=address, port=port, user=USER, password=password, database="postgres", ssl=False, timeout=10
    )


def _as_options(settings: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(part for name, value in settings.items() for part in ("-c", f"{name}={value}"))


def _remove_stale_pid_file(pgdata: Path) -> None:
    """Drop a postmaster.pid whose number now belongs to another program, as after a container restart.

    Postgres would take that program for a postmaster and refuse to start. A running postmaster's
    directory is its data directory; where that cannot be seen the file stays.
    """
    pid_file = pgdata / "postmaster.pid"
    with contextlib.suppress(OSError, ValueError, IndexError):
        pid = abs(int(pid_file.read_text().splitlines()[0]))
        if Path(f"/proc/{pid}/cwd").readlink() != pgdata:
            pid_file.unlink()
