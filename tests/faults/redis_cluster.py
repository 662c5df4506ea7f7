"""A real cluster of three nodes on this machine: nodes can be killed and frozen, slots can move."""

import asyncio
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import key_slot
from redis.exceptions import RedisError

from deploy.dev.binaries import find_redis
from deploy.dev.processes import Process, ProcessSpec
from deploy.dev.servers import free_port, server_environment
from tests.waiting import until_answered

READY_TIMEOUT_S = 30.0
HOST = "127.0.0.1"
PASSWORD = "cluster-password"
# The keys of Apple Music (slot 97), of Spotify (520) and of the sweeper (4298) are apart. In three equal
# parts all of them would be the first node's.
RANGES = ((0, 300), (301, 4000), (4001, 16383))


class ClusterNode:
    """One server. client: a plain one, which is told where to go and does not go there."""

    def __init__(self, process: Process, *, port: int, bus_port: int) -> None:
        self.process = process
        self.port = port
        self.bus_port = bus_port
        self.client = redis.asyncio.Redis(
            host=HOST, port=port, password=PASSWORD, decode_responses=True, retry=Retry(NoBackoff(), 0)
        )

    @classmethod
    async def start(cls, program: Path, directory: Path, *, environ: Mapping[str, str]) -> Self:
        port, bus_port = free_port(), free_port()
        directory.mkdir()  # noqa: ASYNC240  # takes no time
        config = directory / "node.conf"
        config.write_text(
            f"port {port}\ncluster-port {bus_port}\nbind {HOST}\ncluster-announce-ip {HOST}\n"
            "cluster-enabled yes\ncluster-node-timeout 5000\ncluster-config-file nodes.conf\n"
            f'requirepass {PASSWORD}\ndir {directory}\nsave ""\nappendonly yes\n'
        )
        spec = ProcessSpec(
            name=f"node-{port}",
            command=(str(program), str(config)),
            log_path=directory / "log",
            environment=server_environment(environ),
            cwd=directory,
        )
        node = cls(await Process.start(spec), port=port, bus_port=bus_port)
        await node.process.wait_ready(node.answers, timeout_s=READY_TIMEOUT_S)
        return node

    async def command(self, *words: Any) -> Any:
        return await self.client.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it so

    async def answers(self) -> bool:
        try:
            return bool(await self.client.ping())
        except (RedisError, OSError):
            return False

    async def restart(self) -> None:
        """Kill it and start it again with what it had."""
        await self.process.kill()
        await self.client.connection_pool.disconnect()
        self.process = await Process.start(self.process._spec)
        await self.process.wait_ready(self.answers, timeout_s=READY_TIMEOUT_S)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    async def close(self) -> None:
        await self.client.aclose()
        await self.process.stop()


class RedisCluster:
    """Open it with `run`. Nodes have no replicas."""

    def __init__(self, nodes: tuple[ClusterNode, ...]) -> None:
        self.nodes = nodes

    @classmethod
    @asynccontextmanager
    async def run(cls, directory: Path, *, environ: Mapping[str, str]) -> AsyncIterator[Self]:
        program = await asyncio.to_thread(find_redis, environ)
        async with AsyncExitStack() as stack:
            nodes = []
            for number, (first, last) in enumerate(RANGES):
                node = await ClusterNode.start(program, directory / f"node-{number}", environ=environ)
                stack.push_async_callback(node.close)
                await node.command("CLUSTER", "ADDSLOTSRANGE", first, last)
                nodes.append(node)
            for node in nodes[1:]:
                await nodes[0].command("CLUSTER", "MEET", HOST, node.port, node.bus_port)
            cluster = cls(tuple(nodes))
            await until_answered(cluster.is_well, patience_s=READY_TIMEOUT_S)
            yield cluster

    @property
    def url(self) -> str:
        """Two of the three nodes, as an operator would name some."""
        hosts = ",".join(f"{HOST}:{node.port}" for node in self.nodes[:2])
        return f"redis+cluster://:{PASSWORD}@{hosts}"

    async def is_well(self) -> bool:
        """Say whether every node knows who has each slot and serves its own."""
        try:
            told = [await node.command("CLUSTER", "INFO") for node in self.nodes]
            maps = [await self._owners(node) for node in self.nodes]
        except (RedisError, OSError):
            return False
        good = {"cluster_state:ok", f"cluster_known_nodes:{len(self.nodes)}"}
        return all(good <= set(info.split()) for info in told) and maps[0] == maps[1] == maps[2]

    async def empty(self) -> None:
        for node in self.nodes:
            await node.client.flushall()

    def owner(self, key: str) -> ClusterNode:
        """Return the node that has a key from the start."""
        return self._first_owner(key_slot(key.encode()))

    async def key_counts(self) -> list[int]:
        return [int(await node.client.dbsize()) for node in self.nodes]

    async def begin_move(self, slot: int, source: ClusterNode, target: ClusterNode) -> None:
        """Let the keys of a slot go one by one: what is gone, and what is new, is asked for at the target."""
        ids = [await node.command("CLUSTER", "MYID") for node in (source, target)]
        await target.command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[0])
        await source.command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[1])

    async def move_keys(self, slot: int, source: ClusterNode, target: ClusterNode) -> int:
        """Carry what is there now to the target; return how many keys."""
        keys = await source.command("CLUSTER", "GETKEYSINSLOT", slot, 1000)
        if keys:
            words = ("AUTH", PASSWORD, "KEYS", *keys)
            await source.command("MIGRATE", HOST, target.port, "", 0, 5000, *words)
        return len(keys)

    async def end_move(self, slot: int, source: ClusterNode, target: ClusterNode) -> None:
        """Give the slot to the target for good."""
        owner = await target.command("CLUSTER", "MYID")
        for node in (target, source, *(one for one in self.nodes if one not in (source, target))):
            await node.command("CLUSTER", "SETSLOT", slot, "NODE", owner)

    async def move(self, slot: int, source: ClusterNode, target: ClusterNode) -> None:
        await self.begin_move(slot, source, target)
        while await self.move_keys(slot, source, target):
            pass
        await self.end_move(slot, source, target)

    async def bring_home(self, slot: int) -> None:
        """Drop all keys and give a slot back to the node that had it from the start."""
        await self.empty()
        for node in self.nodes:
            await node.command("CLUSTER", "SETSLOT", slot, "STABLE")
        home = self._first_owner(slot)
        owners = await self._owners(home)
        port = next(port for (first, last), port in owners.items() if first <= slot <= last)
        if port != home.port:
            holder = next(node for node in self.nodes if node.port == port)
            await self.move(slot, holder, home)

    def _first_owner(self, slot: int) -> ClusterNode:
        ranges = zip(self.nodes, RANGES, strict=True)
        return next(node for node, (first, last) in ranges if first <= slot <= last)

    async def _owners(self, node: ClusterNode) -> dict[tuple[int, int], int]:
        slots = await node.command("CLUSTER", "SLOTS")
        return {(first, last): int(primary[1]) for first, last, primary, *_ in slots}
