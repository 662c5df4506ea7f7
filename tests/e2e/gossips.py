"""A gateway and a worker of their own, all of whose secrets are known, behind platforms that gossip."""

import asyncio
import base64
import os
import re
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import asyncpg
import redis.asyncio

from deploy.dev.processes import Process, ProcessSpec
from shared.db import api_keys, users
from shared.db.migrate import migrate
from shared.db.pool import open_pool
from shared.secret import Secret
from tests.e2e.stack import Stack, clean_environ
from tests.e2e.users import User
from tests.fakes.otlp import OtlpReceiver
from tests.faults.gossip import Gossip

REDIS_DATABASE = 3
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 20.0
COMMAND_TIMEOUT_S = 60.0


def canary(name: str) -> str:
    return f"canary-{name}-{secrets.token_hex(12)}"


class Heard:
    """What an HTTP client of the gateway was answered, word by word."""

    def __init__(self, http: aiohttp.ClientSession, *, gateway_url: str) -> None:
        self.texts: dict[str, bytes] = {}
        self._http = http
        self._gateway_url = gateway_url

    async def __call__(self, method: str, path: str, **options: Any) -> int:
        """Call the gateway and keep what it says; return the status."""
        url = f"{self._gateway_url}{path}"
        async with self._http.request(method, url, allow_redirects=False, **options) as answer:
            number = len(self.texts)
            told = repr(dict(answer.headers)).encode() + await answer.read()
            self.texts[f"answer {number} to {method} {path.partition('?')[0]}"] = told
            return answer.status


class GossipStack:
    """Uses the stores and the sandboxes of a stack, with a database and passwords of its own."""

    def __init__(self, stack: Stack, *, directory: Path, receiver: OtlpReceiver) -> None:
        self._stack = stack
        self._directory = directory
        self._receiver = receiver
        self._name = f"canary_{secrets.token_hex(4)}"
        self.passwords = {"database": canary("database"), "redis": canary("redis")}
        self.ring = {kid: base64.b64encode(secrets.token_bytes(32)).decode() for kid in ("k2", "k1")}
        self.client_secret = canary("client-secret")
        self._kept: dict[str, str] = {}
        self.processes: dict[str, Process] = {}

    @classmethod
    @asynccontextmanager
    async def run(cls, stack: Stack, *, directory: Path, receiver: OtlpReceiver) -> AsyncIterator[Self]:
        async with AsyncExitStack() as resources:
            made = cls(stack, directory=directory, receiver=receiver)
            await made._start(resources)
            yield made

    @property
    def settings(self) -> Mapping[str, str]:
        """The environment of gateway, worker and operator."""
        sandbox = self._stack.system.settings
        return {
            **{name: value for name, value in sandbox.items() if not name.startswith("OTEL_")},
            "CROSSPLAY_DATABASE_URL": self.database_url,
            "CROSSPLAY_REDIS_URL": self.redis_url,
            "CROSSPLAY_SECRET_KEYS": ",".join(f"{kid}:{key}" for kid, key in self.ring.items()),
            "CROSSPLAY_PORT": "0",
            "CROSSPLAY_SPOTIFY_CLIENT_SECRET": self.client_secret,
            "CROSSPLAY_SPOTIFY_API_URL": f"{self.platforms['spotify'].url}/v1",
            "CROSSPLAY_SPOTIFY_ACCOUNTS_URL": self.platforms["spotify"].url,
            "CROSSPLAY_APPLE_MUSIC_API_URL": f"{self.platforms['apple_music'].url}/v1",
            "CROSSPLAY_LOG_LEVEL": "DEBUG",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self._receiver.url,
            "OTEL_BSP_SCHEDULE_DELAY": "100",
            "OTEL_METRIC_EXPORT_INTERVAL": "300",
        }

    def secrets(self) -> dict[str, str]:
        """Return every secret there is, by its name."""
        pem = self._stack.system.settings["CROSSPLAY_APPLE_MUSIC_PRIVATE_KEY"].splitlines()
        return {
            **{f"{name} password": value for name, value in self.passwords.items()},
            **{f"ring key {kid}": key for kid, key in self.ring.items()},
            **{
                f"line {number} of the private key": line
                for number, line in enumerate(pem)
                if line[:1] != "-"
            },
            **self._kept,
            "client secret": self.client_secret,
            "API key": self.user.key,
            "secret of the API key": self.user.key.rpartition("_")[2],
            **{name: value for one in self.platforms.values() for name, value in one.secrets.items()},
        }

    def texts(self) -> dict[str, bytes]:
        """Return what has left the processes: their logs and what they exported."""
        logs = {path.name: path.read_bytes() for path in self._directory.glob("*.log")}
        exports = {f"export {number}": body for number, body in enumerate(self._receiver.bodies)}
        return {**logs, **exports, "export headers": repr(self._receiver.headers).encode()}

    async def connect(self) -> int:
        """Connect both accounts as a person does, in a browser; return what the callback answered."""
        started = await self.user.post("/connect/spotify", {})
        jar = aiohttp.CookieJar(unsafe=True)  # those of an address, too
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            async with browser.get(started["page_url"]) as page:
                proof = re.findall(r'name="proof" value="(\w+)"', await page.text())[0]
            self._kept |= {"browser": next(iter(jar)).value, "proof": proof}
            form = {"proof": proof, "go": "1"}
            sign_in = await _next_address(browser, "POST", started["page_url"], data=form)
            callback = await _next_address(browser, "GET", sign_in)
            async with browser.get(callback, allow_redirects=False) as answer:
                status = answer.status
                self.heard.texts["callback"] = repr(dict(answer.headers)).encode() + await answer.read()
        issued = await self._stack.control("apple_music", "user-tokens", method="POST", body={})
        await self.heard("POST", "/connect/apple_music", json=issued)
        await self.heard("GET", f"/connect/sessions/{started['id']}")
        await self.heard("GET", f"/connect/sessions/{started['id']}/done")
        return status

    async def execute(self, statement: str) -> None:
        """Run a statement as the owner of both the stores' servers."""
        await self._as_owner(statement, database=self._name)

    async def lock_out(self) -> None:
        """Change the passwords of both stores and end all connections."""
        await self.execute(f"ALTER ROLE {self._name} PASSWORD 'another'")
        await self.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{self._name}'"
        )
        await self._tell_redis(
            ("ACL", "SETUSER", self._name, "resetpass", ">another"), ("CLIENT", "KILL", "USER", self._name)
        )

    async def stop(self) -> dict[str, int]:
        """Let gateway and worker leave; return their exit statuses."""
        for process in self.processes.values():
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_TIMEOUT_S):
            return {name: await process.wait() for name, process in self.processes.items()}

    async def _start(self, resources: AsyncExitStack) -> None:
        system = self._stack.system
        await self._as_owner(f"CREATE ROLE {self._name} LOGIN PASSWORD '{self.passwords['database']}'")
        resources.push_async_callback(self._as_owner, f"DROP ROLE {self._name}")
        await self._as_owner(f"CREATE DATABASE {self._name} OWNER {self._name}")
        resources.push_async_callback(self._as_owner, f"DROP DATABASE {self._name} WITH (FORCE)")
        rights = ("on", f">{self.passwords['redis']}", "~*", "&*", "+@all")
        await self._tell_redis(("ACL", "SETUSER", self._name, *rights))
        resources.push_async_callback(self._forget_redis)
        self.database_url = _address(
            system.settings["CROSSPLAY_DATABASE_URL"],
            who=f"{self._name}:{self.passwords['database']}",
            path=self._name,
        )
        self.redis_url = _address(
            system.settings["CROSSPLAY_REDIS_URL"],
            who=f"{self._name}:{self.passwords['redis']}",
            path=str(REDIS_DATABASE),
        )
        await migrate(self.database_url)
        self.platforms = {
            name: await resources.enter_async_context(Gossip(url))
            for name, url in system.sandbox_urls.items()
        }
        ready = await asyncio.gather(*(self._run(name, resources) for name in ("gateway", "worker")))
        self.gateway_url = str(ready[0]["gateway"])
        async with await open_pool(Secret(self.database_url), size=1) as pool:
            key = await api_keys.create(pool, await users.ensure(pool, name="mira"))
        self.user = await resources.enter_async_context(User.open(self.gateway_url, key=key.secret.reveal()))
        http = await resources.enter_async_context(
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {self.user.key}"})
        )
        self.heard = Heard(http, gateway_url=self.gateway_url)

    async def _run(self, name: str, resources: AsyncExitStack) -> dict[str, Any]:
        process = await Process.start(
            ProcessSpec(
                name=name,
                command=(sys.executable, "-m", name, "--json"),
                log_path=self._directory / f"{name}.log",
                environment=self.settings,
                reads_stdout=True,
            )
        )
        resources.push_async_callback(process.stop, timeout_s=STOP_TIMEOUT_S)
        self.processes[name] = process
        ready: dict[str, Any] = await process.read_ready_line(timeout_s=START_TIMEOUT_S)
        return ready

    async def _as_owner(self, statement: str, *, database: str | None = None) -> None:
        url = self._stack.system.settings["CROSSPLAY_DATABASE_URL"]
        connection = await asyncpg.connect(
            urlunsplit(urlsplit(url)._replace(path=f"/{database}")) if database else url
        )
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def _tell_redis(self, *commands: tuple[str, ...]) -> None:
        """Run commands as the owner of the Redis server."""
        url = self._stack.system.settings["CROSSPLAY_REDIS_URL"]
        own = urlunsplit(urlsplit(url)._replace(path=f"/{REDIS_DATABASE}"))
        async with redis.asyncio.Redis.from_url(own) as owner:
            run: Any = owner.execute_command
            for command in commands:
                await run(*command)

    async def _forget_redis(self) -> None:
        await self._tell_redis(("FLUSHDB",), ("ACL", "DELUSER", self._name))


async def told_by(*arguments: str, environ: Mapping[str, str]) -> tuple[int, bytes]:
    """Run a module to its end; return its exit code and all it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**clean_environ(), **environ, "PATH": os.environ["PATH"]},
    )
    try:
        async with asyncio.timeout(COMMAND_TIMEOUT_S):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out


async def _next_address(browser: aiohttp.ClientSession, method: str, url: str, **options: Any) -> str:
    async with browser.request(method, url, allow_redirects=False, **options) as answer:
        return answer.headers["Location"]


def _address(url: str, *, who: str, path: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{who}@{parts.hostname}:{parts.port}", path=f"/{path}"))
