"""The few places through which all effects of a worker pass, opened for a plan; for test workers only."""

import functools
import hashlib
import importlib
import pkgutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, TypeVar

import aiohttp
import asyncpg
import asyncpg.connection
import redis.asyncio
import redis.asyncio.client
import redis.exceptions

import shared
import worker
from shared.db.jobs import Job
from shared.lease import Lease
from shared.platforms.attempts import Attempts
from shared.platforms.sockets import GatedBody
from tests.faults.effects import PHASE, Plan, Striker
from worker.executor import Executor

T = TypeVar("T")

AFTER_GATE = "after the gate"
_FENCES = ("jobs.FENCE", "jobs.HOLD", "jobs.REVISE", "jobs.ADD", "DELETE intents")


def install(plan: Plan) -> None:
    """Make this process do what the plan says; for good."""
    striker = Striker(plan)
    _watch_phases()
    _watch_postgres(striker)
    _watch_redis(striker)
    _watch_platforms(striker)


def _watch_phases() -> None:
    run = Executor._under_lease

    async def under_lease(self: Executor, job: Job, lease: Lease, beat: Any) -> Any:
        token = PHASE.set(str(job.phase))
        try:
            return await run(self, job, lease, beat)
        finally:
            PHASE.reset(token)

    Executor._under_lease = under_lease  # type: ignore[method-assign]  # that is the point


def _watch_postgres(striker: Striker) -> None:
    seam = _PostgresSeam(striker)
    cls: Any = asyncpg.connection.Connection
    plain, prepared = cls.execute, cls._execute

    async def execute(self: Any, query: str, *args: Any, **options: Any) -> Any:
        effect = functools.partial(plain, self, query, *args, **options)
        if args:  # it will pass the other one
            return await effect()
        return await seam.strike(self, query, effect)

    async def execute_prepared(self: Any, query: str, *args: Any, **options: Any) -> Any:
        return await seam.strike(self, query, functools.partial(prepared, self, query, *args, **options))

    cls.execute, cls._execute = execute, execute_prepared


class _PostgresSeam:
    """Inside of a transaction nothing lasts, so only its commit counts; it is named after its statements."""

    def __init__(self, striker: Striker) -> None:
        self._striker = striker
        self._names = _statement_names()
        self._inside: dict[int, list[str]] = {}

    async def strike(self, connection: Any, query: str, effect: Callable[[], Awaitable[T]]) -> T:
        verb, inside = query.split(maxsplit=1)[0], self._inside.get(id(connection))
        if verb == "SET" or "pg_catalog" in query:  # how a connection is made ready
            return await effect()
        if verb.startswith("BEGIN"):
            self._inside[id(connection)] = []
            return await effect()
        if verb.startswith("ROLLBACK"):
            self._inside.pop(id(connection), None)
            return await effect()
        name = self._names.get(query) or _summary(query)
        if verb.startswith("COMMIT"):
            name = _commit_name(self._inside.pop(id(connection), []))
        elif inside is not None:
            inside.append(name)
            return await effect()

        def loss() -> Exception:
            connection.terminate()
            return ConnectionResetError("the answer was lost")

        return await self._striker.around(name, effect, loss=loss)


def _watch_redis(striker: Striker) -> None:
    names = _script_names()
    plain: Any = redis.asyncio.Redis.execute_command
    piped: Any = redis.asyncio.client.Pipeline.execute

    def loss() -> Exception:
        return redis.exceptions.ConnectionError("the answer was lost")

    async def execute_command(self: Any, *args: Any, **options: Any) -> Any:
        name = _command_name(args, scripts=names)
        if args[0] != "XREADGROUP":
            return await striker.around(name, functools.partial(plain, self, *args, **options), loss=loss)
        answer = await plain(self, *args, **options)
        if not answer:  # nobody waits for an entry that is not there
            return answer

        async def done() -> Any:
            return answer

        return await striker.around("XREADGROUP", done, loss=loss)

    async def execute(self: Any, *args: Any, **options: Any) -> Any:
        name = "+".join(dict.fromkeys(str(command[0][0]) for command in self.command_stack))
        if not name:
            return await piped(self, *args, **options)
        return await striker.around(name, functools.partial(piped, self, *args, **options), loss=loss)

    redis.asyncio.Redis.execute_command = execute_command  # type: ignore[method-assign]  # that is the point
    redis.asyncio.client.Pipeline.execute = execute  # type: ignore[method-assign]  # that is the point


def _watch_platforms(striker: Striker) -> None:
    attempt = Attempts.__call__
    body = GatedBody.__aiter__

    async def call(self: Attempts, request: Any, handler: Any) -> Any:
        name = f"{self._platform}.{self._operation}"

        async def send(request: Any) -> Any:
            if self._is_single:
                striker.before_write()
            return await striker.around(
                name, functools.partial(handler, request), loss=aiohttp.ServerDisconnectedError
            )

        return await attempt(self, request, send)

    async def after_gate(self: GatedBody) -> AsyncIterator[bytes]:
        async for chunk in body(self):
            await striker.around(AFTER_GATE, _nothing, loss=aiohttp.ServerDisconnectedError)
            yield chunk

    Attempts.__call__ = call  # type: ignore[method-assign]  # that is the point
    GatedBody.__aiter__ = after_gate  # type: ignore[method-assign]  # that is the point


async def _nothing() -> None:
    return


def _statement_names() -> dict[str, str]:
    """Return the name of each SQL text that stands in a module as a constant."""
    return {
        text: f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in _modules()
        for name, text in vars(module).items()
        if name.isupper() and isinstance(text, str) and " " in text
    }


def _script_names() -> dict[str, str]:
    """Return the name of each Lua script by its SHA-1, which is how Redis is asked for it."""
    return {
        hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(): name.strip("_").lower()
        for module in _modules()
        for name, text in vars(module).items()
        if isinstance(text, str) and "redis.call" in text
    }


def _modules() -> list[ModuleType]:
    return [
        importlib.import_module(found.name)
        for package in (shared, worker)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not found.name.endswith("__main__")
    ]


def _commit_name(statements: list[str]) -> str:
    """Name a commit after what only this kind of checkpoint does, else after its last statement."""
    telling = [name for name in dict.fromkeys(statements) if name not in _FENCES and name[:6] != "SELECT"]
    return f"commit {'+'.join(telling or statements[-1:])}"


def _summary(query: str) -> str:
    """Name a statement that is no constant by its verb and table."""
    words = query.replace("FROM ", "").replace("INTO ", "").split()
    return " ".join(words[:2])


def _command_name(args: Sequence[Any], *, scripts: Mapping[str, str]) -> str:
    """Name a Redis command by its verb and the kind of its key; a script by its own name."""
    verb = str(args[0])
    if verb == "EVALSHA":
        return scripts[args[1]]
    if verb == "SCRIPT LOAD":
        return verb
    return f"{verb} {str(args[1]).rpartition('}:')[2].split(':')[0]}"
