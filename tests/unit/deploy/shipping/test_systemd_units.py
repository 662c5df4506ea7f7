"""The systemd units: understood to the last key, hardened alike, and at peace with the settings."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shared.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[4]
UNITS = sorted((ROOT / "deploy/systemd").iterdir())
SERVICES = [path for path in UNITS if path.suffix == ".service"]
ROLES = [path for path in SERVICES if "migrate" not in path.name]
PROGRAM = "/opt/crossplay/bin/crossplay"
VARIABLES = {f"{PREFIX}{name.upper()}" for name in Settings.__struct_fields__}

analyzed = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here: it comes with systemd"
)


def copies(directory: Path, *, more: str = "") -> list[str]:
    """Copy the units, with a program that is here in the place of ours; `more` goes into their sections."""
    program = shutil.which("true") or "/bin/true"
    for path in UNITS:
        text = path.read_text(encoding="utf-8").replace(PROGRAM, program)
        (directory / path.name).write_text(text.replace("[Service]", f"[Service]\n{more}"))
    # A template is checked as one of its instances.
    return [str(directory / path.name.replace("@.", "@3.")) for path in UNITS]


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True, check=False)


def directives(path: Path) -> list[tuple[str, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(key, value) for key, _, value in (line.partition("=") for line in lines if "=" in line)]


@analyzed
def test_units_are_understood_without_a_word(tmp_path: Path) -> None:
    told = analyze("verify", "--man=no", *copies(tmp_path))

    assert (told.returncode, told.stderr, told.stdout) == (0, "", "")


@analyzed
def test_unknown_key_is_told_though_the_exit_code_is_good(tmp_path: Path) -> None:
    told = analyze("verify", "--man=no", *copies(tmp_path, more="ProtectSystems=strict"))

    # In the words of each release.
    assert len(re.findall(r"Unknown \w+( name)? 'ProtectSystems'", told.stderr)) == len(SERVICES)


@analyzed
@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_little_of_the_machine_is_exposed(path: Path) -> None:
    told = analyze("security", "--offline=true", "--no-pager", "--threshold=20", str(path))

    (score,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", told.stdout)
    assert float(score) <= 2.0
    assert told.returncode == 0


@analyzed
def test_unit_without_hardening_would_be_noticed(tmp_path: Path) -> None:
    (tmp_path / "bare.service").write_text("[Service]\nExecStart=/bin/true\n")

    told = analyze(
        "security", "--offline=true", "--no-pager", "--threshold=20", str(tmp_path / "bare.service")
    )

    assert told.returncode != 0


def test_all_services_are_hardened_alike() -> None:
    blocks = {
        path.read_text(encoding="utf-8").split("# Hardening")[1].split("\n\n")[0].strip() for path in SERVICES
    }

    assert len(SERVICES) == 3
    (block,) = blocks
    assert len(block.splitlines()) > 25


@pytest.mark.parametrize("path", ROLES, ids=lambda path: path.name)
def test_roles_report_and_have_time_to_drain(path: Path) -> None:
    keys = dict(directives(path))

    assert keys["Type"] == "notify"
    assert int(keys["WatchdogSec"]) >= 10
    assert keys["Restart"] == "always"
    assert keys["RestartPreventExitStatus"] == "78"
    assert float(keys["TimeoutStopSec"]) > Settings().drain_s + 10
    assert keys["ExecStart"] == f"{PROGRAM} {'gateway' if 'gateway' in path.name else 'worker'}"


@pytest.mark.parametrize("path", SERVICES, ids=lambda path: path.name)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    named = {
        word.partition("=")[0]
        for key, value in directives(path)
        if key == "Environment"
        for word in value.split()
        if word.startswith(PREFIX)
    }

    assert named <= VARIABLES


def test_each_worker_has_a_port_of_its_own() -> None:
    (worker,) = [path for path in SERVICES if "worker" in path.name]

    assert ("Environment", "CROSSPLAY_METRICS_PORT=947%i") in directives(worker)
