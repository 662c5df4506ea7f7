"""Every test that the threat model leans on is there."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = (ROOT / "docs/explanation/threat-model.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[\w./-]+?)(?:::(\w+))?`", MODEL)))


def functions_in(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("path", "name"), NAMED)
def test_a_named_test_exists(path: str, name: str) -> None:
    assert (ROOT / path).is_file()
    assert not name or name in functions_in(ROOT / path)


def test_every_line_of_a_table_names_a_test() -> None:
    rows = [line for line in MODEL.splitlines() if line.startswith("| ")]
    heads = [line for line in rows if line.rstrip().endswith("| Test |")]

    assert len(NAMED) > 40
    assert [line for line in rows if "`tests/" not in line and line not in heads] == []
