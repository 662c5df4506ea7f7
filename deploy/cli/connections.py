"""The verbs below `connections`: which accounts are linked, how they stand, and how one is let go."""

from typing import Annotated

import typer

from deploy.cli.calls import ask, list_items
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_items, print_json, print_text, say
from deploy.cli.standing import connect_command
from deploy.cli.wire import ConnectionRow, read_connection

ConnectionArgument = Annotated[str, typer.Argument(metavar="ID", help="As `connections` lists it.")]

app = typer.Typer()
connections_app = typer.Typer(
    help="List the linked accounts, try one out, or disconnect one.", invoke_without_command=True
)
app.add_typer(connections_app, name="connections")

_STATES = {
    "connected": "connected",
    "reconnect_required": "has to be connected again",
    "disconnected": "disconnected",
}


@connections_app.callback()
def overview(
    context: typer.Context,
    *,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """List the linked accounts, try one out, or disconnect one."""
    if context.invoked_subcommand is None:
        _list({}, server=server, key=key, output=output)
        return
    sources = [context.get_parameter_source(name) for name in ("server", "key", "output")]
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        raise CommandStopped(
            "Options stand behind the verb.",
            code=Exit.USAGE_OR_CANCELLED,
            cure=f"crossplay connections {context.invoked_subcommand} --help",
        )


@connections_app.command("list")
def list_all(
    *,
    disconnected: Annotated[
        bool, typer.Option("--disconnected", help="Those that are linked no more.")
    ] = False,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """List the linked accounts with the days that their sign-in is good for."""
    params = {"state": "disconnected"} if disconnected else {}
    _list(params, server=server, key=key, output=output)


@connections_app.command("test")
def try_out(
    connection_id: ConnectionArgument,
    *,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Ask the platform now whether it still accepts the account."""
    body = ask(
        lambda client: client.post(f"/connections/{connection_id}/test", body={}), server=server, key=key
    )
    if output is not Format.TEXT:
        print_json(body)
    if body["health"] == "ok":
        if output is Format.TEXT:
            print_text(str(body["text"]))
        return
    row = read_connection(body["connection"])
    is_users = body["health"] == "reconnect_required"
    raise CommandStopped(
        str(body["text"]),
        code=Exit.SIGN_IN if is_users else Exit.FAILED,
        cure=connect_command(row.platform, action_url=row.action_url) if is_users else None,
    )


@connections_app.command()
def disconnect(
    connection_id: ConnectionArgument,
    *,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Delete the account's tokens; what needs them waits until it is connected again."""
    body = ask(lambda client: client.delete(f"/connections/{connection_id}"), server=server, key=key)
    if output is not Format.TEXT:
        print_json(body)
        return
    print_text(str(body["text"]))
    if body["revoke_url"]:  # a server of one's own has no such page
        print_text(f"  {body['revoke_url']}")


def _list(params: dict[str, str], *, server: str, key: str | None, output: Format) -> None:
    items = list_items("/connections", params=params, server=server, key=key)
    print_items(
        items,
        output=output,
        row_of=lambda item: _row(read_connection(item)),
        columns=("id", "platform", "account", "state", "days left"),
    )
    if output is Format.TEXT:
        for row in map(read_connection, items):
            _warn(row)


def _row(row: ConnectionRow) -> tuple[str, ...]:
    return row.id, row.platform, row.label, _STATES.get(row.state, row.state), _days(row)


def _warn(row: ConnectionRow) -> None:
    if row.notice:
        say(f"{row.platform} ({row.label}): {row.notice}")
        say(f"  → {connect_command(row.platform, action_url=row.action_url)}")


def _days(row: ConnectionRow) -> str:
    return "" if row.days_left is None else str(row.days_left)
