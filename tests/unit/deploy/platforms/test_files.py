"""What pages say of the platforms is what the adapters declare, and each platform is described."""

import ast
from pathlib import Path

import pytest

from deploy.platforms.files import ROOT, written_files
from deploy.platforms.table import how_to
from shared.models import Platform
from shared.platforms.registry import declarations

MOST_LINES = 500
"""Of code: without blank lines, comments and docstrings, which say why and where from."""


@pytest.mark.parametrize("path", written_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_written_page_is_current(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == written_files()[path], "run: python -m deploy.platforms"


@pytest.mark.parametrize("platform", declarations())
def test_every_platform_has_a_page_with_its_limits_source(platform: Platform) -> None:
    page = (ROOT / how_to(platform)).read_text(encoding="utf-8")

    assert declarations()[platform].label in page
    assert declarations()[platform].profile.read_on in page


@pytest.mark.parametrize("platform", declarations())
def test_no_adapter_is_longer_than_an_adapter_may_be(platform: Platform) -> None:
    files = (ROOT / "shared/platforms" / platform).glob("*.py")

    counts = {file.name: code_lines(file.read_text(encoding="utf-8")) for file in files}

    assert sum(counts.values()) <= MOST_LINES, counts


def code_lines(text: str) -> int:
    """Count the lines of a module that hold code."""
    docs = {
        number
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(map(str.strip, text.splitlines()), start=1)
    return sum(number not in docs and bool(line) and not line.startswith("#") for number, line in lines)


def test_only_lines_of_code_are_counted() -> None:
    assert code_lines('"""A module."""\n\n# why\nX = 1  # so\n"""Of\nX."""\nY = (\n    2,\n)\n') == 4
