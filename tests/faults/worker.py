"""`python -m tests.faults.worker [--json]`: a worker that does to itself what CROSSPLAY_TEST_PLAN says.

The variable holds a `Plan` as JSON. `spawn` forks the same from a process that has everything imported,
which takes milliseconds instead of a second.
"""

import asyncio
import multiprocessing
import os
import sys
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import msgspec

from shared.environment import load
from tests.faults import seams
from tests.faults.effects import Plan
from worker.__main__ import main
from worker.bootstrap import serve

PLAN = "CROSSPLAY_TEST_PLAN"

_nursery = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload(["tests.faults.worker"])


def warm_up() -> None:
    """Wait until workers can be forked; the first one would wait for it, and hold its event loop up."""
    process = _nursery.Process(target=int)
    process.start()
    process.join()
    process.close()


def spawn(environ: Mapping[str, str], *, plan: Plan, log_path: Path) -> ForkServerProcess:
    """Start a worker as a process of its own; it ends with this one."""
    process = _nursery.Process(
        target=_run, args=(dict(environ), msgspec.json.encode(plan), str(log_path)), daemon=True
    )
    process.start()
    return process


def _run(environ: dict[str, str], plan: bytes, log_path: str) -> None:
    log = os.open(log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    seams.install(msgspec.json.decode(plan, type=Plan))
    asyncio.run(_serve(environ))


async def _serve(environ: dict[str, str]) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    asyncio.get_running_loop().add_reader(parent.sentinel, os._exit, 1)
    await serve(load(environ))


if __name__ == "__main__":
    seams.install(msgspec.json.decode(os.environ.get(PLAN, "{}"), type=Plan))
    sys.exit(main())
