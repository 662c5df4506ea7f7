import pytest

from worker.matching.display import Display, read_display
from worker.matching.titles import read_title

NAMES = ("mira sol", "tove lund")


def read(text: str, *, title: str = "Quiet Tide", album: str = "") -> Display | None:
    return read_display(text, title=read_title(title), names=NAMES, album=album)


@pytest.mark.parametrize(
    "text",
    [
        "Mira Sol - Quiet Tide (Official Video) [HD]",
        "Mira Sol – Quiet Tide (Lyrics)",
        "Quiet Tide - Mira Sol",
        "Quiet Tide by Mira Sol & The Kelp Choir",
        "MIRA SOL 'QUIET TIDE' - Official Audio HQ",
        "Mira Sol | Quiet Tide (1984) | Music Video",
        "MIRA SOL QUIET TIDE 1984",
        "1984 Mira Sol - Quiet Tide",
        "03. Mira Sol - Quiet Tide",
        "The Mira Sol Band: Quiet Tide",
        "Tove Lund & Mira Sol // Quiet Tide",
        "Mira Sol   Quiet Tide  HD",
        "Lund: Quiet Tide",
    ],
)
def test_title_and_artist_are_found_wherever_they_stand(text: str) -> None:
    assert read(text) == Display("quiet tide", has_artist=True, strange=())


@pytest.mark.parametrize(
    "text",
    [
        "Quiet Tide (Official Video)",
        "01 Quiet Tide",
        "Quiet Tide 1984",
        "Quiet Tide // Lyrics",
        "QUIET  TIDE",
    ],
)
def test_title_alone_names_nobody(text: str) -> None:
    assert read(text) == Display("quiet tide", has_artist=False, strange=())


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Mira Sol - Quiet Tide Girl", "Quiet Tide"),
        ("Mira Sol - My Quiet Tide", "Quiet Tide"),
        ("Teachers react to Quiet Tide - Mira Sol", "Quiet Tide"),
        ("Mira Sol - Harbour Lights", "Quiet Tide"),
        ("Mira Sol", "Quiet Tide"),
        ("", "Quiet Tide"),
        ("Somebody - Quiet Tide - a story", "Quiet Tide"),
    ],
)
def test_title_that_is_part_of_another_one_is_not_found(text: str, title: str) -> None:
    assert read(text, title=title) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Mira Sol - Quiet Tide (Live at Kelp Hall)", "quiet tide (live at kelp hall)"),
        ("Mira Sol Quiet Tide Karaoke", "quiet tide (karaoke)"),
        ("Quiet Tide (DJ Kelp Remix) - Mira Sol", "quiet tide (dj kelp remix)"),
        ("Mira Sol - Quiet Tide ft. DJ Kelp", "quiet tide (ft dj kelp)"),
    ],
)
def test_versions_and_guests_are_kept(text: str, found: str) -> None:
    display = read(text)

    assert display is not None
    assert display.title == found


def test_words_that_nothing_explains_are_told() -> None:
    display = read("Mira Sol - Quiet Tide (Official Video) Kelp Records")

    assert display == Display("quiet tide", has_artist=True, strange=("kelp records",))


def test_words_of_the_album_explain_themselves() -> None:
    display = read("Mira Sol QUIET TIDE (1984) TRACK 10 SALT ROADS", album="salt roads")

    assert display == Display("quiet tide", has_artist=True, strange=())


def test_whole_part_is_preferred_where_artist_and_title_are_one() -> None:
    display = read_display(
        "Captain Kelp - Captain Kelp (Video)",
        title=read_title("Captain Kelp"),
        names=("captain kelp",),
        album="",
    )

    assert display == Display("captain kelp", has_artist=True, strange=())
