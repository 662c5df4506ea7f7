"""The verbs `import` and `export`: playlists from files, and as files."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from deploy.cli import downloads
from deploy.cli.client import GatewayClient
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.options import DEFAULT_SERVER, IntoFile, Key, Output, Server
from deploy.cli.output import Format, print_items, print_json, say
from deploy.cli.wire import ImportedFile, read_import
from shared.formats.imported import ExportFormat

_NAMED_ROWS_COUNT = 10
_PAGE_COUNT = "200"

app = typer.Typer()


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="CSV, M3U8, XSPF, JSPF, JSON or ZIP.")],
    *,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Import playlist files. What they hold is moved from `file:NAME`, or fetched with `export`.

    Exits with 3 where some rows are no tracks; each is named.
    """

    async def run() -> list[Any]:
        async with GatewayClient.open(server, key=key) as client:
            return [await _import(client, file) for file in files]

    bodies = asyncio.run(run())
    imported = list(map(read_import, bodies))
    if output is Format.TEXT:
        lists = [one for body in bodies for one in body["items"]]
        print_items(lists, output=output, row_of=_row, columns=("id", "tracks", "name"))
        for file, one in zip(files, imported, strict=True):
            _tell(file, one)
    else:
        for body in bodies:
            print_json(body)
    if any(part.rest for one in imported for part in one.items):
        raise typer.Exit(Exit.PARTIAL)


@app.command()
def export(
    playlist: Annotated[str, typer.Argument(metavar="PLAYLIST", help="Id or name; see: playlists file")],
    *,
    form: Annotated[ExportFormat, typer.Option("--format", help="How it is written.")] = ExportFormat.CSV,
    file: IntoFile = None,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
) -> None:
    """Fetch a playlist of the platform `file` as a file."""

    async def run() -> None:
        async with GatewayClient.open(server, key=key) as client:
            playlist_id = await _id_of(client, playlist)
            await downloads.write(client.download(f"/files/{playlist_id}/content?format={form}"), file=file)

    asyncio.run(run())
    if file is not None:
        say(f"Written to {file}.")


async def _import(client: GatewayClient, file: Path) -> Any:
    try:
        with file.open("rb") as opened:
            answer = await client.upload("/files", params={"name": file.name[-255:]}, content=opened)
    except OSError as error:
        raise CommandStopped(
            f"'{file}' cannot be read: {error.strerror}.", code=Exit.USAGE_OR_CANCELLED
        ) from error
    except CommandStopped as stopped:
        raise CommandStopped(f"{file}: {stopped.what}", code=stopped.code, cure=stopped.cure) from stopped
    return answer.body


async def _id_of(client: GatewayClient, playlist: str) -> str:
    """Return the id of the one file that has a name; an id is itself. Raises CommandStopped."""
    try:
        return str(UUID(playlist))
    except ValueError:
        pass
    found = [
        item["id"]
        async for item in client.pages("/files", params={"limit": _PAGE_COUNT})
        if item["name"] == playlist
    ]
    if not found:
        raise CommandStopped(
            f"No file has the name '{playlist}'.",
            code=Exit.NOT_FOUND,
            cure="See which there are: crossplay playlists file",
        )
    if len(found) > 1:
        raise CommandStopped(
            f"{len(found)} files have this name: {', '.join(found[:10])}.",
            code=Exit.USAGE_OR_CANCELLED,
            cure="Give the id of one of them.",
        )
    return str(found[0])


def _tell(file: Path, imported: ImportedFile) -> None:
    for note in imported.notes:
        say(f"{file}: {note}")
    for one in imported.items:
        _tell_rest(one.name, [f"  row {row.row}: {row.reason}" for row in one.rest])


def _tell_rest(name: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    say(f"Rows of {name} that are no tracks:")
    for line in lines[:_NAMED_ROWS_COUNT]:
        say(line)
    if len(lines) > _NAMED_ROWS_COUNT:
        say(f"  and {len(lines) - _NAMED_ROWS_COUNT} more: -o json names all of them")


def _row(item: Any) -> tuple[str, str, str]:
    return str(item["id"]), str(item["track_count"]), str(item["name"])
