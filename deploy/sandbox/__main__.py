"""Runs the sandbox: python -m deploy.sandbox --platform spotify."""

import sys

from deploy.sandbox.command import main

if __name__ == "__main__":
    sys.exit(main())
