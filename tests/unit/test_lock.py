"""The lock files: exact versions, with hashes, from no named place."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = ROOT / "requirements.lock"
IMAGE = ROOT / "deploy/image/requirements.lock"
VALIDATORS = ROOT / "deploy/validators.lock"
LOCKS = {"everything": EVERYTHING, "image": IMAGE, "validators": VALIDATORS}


def entries(lock: Path) -> list[str]:
    """Return each requirement with the lines that belong to it."""
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pins(lock: Path) -> dict[str, str]:
    """Return the versions by name."""
    return dict(entry.split()[0].split("==") for entry in entries(lock))


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_every_locked_package_has_its_hashes(lock: Path) -> None:
    assert len(entries(lock)) > 30
    for entry in entries(lock):
        assert re.match(r"[a-z0-9._-]+(\[[a-z,-]+\])?==[0-9]", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_the_lock_names_no_index(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")

    assert "://" not in text
    assert "--index-url" not in text
    assert "--extra-index-url" not in text


def test_the_image_has_the_versions_that_are_tested() -> None:
    assert set(pins(IMAGE).items()) < set(pins(EVERYTHING).items())


def test_the_validators_change_no_version_that_is_there_already() -> None:
    tested, validators = pins(EVERYTHING), pins(VALIDATORS)

    both = tested.keys() & validators.keys()

    assert len(both) > 30
    assert {name: validators[name] for name in both} == {name: tested[name] for name in both}
