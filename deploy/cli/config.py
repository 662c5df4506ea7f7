"""The verbs that look at the settings of this environment: what is wrong with them, and what they are."""

import os
from typing import Annotated

import msgspec
import typer

from deploy.cli.exits import CommandStopped, Exit
from deploy.cli.options import Output
from deploy.cli.output import Format, print_json, print_rows, print_text, say
from deploy.doctor.platforms import signing_faults
from deploy.settings.shown import shown_setting, shown_telemetry
from shared.config_hash import config_hash
from shared.environment import Reading, Unknown, load, read
from shared.redaction import redact
from shared.setting_kinds import settings_by_name
from shared.setting_rules import Fault
from shared.settings import DESCRIPTIONS, missing, variable_of

app = typer.Typer()
verbs = typer.Typer(no_args_is_help=True, help="Check and show the settings of this environment.")
app.add_typer(verbs, name="config")


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """All that is wrong. unknown: variables that look like settings and are none."""

    faults: tuple[Fault, ...]
    unknown: tuple[Unknown, ...]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One variable as it may be shown."""

    variable: str
    value: str
    source: str


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All settings. config_hash: what roles with the same ones log, empty without a key ring."""

    config_hash: str
    settings: tuple[Shown, ...]
    telemetry: tuple[Shown, ...]


@verbs.command()
def check(
    *,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse variables that look like settings and are none.")
    ] = False,
    output: Output = Format.TEXT,
) -> None:
    """Name everything that is wrong with the settings at once; asks no server."""
    found = check_of(read(os.environ))
    if output is Format.TEXT:
        _print_check(found)
    else:
        print_json(found)
    if found.faults or (strict and found.unknown):
        count = len(found.faults) + (len(found.unknown) if strict else 0)
        raise CommandStopped(
            f"{count} {'variable' if count == 1 else 'variables'} cannot be used.",
            code=Exit.CONFIG,
            cure="docs/reference/settings.md lists every setting.",
        )
    say("All settings can be used.")


@verbs.command()
def show(*, output: Output = Format.TEXT) -> None:
    """Show each setting with its value and where that comes from; of secrets only that they are set."""
    load(os.environ)
    found = config_of(read(os.environ))
    if output is not Format.TEXT:
        print_json(found)
        return
    shown = (*found.settings, *found.telemetry)
    print_rows(
        [(one.variable, one.value or "–", one.source) for one in shown],
        columns=("variable", "value", "source"),
    )
    if found.config_hash:
        say(f"Processes with these settings log the config_hash {found.config_hash}.")
    else:
        say("Without CROSSPLAY_SECRET_KEYS there is no config_hash.")


def check_of(reading: Reading) -> Check:
    """Add what gateways and workers cannot do without, and a key that they could not sign with."""
    absent = (
        Fault(variable=variable_of(name), what="is missing", cure=DESCRIPTIONS[name])
        for name in missing(reading.settings)
        if not any(fault.variable.startswith(variable_of(name)) for fault in reading.faults)
    )
    faults = (*absent, *reading.faults) or tuple(signing_faults(reading.settings))
    return Check(faults=faults, unknown=reading.unknown)


def config_of(reading: Reading) -> Config:
    return Config(
        config_hash=config_hash(reading.settings),
        settings=tuple(
            Shown(
                variable=setting.variable,
                value=shown_setting(reading.settings, setting.name),
                source=reading.sources[setting.name],
            )
            for setting in settings_by_name().values()
        ),
        telemetry=tuple(
            Shown(variable=name, value=value, source="environment")
            for name, value in shown_telemetry(os.environ).items()
        ),
    )


def _print_check(found: Check) -> None:
    for fault in found.faults:
        print_text(f"{fault.variable} {fault.what}.")
        if fault.value is not None:
            print_text(f"  is: {redact(fault.value)!r}")
        if fault.cure:
            print_text(f"  → {fault.cure}")
    for unknown in found.unknown:
        print_text(unknown.text)
