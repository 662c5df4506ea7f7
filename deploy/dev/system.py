"""The whole system on one machine: both stores, sandboxes, a gateway and workers, as real processes."""

import asyncio
import base64
import os
import secrets
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import msgspec
from cryptography.hazmat.primitives import serialization

from deploy.dev import sandboxes
from deploy.dev.accounts import connect_accounts, give_key
from deploy.dev.embedded import EmbeddedServers
from deploy.dev.places import ALL_HERE, HERE, Place, Places
from deploy.dev.processes import Process, ProcessSpec
from deploy.dev.servers import port_again
from shared.db.migrate import migrate
from shared.secret import Secret
from shared.settings import PREFIX

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
RESTART_DELAY_S = 0.5

# What suits a sandbox on this machine; a variable of the same name in the environment wins.
DEFAULTS = {
    **sandboxes.defaults(),
    "GATEWAY_DRAIN_S": "0",
    "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
    "KEY_REQUESTS_PER_MINUTE": "60000",
}


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What to run. port 0 takes a free one. sandbox_arguments go to all sandboxes.

    platforms: which ones are simulated. is_healing: a worker that dies is replaced. places: hosts for the
    parts that shall not run here.
    """

    data_dir: Path
    port: int = 0
    worker_count: int = 2
    worlds: tuple[Path, ...] = ()
    platforms: tuple[str, ...] = sandboxes.FIRST
    sandbox_arguments: tuple[str, ...] = ()
    is_healing: bool = True
    places: Places = ALL_HERE


class Keep(msgspec.Struct, frozen=True, kw_only=True):
    """What a data directory remembers beside the stores' own data.

    ports: of the sandboxes, by platform. An account at a server of one's own is one at this address.
    """

    secret_keys: str
    apple_private_key: str
    api_key: str = ""
    ports: dict[str, int] = {}


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
        self._probes: dict[str, str] = {}
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
            platforms = self._options.platforms
            urls = await asyncio.gather(
                *(self._sandbox(stack, one, key_path, port=keep.ports.get(one, 0)) for one in platforms)
            )
            self.sandbox_urls = dict(zip(platforms, urls, strict=True))
            keep = self._save_keep(msgspec.structs.replace(keep, ports=_ports(self.sandbox_urls)))
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

    @property
    def probe_urls(self) -> dict[str, str]:
        """Where the gateway and each of the present workers are scraped, by their names."""
        return {name: self._probes[name] for name in ("gateway", *(worker.name for worker in self.workers))}

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
        self._probes[name] = str(ready.get("probes"))  # none of a release that has no probes
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
            **sandboxes.settings(self.sandbox_urls, apple_private_key=keep.apple_private_key),
        }
        defaults = {f"{PREFIX}{name}": value for name, value in DEFAULTS.items()}
        return {**defaults, **self._environ, **{f"{PREFIX}{name}": value for name, value in own.items()}}

    async def _sandbox(self, stack: AsyncExitStack, platform: str, key_path: Path, *, port: int) -> str:
        own = ("--developer-public-key", str(key_path)) if platform == "apple_music" else ()
        place = self._options.places.platforms
        port = port_again(place.address, port)
        worlds = [part for world in self._options.worlds for part in ("--world", str(world.resolve()))]
        process = await self._start(
            f"sandbox-{platform}",
            *("-m", "deploy.sandbox", "--platform", platform, "--port", str(port), "--host", place.address),
            *("--state", str(self._options.data_dir / f"sandbox-{platform}")),
            *(*worlds, *own, *sandboxes.USES[platform].arguments, *self._options.sandbox_arguments),
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
        self._probes["gateway"] = str(ready.get("probes"))  # none of a release that has no probes

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
        ring = f"dev1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
        return self._save_keep(Keep(secret_keys=ring, apple_private_key=sandboxes.new_apple_key()))

    def _save_keep(self, keep: Keep) -> Keep:
        self._keep_path.touch(mode=0o600)
        self._keep_path.write_bytes(msgspec.json.encode(keep))
        return keep

    async def _api_key(self, keep: Keep) -> str:
        """Return the key of the user that the sandbox accounts belong to; made once per data directory."""
        key = await give_key(Secret(self.settings[f"{PREFIX}DATABASE_URL"]), known=keep.api_key)
        if key != keep.api_key:
            self._save_keep(msgspec.structs.replace(keep, api_key=key))
        return key

    async def _connect_accounts(self) -> None:
        await connect_accounts(self.gateway_url, api_key=self.api_key, sandbox_urls=self.sandbox_urls)


def _ports(urls: Mapping[str, str]) -> dict[str, int]:
    return {platform: urlsplit(url).port or 0 for platform, url in urls.items()}


def _public_key(private_key: str) -> str:
    key = serialization.load_pem_private_key(private_key.encode(), password=None)
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
