"""Other programs that start servers, and what can be seen of them from outside."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import until

PARENT = Path(__file__).with_name("parent.py")
PATIENCE_S = 30.0

StartParent = Callable[..., AbstractAsyncContextManager[tuple[asyncio.subprocess.Process, dict[str, Any]]]]


@asynccontextmanager
async def _start_parent(
    *arguments: str, python: str = sys.executable, **options: Any
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    process = await asyncio.create_subprocess_exec(
        python,
        PARENT,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        **options,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            ready = json.loads(await process.stdout.readline())
        yield process, ready
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


@pytest.fixture
def start_parent() -> StartParent:
    """Run parent.py; gives the process and what its ready line says. It is killed at the end."""
    return _start_parent


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Where nobody collects orphans, a dead one stays as a zombie.
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return True


@pytest.fixture
def wait_gone() -> Callable[[list[int]], Any]:
    """Wait until none of these processes runs."""

    async def wait(pids: list[int]) -> None:
        await until(lambda: not any(map(is_running, pids)), patience_s=PATIENCE_S)

    return wait
