"""The verb `plan`: what a transfer would cost and how long it would take."""

from datetime import datetime
from typing import Annotated, Any

import typer

from deploy.cli.calls import ask
from deploy.cli.endpoints import source_of, target_of
from deploy.cli.options import DEFAULT_SERVER, Key, Output, Server
from deploy.cli.output import Format, print_json, print_rows, print_text
from deploy.cli.wire import Plan, PlannedPool, Span, read_plan
from shared.models import Policy

app = typer.Typer()


@app.command()
def plan(  # noqa: PLR0913 - one parameter for each option of the command
    source: Annotated[str, typer.Argument(metavar="SOURCE:PLAYLIST|LINK", help="As of `transfer`.")],
    target: Annotated[str, typer.Argument(metavar="TARGET[:NAME]", help="As of `transfer`.")],
    *,
    policy: Annotated[Policy | None, typer.Option(help="How near a match must be.")] = None,
    into: Annotated[str | None, typer.Option(metavar="PLAYLIST_ID", help="Add to this playlist.")] = None,
    server: Server = DEFAULT_SERVER,
    key: Key = None,
    output: Output = Format.TEXT,
) -> None:
    """Say what a transfer would cost and how long it would take; start nothing.

    Three figures each: at least (all look-ups are known already), as a rule, and at most.
    """
    body: dict[str, Any] = {
        "source": source_of(source),
        "target": target_of(target, into=into),
        "dry_run": True,
    }
    body |= {"policy": policy} if policy else {}
    answer = ask(lambda client: client.post("/transfer", body=body), server=server, key=key)
    if output is not Format.TEXT:
        print_json(answer)
        return
    _print(read_plan(answer))


def _print(told: Plan) -> None:
    print_text(
        f"{told.source.name}: {told.tracks:,} tracks, {told.with_isrc:,} with ISRC, "
        f"{told.source.platform} -> {told.target.platform} ({told.target.name})"
    )
    rows = [(one.phase, one.platform, *_figures(one.requests)) for one in told.phases]
    rows.append(("all", "", *_figures(told.requests)))
    print_rows(rows, columns=("phase", "platform", "least", "expected", "most requests"))
    for pool in told.pools:
        print_text(f"  {pool.platform} {pool.name}: {_pool(pool)}")
    print_text(f"ends: {_moment(told.ends_at.expected)}, at the latest {_moment(told.ends_at.most)}")
    for warning in told.warnings:
        print_text(f"warning: {warning.detail or warning.code}")


def _figures(span: Span) -> tuple[str, str, str]:
    return f"{span.least:,.0f}", f"{span.expected:,.0f}", f"{span.most:,.0f}"


def _pool(pool: PlannedPool) -> str:
    units = f"{pool.units.expected:,.0f} units (at most {pool.units.most:,.0f})"
    if pool.day_zone:
        per_day = f"{pool.limit:,.0f} a day, counted in {pool.day_zone}"
        return f"{units}, {per_day}: over {pool.days.expected:,.0f} midnights (at most {pool.days.most:,.0f})"
    waits = f", now {length(pool.wait_s)} to wait" if pool.wait_s else ""
    return f"{units}: {length(pool.seconds.expected)} (at most {length(pool.seconds.most)}){waits}"


def length(seconds: float) -> str:
    """Say a length of time in its two largest units."""
    minutes, rest_s = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (rest_s, "s")]
    shown = [f"{count} {unit}" for count, unit in parts if count][:2]
    return " ".join(shown) or "0 s"


def _moment(text: str) -> str:
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M}"
