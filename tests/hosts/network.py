"""Hosts with addresses of their own, on one machine: network namespaces, plugged into one bridge."""

import asyncio
import ipaddress
import itertools
import os
import secrets
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self

from deploy.dev.places import Place
from deploy.dev.processes import Process, ProcessSpec

PROGRAMS = ("ip", "iptables", "nsenter", "unshare")
ENTERED = ("net", "uts")
PREFIX_LENGTH = 28
# A host's first words come when its namespaces are there; then it sleeps for as long as it exists.
READY = 'hostname "$0" && ip link set lo up && echo "{}" && exec sleep infinity'
START_TIMEOUT_S = 20.0
COMMAND_TIMEOUT_S = 20.0


class NetworkError(Exception):
    """A command that makes or changes the network has failed; the text is its own."""


class Host:
    """One host: a process that holds a network and a host name of its own; they end with it."""

    def __init__(self, process: Process, *, name: str, address: str) -> None:
        self._process = process
        self.name = name
        self.address = address

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def place(self) -> Place:
        """Where servers and workers of this host run."""
        spaces = (f"--{space}=/proc/{self.pid}/ns/{space}" for space in ENTERED)
        return Place(address=self.address, prefix=("nsenter", *spaces))

    async def run(self, *command: str) -> str:
        """Run a command on this host; return its stdout. Raises NetworkError."""
        return await run(*self.place.prefix, *command)

    async def cut(self, other: "Host") -> None:
        """Lose every packet between the two, both ways, without a word to anybody."""
        await self.run("iptables", "-I", "INPUT", "-s", other.address, "-j", "DROP")
        await self.run("iptables", "-I", "OUTPUT", "-d", other.address, "-j", "DROP")

    async def heal(self) -> None:
        """Let all packets through again."""
        await self.run("iptables", "-F")

    async def lost_count(self) -> int:
        """Return how many packets were dropped since the last `heal`."""
        told = await self.run("iptables", "-nvxL")
        return sum(int(line.split()[0]) for line in told.splitlines() if " DROP " in line)


class Network:
    """Open it with `Network.run`. This machine itself has an address in it, so that tests reach all hosts.

    subnet: free on this machine while the network was made. Nothing has to be cleaned up: with the last
    process of a host its namespaces end, with them its link, and with the switch this machine's own end.
    """

    def __init__(self, directory: Path, *, subnet: ipaddress.IPv4Network, stack: AsyncExitStack) -> None:
        self._directory = directory
        self._stack = stack
        self._addresses = subnet.hosts()
        self._numbers = itertools.count(1)
        self.subnet = subnet
        self.device = f"cp{secrets.token_hex(4)}"

    @classmethod
    @asynccontextmanager
    async def run(cls, directory: Path) -> AsyncIterator[Self]:
        async with AsyncExitStack() as stack:
            network = cls(directory, subnet=await _free_subnet(), stack=stack)
            await network._plug_in_this_machine()
            yield network

    async def add_host(self, name: str) -> Host:
        host = await self._new_host(name)
        port = f"port{next(self._numbers)}"
        await run(
            *("ip", "link", "add", "eth0", "netns", str(host.pid)),
            *("type", "veth", "peer", "name", port, "netns", str(self._switch.pid)),
        )
        await self._switch.run("ip", "link", "set", port, "master", "switch", "up")
        await host.run("ip", "address", "add", f"{host.address}/{PREFIX_LENGTH}", "dev", "eth0")
        await host.run("ip", "link", "set", "eth0", "up")
        return host

    async def _plug_in_this_machine(self) -> None:
        self._switch = await self._new_host("switch")
        await self._switch.run("ip", "link", "add", "switch", "type", "bridge")
        await self._switch.run("ip", "link", "set", "switch", "up")
        await run(
            *("ip", "link", "add", self.device, "type", "veth"),
            *("peer", "name", "port0", "netns", str(self._switch.pid)),
        )
        await self._switch.run("ip", "link", "set", "port0", "master", "switch", "up")
        await run("ip", "address", "add", f"{next(self._addresses)}/{PREFIX_LENGTH}", "dev", self.device)
        await run("ip", "link", "set", self.device, "up")

    async def _new_host(self, name: str) -> Host:
        process = await Process.start(
            ProcessSpec(
                name=name,
                command=("unshare", *(f"--{space}" for space in ENTERED), "/bin/sh", "-c", READY, name),
                log_path=self._directory / f"{name}.log",
                environment=os.environ,
                reads_stdout=True,
            )
        )
        self._stack.push_async_callback(process.stop)
        await process.read_ready_line(timeout_s=START_TIMEOUT_S)
        return Host(process, name=name, address=str(next(self._addresses)))


async def why_not() -> str | None:
    """Say why no network can be made here; None where it can."""
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        return "network namespaces need root on Linux"
    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        return f"{', '.join(missing)} not found (iproute2, iptables, util-linux)"
    bridge = ("ip", "link", "add", "switch", "type", "bridge")
    for command in (bridge, ("iptables", "-A", "INPUT", "-s", "192.0.2.1", "-j", "DROP")):
        try:
            await run("unshare", *(f"--{space}" for space in ENTERED), *command)
        except NetworkError as error:
            return f"this machine makes no networks: {error}"
    return None


async def run(*command: str) -> str:
    """Run a command to its end; return its stdout. Raises NetworkError."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(COMMAND_TIMEOUT_S):
        out, told = await process.communicate()
    if process.returncode != 0:
        raise NetworkError(f"{' '.join(command)}: {told.decode().strip()}")
    return out.decode()


async def _free_subnet() -> ipaddress.IPv4Network:
    """Return a small part of 10.0.0.0/8 that this machine has no route to but its default one."""
    routes = [line.split()[0] for line in (await run("ip", "-4", "route", "show")).splitlines() if line]
    taken = [ipaddress.IPv4Network(to, strict=False) for to in routes if to[0].isdigit()]
    whole = ipaddress.IPv4Network("10.0.0.0/8")
    while True:
        number = secrets.randbelow(1 << (PREFIX_LENGTH - whole.prefixlen))
        start = whole.network_address + (number << (whole.max_prefixlen - PREFIX_LENGTH))
        subnet = ipaddress.IPv4Network((start, PREFIX_LENGTH))
        if not any(subnet.overlaps(other) for other in taken):
            return subnet
