"""The verb `report`: what became of every track, as a file."""

import asyncio
from enum import StrEnum
from typing import Annotated

import typer

from deploy.cli import downloads
from deploy.cli.client import GatewayClient
from deploy.cli.options import DEFAULT_SERVER, IntoFile, Key, Server
from deploy.cli.output import say

app = typer.Typer()


class Form(StrEnum):
    """How a report is written; the value is the ending of its file."""

    CSV = "csv"
    JSON = "json"
    MARKDOWN = "md"


@app.command()
def report(
    transfer_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    form: Annotated[Form, typer.Option("--format", help="For spreadsheets, programs or people.")] = Form.CSV,
    file: IntoFile = None,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
) -> None:
    """Tell what became of every track of a transfer, or of an undo."""

    async def run() -> None:
        async with GatewayClient.open(server, key=key) as client:
            await downloads.write(client.download(f"/status/{transfer_id}/report.{form}"), file=file)

    asyncio.run(run())
    if file is not None:
        say(f"Written to {file}.")
