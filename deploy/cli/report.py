"""The verb `report`: what became of every track, as a file."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from deploy.cli.client import GatewayClient
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.options import DEFAULT_SERVER, Key, Server
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
    file: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Write it there, not to stdout."),
    ] = None,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
) -> None:
    """Tell what became of every track of a transfer, or of an undo."""

    async def run() -> None:
        async with GatewayClient.open(server, key=key) as client:
            pieces = client.download(f"/status/{transfer_id}/report.{form}")
            if file is None:
                async for piece in pieces:
                    typer.echo(piece, nl=False)
            else:
                await _write(file, pieces)

    asyncio.run(run())
    if file is not None:
        say(f"Written to {file}.")


async def _write(file: Path, pieces: AsyncIterator[bytes]) -> None:
    """Write a file that is there when it is whole, and not before."""
    partial = file.with_name(f".{file.name}.{uuid4().hex[:8]}.part")
    try:
        with partial.open("xb") as opened:
            async for piece in pieces:
                opened.write(piece)
        partial.replace(file)
    except OSError as error:
        raise CommandStopped(
            f"'{file}' cannot be written: {error.strerror}.",
            code=Exit.USAGE_OR_CANCELLED,
            cure="Name another file with -o, or leave it out to have the report on stdout.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
