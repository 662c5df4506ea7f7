"""What it means to whoever waits how a transfer stands: whether it goes on, what cures it, the exit code."""

from urllib.parse import parse_qs, urlsplit

from deploy.cli.exits import Exit
from deploy.cli.wire import Paused, Status

TERMINAL_STATES = ("completed", "failed", "cancelled")


def step_of(status: Status) -> str:
    """Return the state, with the phase where it still means something."""
    return (
        status.state if status.state in TERMINAL_STATES else f"{status.state} {status.phase or ''}".rstrip()
    )


def needs_a_person(status: Status) -> bool:
    """Whether a transfer is paused until its user or the operator acts; other pauses end by themselves."""
    return (
        status.state == "paused"
        and status.paused is not None
        and status.paused.reason not in ("rate_limited", "quota", "operator")
    )


def cure_of(paused: Paused) -> str | None:
    """Return the command that ends a pause, where its user can."""
    if not paused.action_url or not paused.platform:
        return None
    return connect_command(paused.platform, action_url=paused.action_url)


def connect_command(platform: str, *, action_url: str | None) -> str:
    """Return the command that connects an account: just the one that the address names, if it names one."""
    named = parse_qs(urlsplit(action_url or "").query).get("connection")
    return f"crossplay connect {platform}" + (f" --connection {named[0]}" if named else "")


def exit_of_status(status: Status) -> Exit:
    """Return the exit code that tells how a transfer stands."""
    if status.state == "completed":
        return Exit.FULL if status.outcome == "full" else Exit.PARTIAL
    if status.state == "failed":
        return Exit.FAILED
    if status.state == "cancelled":
        return Exit.USAGE_OR_CANCELLED
    return Exit.SIGN_IN if needs_a_person(status) else Exit.STILL_RUNNING
