"""Three workers on three hosts, the stores and the gateway on a fourth, the platforms on a fifth."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from deploy.dev.places import Places
from deploy.dev.processes import Process
from tests.e2e.stack import FAST, Json, Stack
from tests.e2e.worlds import Worlds, write_worlds
from tests.hosts.network import Host, Network, why_not

# Writes that are answered late are on their way when a link is cut, so they must be allowed to take long.
SENDING = {"CROSSPLAY_SEND_TIMEOUT_S": "2", "CROSSPLAY_LEASE_S": "5"}


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """A running system and the hosts it is spread over. workers are by the name of their host."""

    stack: Stack
    stores: Host
    platforms: Host
    hosts: dict[str, Host]
    workers: dict[str, Process]

    async def callers(self) -> set[str]:
        """Return the names of the workers that have called a platform since the last count."""
        names = {host.address: host.name for host in self.hosts.values()}
        called = {call["caller"] for call in await self.calls()}
        return {names[address] for address in called if address in names}

    async def calls(self) -> list[Json]:
        """Return what the platforms were asked since the last count."""
        return [
            call
            for platform in self.stack.system.sandbox_urls
            for call in (await self.stack.control(platform, "requests?calls=1"))["calls"]
        ]

    async def count_anew(self) -> None:
        for platform in self.stack.system.sandbox_urls:
            await self.stack.control(platform, "requests", method="DELETE")

    def log_of(self, name: str) -> str:
        """Return what the worker of this host has told."""
        return (self.stack.data_dir / "logs" / f"{self.workers[name].name}.log").read_text()


@pytest.fixture(scope="session")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    return write_worlds(tmp_path_factory.mktemp("worlds"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def network(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Network]:
    if reason := await why_not():
        pytest.skip(reason)
    async with Network.run(tmp_path_factory.mktemp("hosts")) as network:
        yield network


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def fleet(
    tmp_path_factory: pytest.TempPathFactory, worlds: Worlds, network: Network
) -> AsyncIterator[Fleet]:
    """The system with its first two workers, on alpha and beta."""
    data_dir: Path = tmp_path_factory.mktemp("fleet")
    stores, platforms = await network.add_host("stores"), await network.add_host("platforms")
    places = Places(stores=stores.place, gateway=stores.place, platforms=platforms.place)
    async with Stack.run(
        data_dir,
        worlds=worlds.paths,
        environ={**FAST, **SENDING},
        latency_ms=15,
        worker_count=0,
        sandbox_arguments=("--control-from", str(network.subnet)),
        places=places,
    ) as stack:
        fleet = Fleet(stack=stack, stores=stores, platforms=platforms, hosts={}, workers={})
        for name in ("alpha", "beta"):
            await add_worker(fleet, network, name=name)
        yield fleet


async def add_worker(fleet: Fleet, network: Network, *, name: str) -> None:
    """Start a worker on one more host."""
    host = fleet.hosts[name] = await network.add_host(name)
    fleet.workers[name] = await fleet.stack.system.add_worker(host.place)
