"""The verbs `pause`, `resume`, `cancel` and `retry`."""

from collections.abc import Callable
from typing import Annotated

import typer

from deploy.cli.client import GatewayClient
from deploy.cli.exits import Exit
from deploy.cli.follow import Watch, print_status
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_json
from deploy.cli.transfers import run_watched
from deploy.cli.wire import read_status
from shared.db.retries import RetryScope

app = typer.Typer()

TransferArgument = Annotated[str, typer.Argument(metavar="ID")]

_HELP = {
    "pause": "Let a transfer wait until it is resumed; what is under way ends first.",
    "resume": "Let a paused transfer go on.",
    "cancel": "Stop a transfer within a batch; what was added stays, and is told.",
}


def _verb(name: str) -> Callable[..., None]:
    def verb(
        transfer_id: TransferArgument,
        *,
        server: Server = DEFAULT_SERVER,
        key: Key = None,
        output: Output = Format.TEXT,
    ) -> None:
        _wish(f"/status/{transfer_id}/{name}", body={}, server=server, key=key, output=output)

    return verb


for _name, _help in _HELP.items():
    app.command(_name, help=_help)(_verb(_name))


@app.command()
def retry(
    transfer_id: TransferArgument,
    *,
    only: Annotated[
        RetryScope | None,
        typer.Option(
            help="Only tracks that failed, only those without a match, or both; deferred: do not wait longer "
            "with look-ups than the platform demands."
        ),
    ] = None,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Let a failed transfer go on, or try again what a completed one has not moved."""
    body = {"scope": str(only)} if only else {}
    _wish(f"/status/{transfer_id}/retry", body=body, server=server, key=key, output=output)


def _wish(path: str, *, body: dict[str, str], server: str, key: str | None, output: Format) -> None:
    """Send what a user wants of a transfer and print its status."""

    async def run(watch: Watch) -> Exit:
        async with GatewayClient.open(server, key=key) as client:
            watch.latest = (await client.post(path, body=body)).body
        if output is Format.TEXT:
            print_status(read_status(watch.latest))
        else:
            print_json(watch.latest)
        return Exit.FULL

    run_watched(run, output=output)
