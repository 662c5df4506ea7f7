"""A platform that another package brings: found, told, and held to the contract by one command."""

import asyncio
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "tests/plugin"
LEAST_TESTS = 80


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder in which the package is installed, as far as its entry points go."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    installed = tmp_path / "crossplay_jukebox-1.0.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    )
    groups = project["entry-points"].items()
    (installed / "entry_points.txt").write_text("\n".join(_group(*group) for group in groups))
    return tmp_path


def _group(name: str, points: Mapping[str, str]) -> str:
    return "\n".join([f"[{name}]", *(f"{point} = {place}" for point, place in points.items())])


async def run(site: Path, *arguments: str, **variables: str) -> tuple[int, str]:
    """Run Python beside the package; return the exit status and all that was said."""
    path = os.pathsep.join((str(site), str(PLUGIN), str(ROOT)))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CROSSPLAY_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        env={**kept, "PYTHONPATH": path, **variables},
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_the_contract_suite_runs_on_a_platform_of_another_package(site: Path) -> None:
    command = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests/contract")

    status, said = await run(site, *command, CONTRACT_FLAVORS="crossplay_jukebox.contract")

    passed = re.search(r"(\d+) passed", said)
    assert status == 0, said
    assert passed
    assert int(passed[1]) >= LEAST_TESTS


async def test_its_settings_are_read_and_told_as_all_others_are(site: Path) -> None:
    command = ("-m", "deploy.cli.main", "config", "show")

    _, told = await run(site, *command, CROSSPLAY_JUKEBOX_API_URL="https://juke.example")
    _, misspelt = await run(site, *command, CROSSPLAY_JUKEBOX_API_ULR="https://juke.example")

    assert "https://juke.example" in told
    assert "CROSSPLAY_JUKEBOX_API_URL" in misspelt


async def test_package_that_cannot_be_loaded_says_so(site: Path) -> None:
    points = site / "crossplay_jukebox-1.0.0.dist-info/entry_points.txt"
    points.write_text("[crossplay.platforms]\njukebox = crossplay_jukebox.nowhere:DECLARATION\n")

    status, said = await run(site, "-m", "deploy.cli.main", "config", "check")

    assert status != 0
    assert "`jukebox` of crossplay-jukebox (crossplay.platforms) cannot be loaded" in said
