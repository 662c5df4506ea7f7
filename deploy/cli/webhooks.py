"""The verb `webhooks`: where to be told of events, what was told, and telling it again."""

from typing import Annotated, Any

import typer

from deploy.cli.calls import ask, list_items
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_items, print_json, print_text, say
from deploy.cli.wire import DeliveryRow, WebhookRow, read_delivery, read_webhook

Json = dict[str, Any]
WebhookId = Annotated[str, typer.Argument(metavar="ID", help="As `webhooks list` has it.")]

app = typer.Typer()
webhooks_app = typer.Typer(help="Have events sent to an address of yours.", no_args_is_help=True)
app.add_typer(webhooks_app, name="webhooks")


@webhooks_app.command("list")
def list_all(*, server: Server = DEFAULT_SERVER, key: Key = None, output: Output = Format.TEXT) -> None:
    """List your webhooks, newest first."""
    print_items(
        list_items("/webhooks", params={}, server=server, key=key),
        output=output,
        row_of=lambda item: _webhook_row(read_webhook(item)),
        columns=("id", "state", "events", "url"),
    )


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
    made = ask(lambda client: client.post("/webhooks", body=body), server=server, key=key)
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
    _print_secret(ask(lambda client: client.post(path, body={}), server=server, key=key), output=output)


@webhooks_app.command()
def enable(webhook_id: WebhookId, *, server: Server = DEFAULT_SERVER, key: Key = None) -> None:
    """Let a webhook go on that was disabled; what waited is sent."""
    ask(
        lambda client: client.patch(f"/webhooks/{webhook_id}", body={"enabled": True}), server=server, key=key
    )
    say("Enabled.")


@webhooks_app.command()
def remove(webhook_id: WebhookId, *, server: Server = DEFAULT_SERVER, key: Key = None) -> None:
    """Forget a webhook with its deliveries."""
    ask(lambda client: client.delete(f"/webhooks/{webhook_id}"), server=server, key=key)
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
        ask(lambda client: client.post(path, body={}), server=server, key=key),
        webhook_id=webhook_id,
        output=output,
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
    path = f"/webhooks/{webhook_id}/deliveries"
    page: Json = ask(lambda client: client.get(path, params=params), server=server, key=key)
    print_items(
        page["items"],
        output=output,
        row_of=lambda item: _delivery_row(read_delivery(item)),
        columns=("id", "type", "state", "attempts", "last answer", "next try"),
    )


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
        ask(lambda client: client.post(path, body={}), server=server, key=key),
        webhook_id=webhook_id,
        output=output,
    )


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
