"""The lock file: exact versions, with hashes, from no named place."""

import re
from pathlib import Path

LOCK = (Path(__file__).resolve().parents[2] / "requirements.lock").read_text(encoding="utf-8")


def entries() -> list[str]:
    """Return each requirement with the lines that belong to it."""
    text = LOCK.replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_every_locked_package_has_its_hashes() -> None:
    assert len(entries()) > 30
    for entry in entries():
        assert re.match(r"[a-z0-9._-]+(\[[a-z,-]+\])?==[0-9]", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


def test_the_lock_names_no_index() -> None:
    assert "://" not in LOCK
    assert "--index-url" not in LOCK
    assert "--extra-index-url" not in LOCK
