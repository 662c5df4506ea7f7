"""The verb that asks a gateway or worker how it is, for the health checks of containers and services.

`python -m deploy.cli.health` does the same as `crossplay healthcheck` in a fraction of its time, because it
loads nothing else.
"""

import http.client
import os
import sys
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer

from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.output import print_text, say
from shared.environment import load
from shared.errors import SettingsError
from shared.local_address import local_address
from shared.settings import PREFIX

TIMEOUT_S = 5.0  # its own checks take two at most
_NO_PORT = f"{PREFIX}METRICS_PORT names no port, so nothing listens that could be asked."

app = typer.Typer(pretty_exceptions_enable=False)


class _Check(msgspec.Struct, frozen=True, kw_only=True):
    ok: bool
    detail: str | None = None


class _Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What /healthz and /readyz answer."""

    status: str
    checks: dict[str, _Check] = {}


@app.command()
def healthcheck(
    *,
    url: Annotated[
        str, typer.Option(help="What to ask; default: /readyz at the port that the settings name.")
    ] = "",
) -> None:
    """Ask the gateway or worker of this environment whether it can work; exit code 0 or 1.

    A url without a path asks /readyz; with /healthz it asks only whether the process lives.
    """
    asked = url or _own_address()
    status, body = _ask(*_parts(asked))
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError as error:
        raise CommandStopped(f"{asked} is no probe of Crossplay.", code=Exit.FAILED) from error
    faults = [f"{name}: {check.detail}" for name, check in answer.checks.items() if not check.ok]
    if status != http.client.OK:
        raise CommandStopped("; ".join([answer.status, *faults]), code=Exit.FAILED)
    print_text(answer.status)


def _own_address() -> str:
    settings = load(os.environ)
    if not settings.metrics_port:
        raise CommandStopped(_NO_PORT, code=Exit.FAILED, cure=f"Set {PREFIX}METRICS_PORT, or name a --url.")
    return local_address(settings.metrics_host, settings.metrics_port)


def _parts(url: str) -> tuple[str, int, str]:
    """Return host, port and path."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or http.client.HTTP_PORT
    except ValueError:
        host = None
    if host is None or parts.scheme != "http":
        raise CommandStopped(f"{url} is no http address.", code=Exit.FAILED)
    return host, port, parts.path.rstrip("/") or "/readyz"


def _ask(host: str, port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    except (OSError, http.client.HTTPException) as error:
        what = f"Nobody answers at {host}, port {port}: {str(error) or type(error).__name__}"
        raise CommandStopped(what, code=Exit.FAILED) from error
    finally:
        connection.close()


def main() -> None:
    """Run this verb alone."""
    try:
        app()
    except (CommandStopped, SettingsError) as error:
        say(f"crossplay: {error}")
        sys.exit(Exit.FAILED)


if __name__ == "__main__":
    main()
