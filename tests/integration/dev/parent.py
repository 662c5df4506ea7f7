"""A program for the tests: starts what a parent starts, says so in one line of JSON, waits to be killed.

python parent.py sleep LOG            one child process
python parent.py servers DATA_DIR     Postgres and Valkey
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from deploy.dev.embedded import EmbeddedServers
from deploy.dev.processes import Process, ProcessSpec


async def run_sleep(log_path: Path) -> None:
    spec = ProcessSpec(
        name="sleep", command=("/bin/sleep", "600"), log_path=log_path, environment=dict(os.environ)
    )
    child = await Process.start(spec)
    say({"pids": [child.pid]})
    await child.wait()


async def run_servers(data_dir: Path) -> None:
    async with EmbeddedServers(data_dir) as servers:
        ready = {
            "pids": [servers.postgres.process.pid, servers.valkey.process.pid],
            "database_url": servers.database_url,
            "redis_url": servers.redis_url,
        }
        say(ready)
        await asyncio.to_thread(sys.stdin.read)


def say(ready: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(ready) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run({"sleep": run_sleep, "servers": run_servers}[sys.argv[1]](Path(sys.argv[2])))
