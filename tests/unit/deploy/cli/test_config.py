"""The `config` verbs, and exit code 78 of everything that cannot start with its settings."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import TypeAlias

import pytest

from deploy.cli.exits import Exit
from deploy.cli.main import run

RING = f"k1:{base64.b64encode(bytes(range(32))).decode()}"
GOOD = {
    "CROSSPLAY_DATABASE_URL": "postgresql://mira:canary-db@127.0.0.1:9/crossplay",
    "CROSSPLAY_REDIS_URL": "redis://:canary-redis@127.0.0.1:9/0",
    "CROSSPLAY_SECRET_KEYS": RING,
}
Environ: TypeAlias = Callable[[dict[str, str]], None]


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> Environ:
    """Make an environment of what is given alone."""

    def give(variables: dict[str, str]) -> None:
        for name in list(os.environ):
            if name.startswith(("CROSSPLAY_", "OTEL_")):
                monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return give


def test_good_settings_pass(environ: Environ, capsys: pytest.CaptureFixture[str]) -> None:
    environ(GOOD)

    assert run(["config", "check", "--strict"]) == Exit.FULL
    assert capsys.readouterr().out == ""


def test_all_faults_are_printed_with_value_and_cure(
    environ: Environ, capsys: pytest.CaptureFixture[str]
) -> None:
    environ({**GOOD, "CROSSPLAY_PORT": "x", "CROSSPLAY_LEASE_S": "5", "CROSSPLAY_REDIS_URL": ""})

    code = run(["config", "check"])

    printed = capsys.readouterr()
    assert code == Exit.CONFIG
    assert "CROSSPLAY_REDIS_URL is missing." in printed.out
    assert "CROSSPLAY_PORT must be a whole number from 0 to 65535.\n  is: 'x'\n  → " in printed.out
    assert "CROSSPLAY_LEASE_S must be at least twice" in printed.out
    assert "3 variables cannot be used" in printed.err


def test_faults_are_data_for_programs_and_hold_no_secret(
    environ: Environ, capsys: pytest.CaptureFixture[str]
) -> None:
    environ({**GOOD, "CROSSPLAY_DATABASE_URL": "mysql://mira:canary@h/d", "CROSSPLAY_PROT": "1"})

    code = run(["config", "check", "-o", "json"])

    found = json.loads(capsys.readouterr().out)
    assert code == Exit.CONFIG
    assert [fault["variable"] for fault in found["faults"]] == ["CROSSPLAY_DATABASE_URL"]
    assert found["faults"][0]["value"] is None
    assert found["unknown"] == [{"variable": "CROSSPLAY_PROT", "meant": "CROSSPLAY_PORT"}]
    assert "canary" not in str(found)


def test_a_file_that_is_missing_is_told_once_and_not_as_a_missing_setting(
    environ: Environ, capsys: pytest.CaptureFixture[str]
) -> None:
    environ({**GOOD, "CROSSPLAY_SECRET_KEYS": "", "CROSSPLAY_SECRET_KEYS_FILE": "/nowhere/at/all"})

    run(["config", "check"])

    assert capsys.readouterr().out.count("CROSSPLAY_SECRET_KEYS") == 1


@pytest.mark.parametrize(("arguments", "code"), [((), Exit.FULL), (("--strict",), Exit.CONFIG)])
def test_a_misspelt_variable_is_a_warning_and_a_fault_where_that_is_wanted(
    arguments: tuple[str, ...], code: Exit, environ: Environ, capsys: pytest.CaptureFixture[str]
) -> None:
    environ({**GOOD, "CROSSPLAY_LEASE": "45"})

    assert run(["config", "check", *arguments]) == code
    assert "Did you mean CROSSPLAY_LEASE_S?" in capsys.readouterr().out


def test_settings_are_shown_with_their_source_and_without_secrets(
    environ: Environ, capsys: pytest.CaptureFixture[str]
) -> None:
    environ({**GOOD, "CROSSPLAY_PORT": "9090", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://u:canary@c:4318"})

    code = run(["config", "show", "-o", "json"])

    printed = capsys.readouterr().out
    found = json.loads(printed)
    rows = {row["variable"]: (row["value"], row["source"]) for row in found["settings"]}
    assert code == Exit.FULL
    assert rows["CROSSPLAY_PORT"] == ("9090", "environment")
    assert rows["CROSSPLAY_HOST"] == ("127.0.0.1", "default")
    assert rows["CROSSPLAY_DATABASE_URL"][0] == "postgresql://mira:[redacted]@127.0.0.1:9/crossplay"
    assert found["telemetry"][0]["variable"] == "OTEL_EXPORTER_OTLP_ENDPOINT"
    assert len(found["config_hash"]) == 12
    assert "canary" not in printed
    assert RING[3:] not in printed


def test_settings_are_shown_as_lines_too(environ: Environ, capsys: pytest.CaptureFixture[str]) -> None:
    environ({"CROSSPLAY_PORT": "9090"})

    assert run(["config", "show"]) == Exit.FULL
    printed = capsys.readouterr()
    assert "CROSSPLAY_PORT\t9090\tenvironment" in printed.out
    assert "no config_hash" in printed.err


OPERATORS_VERBS = [
    ("gateway",),
    ("worker",),
    ("migrate",),
    ("add-user", "mira"),
    ("platforms",),
    ("dead-letters",),
    ("keys", "status"),
    ("config", "show"),
]


@pytest.mark.parametrize("verb", OPERATORS_VERBS, ids=" ".join)
@pytest.mark.parametrize(
    "bad",
    [{"CROSSPLAY_PORT": "canary"}, {"CROSSPLAY_SECRET_KEYS_FILE": "/nowhere", "CROSSPLAY_SECRET_KEYS": ""}],
    ids=["faulty", "no file"],
)
def test_every_verb_that_needs_settings_ends_with_78_and_shows_no_value(
    verb: tuple[str, ...], bad: dict[str, str], environ: Environ, capsys: pytest.CaptureFixture[str]
) -> None:
    environ({**GOOD, **bad})

    code = run(verb)

    printed = capsys.readouterr()
    assert code == Exit.CONFIG
    assert next(iter(bad)) in printed.err
    assert "crossplay config check" in printed.err
    assert "canary" not in printed.out + printed.err


@pytest.mark.parametrize("role", ["gateway", "worker"])
def test_a_role_started_as_a_module_ends_with_78(role: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", role],
        env={"PATH": os.environ["PATH"], **GOOD, "CROSSPLAY_PORT": "canary"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert finished.returncode == Exit.CONFIG
    assert "CROSSPLAY_PORT must be" in finished.stderr
    assert "canary" not in finished.stderr


def test_a_role_without_stores_names_all_that_it_lacks(
    environ: Environ, capsys: pytest.CaptureFixture[str]
) -> None:
    environ({})

    codes = [run([role]) for role in ("gateway", "worker", "migrate")]

    assert codes == [Exit.CONFIG] * 3
    assert capsys.readouterr().err.count("is missing") == 9
