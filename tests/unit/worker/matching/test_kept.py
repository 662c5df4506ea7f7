"""Which album or artist is the kept one: editions, namesakes, and what only a person can tell."""

from collections.abc import Callable

import pytest

from shared.models import Outcome, Platform, Policy, Track, TrackId
from worker.matching.decide import Decision
from worker.matching.kept import decide_album, decide_artist

STRICT, LOOSE = Policy.SAME_RECORDING, Policy.BEST_EFFORT


def album(
    name: str, artist: str = "The Lamps", *, count: int | None = None, year: str | None = None, at: str = "a"
) -> Track:
    return Track(
        platform=Platform.TIDAL,
        id=TrackId(at),
        title=name,
        artists=(artist,) if artist else (),
        track_count=count,
        release_date=year,
    )


def artist(name: str, *, at: str = "a") -> Track:
    return Track(platform=Platform.TIDAL, id=TrackId(at), title=name)


@pytest.mark.parametrize(
    "found",
    [
        album("Blue Hour"),
        album("blue hour (Remastered)"),
        album("Blue Hour (2011 Remaster)"),
        album("Blue Hour [Explicit]"),
        album("Blue Hour", "Lamps, The; Choir"),
        album("Blue Hour", ""),
    ],
    ids=lambda one: f"{one.title} {one.artists}",
)
def test_the_same_album_is_taken_however_it_is_packed(found: Track) -> None:
    told = decide_album(album("Blue Hour"), [found], policy=STRICT)

    assert (told.outcome, told.choice) == (Outcome.SAME_RECORDING, 0), told.reason


@pytest.mark.parametrize(
    "name", ["Blue Hour (Deluxe Edition)", "Blue Hour (Live)", "Blue Hour (Super Deluxe)"]
)
def test_another_edition_is_taken_for_best_effort_only(name: str) -> None:
    strict = decide_album(album("Blue Hour"), [album(name)], policy=STRICT)
    loose = decide_album(album("Blue Hour"), [album(name)], policy=LOOSE)

    assert (strict.outcome, strict.choice) == (Outcome.ONLY_OTHER_VERSION, None)
    assert name in strict.reason
    assert (loose.outcome, loose.choice) == (Outcome.BEST_EFFORT, 0)


def test_an_edition_is_found_as_itself_and_not_as_the_plain_album() -> None:
    found = [album("Blue Hour", at="plain"), album("Blue Hour (Deluxe)", at="deluxe")]

    told = decide_album(album("Blue Hour (Deluxe Edition)"), found, policy=STRICT)

    assert (told.outcome, told.choice) == (Outcome.SAME_RECORDING, 1)


def test_the_number_of_tracks_and_the_year_choose_among_namesakes() -> None:
    found = [
        album("Blue Hour", count=4, at="single"),
        album("Blue Hour", count=12, year="2009", at="again"),
        album("Blue Hour", count=12, year="1994-05-01", at="first"),
    ]

    told = decide_album(album("Blue Hour", count=12, year="1994"), found, policy=STRICT)

    assert (told.outcome, told.choice) == (Outcome.SAME_RECORDING, 2)
    assert "12" in told.reason
    assert {one.index for one in told.alternatives} == {0, 1}


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        ([], Outcome.NO_CANDIDATE),
        ([album("Blue Hour", "Another Band")], Outcome.NO_CANDIDATE),
        ([album("Green Day")], Outcome.NO_CANDIDATE),
        ([album("Blue Hours")], Outcome.REVIEW),
    ],
)
def test_what_is_not_surely_the_album_is_not_taken(found: list[Track], outcome: Outcome) -> None:
    told = decide_album(album("Blue Hour"), found, policy=STRICT)

    assert (told.outcome, told.choice) == (outcome, None)
    assert told.reason


@pytest.mark.parametrize("decide", [decide_album, decide_artist])
def test_nothing_is_exact_that_is_known_by_its_name_alone(decide: Callable[..., Decision]) -> None:
    told = decide(artist("The Lamps"), [artist("The Lamps")], policy=Policy.EXACT)

    assert (told.outcome, told.choice, len(told.alternatives)) == (Outcome.REVIEW, None, 1)


def test_an_artist_is_taken_where_one_alone_bears_the_name() -> None:
    found = [artist("Lamps of Light"), artist("the lámps", at="b"), artist("Lamp")]

    told = decide_artist(artist("The Lamps"), found, policy=STRICT)

    assert (told.outcome, told.choice) == (Outcome.SAME_RECORDING, 1)


def test_of_several_artists_of_one_name_a_person_chooses_or_the_platforms_first_is_taken() -> None:
    found = [artist("The Lamps"), artist("The Lamps", at="b")]

    strict = decide_artist(artist("The Lamps"), found, policy=STRICT)
    loose = decide_artist(artist("The Lamps"), found, policy=LOOSE)

    assert (strict.outcome, strict.choice, len(strict.alternatives)) == (Outcome.REVIEW, None, 2)
    assert (loose.outcome, loose.choice) == (Outcome.BEST_EFFORT, 0)
    assert decide_artist(artist("The Lamps"), [artist("Lamp")], policy=LOOSE).outcome is Outcome.NO_CANDIDATE
