"""Folding texts and reading credits."""

import pytest

from worker.matching.normalize import artist_names, fold, read_artists, romanize


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  The   Glass Harbour ", "the glass harbour"),
        ("Ålesund’s Ørret", "alesunds orret"),
        ("Straße", "strasse"),
        ("Salt & Ember", "salt and ember"),
        ("Salt + Ember", "salt and ember"),
        ("Rock 'n' Row", "rock and row"),
        ("M!ra $ol", "mira sol"),
        ("Ｆｕｌｌ　Ｗｉｄｔｈ", "full width"),
        ("Тихий Ёж", "тихии еж"),
        ("ガラスの港", "ガラスの港"),
        ("유리 항구", "유리 항구"),
        ("Well, F**k It*", "well f**k it"),
        ("???", "???"),
        ("", ""),
    ],
)
def test_text_is_folded_but_never_to_nothing(text: str, folded: str) -> None:
    assert fold(text) == folded


def test_voicing_marks_are_no_accents() -> None:
    assert fold("か") != fold("が")


@pytest.mark.parametrize(("text", "roman"), [("Привет", "Privet"), ("Latin", "Latin"), ("", "")])
def test_text_is_romanised(text: str, roman: str) -> None:
    assert romanize(text) == roman


@pytest.mark.parametrize(
    ("credit", "names"),
    [
        (("Mira Sol", "Tove Lund"), ("Mira Sol", "Tove Lund")),
        (("Mira Sol, Tove Lund & DJ Kelp",), ("Mira Sol", "Tove Lund", "DJ Kelp")),
        (("Mira Sol x DJ Kelp",), ("Mira Sol", "DJ Kelp")),
        (("Mira Sol feat. DJ Kelp",), ("Mira Sol", "DJ Kelp")),
        (("Mira Sol - Topic",), ("Mira Sol",)),
        ((" ",), ()),
    ],
)
def test_display_string_is_parted_into_names(credit: tuple[str, ...], names: tuple[str, ...]) -> None:
    assert artist_names(credit) == names


def test_credit_keeps_the_whole_name_beside_its_parts() -> None:
    artists = read_artists(("The Salt & Ember",))

    assert artists is not None
    assert artists.main == "salt and ember"
    assert artists.names == ("salt and ember", "salt", "ember")


@pytest.mark.parametrize("credit", [(), ("",), ("Various Artists",), ("Vários Artistas",), ("V.A.",)])
def test_credit_that_names_nobody_is_unknown(credit: tuple[str, ...]) -> None:
    assert read_artists(credit) is None
