"""Podman with a store of its own, and nothing of the machine's configuration."""

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
KEEP = ROOT / ".crossplay/compose-test"
CALL_TIMEOUT_S = 600.0

# No registry is asked: what is not here already is an error. runc and cgroupfs also work without systemd.
_CONTAINERS_CONF = """\
[containers]
default_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
"""
_STORAGE_CONF = """\
[storage]
driver = "overlay"
graphroot = "{keep}/storage"
runroot = "{keep}/run"
"""
_REGISTRIES_CONF = 'unqualified-search-registries = ["docker.io"]\nshort-name-mode = "permissive"\n'


class CallFailed(Exception):
    """A program said no; the text is what it said."""


def configure() -> dict[str, str]:
    """Write the configuration; return the environment in which every call runs."""
    KEEP.mkdir(parents=True, exist_ok=True)
    # Half of what we may have ourselves: a container may never have more than its monitor.
    files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], 65536) // 2
    processes = min(resource.getrlimit(resource.RLIMIT_NPROC)[1], 65536) // 2
    texts = {
        "containers.conf": _CONTAINERS_CONF.format(files=files, processes=processes),
        "storage.conf": _STORAGE_CONF.format(keep=KEEP),
        "registries.conf": _REGISTRIES_CONF,
    }
    for name, text in texts.items():
        (KEEP / name).write_text(text, encoding="utf-8")
    return {
        **os.environ,
        "CONTAINERS_CONF": str(KEEP / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(KEEP / "storage.conf"),
        "CONTAINERS_REGISTRIES_CONF": str(KEEP / "registries.conf"),
        # Build layers may be large, and /tmp may be memory.
        "TMPDIR": str(KEEP),
    }


def call(
    *command: str,
    environ: Mapping[str, str],
    accept: Sequence[int] = (0,),
    cwd: Path = ROOT,
    timeout_s: float = CALL_TIMEOUT_S,
) -> str:
    """Run a program; return what it printed. Raises CallFailed for exit codes that are not in accept."""
    done = subprocess.run(
        command, env=dict(environ), cwd=cwd, capture_output=True, text=True, check=False, timeout=timeout_s
    )
    if done.returncode not in accept:
        raise CallFailed(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def podman_json(*command: str, environ: Mapping[str, str]) -> Any:
    return json.loads(call("podman", *command, environ=environ))


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
