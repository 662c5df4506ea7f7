"""Finds the parts of recorded answers that an adapter reads, whatever they are wrapped in."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def answers(folder: Path) -> dict[str, Any]:
    """Return every recorded answer of a platform by its file's name."""
    return {
        str(path.relative_to(folder)): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(folder.rglob("*.json"))
    }


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Iterate over every JSON object in a value, itself included."""
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for child in children:
        yield from objects(child)
