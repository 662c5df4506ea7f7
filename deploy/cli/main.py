"""The `crossplay` command: its verbs, and what people see when one of them fails."""

import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer

from deploy.cli import (
    api_keys,
    backup,
    config,
    connect,
    connections,
    control,
    doctor,
    files,
    health,
    init,
    keys,
    match,
    migrations,
    operate,
    oversee,
    plan,
    playlists,
    prune,
    report,
    review,
    transfers,
    webhooks,
)
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.output import print_text, say
from shared.db.schema import SchemaMismatch
from shared.environment import load
from shared.errors import CrossplayError, SettingsError
from shared.redaction import known_values, redact

SIGINT_CODE = 130

app = typer.Typer(
    help="Moves playlists between music platforms: complete, in order, each track once.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(is_wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if is_wanted:
        print_text(f"crossplay {version('crossplay')}")
        raise typer.Exit


@app.callback()
def crossplay(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    pass


for part in (
    operate,
    migrations,
    backup,
    config,
    doctor,
    oversee,
    health,
    init,
    keys,
    connect,
    connections,
    playlists,
    plan,
    prune,
    transfers,
    files,
    control,
    report,
    review,
    api_keys,
    match,
    webhooks,
):
    app.add_typer(part.app)


def main() -> None:
    """Run the command of this process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code. Errors become words on stderr, never a traceback.

    CROSSPLAY_DEBUG set to anything lets the traceback through, for developers.
    """
    try:
        app(list(arguments), prog_name="crossplay")
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else int(left.code is not None)
        return Exit.USAGE_OR_CANCELLED if code == SIGINT_CODE else code
    except CommandStopped as stopped:
        _tell(stopped.what, cure=stopped.cure)
        return stopped.code
    except SettingsError as error:
        _tell(str(error), cure="All faults with their cures: crossplay config check")
        return Exit.CONFIG
    except CrossplayError as error:
        _tell(str(error), cure=None)
        return Exit.CONFIG if isinstance(error, SchemaMismatch) else Exit.FAILED
    except Exception as error:  # noqa: BLE001 - told without secrets, which Python's own words may hold
        if os.environ.get("CROSSPLAY_DEBUG"):
            say(redact(traceback.format_exc(), known=_known()))
        _tell(f"Internal error: {type(error).__name__}: {error}", cure="CROSSPLAY_DEBUG=1 shows where.")
        return Exit.FAILED
    return Exit.FULL


def _tell(what: str, *, cure: str | None) -> None:
    say(f"crossplay: {redact(what, known=_known())}")
    if cure:
        say(f"  → {cure}")


def _known() -> tuple[str, ...]:
    try:
        return known_values(load(os.environ))
    except SettingsError:
        return ()  # nothing could be done with them


if __name__ == "__main__":
    main()
