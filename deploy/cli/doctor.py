"""`crossplay doctor`: looks at everything around this installation that an operator can get wrong."""

import asyncio
import os
from collections.abc import Mapping
from typing import Annotated

import msgspec
import typer

from deploy.cli.config import check_of
from deploy.cli.exits import Exit
from deploy.cli.output import print_json, print_text, say
from deploy.doctor import fleet, platforms, postgres, redis, telemetry
from deploy.doctor.findings import Finding, Verdict, fail, ok, warn, worst
from shared.db.pool import open_pool
from shared.environment import Reading, read
from shared.redaction import known_values, redact
from shared.settings import Settings
from shared.streams import open_redis

app = typer.Typer()


@app.command()
def doctor(*, json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Look at settings, stores, keys, workers, platforms and telemetry; say what is wrong and its cure."""
    reading = read(os.environ)
    findings = look_at_settings(reading)
    is_usable = worst(findings) is not Verdict.FAIL
    known: tuple[str, ...] = ()
    if is_usable:
        known = known_values(reading.settings)
        findings += asyncio.run(look_around(reading.settings, environ=os.environ))
    findings = [_clean(finding, known=known) for finding in findings]
    if json:
        print_json({"findings": findings})
    else:
        _print(findings)
    if worst(findings) is Verdict.FAIL:
        raise typer.Exit(Exit.FAILED if is_usable else Exit.CONFIG)


def look_at_settings(reading: Reading) -> list[Finding]:
    found = check_of(reading)
    findings = [
        fail(
            "settings",
            f"{fault.variable} {fault.what}.",
            cure=fault.cure or "See docs/reference/settings.md.",
        )
        for fault in found.faults
    ]
    findings += [warn("settings", unknown.text, cure="Correct or remove it.") for unknown in found.unknown]
    return findings or [ok("settings", "All settings can be used.")]


async def look_around(settings: Settings, *, environ: Mapping[str, str]) -> list[Finding]:
    """Look at everything that the settings name. Each look ends by itself, whatever is away."""
    async with (
        await open_pool(settings.database_url, size=2) as pool,
        open_redis(settings.redis_url, connection_count=2) as client,
    ):
        findings, crew = await postgres.examine(pool, settings=settings)
        of_redis = await redis.examine(client)
        findings += of_redis
        if crew is not None and len(of_redis) > 1:
            findings += await fleet.examine(client, crew=crew)
    findings += await platforms.examine(settings)
    return [*findings, *await telemetry.examine(environ)]


def _clean(finding: Finding, *, known: tuple[str, ...]) -> Finding:
    """Blank what a server's own words may hold."""
    return msgspec.structs.replace(
        finding, text=redact(finding.text, known=known), cure=redact(finding.cure, known=known)
    )


def _print(findings: list[Finding]) -> None:
    width = max(len(finding.check) for finding in findings)
    for finding in findings:
        print_text(f"{finding.verdict:<4}  {finding.check:<{width}}  {finding.text}")
        if finding.cure:
            print_text(f"{'':{width + 6}}  → {finding.cure}")
    counts = {verdict: sum(one.verdict is verdict for one in findings) for verdict in Verdict}
    say(f"{counts[Verdict.FAIL]} failed, {counts[Verdict.WARN]} to look at, {counts[Verdict.OK]} well.")
