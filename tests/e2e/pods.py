"""Runs a container of the chart as Kubernetes would: its arguments, its variables, its probes, its grace.

Only addresses differ: pods have one each, here all share this machine's loopback.
"""

import asyncio
import os
import re
import sys
from pathlib import Path
from typing import Self

import aiohttp

from tests.charts import Manifest, settings_of
from tests.e2e.stack import clean_environ
from tests.waiting import until_answered

CROSSPLAY = str(Path(sys.executable).with_name("crossplay"))
_REFERENCE = re.compile(r"\$\((\w+)\)")


def environment_of(container: Manifest, manifests: list[Manifest]) -> dict[str, str]:
    """Return the variables that the kubelet would set. Raises KeyError where a Secret lacks a needed key."""
    secrets = {each["metadata"]["name"]: each["stringData"] for each in manifests if each["kind"] == "Secret"}
    variables = settings_of(manifests) if "envFrom" in container else {}
    for each in container["env"]:
        source = each.get("valueFrom", {})
        if "secretKeyRef" in source:
            wanted = source["secretKeyRef"]
            if wanted["key"] in secrets[wanted["name"]] or not wanted.get("optional"):
                variables[each["name"]] = secrets[wanted["name"]][wanted["key"]]
        elif "fieldRef" in source:
            variables[each["name"]] = "a-pod"
        else:
            variables[each["name"]] = _REFERENCE.sub(lambda found: variables[found[1]], each["value"])
    return variables


class Pod:
    """One container as a process. Use it with `async with`; what is left of it then is killed."""

    def __init__(self, spec: Manifest, *, manifests: list[Manifest], port: int) -> None:
        (self._container,) = spec["containers"]
        self.grace_s: float = spec.get("terminationGracePeriodSeconds", 30)
        self._port = port
        self._environment = {
            **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
            **clean_environ(),
            **environment_of(self._container, manifests),
            "CROSSPLAY_HOST": "127.0.0.1",
            "CROSSPLAY_PORT": "0",
            "CROSSPLAY_METRICS_HOST": "127.0.0.1",
            "CROSSPLAY_METRICS_PORT": str(port),
        }

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            CROSSPLAY, *self._container["args"], env=self._environment, cwd="/"
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def probed(self, name: str) -> int:
        """Return the status that a probe gets, 0 where nobody answers."""
        asked = self._container[f"{name}Probe"]["httpGet"]
        assert asked["port"] == "metrics"
        bound = aiohttp.ClientTimeout(total=self._container[f"{name}Probe"]["timeoutSeconds"])
        try:
            async with (
                aiohttp.ClientSession(timeout=bound) as http,
                http.get(f"http://127.0.0.1:{self._port}{asked['path']}") as answer,
            ):
                return answer.status
        except aiohttp.ClientConnectionError:
            return 0

    async def passes(self, name: str) -> None:
        """Wait until a probe is passed, as long as Kubernetes would at start-up."""
        probe = self._container["startupProbe"]

        async def is_passed() -> bool:
            return await self.probed(name) == 200

        await until_answered(is_passed, patience_s=probe["periodSeconds"] * probe["failureThreshold"])

    async def ended(self) -> int:
        """Wait for the end of a container that ends by itself."""
        async with asyncio.timeout(60):
            return await self._process.wait()

    async def told_to_stop(self) -> int:
        """Send SIGTERM and wait for as long as Kubernetes does. Raises TimeoutError where it would kill."""
        self._process.terminate()
        async with asyncio.timeout(self.grace_s):
            return await self._process.wait()
