"""The stack of the compose file, run by podman-compose, with the hands that a trial needs."""

import functools
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.compose.podman import ROOT, CallFailed, call, podman_json

PROJECT = "crossplay-compose-test"
PATIENCE_S = 120.0
STOP_GRACE_S = 40.0

_READ_URL = (
    "import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode())"
)
_POST_URL = (
    "import sys, urllib.request as r; "
    "r.urlopen(r.Request(sys.argv[1], sys.argv[2].encode(), {'Content-Type': 'application/json'}))"
)


class Stack:
    """Made of a copy of what an operator has: the compose file, and the files that it mounts."""

    def __init__(self, directory: Path, *, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.project = PROJECT
        self._compose_dir = directory / "deploy/compose"
        self.port = _free_port()
        for tree in ("deploy/compose", "docs/examples"):
            shutil.copytree(ROOT / tree, directory / tree, ignore=shutil.ignore_patterns(".env"))

    def init(self, *arguments: str) -> None:
        """Let the image make the settings, as the head of the compose file says."""
        text = self.podman("run", "--rm", "crossplay:0.1.0", "init", "-", *arguments)
        path = self._compose_dir / ".env"
        path.write_text(f"{text}GATEWAY_PORT={self.port}\n", encoding="utf-8")
        path.chmod(0o600)

    def podman(self, *arguments: str) -> str:
        return call("podman", *arguments, environ=self._environ)

    def up(self, *arguments: str) -> None:
        """Start services without what they wait for: this podman may be too old to know of health."""
        self.compose("up", "--detach", "--no-build", "--no-deps", *arguments)

    def compose(self, *arguments: str) -> str:
        program = Path(sys.executable).with_name("podman-compose")
        # Without a pod, which would be one network for all of them: they are to find each other by name.
        command = (str(program), "--in-pod=false", "--project-name", PROJECT, *arguments)
        return call(*command, environ=self._environ, cwd=self._compose_dir)

    def down(self) -> None:
        """Remove every container, network and volume of the project, whatever state they are in."""
        label = f"label=io.podman.compose.project={PROJECT}"
        # The youngest first: one may live in the network of another one.
        listed = self.podman("ps", "--all", "--sort=created", "--format={{.ID}}", "--filter", label)
        for container in reversed(listed.split()):
            self.podman("rm", "--force", "--time=0", container)
        for kind in ("volume", "network"):
            for name in self.podman(kind, "ls", "--quiet", "--filter", label).split():
                self.podman(kind, "rm", "--force", name)

    def names(self, service: str) -> list[str]:
        """Return the containers of a service that run."""
        filters = (
            f"label=io.podman.compose.project={PROJECT}",
            f"label=com.docker.compose.service={service}",
        )
        options = [part for condition in filters for part in ("--filter", condition)]
        return sorted(self.podman("ps", "--format", "{{.Names}}", *options).split())

    def inspect(self, container: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = podman_json("inspect", container, environ=self._environ)
        return found[0]

    def wait_healthy(self, *services: str) -> None:
        """Run the health checks of the services by hand, which systemd would do, until all are good."""
        for service in services:
            for container in self.names(service) or [f"nothing of {service}"]:
                self.wait(functools.partial(self._is_healthy, container), what=f"{container} is healthy")

    def wait_ended(self, container: str) -> int:
        """Wait until a container has ended by itself; return its exit code."""
        self.wait(lambda: self.inspect(container)["State"]["Status"] == "exited", what=f"{container} ended")
        return int(self.inspect(container)["State"]["ExitCode"])

    def wait(self, is_so: Callable[[], bool], *, what: str, patience_s: float = PATIENCE_S) -> None:
        """Ask until the answer is yes. Raises CallFailed when the time is up."""
        end = time.monotonic() + patience_s
        while not is_so():
            if time.monotonic() > end:
                raise CallFailed(f"not within {patience_s:g} s: {what}")
            time.sleep(0.1)

    def read(self, container: str, url: str) -> str:
        """Return what an address answers inside of a container."""
        return self.podman("exec", container, "python3", "-c", _READ_URL, url)

    def post(self, container: str, url: str, body: str) -> None:
        """Send JSON to an address inside of a container."""
        self.podman("exec", container, "python3", "-c", _POST_URL, url, body)

    def kill(self, container: str) -> None:
        """Kill the processes of a container from outside of it: nobody has stopped it, it died."""
        main = int(self.inspect(container)["State"]["Pid"])
        inside = self.podman("top", container, "hpid").split()[1:]
        for pid in {*map(int, inside), main}:
            os.kill(pid, signal.SIGKILL)

    def crossplay(self, *arguments: str, key: str, accept: tuple[int, ...] = (0,)) -> str:
        """Run the command from outside, as a user does."""
        program = Path(sys.executable).with_name("crossplay")
        wanted = {"CROSSPLAY_URL": f"http://127.0.0.1:{self.port}", "CROSSPLAY_API_KEY": key}
        return call(str(program), *arguments, environ={**self._environ, **wanted}, accept=accept)

    def query(self, sql: str) -> str:
        (postgres,) = self.names("postgres")
        psql = ("psql", "--host=/var/run/postgresql", "--username=crossplay", "--tuples-only", "--no-align")
        return self.podman("exec", postgres, *psql, "--command", sql).strip()

    def logs(self, container: str, *options: str) -> str:
        """Return what a container has said, to either of its outputs."""
        return call("sh", "-c", 'podman logs "$@" 2>&1', "sh", *options, container, environ=self._environ)

    def diagnosis(self) -> str:
        """Return what helps to find out why something is not as it must be."""
        parts = [self.podman("ps", "--all", "--format", "{{.Names}} {{.Status}}")]
        for line in parts[0].splitlines():
            name = line.split()[0]
            parts.append(f"--- {name}\n{self.logs(name, '--tail=15')}")
        return "\n".join(parts)

    def _is_healthy(self, container: str) -> bool:
        """Run the check once. Raises CallFailed when there is nothing left to check."""
        try:
            self.podman("healthcheck", "run", container)
        except CallFailed:
            state = self.inspect(container)
            if state["RestartCount"] > 2 or state["State"]["Status"] == "dead":
                raise CallFailed(f"{container} ends again and again") from None
            return False
        return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
