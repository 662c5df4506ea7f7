"""The release before, taken out of git: the newest tag, else the commit that the file PREVIOUS names."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WHERE_IS = "import gateway, shared, worker; print(gateway.__file__, shared.__file__, worker.__file__)"


def checked_out(directory: Path) -> Path:
    """Write the code of the release before into the directory; skips the test where git does not have it."""
    revision = _newest_tag() or (Path(__file__).parent / "PREVIOUS").read_text().strip()
    archive = _git("archive", "--format=tar", revision)
    if archive is None:
        pytest.skip(f"the history of this checkout does not have {revision}")
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(directory, filter="data")
    _require_own_code(directory)
    return directory


def environ_for(tree: Path, environ: dict[str, str]) -> dict[str, str]:
    """Return an environment in which Python takes the code of the tree."""
    return {**environ, "PYTHONPATH": str(tree)}


def _require_own_code(tree: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-c", WHERE_IS],
        cwd=tree,
        env=environ_for(tree, dict(os.environ)),
        capture_output=True,
        check=True,
        text=True,
    )
    assert all(path.startswith(str(tree.resolve())) for path in told.stdout.split()), told.stdout


def _newest_tag() -> str:
    tags = _git("tag", "--list", "v*", "--merged", "HEAD", "--no-contains", "HEAD", "--sort=-v:refname")
    return tags.decode().split("\n")[0].strip() if tags else ""


def _git(*arguments: str) -> bytes | None:
    """Return what git answers, None where it cannot."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout if done.returncode == 0 else None
