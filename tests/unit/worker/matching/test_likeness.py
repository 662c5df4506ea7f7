import pytest

from worker.matching.likeness import artist_likeness, title_likeness
from worker.matching.normalize import read_artists
from worker.matching.titles import read_title

NO_GUESTS = ((), ())


def titles(one: str, other: str) -> float:
    return title_likeness(read_title(one), read_title(other))


def artists(one: tuple[str, ...], other: tuple[str, ...], *, is_work: bool = False) -> float | None:
    return artist_likeness(read_artists(one), read_artists(other), guests=NO_GUESTS, is_work=is_work)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Тихий причал", "Tikhiy Prichal"),
        ("사랑", "Sarang"),
        ("さくら", "Sakura"),
        ("Νύχτα", "Nychta"),
        ("שלום", "Shalom"),
        ("قمر", "Qamar"),
        ("处处灯笼", "處處燈籠"),
        ("Spring Snow (봄눈)", "봄눈"),
        ("(What a) Quiet Tide", "What a Quiet Tide"),
        ("Tide Two", "Tide 2"),
        ("Tide, Pt. II", "Tide - Part 2"),
    ],
)
def test_one_title_in_two_spellings_is_alike(one: str, other: str) -> None:
    assert titles(one, other) >= 0.8


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Moonlight Tide", "Sunlight Tide"),
        ("Снег на рельсах", "Снег на ресницах"),
        ("ひかりのしおり", "ひのしおり"),
        ("Тихий причал", "Severny Veter"),
        ("港", "光"),
    ],
)
def test_another_word_makes_another_title(one: str, other: str) -> None:
    assert titles(one, other) < 0.8


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        (("Mira Sol",), ("Mira Sol", "Tove Lund"), 1.0),
        (("Tove Lund", "Mira Sol"), ("Mira Sol",), 0.85),
        (("The Kelps",), ("Kelps",), 1.0),
        (("Salt & Tide",), ("Salt and Tide",), 1.0),
        (("Mira Sol & Tove Lund",), ("Mira Sol", "Tove Lund"), 0.95),
        (("MiraSolVEVO",), ("Mira Sol",), 0.99),
        (("Lady A",), ("Lady Antebellum",), 0.85),
        (("mgk",), ("Machine Gun Kelly",), 0.85),
        (("태연",), ("Taeyeon",), 0.85),
    ],
)
def test_one_artist_under_two_credits_agrees(
    one: tuple[str, ...], other: tuple[str, ...], least: float
) -> None:
    likeness = artists(one, other)

    assert likeness is not None
    assert likeness >= least


def test_those_who_share_a_composer_only_are_others() -> None:
    likeness = artists(
        ("Ludwig van Beethoven", "Wilhelm Kempff"), ("Ludwig van Beethoven", "Daniel Barenboim")
    )

    assert likeness is not None
    assert likeness < 0.6


def test_first_artist_of_a_work_is_maybe_its_composer() -> None:
    one, other = ("Johan Aldervik", "Marta Ilvesoo"), ("Johan Aldervik", "Gregor Halvemaan")

    assert artists(one, other) == 1.0
    assert (artists(one, other, is_work=True) or 0.0) < 0.6


def test_composer_alone_leaves_the_performer_open() -> None:
    likeness = artists(("Beethoven",), ("Ludwig van Beethoven", "Wilhelm Kempff"))

    assert likeness is not None
    assert 0.68 <= likeness < 0.8


def test_credit_that_names_nobody_cannot_be_compared() -> None:
    assert artists(("Various Artists",), ("Mira Sol",)) is None
    assert artists((), ("Mira Sol",)) is None
