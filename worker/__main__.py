"""`python -m worker [--json]`: one worker daemon; --json prints one line when it takes jobs."""

import asyncio
import os
import sys

import msgspec

from shared.db.schema import SchemaMismatch
from shared.environment import load
from shared.errors import SettingsError
from worker.bootstrap import serve

CONFIG_EXIT = 78


def main() -> int:
    is_announced = "--json" in sys.argv[1:]
    try:
        asyncio.run(serve(load(os.environ), on_ready=_announce if is_announced else None))
    except (SettingsError, SchemaMismatch) as error:
        sys.stderr.write(f"{error}\n")
        return CONFIG_EXIT
    return 0


def _announce(worker_id: str, probes_url: str | None) -> None:
    line = msgspec.json.encode({"worker": worker_id, "probes": probes_url})
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
