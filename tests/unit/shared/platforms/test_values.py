import pytest

from shared.models import Isrc, Platform, Track, TrackId
from shared.platforms.values import by_isrc, line_of, parse_duration


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("PT3M5S", 185_000),
        ("PT3M", 180_000),
        ("PT2H16S", 7_216_000),
        ("P1DT1S", 86_401_000),
        ("PT1.5S", 1_500),
        ("PT0S", None),
        ("P", None),
        ("3:05", None),
        ("", None),
        (None, None),
    ],
)
def test_duration_is_read_in_milliseconds(text: str | None, milliseconds: int | None) -> None:
    assert parse_duration(text) == milliseconds


def track(own_id: str, isrc: str | None) -> Track:
    return Track(platform=Platform.TIDAL, id=TrackId(own_id), title="Any", isrc=Isrc(isrc) if isrc else None)


def test_each_asked_isrc_has_its_tracks_in_order() -> None:
    tracks = [track("1", "B"), track("2", "A"), track("3", None), track("4", "B"), track("5", "X")]

    found = by_isrc(tracks, isrcs=[Isrc("A"), Isrc("B"), Isrc("C")])

    assert {isrc: [one.id for one in named] for isrc, named in found.items()} == {
        "A": ["2"],
        "B": ["1", "4"],
        "C": [],
    }


def test_row_is_named_by_what_is_known_of_it() -> None:
    assert line_of(["Ada", "Mira"], "Lantern") == "Ada, Mira – Lantern"
    assert line_of([], "Lantern") == "Lantern"
    assert line_of(["Ada"], "") == "Ada"
