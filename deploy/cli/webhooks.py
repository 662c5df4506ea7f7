"""The verb `webhooks`: where to be told of events, what was told, and telling it again."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from deploy.cli.client import GatewayClient
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_json, print_rows, print_text, say
from deploy.cli.wire import DeliveryRow, WebhookRow, read_delivery, read_webhook

Json = dict[str, Any]
WebhookId = Annotated[str, typer.Argument(metavar="ID", help="As `webhooks list` has it.")]

app = typer.Typer()
webhooks_app = typer.Typer(help="Have events sent to an address of yours.", no_args_is_help=True)
app.add_typer(webhooks_app, name="webhooks")


@webhooks_app.command("list")
def list_all(*, server: Server = DEFAULT_SERVER, key: Key = None, output: Output = Format.TEXT) -> None:
    """List your webhooks, newest first."""
    items = _items("/webhooks", params={}, server=server, key=key)
    if output is Format.TEXT:
        rows = [_webhook_row(read_webhook(item)) for item in items]
        print_rows(rows, columns=("id", "state", "events", "url"))
    else:
        _print_items(items, output=output)


@webhooks_app.command()
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="Where to send events: an https address.")],
    *,
    event: Annotated[
        list[str] | None,
        typer.Option("--event", metavar="TYPE", help="Only this one; repeatable. Else all but progress."),
    ] = None,
    description: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")] = "",
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Make a webhook and print its id and the secret that signs, this once."""
    body: Json = {"url": url, "description": description, **({"events": event} if event else {})}
    made = _run(server, key, lambda client: client.post("/webhooks", body=body))
    _print_secret(made, output=output)


@webhooks_app.command("rotate-secret")
def rotate_secret(
    webhook_id: WebhookId,
    *,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Make and print a new secret; for 24 hours the one before signs beside it."""
    path = f"/webhooks/{webhook_id}/rotate-secret"
    _print_secret(_run(server, key, lambda client: client.post(path, body={})), output=output)


@webhooks_app.command()
def enable(webhook_id: WebhookId, *, server: Server = DEFAULT_SERVER, key: Key = None) -> None:
    """Let a webhook go on that was disabled; what waited is sent."""
    _run(server, key, lambda client: client.patch(f"/webhooks/{webhook_id}", body={"enabled": True}))
    say("Enabled.")


@webhooks_app.command()
def remove(webhook_id: WebhookId, *, server: Server = DEFAULT_SERVER, key: Key = None) -> None:
    """Forget a webhook with its deliveries."""
    _run(server, key, lambda client: client.delete(f"/webhooks/{webhook_id}"))
    say("Removed.")


@webhooks_app.command("test")
def try_out(
    webhook_id: WebhookId,
    *,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Send a `webhook.test`, once."""
    path = f"/webhooks/{webhook_id}/test"
    _print_queued(
        _run(server, key, lambda client: client.post(path, body={})), webhook_id=webhook_id, output=output
    )


@webhooks_app.command()
def deliveries(
    webhook_id: WebhookId,
    *,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Only these: pending, delivered or failed.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="So many, the latest first.")] = 20,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """List what a webhook was told or is to be told, and how that went."""
    params = {"limit": str(limit), **({"state": state} if state else {})}

    async def read(client: GatewayClient) -> list[Json]:
        page: Json = (await client.get(f"/webhooks/{webhook_id}/deliveries", params=params)).body
        return list(page["items"])

    items = asyncio.run(_with_client(server, key, read))
    if output is Format.TEXT:
        rows = [_delivery_row(read_delivery(item)) for item in items]
        print_rows(rows, columns=("id", "type", "state", "attempts", "last answer", "next try"))
    else:
        _print_items(items, output=output)


@webhooks_app.command()
def replay(
    webhook_id: WebhookId,
    delivery_id: Annotated[str, typer.Argument(metavar="DELIVERY", help="As `webhooks deliveries` has it.")],
    *,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Have a delivery made again at once, under the same id."""
    path = f"/webhooks/{webhook_id}/deliveries/{delivery_id}/replay"
    _print_queued(
        _run(server, key, lambda client: client.post(path, body={})), webhook_id=webhook_id, output=output
    )


async def _with_client(
    server: str, key: str | None, act: Callable[[GatewayClient], Awaitable[list[Json]]]
) -> list[Json]:
    async with GatewayClient.open(server, key=key) as client:
        return await act(client)


def _run(server: str, key: str | None, act: Callable[[GatewayClient], Awaitable[Any]]) -> Any:
    """Do one request; return the body of its answer."""

    async def once(client: GatewayClient) -> list[Json]:
        return [(await act(client)).body]

    return asyncio.run(_with_client(server, key, once))[0]


def _items(path: str, *, params: Json, server: str, key: str | None) -> list[Json]:
    async def read(client: GatewayClient) -> list[Json]:
        return [item async for item in client.pages(path, params={**params, "limit": "200"})]

    return asyncio.run(_with_client(server, key, read))


def _print_items(items: list[Json], *, output: Format) -> None:
    if output is Format.JSON:
        print_json({"items": items})
    else:
        for item in items:
            print_json(item)


def _print_secret(webhook: Json, *, output: Format) -> None:
    if output is not Format.TEXT:
        print_json(webhook)
        return
    print_text(f"{webhook['id']}  {webhook['secret']}")
    say("Keep the secret: it is not shown again.")


def _print_queued(delivery: Json, *, webhook_id: str, output: Format) -> None:
    if output is not Format.TEXT:
        print_json(delivery)
        return
    print_text(read_delivery(delivery).id)
    say(f"It is on its way: crossplay webhooks deliveries {webhook_id}")


def _webhook_row(row: WebhookRow) -> tuple[str, str, str, str]:
    state = (
        "enabled" if row.enabled else f"disabled{f' ({row.disabled_reason})' if row.disabled_reason else ''}"
    )
    return row.id, state, " ".join(row.events), row.url


def _delivery_row(row: DeliveryRow) -> tuple[str, ...]:
    answer = str(row.status) if row.status is not None else row.error or ""
    return row.id, row.type, row.state, str(row.attempts), answer, row.next_try_at or ""
