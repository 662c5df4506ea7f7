"""The verbs `transfer`, `undo` and `status`."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, NoReturn
from uuid import uuid4

import typer

from deploy.cli.client import GatewayClient
from deploy.cli.endpoints import source_of, target_of
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.follow import Watch, print_status, print_tracks, tell_choices, tracks_left
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_items, print_json, print_text, say
from deploy.cli.progress import progress_for
from deploy.cli.standing import exit_of_status
from deploy.cli.wire import Status, read_listed, read_status
from shared.models import Explicit, Policy

NAMED_TRACKS_COUNT = 10

app = typer.Typer()


@app.command()
def transfer(  # noqa: PLR0913 - one parameter for each option of the command
    source: Annotated[
        str, typer.Argument(metavar="SOURCE:PLAYLIST|LINK", help="From: platform or connection id.")
    ],
    target: Annotated[str, typer.Argument(metavar="TARGET[:NAME]", help="To, and the new playlist's name.")],
    *,
    wait: Annotated[bool, typer.Option("--wait/--detach", help="Stay until it is done.")] = True,
    timeout_s: Annotated[
        float | None, typer.Option("--timeout", min=0, metavar="SECONDS", help="Stay at most so long.")
    ] = None,
    policy: Annotated[Policy | None, typer.Option(help="How near a match must be.")] = None,
    explicit: Annotated[
        Explicit | None, typer.Option(help="Which of a clean and an explicit release is taken.")
    ] = None,
    into: Annotated[str | None, typer.Option(metavar="PLAYLIST_ID", help="Add to this playlist.")] = None,
    on_duplicate: Annotated[
        str | None, typer.Option(metavar="keep|skip", help="Tracks that the target already has.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key never starts a second transfer.")
    ] = None,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Move a playlist. PLAYLIST is its name, id or address; an address alone names its platform itself.

    Exit codes: 0 complete, 1 failed, 2 cancelled, 3 some tracks could not be moved, 4 sign-in needed,
    6 still running, 7 server unreachable. Ctrl-C leaves the transfer running.
    """
    body: dict[str, Any] = {"source": source_of(source), "target": target_of(target, into=into)}
    body |= {"policy": policy} if policy else {}
    body |= {"explicit": explicit} if explicit else {}
    body |= {"on_duplicate": on_duplicate} if on_duplicate else {}
    request_key = idempotency_key or str(uuid4())

    async def run(watch: Watch) -> Exit:
        async with GatewayClient.open(server, key=key) as client:
            watch.latest = await _start(client, body=body, idempotency_key=request_key)
            if wait:
                return await _wait(client, watch, timeout_s=timeout_s, output=output)
            return _leave(watch.latest, output=output)

    run_watched(run, output=output)


@app.command()
def undo(
    transfer_id: Annotated[str, typer.Argument(metavar="ID")],
    *,
    wait: Annotated[bool, typer.Option("--wait/--detach", help="Stay until it is done.")] = True,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Remove what a transfer has added, and nothing else.

    The exit codes are those of `transfer`; 3 means that some tracks could not be removed.
    """

    async def run(watch: Watch) -> Exit:
        async with GatewayClient.open(server, key=key) as client:
            watch.latest = (await client.post(f"/transfer/{transfer_id}/undo", body={})).body
            if wait:
                return await _wait(client, watch, timeout_s=None, output=output)
            return _leave(watch.latest or {}, output=output)

    run_watched(run, output=output)


@app.command()
def status(  # noqa: PLR0913 - one parameter for each option of the command
    transfer_id: Annotated[str | None, typer.Argument(metavar="[ID]", show_default=False)] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Stay until it is done.")] = False,
    tracks: Annotated[bool, typer.Option("--tracks", help="Name each track that was not moved.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many transfers are listed.")] = 50,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Tell how a transfer stands; without ID, list the latest ones.

    With --follow the exit code tells the end, as `transfer` does.
    """

    async def run(watch: Watch) -> Exit:
        async with GatewayClient.open(server, key=key) as client:
            if transfer_id is None:
                await _list(client, limit_count=limit, output=output)
                return Exit.FULL
            watch.latest = (await client.get(f"/status/{transfer_id}")).body
            if follow:
                return await _wait(client, watch, timeout_s=None, output=output)
            await _print_one(client, watch.latest or {}, has_tracks=tracks, output=output)
            return Exit.FULL

    run_watched(run, output=output)


def run_watched(work: Callable[[Watch], Coroutine[Any, Any, Exit]], *, output: Format) -> NoReturn:
    """Run the verb and leave with its exit code; Ctrl-C leaves only the command, not the transfer."""
    watch = Watch()
    try:
        code = asyncio.run(work(watch))
    except KeyboardInterrupt:
        code = Exit.USAGE_OR_CANCELLED
        if watch.latest is not None:
            say(f"Still running: crossplay status {watch.latest['id']} --follow")
            if output is not Format.TEXT:
                print_json(watch.latest)
    raise typer.Exit(code)


async def _start(
    client: GatewayClient, *, body: Mapping[str, Any], idempotency_key: str
) -> Mapping[str, Any]:
    try:
        answer = await client.post("/transfer", body=body, headers={"Idempotency-Key": idempotency_key})
    except CommandStopped as stopped:
        if stopped.code is Exit.UNREACHABLE:
            say(f"Repeating it with --idempotency-key {idempotency_key} cannot start a second transfer.")
        raise
    read_status(answer.body)
    started: Mapping[str, Any] = answer.body
    return started


def _leave(started: Mapping[str, Any], *, output: Format) -> Exit:
    """Print what has been started and is not waited for."""
    if output is Format.TEXT:
        say(f"Started; see: crossplay status {started['id']} --follow")
        print_text(str(started["id"]))
    else:
        print_json(started)
    return Exit.FULL


async def _wait(client: GatewayClient, watch: Watch, *, timeout_s: float | None, output: Format) -> Exit:
    """Follow to the end, print the result, and return what it means."""
    transfer_id = str((watch.latest or {})["id"])
    with progress_for(output) as progress:
        is_settled = await watch.until_settled(
            client, transfer_id=transfer_id, progress=progress, timeout_s=timeout_s
        )
    status = read_status(watch.latest)
    code = exit_of_status(status)
    if not is_settled:
        say(f"Still running: crossplay status {transfer_id} --follow")
    elif code is Exit.SIGN_IN:
        say(f"It goes on by itself once that is done. Then: crossplay status {transfer_id} --follow")
    if output is not Format.TEXT:
        print_json(watch.latest)
        return code
    print_status(status)
    if code is Exit.PARTIAL:
        missing = await tracks_left(client, transfer_id=transfer_id)
        print_text(f"{_left_word(status)}:")
        print_tracks(missing, limit_count=NAMED_TRACKS_COUNT)
        if len(missing) > NAMED_TRACKS_COUNT:
            say(f"All of them: crossplay status {transfer_id} --tracks")
        tell_choices(missing, transfer_id=transfer_id)
    return code


async def _print_one(
    client: GatewayClient, body: Mapping[str, Any], *, has_tracks: bool, output: Format
) -> None:
    status = read_status(body)
    missing = await tracks_left(client, transfer_id=str(body["id"])) if has_tracks else None
    if output is not Format.TEXT:
        name = "not_moved" if status.kind == "transfer" else "not_removed"
        print_json(body if missing is None else {**body, name: missing})
        return
    print_status(status)
    if missing:
        print_text(f"{_left_word(status)}:")
        print_tracks(missing)
        tell_choices(missing, transfer_id=status.id)
    elif has_tracks:
        print_text(
            "Every track is in the target." if status.kind == "transfer" else "Every track is removed."
        )


def _left_word(status: Status) -> str:
    return "Not moved" if status.kind == "transfer" else "Not removed"


async def _list(client: GatewayClient, *, limit_count: int, output: Format) -> None:
    items: list[dict[str, Any]] = []
    async for item in client.pages("/transfers", params={"limit": str(min(limit_count, 200))}):
        items.append(item)
        if len(items) == limit_count:
            break
    print_items(items, output=output, row_of=_row, columns=("id", "state", "phase", "from", "to"))


def _row(item: Any) -> tuple[str, ...]:
    row = read_listed(item)
    source = ("undo of " if row.kind == "undo" else "") + f"{row.source.platform}:{row.source.name}"
    return row.id, row.state, row.phase, source, row.target.platform
