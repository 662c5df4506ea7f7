"""The data directory of the embedded servers: one owner at a time, and passwords that are kept in it."""

import asyncio
import contextlib
import fcntl
import os
import secrets
from pathlib import Path
from typing import Self

from deploy.dev.processes import StartError

# After kill -9 of their parent the servers shut down by themselves; Postgres took up to 2.1 s.
_OLD_SERVERS_GONE_S = 15.0
_POLL_S = 0.05


class DataDirInUseError(StartError):
    """Another process runs its servers in this directory."""


class DataDir:
    """The directory, held by this process until close().

    servers_lock_fd is inherited by the servers, so that the lock lasts as long as any of them lives, even
    when their parent is gone.
    """

    def __init__(self, path: Path, *, locks: contextlib.ExitStack, servers_lock_fd: int) -> None:
        self.path = path
        self.servers_lock_fd = servers_lock_fd
        self._locks = locks

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Make the directory (mode 0700) if need be and take it.

        Raises DataDirInUseError at once when its owner lives, after a while when only old servers do.
        """
        path = _made(path)
        with contextlib.ExitStack() as locks:
            if not _try_lock(_open_lock(path / "owner.lock", locks=locks)):
                raise DataDirInUseError(
                    f"{path} is in use by another running Crossplay; stop it or name another directory"
                )
            servers_lock_fd = _open_lock(path / "servers.lock", locks=locks)
            await _wait_for_old_servers(path, lock_fd=servers_lock_fd)
            (path / "logs").mkdir(mode=0o700, exist_ok=True)
            return cls(path, locks=locks.pop_all(), servers_lock_fd=servers_lock_fd)

    def log_path(self, name: str) -> Path:
        return self.path / "logs" / f"{name}.log"

    def password(self, name: str) -> str:
        """The password of one server, made at the first question and kept in a file of mode 0600."""
        path = self.path / f"{name}.password"
        if not path.exists():
            write_private(path, secrets.token_urlsafe(24))
        return path.read_text()

    def close(self) -> None:
        """Give the directory back. Servers that still live keep their lock."""
        self._locks.close()


def _made(path: Path) -> Path:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.absolute()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    fd = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w") as file:
        file.write(text)
    unfinished.replace(path)


async def _wait_for_old_servers(path: Path, *, lock_fd: int) -> None:
    for _ in range(round(_OLD_SERVERS_GONE_S / _POLL_S)):
        if _try_lock(lock_fd):
            return
        await asyncio.sleep(_POLL_S)
    raise DataDirInUseError(f"servers that an earlier run left in {path} do not end")


def _open_lock(path: Path, *, locks: contextlib.ExitStack) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    locks.callback(os.close, fd)
    return fd


def _try_lock(fd: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
