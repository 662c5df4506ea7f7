"""Writes what comes from the code into the documentation: `python -m deploy.cli.docs`."""

import re
from pathlib import Path
from typing import Any

import msgspec

from deploy.cli import metric_docs
from shared.settings import DESCRIPTIONS, PREFIX, Secret, Settings

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN = "<!-- settings: written by `python -m deploy.cli.docs` -->"
END = "<!-- end of settings -->"


def settings_table() -> str:
    """Return the Markdown table of all settings with their defaults."""
    rows = [
        f"| `{PREFIX}{field.name.upper()}` | {_default(field.default)} | {DESCRIPTIONS[field.name]} |"
        for field in msgspec.structs.fields(Settings)
    ]
    return "\n".join(["| Variable | Default | Meaning |", "|---|---|---|", *rows])


def with_table(text: str) -> str:
    """Return the README's text with a current table between its two marks."""
    return re.sub(
        f"{re.escape(BEGIN)}.*?{re.escape(END)}",
        lambda _: f"{BEGIN}\n{settings_table()}\n{END}",
        text,
        flags=re.DOTALL,
    )


def _default(value: Any) -> str:
    if value is None or value == "" or isinstance(value, Secret):
        return "–"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def main() -> None:
    metric_docs.PAGE.write_text(metric_docs.page(), encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
