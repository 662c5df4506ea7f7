"""The lock files: exact versions, with hashes, from no named place."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = ROOT / "requirements.lock"
IMAGE = ROOT / "deploy/image/requirements.lock"


def entries(lock: Path) -> list[str]:
    """Return each requirement with the lines that belong to it."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("lock", [EVERYTHING, IMAGE], ids=["everything", "image"])
def test_every_locked_package_has_its_hashes(lock: Path) -> None:
    assert len(entries(lock)) > 30
    for entry in entries(lock):
        assert re.match(r"[a-z0-9._-]+(\[[a-z,-]+\])?==[0-9]", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


@pytest.mark.parametrize("lock", [EVERYTHING, IMAGE], ids=["everything", "image"])
def test_the_lock_names_no_index(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")

    assert "://" not in text
    assert "--index-url" not in text
    assert "--extra-index-url" not in text


def test_the_image_has_the_versions_that_are_tested() -> None:
    def requirements(lock: Path) -> set[str]:
        return {entry.split()[0] for entry in entries(lock)}

    assert requirements(IMAGE) < requirements(EVERYTHING)
