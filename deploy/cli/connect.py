"""The verb `connect`: brings a person to a platform's sign-in, and its answer to the gateway."""

import asyncio
import sys
import webbrowser
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from deploy.cli.client import GatewayClient
from deploy.cli.endpoints import account_of
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.fields import ask_form
from deploy.cli.loopback import Loopback, visit
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_json, print_text, say
from deploy.cli.wire import ConnectSession, read_connect_session

SESSION_PACE_S = 0.5

app = typer.Typer()


@app.command()
def connect(  # noqa: PLR0913 - one parameter for each option of the command
    platform: Annotated[str, typer.Argument(help="Such as spotify.")],
    *,
    connection: Annotated[
        str | None, typer.Option(metavar="ID", help="Renew this connection; another account is refused.")
    ] = None,
    another: Annotated[
        bool, typer.Option("--another", help="Apple Music: one more account, beside those that are there.")
    ] = False,
    paste: Annotated[
        bool, typer.Option("--paste", help="Paste the address at which the sign-in ends.")
    ] = False,
    music_user_token_stdin: Annotated[
        bool, typer.Option("--music-user-token-stdin", help="Apple Music: read the Music User Token.")
    ] = False,
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME=VALUE",
            help="Fill the form in here, where there is one: what is not named is asked for. Repeatable.",
        ),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address only.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", help="Open the address itself: for sandboxes, which ask nobody.")
    ] = False,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Link an account of a music platform, or renew its connection."""
    name = account_of(platform).get("platform", platform)
    token = _line("Nothing came from standard input.") if music_user_token_stdin else None
    wishes = {
        "another": another,
        "hand_in": (paste or follow or _is_far(server)) and name != "apple_music",
        "music_user_token": token,
    }
    body: dict[str, Any] = {wish: value for wish, value in wishes.items() if value}
    query = f"?connection={connection}" if connection else ""

    async def run() -> dict[str, Any]:
        async with GatewayClient.open(server, key=key) as client:
            if field:
                body["form"] = await ask_form(client, name, given=field)
            started = (await client.post(f"/connect/{name}{query}", body=body)).body
            session = read_connect_session(started)
            if session.status == "connected":
                return dict(started)
            if session.authorize_url is None:
                _show(session.page_url, is_printed=no_browser)
                return await _outcome(client, session)
            address = await _address(session, is_pasted=paste, is_followed=follow, is_printed=no_browser)
            answer = await client.post(f"/connect/sessions/{session.id}/answer", body={"address": address})
            return _checked(answer.body)

    ended = asyncio.run(run())
    if output is Format.TEXT:
        account = read_connect_session(ended).connection
        print_text(f"Connected {name}: {account.label if account else 'done'}")
    else:
        print_json(ended)


async def _address(session: ConnectSession, *, is_pasted: bool, is_followed: bool, is_printed: bool) -> str:
    """Bring the person, or ourselves, to the platform's consent page; return the address at its end."""
    url = session.authorize_url or ""
    if is_followed:
        return await visit(url)
    if not is_pasted:
        try:
            async with Loopback.open(session.redirect_uri or "") as loopback:
                _show(url, is_printed=is_printed)
                return await loopback.address()
        except OSError:
            say("Something else listens at the address where the sign-in ends, so it has to be pasted.")
    _show(url, is_printed=is_printed)
    say(
        f"At the end your browser shows an error, at an address that begins with {session.redirect_uri}.\n"
        "Paste that whole address here:"
    )
    return await asyncio.to_thread(_line, "No address came from standard input.")


def _show(url: str, *, is_printed: bool) -> None:
    say(f"Open this address in your browser:\n  {url}")
    if not is_printed and sys.stderr.isatty():
        webbrowser.open(url)


def _line(missing: str) -> str:
    line = sys.stdin.readline().strip()
    if not line:
        raise CommandStopped(missing, code=Exit.USAGE_OR_CANCELLED)
    return line


def _is_far(server: str) -> bool:
    """Whether platforms would refuse to send a browser to this server: it is not here, and has no TLS."""
    parts = urlsplit(server)
    return parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost", "::1")


async def _outcome(client: GatewayClient, session: ConnectSession) -> dict[str, Any]:
    """Wait until the person has agreed, refused, or let the time run out."""
    while True:
        body: dict[str, Any] = (await client.get(f"/connect/sessions/{session.id}")).body
        if read_connect_session(body).status != "pending":
            return _checked(body)
        await asyncio.sleep(SESSION_PACE_S)


def _checked(body: dict[str, Any]) -> dict[str, Any]:
    """Return a session that is connected; stop with the reason of any other."""
    session = read_connect_session(body)
    if session.status == "connected":
        return body
    raise CommandStopped(
        f"Not connected: {session.failure or session.status}",
        code=Exit.FAILED if session.status == "failed" else Exit.SIGN_IN,
        cure="Run the same command again to get a new address.",
    )
