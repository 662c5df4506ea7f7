from collections import Counter

from worker.matching.aliases import ALIASES, COMPOSERS
from worker.matching.normalize import fold_name


def names(lines: str) -> list[set[str]]:
    return [{fold_name(name) for name in line.split("|")} for line in lines.splitlines() if line.strip()]


def test_no_name_belongs_to_two_artists() -> None:
    counts = Counter(name for artist in names(ALIASES) + names(COMPOSERS) for name in artist)

    assert [name for name, count in counts.items() if count > 1] == []


def test_every_line_of_aliases_says_something() -> None:
    assert [artist for artist in names(ALIASES) if len(artist) < 2] == []
