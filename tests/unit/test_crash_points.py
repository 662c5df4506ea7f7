"""The table of crash points: each row has somebody who proves it."""

import re
from pathlib import Path

from tests.crashes import points

TABLE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "crash-points.md"


def test_every_row_of_the_table_is_stopped_at() -> None:
    rows = re.findall(r"^\| ([A-Z]\d+) \|.*\| (.+) \|$", TABLE.read_text(), flags=re.MULTILINE)

    struck = {row for point in points.ALL for row in point.rows}
    unstruck = {row for row, tests in rows if row not in struck and "test_" not in tests and tests != "all"}

    assert struck <= {row for row, _ in rows}
    assert unstruck == set()
