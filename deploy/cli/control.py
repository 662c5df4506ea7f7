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

app = typer.Typer()

_HELP = {
    "pause": "Let a transfer wait until it is resumed; what is under way ends first.",
    "resume": "Let a paused transfer go on.",
    "cancel": "Stop a transfer within a batch; what was added stays, and is told.",
    "retry": "Let a failed transfer try again from its last checkpoint.",
}


def _verb(name: str) -> Callable[..., None]:
    def verb(
        transfer_id: Annotated[str, typer.Argument(metavar="ID")],
        *,
        server: Server = DEFAULT_SERVER,
        key: Key = None,
        output: Output = Format.TEXT,
    ) -> None:
        async def run(watch: Watch) -> Exit:
            async with GatewayClient.open(server, key=key) as client:
                watch.latest = (await client.post(f"/status/{transfer_id}/{name}", body={})).body
            if output is Format.TEXT:
                print_status(read_status(watch.latest))
            else:
                print_json(watch.latest)
            return Exit.FULL

        run_watched(run, output=output)

    return verb


for _name, _help in _HELP.items():
    app.command(_name, help=_help)(_verb(_name))
