"""What the exit code of the command says, and the error that ends it with one."""

from enum import IntEnum


class Exit(IntEnum):
    """The exit codes, for scripts."""

    FULL = 0
    FAILED = 1
    USAGE_OR_CANCELLED = 2
    PARTIAL = 3
    SIGN_IN = 4
    NOT_FOUND = 5
    STILL_RUNNING = 6
    UNREACHABLE = 7
    CONFIG = 78


class CommandStopped(Exception):
    """The command cannot go on. Says what happened and, where we know it, what cures it."""

    def __init__(self, what: str, *, code: Exit, cure: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.cure = cure
        self.code = code


_OF_PROBLEMS = {
    "unauthenticated": Exit.SIGN_IN,
    "forbidden-scope": Exit.SIGN_IN,
    "connection-missing": Exit.SIGN_IN,
    "reconnect-required": Exit.SIGN_IN,
    "account-mismatch": Exit.SIGN_IN,
    "file-unreadable": Exit.USAGE_OR_CANCELLED,
    "body-too-large": Exit.USAGE_OR_CANCELLED,
    "validation": Exit.USAGE_OR_CANCELLED,
    "not-found": Exit.NOT_FOUND,
    "unknown-platform": Exit.NOT_FOUND,
    "playlist-not-found": Exit.NOT_FOUND,
    "playlist-not-readable": Exit.NOT_FOUND,
    "platform-not-configured": Exit.CONFIG,
}


def exit_of_problem(code: str) -> Exit:
    """Return the exit code for the `code` of a problem answer."""
    return _OF_PROBLEMS.get(code, Exit.FAILED)
