"""The verbs `connect` and `playlists`."""

import asyncio
import sys
import webbrowser
from collections.abc import Mapping
from typing import Annotated, Any

import aiohttp
import typer

from deploy.cli.client import GatewayClient
from deploy.cli.endpoints import account_of
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_json, print_rows, print_text, say
from deploy.cli.wire import read_playlist

SESSION_PACE_S = 0.5

app = typer.Typer()


@app.command()
def connect(  # noqa: PLR0913 - one parameter for each option of the command
    platform: Annotated[str, typer.Argument(help="spotify or apple_music.")],
    *,
    music_user_token_stdin: Annotated[
        bool, typer.Option("--music-user-token-stdin", help="Apple Music: read the Music User Token.")
    ] = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Open the address itself: for sandboxes, which ask nobody.")
    ] = False,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Link an account of a music platform."""
    name = account_of(platform).get("platform", platform)
    body = {"music_user_token": _token_from_stdin()} if music_user_token_stdin else {}
    if name == "apple_music" and not body:
        raise CommandStopped(
            "Apple Music is connected with a Music User Token.",
            code=Exit.USAGE_OR_CANCELLED,
            cure="Pipe it in: crossplay connect apple_music --music-user-token-stdin < token-file",
        )

    async def run() -> None:
        async with GatewayClient.open(server, key=key) as client:
            started = (await client.post(f"/connect/{name}", body=body)).body
            if started.get("authorize_url"):
                await _authorize(str(started["authorize_url"]), is_followed=follow, is_printed=no_browser)
                started = await _outcome(client, started)
        if output is Format.TEXT:
            print_text(f"Connected {name}: {_label(started)}")
        else:
            print_json(started)

    asyncio.run(run())


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


def _token_from_stdin() -> str:
    token = sys.stdin.readline().strip()
    if not token:
        raise CommandStopped("Nothing came from standard input.", code=Exit.USAGE_OR_CANCELLED)
    return token


async def _authorize(authorize_url: str, *, is_followed: bool, is_printed: bool) -> None:
    """Bring the person, or ourselves, to the platform's consent page."""
    if is_followed:
        await _visit(authorize_url)
        return
    say(f"Open this address and agree:\n  {authorize_url}")
    if not is_printed and sys.stderr.isatty():
        webbrowser.open(authorize_url)


async def _visit(authorize_url: str) -> None:
    """Follow the redirects as a browser would, in a session of its own: the API key stays here."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as browser,
            browser.get(authorize_url) as page,
        ):
            await page.read()
    except (aiohttp.ClientError, TimeoutError) as error:
        raise CommandStopped(
            f"The consent page cannot be opened: {error}",
            code=Exit.FAILED,
            cure="Without --follow the address is opened in your browser.",
        ) from error


async def _outcome(client: GatewayClient, started: Mapping[str, Any]) -> dict[str, Any]:
    """Wait until the person has agreed, refused, or let the time run out."""
    path = f"/connect/sessions/{started['session']}"
    while True:
        session: dict[str, Any] = (await client.get(path)).body
        if session["status"] == "connected":
            return session
        if session["status"] != "pending":
            raise CommandStopped(
                f"Not connected: {session.get('failure') or session['status']}",
                code=Exit.FAILED if session["status"] == "failed" else Exit.SIGN_IN,
                cure="Run the same command again to get a new address.",
            )
        await asyncio.sleep(SESSION_PACE_S)


def _label(session: Mapping[str, Any]) -> str:
    connection = session.get("connection") or session
    if isinstance(connection, dict):
        return str(connection.get("label") or connection.get("id") or "done")
    return str(connection)
