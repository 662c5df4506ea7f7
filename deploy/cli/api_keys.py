"""The verbs `api-keys list|create|revoke`: who else may act for you, and with which scopes."""

from typing import Annotated, Any

import typer

from deploy.cli.calls import ask, list_items
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_items, print_json, print_text, say
from deploy.cli.wire import read_key
from shared.scopes import Scope

Scopes = Annotated[
    str | None,
    typer.Option("--scopes", metavar="SCOPE,…", help="Such as transfers:read; default: all but admin."),
]

app = typer.Typer()
keys_app = typer.Typer(help="Make, list and revoke API keys.")
app.add_typer(keys_app, name="api-keys")


@keys_app.command("list")
def show(*, server: Server = DEFAULT_SERVER, key: Key = None, output: Output = Format.TEXT) -> None:
    """List your API keys, newest first; never their secrets."""
    print_items(
        list_items("/keys", params={}, server=server, key=key),
        output=output,
        row_of=_row,
        columns=("id", "name", "scopes", "last used", "state"),
    )


@keys_app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    *,
    scopes: Scopes = None,
    expires_in_days: Annotated[
        int | None, typer.Option(min=1, max=3650, metavar="N", help="Then it is refused; default: never.")
    ] = None,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Make an API key with no more scopes than yours, and print it, once."""
    wanted = [one.value for one in read_scopes(scopes)] if scopes is not None else None
    options = {"name": name, "scopes": wanted, "expires_in_days": expires_in_days}
    body = {field: value for field, value in options.items() if value is not None}

    made: dict[str, Any] = ask(lambda client: client.post("/keys", body=body), server=server, key=key)
    if output is Format.TEXT:
        print_text(str(made.get("key")))
        say("Keep it: nobody can show it again.")
    else:
        print_json(made)


@keys_app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="As `api-keys list` shows it.")],
    *,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
) -> None:
    """Revoke an API key: from the next request on it is refused."""
    ask(lambda client: client.delete(f"/keys/{key_id}"), server=server, key=key)
    say("Revoked.")


def read_scopes(text: str) -> tuple[Scope, ...]:
    """Read scopes that are separated by commas. Raises CommandStopped."""
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in frozenset(Scope)]
    if unknown:
        raise CommandStopped(
            f"'{unknown[0]}' is no scope.",
            code=Exit.USAGE_OR_CANCELLED,
            cure=f"Choose some of {', '.join(Scope)}, separated by commas.",
        )
    return tuple(Scope(name) for name in names)


def _row(item: dict[str, Any]) -> tuple[str, str, str, str, str]:
    row = read_key(item)
    state = "revoked" if row.revoked_at else f"until {row.expires_at[:10]}" if row.expires_at else ""
    return row.id, row.name, ",".join(row.scopes), (row.last_used_at or "never")[:16], state
