"""The pages with parts that come from the adapters, so that they say what those do."""

from pathlib import Path

from deploy.marked import between_marks
from deploy.platforms.table import capability_table

ROOT = Path(__file__).resolve().parents[2]


def written_files() -> dict[Path, str]:
    """Return the text that each page should have now."""
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    return {readme: between_marks(text, part=capability_table(), name="platforms")}
