"""The command as operators run it: a process with the settings of its environment."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

PATIENCE_S = 60.0

Operate: TypeAlias = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def operate(database_url: str, redis_url: str) -> Operate:
    """Run an operator's verb to its end; return its exit code, stdout and stderr."""
    environ = {
        "PATH": os.environ["PATH"],
        "CROSSPLAY_DATABASE_URL": database_url,
        "CROSSPLAY_REDIS_URL": redis_url,
        "CROSSPLAY_SECRET_KEYS": "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
    }

    async def call(*arguments: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.cli.main", *arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environ,
        )
        out, told = await asyncio.wait_for(process.communicate(), PATIENCE_S)
        return process.returncode or 0, out.decode(), told.decode()

    return call
