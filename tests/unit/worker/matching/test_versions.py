"""The table of version words."""

from collections import Counter

import pytest

from worker.matching.normalize import fold
from worker.matching.titles import read_title
from worker.matching.versions import VERSIONS


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Live", "live"),
        ("En Vivo", "live"),
        ("En Direct", "live"),
        ("Dal Vivo", "live"),
        ("라이브", "live"),
        ("现场", "live"),
        ("Вживую", "live"),
        ("MTV Unplugged", "live"),
        ("Kelp Remix", "remix"),
        ("Kelp Mix", "remix"),
        ("Ремикс", "remix"),
        ("Acústico", "acoustic"),
        ("Karaoke Version", "karaoke"),
        ("カラオケ", "karaoke"),
        ("Cover", "cover"),
        ("Demo", "demo"),
        ("Alternate Take", "demo"),
        ("Instrumental", "instrumental"),
        ("A Cappella", "a cappella"),
        ("Sped Up", "sped up"),
        ("Nightcore", "sped up"),
        ("Slowed & Reverb", "slowed"),
        ("Re-Recorded", "re-recorded"),
        ("Orchestral Version", "orchestral"),
        ("Piano Version", "piano"),
        ("Reprise", "partial"),
        ("En Español", "Spanish"),
        ("Extended Mix", "extended"),
        ("Konzertmitschnitt", "live"),
        ("Ζωντανή ηχογράφηση", "live"),
        ("הופעה חיה", "live"),
        ("حفلة", "live"),
        ("Akustikversion", "acoustic"),
        ("Maqueta", "demo"),
        ("MR", "karaoke"),
        ("卡拉OK", "karaoke"),
        ("минус", "karaoke"),
        ("guitar lesson", "other video"),
        ("Dance Practice", "other video"),
        ("Interlude", "interlude"),
    ],
)
def test_words_name_a_kind_of_version(words: str, kind: str) -> None:
    assert [tag.kind for tag in read_title(f"Tide ({words})").tags] == [kind]


@pytest.mark.parametrize(
    "words",
    [
        "Remastered",
        "2009 Remaster",
        "Deluxe Edition",
        "Mono",
        "Album Version",
        "Original Mix",
        "Explicit",
        "Bonus Track",
        "Official Video",
        "リマスター",
        "1987",
    ],
)
def test_packaging_words_name_no_other_recording(words: str) -> None:
    title = read_title(f"Tide ({words})")

    assert (title.full, title.tags) == ("tide", ())


def test_no_phrase_stands_in_two_rows() -> None:
    phrases = Counter(fold(phrase) for version in VERSIONS for phrase in set(map(fold, version.phrases)))

    assert [phrase for phrase, count in phrases.items() if count > 1] == []
