"""A system whose gateways and workers are of two releases, replaced one by one."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.dev.places import Place
from deploy.dev.processes import Process, ProcessSpec
from deploy.dev.system import START_TIMEOUT_S, STOP_TIMEOUT_S, Options, System
from tests.upgrade.balancer import Balancer
from tests.upgrade.previous import ROOT, environ_for
from tests.waiting import within

# Enough for the balancer to see it, and for what came just before to be answered.
DRAIN = {"CROSSPLAY_GATEWAY_DRAIN_S": "1.5"}
BEFORE_STOP_S = 0.5


class Rolling(System):
    """Starts everything with the code of `tree`, at first the release before; sandboxes always with ours."""

    def __init__(self, options: Options, *, tree: Path, environ: Mapping[str, str]) -> None:
        super().__init__(options, environ={**environ, **DRAIN})
        self.tree = tree
        self._gateways: dict[str, Process] = {}
        self._count = 0

    async def add_gateway(self) -> str:
        """Start one more gateway; return its address."""
        self._count += 1
        environment = {**self.settings, "CROSSPLAY_PORT": "0"}
        gateway = await self._start(
            f"gateway-{self._count}",
            "-m",
            "gateway",
            "--json",
            environment=environment,
            place=self._options.places.gateway,
        )
        self._stack.push_async_callback(gateway.stop, timeout_s=STOP_TIMEOUT_S)
        url = str((await gateway.read_ready_line(timeout_s=START_TIMEOUT_S))["gateway"])
        self._gateways[url] = gateway
        return url

    async def retire_gateway(self, url: str, balancer: Balancer) -> None:
        """Ask a gateway to leave; the balancer finds out by itself."""
        gateway = self._gateways[url]
        gateway.send_signal(signal.SIGTERM)
        await balancer.unready(url)
        balancer.remove(url)
        assert await within(gateway.wait()) == 0

    async def retire_abrupt_gateway(self, url: str, balancer: Balancer) -> None:
        """Do the same to one of a release that shuts its door at once: nothing new is sent there before."""
        gateway = self._gateways.get(url, self._gateway_process)
        balancer.remove(url)
        await asyncio.sleep(BEFORE_STOP_S)  # as a preStop hook does
        gateway.send_signal(signal.SIGTERM)
        assert await within(gateway.wait()) == 0

    async def retire_worker(self, worker: Process) -> None:
        """Ask a worker to leave, and wait until it has."""
        worker.send_signal(signal.SIGTERM)
        assert await within(worker.wait()) == 0
        self.workers.remove(worker)
        await worker.stop()

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Run the command of the current tree; return its exit code and all that it says."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.cli.main", *arguments),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=self.tree,
            env=environ_for(self.tree, {**self._environ, **self.settings}),
        )
        told, _ = await within(process.communicate(), patience_s=60)
        return process.returncode or 0, told.decode()

    async def _migrate(self, database_url: str) -> None:
        self.settings = {
            "CROSSPLAY_DATABASE_URL": database_url,
            "CROSSPLAY_REDIS_URL": "redis://127.0.0.1:1/0",
            "CROSSPLAY_SECRET_KEYS": self._load_keep().secret_keys,
        }
        code, told = await self.command("migrate")
        assert code == 0, told

    async def _start(
        self, name: str, *arguments: str, environment: Mapping[str, str], place: Place
    ) -> Process:
        logs = self._options.data_dir / "logs"
        logs.mkdir(exist_ok=True)
        tree = ROOT if name.startswith("sandbox") else self.tree
        return await Process.start(
            ProcessSpec(
                name=name,
                command=(sys.executable, *arguments),
                log_path=logs / f"{name}.log",
                environment=environ_for(tree, dict(environment)),
                cwd=tree,
                prefix=place.prefix,
                reads_stdout=True,
            )
        )
