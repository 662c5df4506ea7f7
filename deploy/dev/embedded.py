"""Postgres and Redis of this machine: started together, stopped together, kept in one directory."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from deploy.dev.datadir import DataDir
from deploy.dev.places import HERE, Place
from deploy.dev.postgres import PostgresServer, run_postgres
from deploy.dev.valkey import ValkeyServer, run_valkey

_Server = TypeVar("_Server", PostgresServer, ValkeyServer)


class EmbeddedServers:
    """Both servers, for the length of an `async with`. They die with this process, whatever ends it.

    data_dir is made with mode 0700 and holds data, passwords and logs; the next start finds everything
    again. fsync=False is for tests. CROSSPLAY_PG_BIN (directory of `postgres` and `initdb`, 15 or newer)
    and CROSSPLAY_REDIS_BIN (path of a `valkey-server` or `redis-server`, 7 or newer) replace the wheels.
    has_user_namespaces=False makes root go the way it goes in a container without them. place: where both
    listen; on another address than the loopback every host of that network may try the password.
    Entering raises StartError: directory in use, programs missing, server silent.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        fsync: bool = True,
        environ: Mapping[str, str] = os.environ,
        has_user_namespaces: bool = True,
        place: Place = HERE,
    ) -> None:
        self._data_dir = data_dir
        self._fsync = fsync
        self._environ = environ
        self._has_user_namespaces = has_user_namespaces
        self._place = place
        self._resources = contextlib.AsyncExitStack()
        self._postgres: PostgresServer | None = None
        self._valkey: ValkeyServer | None = None

    @property
    def postgres(self) -> PostgresServer:
        if self._postgres is None:
            raise RuntimeError("the servers were not started")
        return self._postgres

    @property
    def valkey(self) -> ValkeyServer:
        if self._valkey is None:
            raise RuntimeError("the servers were not started")
        return self._valkey

    @property
    def database_url(self) -> str:
        """With the password: not for logs."""
        return self.postgres.database_url

    @property
    def redis_url(self) -> str:
        """With the password: not for logs."""
        return self.valkey.redis_url

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as resources:
            data_dir = await DataDir.open(self._data_dir)
            resources.callback(data_dir.close)
            postgres, valkey = await asyncio.gather(
                resources.enter_async_context(
                    run_postgres(
                        data_dir,
                        environ=self._environ,
                        fsync=self._fsync,
                        has_user_namespaces=self._has_user_namespaces,
                        place=self._place,
                    )
                ),
                resources.enter_async_context(
                    run_valkey(data_dir, environ=self._environ, fsync=self._fsync, place=self._place)
                ),
                # So that a failure of one waits for the other, which is then stopped in order.
                return_exceptions=True,
            )
            self._postgres, self._valkey = _unless_failed(postgres), _unless_failed(valkey)
            self._resources = resources.pop_all()
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._resources.aclose()
        self._postgres = self._valkey = None

    def __repr__(self) -> str:
        return f"EmbeddedServers({str(self._data_dir)!r})"


def _unless_failed(result: _Server | BaseException) -> _Server:
    if isinstance(result, BaseException):
        raise result
    return result
