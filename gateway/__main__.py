"""`python -m gateway [--json]`: serve until SIGINT or SIGTERM; --json prints one line when ready."""

import os
import sys

from gateway.app import run
from shared.db.schema import SchemaMismatch
from shared.environment import load
from shared.errors import SettingsError
from shared.settings import require_stores

EXIT_CONFIG = 78


def main() -> int:
    try:
        settings = load(os.environ)
        require_stores(settings)
        run(settings, is_announced="--json" in sys.argv[1:])
    except (SettingsError, SchemaMismatch) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIG
    except OSError as error:
        sys.stderr.write(f"The gateway cannot start: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
