"""The files that are written from the settings' model, so that none of them can differ from it."""

import json
from pathlib import Path

from deploy.marked import between_marks
from deploy.settings.env_file import env_example
from deploy.settings.reference import reference_tables, short_table
from deploy.settings.schema import settings_schema

ROOT = Path(__file__).resolve().parents[2]


def written_files() -> dict[Path, str]:
    """Return the text that each file should have now. Pages keep what stands around their tables."""
    readme, page = ROOT / "README.md", ROOT / "docs/reference/settings.md"
    return {
        ROOT / ".env.example": env_example(),
        ROOT / "deploy/helm/settings.schema.json": json.dumps(settings_schema(), indent=2, ensure_ascii=False)
        + "\n",
        readme: between_marks(readme.read_text(encoding="utf-8"), part=short_table(), name="settings"),
        page: between_marks(page.read_text(encoding="utf-8"), part=reference_tables(), name="settings"),
    }
