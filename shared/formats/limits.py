"""How much a file may hold: what one upload can cost this server has an end."""

from shared.errors import FileUnreadable

FILE_BYTES = 32 * 1024 * 1024
INFLATED_BYTES = 64 * 1024 * 1024
"""Of all that is read out of one archive."""
ARCHIVE_FILES = 1000
ROWS = 100_000
"""Of all lists of a file together, rows that are named as rest included."""
TEXT_LETTERS = 1000
"""Of a title, an artist, a name."""
_SIGNS = 5_000_000
_CONTAINERS = 1_000_000

CURE_ROWS = f"More than {ROWS:,} rows: split the file, and import its parts."


class Tally:
    """Counts rows of a file while it is read."""

    def __init__(self) -> None:
        self.row_count = 0

    def add(self) -> int:
        """Count one more row and return its number. Raises FileUnreadable where there are too many."""
        self.row_count += 1
        if self.row_count > ROWS:
            raise FileUnreadable(CURE_ROWS)
        return self.row_count


def check_json(content: bytes) -> None:
    """Raise FileUnreadable for JSON that would take far more memory than a playlist of ROWS rows does."""
    containers = content.count(b"{") + content.count(b"[")
    if containers > _CONTAINERS or containers + content.count(b",") > _SIGNS:
        raise FileUnreadable(CURE_ROWS)
