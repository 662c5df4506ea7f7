import re

import pytest

from shared.models import Isrc, NotTransferable, Platform, Track, TrackId
from shared.platforms.values import (
    bare,
    by_isrc,
    date_of,
    fielded,
    id_in,
    item_of,
    line_of,
    moment_of,
    parse_duration,
)
from worker.matching.query import Query


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("PT3M5S", 185_000),
        ("PT3M", 180_000),
        ("PT2H16S", 7_216_000),
        ("P1DT1S", 86_401_000),
        ("PT1.5S", 1_500),
        ("PT0S", None),
        ("PT1H", 3_600_000),
        ("P0D", None),
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


@pytest.mark.parametrize(
    ("text", "date"), [("2024-03-01", "2024-03-01"), ("2024", "2024"), ("0000-00-00", None), ("", None)]
)
def test_date_that_nobody_entered_is_none(text: str, date: str | None) -> None:
    assert date_of(text) == date


def test_moments_are_in_order_however_their_zone_is_told_and_what_is_none_comes_first() -> None:
    texts = [
        "",
        "2026-01-02T10:00:00+02:00",
        "2026-01-02T08:00:00.12Z",
        "2026-01-02T08:00:00.123456789Z",
        "2026-01-02T08:00:01",
    ]

    assert sorted(set(texts), key=moment_of) == texts
    assert moment_of("soon") == moment_of("")


def test_item_without_a_track_is_told_to_be_removed() -> None:
    own = track("1", None)

    assert item_of(own, title="Ada – Any").track == own
    assert item_of(None, title="Ada – Any").not_transferable is NotTransferable.REMOVED
    assert item_of(None, title="Ada – Any").title == "Ada – Any"


@pytest.mark.parametrize(
    ("text", "found", "found_before_more"),
    [
        (" 123 ", "123", "123"),
        ("https://www.music.example/de/playlist/123?si=x", "123", "123"),
        ("music.example/playlist/123", "123", "123"),
        ("https://music.example/playlist/123/more", "", "123"),
        ("https://music.example/track/123", "", ""),
        ("https://music.example/playlist/abc", "", ""),
        ("https://nomusic.example/playlist/123", "", ""),
        ("abc", "", ""),
        ("", "", ""),
        ("https://[/playlist/123", "", ""),
    ],
)
def test_id_is_read_from_addresses_of_its_site_only(text: str, found: str, found_before_more: str) -> None:
    form = re.compile("[0-9]+")

    read = [
        id_in(text, sites=("music.example",), kinds=("playlist",), form=form, ends=e) for e in (True, False)
    ]

    assert read == [found, found_before_more]


def test_server_without_an_address_has_no_ids_in_addresses() -> None:
    assert id_in("//playlist/123", sites=("",), kinds=("playlist",), form=re.compile("[0-9]+")) == ""


def test_search_names_its_fields_where_both_are_known() -> None:
    form = 'track:"{title}" artist:"{artist}"'

    both = Query(title='Any: "Way"', artist="Ada", plain="Any Way Ada")
    one = Query(title="Any", artist=None, plain='Any:  "Way"')

    assert fielded(both, form=form) == 'track:"Any Way" artist:"Ada"'
    assert fielded(one, form=form) == "Any Way"


def test_words_of_a_search_are_at_most_a_hundred_letters() -> None:
    assert len(bare("x" * 300)) == 100
