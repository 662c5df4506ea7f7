"""The verb `playlists`."""

from typing import Annotated, Any

import typer

from deploy.cli.calls import list_items
from deploy.cli.endpoints import account_of
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_items
from deploy.cli.wire import read_playlist

app = typer.Typer()


@app.command()
def playlists(
    account: Annotated[str, typer.Argument(metavar="PLATFORM_OR_CONNECTION")],
    *,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only those with this in their name.")
    ] = None,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """List the playlists of an account, all pages."""
    found = list_items("/playlists", params=account_of(account), server=server, key=key)
    wanted = (search or "").casefold()
    print_items(
        [item for item in found if wanted in read_playlist(item).name.casefold()],
        output=output,
        row_of=_row,
        columns=("id", "tracks", "name"),
    )


def _row(item: Any) -> tuple[str, str, str]:
    row = read_playlist(item)
    return row.id, "" if row.track_count is None else str(row.track_count), row.name
