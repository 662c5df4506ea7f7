import pytest

from worker.matching.tidy import tidy


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Salt &amp; Tide", "Salt & Tide"),
        ("Tide.mp3", "Tide"),
        ("07. Tide", "Tide"),
        ("03 - Mira Sol - Tide.flac", "Mira Sol - Tide"),
        ("Tide #newmusic #kelp", "Tide"),
        ("Tide #7", "Tide no 7"),
        ("Medley: Tide / Harbour", "Tide / Harbour"),
        ("Tide / Harbour (Medley)", "Tide / Harbour"),
        ("Sonata in D: II. Allegro", "Sonata in D: 2 Allegro"),
        ("Sonata in D - XIV. Presto", "Sonata in D - 14 Presto"),
        ("  Tide \t Harbour ", "Tide Harbour"),
    ],
)
def test_what_stands_beside_a_title_is_taken_out(text: str, title: str) -> None:
    assert tidy(text) == title


@pytest.mark.parametrize(
    "text",
    ["7 Tides", "99 Kelp Street", "#hashtag", "Medley", "Tide (Medley)", "Mr. Tide", "I. Tide", ".mp3", ""],
)
def test_what_belongs_to_a_title_stays(text: str) -> None:
    assert tidy(text) == text


def test_title_of_any_length_is_bounded() -> None:
    assert len(tidy("tide " * 10_000)) <= 400
