"""The verb `playlists`."""

import asyncio
from typing import Annotated, Any

import typer

from deploy.cli.client import GatewayClient
from deploy.cli.endpoints import account_of
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_json, print_rows
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

    async def run() -> list[dict[str, Any]]:
        async with GatewayClient.open(server, key=key) as client:
            return [
                item
                async for item in client.pages("/playlists", params={**account_of(account), "limit": "200"})
            ]

    wanted = (search or "").casefold()
    items = [item for item in asyncio.run(run()) if wanted in read_playlist(item).name.casefold()]
    if output is Format.JSON:
        print_json({"items": items})
    elif output is Format.JSONL:
        for item in items:
            print_json(item)
    else:
        rows = [read_playlist(item) for item in items]
        print_rows(
            [(row.id, "" if row.track_count is None else str(row.track_count), row.name) for row in rows],
            columns=("id", "tracks", "name"),
        )
