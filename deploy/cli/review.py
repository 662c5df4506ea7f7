"""The verbs `decide`, `rules` and `rule`: what people know better than any matching."""

from typing import Annotated, Any

import typer

from deploy.cli.calls import ask, list_items
from deploy.cli.endpoints import account_of, track_of
from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.follow import name_of, track_line
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_items, print_json, print_text, say
from deploy.cli.wire import RuleRow, read_rule, read_track

SourceTrack = Annotated[
    str, typer.Argument(metavar="SOURCE:TRACK", help="Platform or connection id, and id or address.")
]

app = typer.Typer()
rule_app = typer.Typer(help="Make and remove rules: what a track is at another platform.")
app.add_typer(rule_app, name="rule")


@app.command()
def decide(  # noqa: PLR0913 - one parameter for each option of the command
    transfer_id: Annotated[str, typer.Argument(metavar="ID")],
    position: Annotated[int, typer.Argument(min=1, help="As `status ID --tracks` counts, from 1.")],
    *,
    candidate: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Take the N-th track that is offered.")
    ] = None,
    track: Annotated[
        str | None, typer.Option(metavar="TRACK", help="Take this one: id or address at the target.")
    ] = None,
    skip: Annotated[bool, typer.Option("--skip", help="Leave it out.")] = False,
    remember: Annotated[
        bool, typer.Option("--remember", help="Decide it like that in every transfer to this platform.")
    ] = False,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Say which track one of a transfer is, or leave it out. A completed transfer goes on with it."""
    choices = {"candidate": candidate, "track": track, "skip": skip or None}
    body: dict[str, Any] = {name: value for name, value in choices.items() if value is not None}
    if len(body) != 1:
        raise CommandStopped(
            "Say what to take.",
            code=Exit.USAGE_OR_CANCELLED,
            cure="Give one of --candidate N, --track TRACK and --skip.",
        )
    path = f"/status/{transfer_id}/tracks/{position - 1}/match"
    item = _put(path, {**body, "remember": remember}, server=server, key=key)
    if output is not Format.TEXT:
        print_json(item)
        return
    row = read_track(item)
    print_text(track_line(row).strip())
    if row.target is not None and not skip:
        print_text(f"  → {name_of(row.target)}")
        say(f"It is added by the transfer: crossplay status {transfer_id} --follow")


@app.command()
def rules(
    *,
    source: Annotated[
        str | None, typer.Option("--from", metavar="PLATFORM", help="Only those for its tracks.")
    ] = None,
    target: Annotated[
        str | None, typer.Option("--to", metavar="PLATFORM", help="Only those for moving there.")
    ] = None,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """List your rules, newest first."""
    only = {"source_platform": source, "target_platform": target}
    params = {name: account_of(word).get("platform", word) for name, word in only.items() if word}
    print_items(
        list_items("/rules", params=params, server=server, key=key),
        output=output,
        row_of=lambda item: _row(read_rule(item)),
        columns=("id", "track", "becomes"),
    )


@rule_app.command()
def pin(
    source: SourceTrack,
    target: Annotated[str, typer.Argument(metavar="TARGET:TRACK", help="What it becomes there.")],
    *,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Say which track another one becomes, in every transfer."""
    body = {"source": track_of(source), "target": track_of(target)}
    _print_rule(_put("/rules", body, server=server, key=key), output=output)


@rule_app.command()
def absent(
    source: SourceTrack,
    *,
    on: Annotated[str, typer.Option("--on", metavar="PLATFORM", help="Where it is not.")],
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Say that a track is not there: it is skipped, and never looked up."""
    body = {"source": track_of(source), "target": {**account_of(on), "absent": True}}
    _print_rule(_put("/rules", body, server=server, key=key), output=output)


@rule_app.command()
def remove(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="As `rules` lists it.")],
    *,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
) -> None:
    """Forget a rule; what it has matched stays as it is."""
    ask(lambda client: client.delete(f"/rules/{rule_id}"), server=server, key=key)
    say("Removed.")


def _put(path: str, body: dict[str, Any], *, server: str, key: str | None) -> dict[str, Any]:
    stored: dict[str, Any] = ask(lambda client: client.put(path, body=body), server=server, key=key)
    return stored


def _print_rule(item: dict[str, Any], *, output: Format) -> None:
    if output is Format.TEXT:
        print_text("  ".join(_row(read_rule(item))))
    else:
        print_json(item)


def _row(rule: RuleRow) -> tuple[str, str, str]:
    source, target = rule.source, rule.target
    becomes = f"{target.platform}: {name_of(target.track) if target.track else 'not there'}"
    return rule.id, f"{source.platform}: {name_of(source.track) if source.track else ''}", becomes
