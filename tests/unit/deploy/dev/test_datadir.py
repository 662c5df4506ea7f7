"""The data directory belongs to one process at a time and keeps its passwords."""

from pathlib import Path

import pytest

from deploy.dev.datadir import DataDir, DataDirInUseError


async def test_directory_is_private_and_can_be_taken_again_after_close(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data"
    for _ in range(2):
        data_dir = await DataDir.open(path)
        data_dir.close()

    assert path.stat().st_mode & 0o777 == 0o700


async def test_directory_that_is_held_is_refused_at_once(tmp_path: Path) -> None:
    holder = await DataDir.open(tmp_path)
    try:
        with pytest.raises(DataDirInUseError, match="in use by another running Crossplay"):
            await DataDir.open(tmp_path)
    finally:
        holder.close()


async def test_password_is_made_once_kept_and_private(tmp_path: Path) -> None:
    passwords = []
    for _ in range(2):
        data_dir = await DataDir.open(tmp_path)
        passwords.append((data_dir.password("valkey"), data_dir.password("postgres")))
        data_dir.close()

    assert passwords[0] == passwords[1]
    assert len(set(passwords[0])) == 2
    for name in ("valkey.password", "postgres.password"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
