"""The whole system on one machine: both stores, two sandboxes, a gateway and workers, as real processes."""

import asyncio
import base64
import contextlib
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from deploy.cli.loopback import visit
from deploy.dev.embedded import EmbeddedServers
from deploy.dev.places import ALL_HERE, HERE, Place, Places
from deploy.dev.processes import Process, ProcessSpec, StartError
from shared.db import api_keys, users
from shared.db.migrate import migrate
from shared.db.pool import open_pool
from shared.errors import Unauthenticated
from shared.scopes import Scope
from shared.settings import PREFIX, Secret

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
RESTART_DELAY_S = 0.5
TEAM_ID, KEY_ID = "SANDBOX001", "SANDBOXKEY"

# What suits a sandbox on this machine; a variable of the same name in the environment wins.
DEFAULTS = {
    "SPOTIFY_REQUESTS_PER_S": "200",
    "APPLE_MUSIC_REQUESTS_PER_S": "200",
    "SPOTIFY_VISIBILITY_S": "0.5",
    "APPLE_MUSIC_VISIBILITY_S": "0.5",
    "LEASE_S": "8",
    "SEND_TIMEOUT_S": "3",
    "SWEEP_S": "0.5",
    "GATEWAY_DRAIN_S": "0",
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
    "KEY_REQUESTS_PER_MINUTE": "60000",
}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to run. port 0 takes a free one. sandbox_arguments go to both sandboxes.

    is_healing: a worker that dies is replaced. places: hosts for the parts that shall not run here.
    """

    data_dir: Path
    port: int = 0
    worker_count: int = 2
    worlds: tuple[Path, ...] = ()
    sandbox_arguments: tuple[str, ...] = ()
    is_healing: bool = True
    places: Places = ALL_HERE


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """What a data directory remembers beside the stores' own data."""

    secret_keys: str
    apple_private_key: str
    api_key: str = ""


class System:
    """Open it with `async with`. Everything it starts ends with it, also when this process is killed."""

    def __init__(self, options: Options, *, environ: Mapping[str, str] = os.environ) -> None:
        self._options = options
        self._environ = environ
        self._stack = AsyncExitStack()
        self._keep_path = options.data_dir / "system.json"
        self._worker_number = 0
        self.settings: dict[str, str] = {}
        self.gateway_url = ""
        self.api_key = ""
        self.sandbox_urls: dict[str, str] = {}
        self.probe_urls: dict[str, str] = {}
        self.workers: list[Process] = []
        self.ended = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._options.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        keep = self._load_keep()
        async with AsyncExitStack() as stack:
            database_url, redis_url = await self._stores(stack)
            await self._migrate(database_url)
            key_path = self._options.data_dir / "apple-developer.pub.pem"
            key_path.write_text(_public_key(keep.apple_private_key))
            for platform, arguments in (
                ("spotify", ()),
                ("apple_music", ("--developer-public-key", str(key_path))),
            ):
                self.sandbox_urls[platform] = await self._sandbox(stack, platform, arguments)
            self.settings = self._settings(keep, database_url=database_url, redis_url=redis_url)
            await self._start_gateway(stack)
            stack.push_async_callback(self._stop_workers)
            await asyncio.gather(*(self.add_worker() for _ in range(self._options.worker_count)))
            self.api_key = await self._api_key(keep)
            await self._connect_accounts()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def ready_line(self) -> dict[str, Any]:
        """Return what a program needs to use the system."""
        return {
            "gateway": self.gateway_url,
            "api_key": self.api_key,
            "sandbox": {platform: {"url": url} for platform, url in self.sandbox_urls.items()},
            "workers": [worker.pid for worker in self.workers],
            "probes": self.probe_urls,
            "database_url": self.settings[f"{PREFIX}DATABASE_URL"],
            "redis_url": self.settings[f"{PREFIX}REDIS_URL"],
        }

    async def add_worker(self, place: Place = HERE) -> Process:
        """Start one more worker and wait until it works."""
        self._worker_number += 1
        name = f"worker-{self._worker_number}"
        worker = await self._start(name, "-m", "worker", "--json", environment=self.settings, place=place)
        ready = await worker.read_ready_line(timeout_s=START_TIMEOUT_S)
        self.probe_urls[name] = str(ready.get("probes"))  # none of a release that has no probes
        self.workers.append(worker)
        return worker

    async def restart_gateway(self, *, is_killed: bool = False) -> None:
        """End the gateway, with SIGKILL if is_killed, and start it again at the same address."""
        if is_killed:
            await self._gateway_process.kill()
        await self._gateway_process.stop(timeout_s=STOP_TIMEOUT_S)
        self.settings[f"{PREFIX}PORT"] = str(urlsplit(self.gateway_url).port)
        await self._start_gateway(self._stack)

    async def watch(self) -> str:
        """Wait until a part dies that nothing replaces; return its name. Dead workers are replaced."""
        while True:
            ends = {asyncio.create_task(worker.wait()): worker for worker in self.workers}
            gateway_end = asyncio.create_task(self._gateway_process.wait())
            try:
                await asyncio.wait([*ends, gateway_end], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for end in (*ends, gateway_end):
                    end.cancel()
            if self._gateway_process.returncode is not None:
                return self._gateway_process.name
            for worker in [worker for worker in ends.values() if worker.returncode is not None]:
                self.workers.remove(worker)
                self.probe_urls.pop(worker.name, None)
                await worker.stop()
                if not self._options.is_healing:
                    return worker.name
                await asyncio.sleep(RESTART_DELAY_S)
                await self.add_worker()

    async def _migrate(self, database_url: str) -> None:
        await migrate(database_url)

    async def _stores(self, stack: AsyncExitStack) -> tuple[str, str]:
        given = [self._environ.get(f"{PREFIX}{name}_URL", "") for name in ("DATABASE", "REDIS")]
        if all(given):
            return given[0], given[1]
        servers = await stack.enter_async_context(
            EmbeddedServers(self._options.data_dir, environ=self._environ, place=self._options.places.stores)
        )
        return given[0] or servers.database_url, given[1] or servers.redis_url

    def _settings(self, keep: Keep, *, database_url: str, redis_url: str) -> dict[str, str]:
        """Return the environment of gateway and workers: defaults, the caller's wishes, what must be."""
        own = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEYS": keep.secret_keys,
            "HOST": self._options.places.gateway.address,
            "PORT": str(self._options.port),
            "PUBLIC_URL": "",
            "METRICS_HOST": "127.0.0.1",
            "METRICS_PORT": "0",
            "SPOTIFY_CLIENT_ID": "crossplay-sandbox",
            "SPOTIFY_CLIENT_SECRET": "",
            "SPOTIFY_API_URL": f"{self.sandbox_urls['spotify']}/v1",
            "SPOTIFY_ACCOUNTS_URL": self.sandbox_urls["spotify"],
            "APPLE_MUSIC_TEAM_ID": TEAM_ID,
            "APPLE_MUSIC_KEY_ID": KEY_ID,
            "APPLE_MUSIC_PRIVATE_KEY": keep.apple_private_key,
            "APPLE_MUSIC_API_URL": f"{self.sandbox_urls['apple_music']}/v1",
            "APPLE_MUSIC_MUSICKIT_URL": f"{self.sandbox_urls['apple_music']}/musickit/v3/musickit.js",
        }
        defaults = {f"{PREFIX}{name}": value for name, value in DEFAULTS.items()}
        return {**defaults, **self._environ, **{f"{PREFIX}{name}": value for name, value in own.items()}}

    async def _sandbox(self, stack: AsyncExitStack, platform: str, arguments: Sequence[str]) -> str:
        place = self._options.places.platforms
        worlds = [part for world in self._options.worlds for part in ("--world", str(world.resolve()))]
        process = await self._start(
            f"sandbox-{platform}",
            *("-m", "deploy.sandbox", "--platform", platform, "--port", "0", "--host", place.address),
            *("--state", str(self._options.data_dir / f"sandbox-{platform}")),
            *(*worlds, *arguments, *self._options.sandbox_arguments),
            environment=self._environ,
            place=place,
        )
        stack.push_async_callback(process.stop, timeout_s=STOP_TIMEOUT_S)
        ready = await process.read_ready_line(timeout_s=START_TIMEOUT_S)
        return str(ready["url"])

    async def _start_gateway(self, stack: AsyncExitStack) -> None:
        self._gateway_process = await self._start(
            *("gateway", "-m", "gateway", "--json"),
            environment=self.settings,
            place=self._options.places.gateway,
        )
        stack.push_async_callback(self._gateway_process.stop, timeout_s=STOP_TIMEOUT_S)
        ready = await self._gateway_process.read_ready_line(timeout_s=START_TIMEOUT_S)
        self.gateway_url = str(ready["gateway"])
        self.probe_urls["gateway"] = str(ready.get("probes"))  # none of a release that has no probes

    async def _start(
        self, name: str, *arguments: str, environment: Mapping[str, str], place: Place
    ) -> Process:
        logs = self._options.data_dir / "logs"
        logs.mkdir(exist_ok=True)
        return await Process.start(
            ProcessSpec(
                name=name,
                command=(sys.executable, *arguments),
                log_path=logs / f"{name}.log",
                environment=environment,
                prefix=place.prefix,
                reads_stdout=True,
            )
        )

    async def _stop_workers(self) -> None:
        await asyncio.gather(*(worker.stop(timeout_s=STOP_TIMEOUT_S) for worker in self.workers))

    def _load_keep(self) -> Keep:
        if self._keep_path.exists():
            return msgspec.json.decode(self._keep_path.read_bytes(), type=Keep)
        key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        ring = f"dev1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
        return self._save_keep(Keep(secret_keys=ring, apple_private_key=key.decode()))

    def _save_keep(self, keep: Keep) -> Keep:
        self._keep_path.touch(mode=0o600)
        self._keep_path.write_bytes(msgspec.json.encode(keep))
        return keep

    async def _api_key(self, keep: Keep) -> str:
        """Return the key of the user that the sandbox accounts belong to; made once per data directory."""
        pool = await open_pool(Secret(self.settings[f"{PREFIX}DATABASE_URL"]), size=1)
        try:
            with contextlib.suppress(Unauthenticated):
                await api_keys.authenticate(pool, text=keep.api_key)
                return keep.api_key
            user_id = await users.ensure(pool, name="dev")
            key = await api_keys.create(pool, user_id, name="crossplay dev", scopes=Scope)
        finally:
            await pool.close()
        return self._save_keep(msgspec.structs.replace(keep, api_key=key.secret.reveal())).api_key

    async def _connect_accounts(self) -> None:
        """Connect both sandbox accounts the way a user does."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            started = await _post(session, f"{self.gateway_url}/connect/spotify", {"hand_in": True})
            await _post(
                session,
                f"{self.gateway_url}/connect/sessions/{started['id']}/answer",
                {"address": await visit(started["authorize_url"])},
            )
            token = await _post(session, f"{self.sandbox_urls['apple_music']}/_sandbox/user-tokens", {})
            await _post(
                session,
                f"{self.gateway_url}/connect/apple_music",
                {"music_user_token": token["music_user_token"]},
            )


def _public_key(private_key: str) -> str:
    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


async def _post(session: aiohttp.ClientSession, url: str, body: Mapping[str, Any]) -> dict[str, Any]:
    async with session.post(url, json=body) as response:
        if response.status >= 300:
            raise StartError(f"{url} answered {response.status}: {await response.text()}")
        answer: dict[str, Any] = await response.json()
        return answer
