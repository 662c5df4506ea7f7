"""Writes what is downloaded: to stdout, or to a file that is there when it is whole, and not before."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import typer

from deploy.cli.exits import CommandStopped, Exit


async def write(pieces: AsyncIterator[bytes], *, file: Path | None) -> None:
    """Write pieces to a file, or to stdout where none is named. Raises CommandStopped."""
    if file is None:
        async for piece in pieces:
            typer.echo(piece, nl=False)
        return
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
            cure="Name another file with -o, or leave it out to have it on stdout.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
