"""What pages say of the platforms is what the adapters declare, and each platform is described."""

from pathlib import Path

import pytest

from deploy.platforms.files import ROOT, written_files
from deploy.platforms.table import how_to
from shared.models import Platform
from shared.platforms.registry import declarations


@pytest.mark.parametrize("path", written_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_written_page_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == written_files()[path], "run: python -m deploy.platforms"


@pytest.mark.parametrize("platform", declarations())
def test_every_platform_has_a_page_with_its_limits_source(platform: Platform) -> None:
    page = (ROOT / how_to(platform)).read_text(encoding="utf-8")

    assert declarations()[platform].label in page
    assert declarations()[platform].profile.read_on in page
