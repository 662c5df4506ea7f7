"""A Valkey (or Redis) server of our own."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec

from deploy.dev.binaries import find_redis
from deploy.dev.datadir import DataDir, write_private
from deploy.dev.places import HERE, Place
from deploy.dev.processes import Process, ProcessSpec
from deploy.dev.servers import server_environment, start_on_free_port

_READY_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0
# noeviction: a stream that is thrown away to make room would cost a sweep of everything.
_OPTIONS = (
    *("--daemonize", "no", "--maxmemory-policy", "noeviction"),
    *("--appendonly", "yes", "--save", ""),
)


class ValkeyServer(msgspec.Struct, frozen=True, kw_only=True):
    """A running server. Its repr hides the password."""

    process: Process
    address: str
    port: int
    password: str

    @property
    def redis_url(self) -> str:
        return f"redis://:{self.password}@{self.address}:{self.port}/0"

    def __repr__(self) -> str:
        return f"ValkeyServer(port={self.port}, …)"


@asynccontextmanager
async def run_valkey(
    data_dir: DataDir, *, environ: Mapping[str, str], fsync: bool = True, place: Place = HERE
) -> AsyncIterator[ValkeyServer]:
    """Run a server on data_dir. Raises StartError.

    fsync=False leaves it to the operating system when to write, else it is done every second.
    """
    program = await asyncio.to_thread(find_redis, environ)
    server_dir = data_dir.path / "valkey"
    server_dir.mkdir(mode=0o700, exist_ok=True)
    password = data_dir.password("valkey")
    # On the command line everybody on this machine could read it.
    config = server_dir / "valkey.conf"
    write_private(config, f"requirepass {password}\n")
    command = (
        *(str(program), str(config), "--dir", str(server_dir), "--bind", place.address),
        *(*_OPTIONS, "--appendfsync", "everysec" if fsync else "no"),
    )
    spec = ProcessSpec(
        name="valkey",
        command=command,
        log_path=data_dir.log_path("valkey"),
        orphan_signal=signal.SIGTERM,
        environment=server_environment(environ),
        prefix=place.prefix,
        inherited_fds=(data_dir.servers_lock_fd,),
    )
    process, port = await start_on_free_port(
        lambda port: msgspec.structs.replace(spec, command=(*command, "--port", str(port))),
        answers=lambda port: _answers(place.address, port=port, password=password),
        ready_timeout_s=_READY_TIMEOUT_S,
        stop_timeout_s=_STOP_TIMEOUT_S,
    )
    try:
        yield ValkeyServer(process=process, address=place.address, port=port, password=password)
    finally:
        await process.stop(timeout_s=_STOP_TIMEOUT_S)


async def _answers(address: str, *, port: int, password: str) -> bool:
    """Whether the server took the password and has read its data."""
    try:
        reader, writer = await asyncio.open_connection(address, port)
    except OSError:
        return False
    try:
        writer.write(f"AUTH {password}\r\nPING\r\n".encode())
        return [await reader.readline(), await reader.readline()] == [b"+OK\r\n", b"+PONG\r\n"]
    except OSError:
        return False
    finally:
        writer.close()
