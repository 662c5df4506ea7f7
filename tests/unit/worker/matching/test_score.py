"""The evidence of one comparison."""

import pytest

from shared.models import Track
from tests.unit.worker.matching.build import HARBOUR, source, track
from worker.matching.score import score


def test_track_is_wholly_like_itself() -> None:
    evidence = score(HARBOUR, HARBOUR)

    assert (evidence.total, evidence.title, evidence.artist) == (1.0, 1.0, 1.0)
    assert (evidence.duration, evidence.album, evidence.isrc) == (1.0, 1.0, 1.0)
    assert (evidence.conflicts, evidence.doubts) == ((), ())


def test_unknown_fields_are_none() -> None:
    evidence = score(HARBOUR, track(artists=(), album=None, duration_ms=None))

    assert (evidence.artist, evidence.duration, evidence.album, evidence.isrc) == (None, None, None, None)


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        ("Harbour Lights", "HARBOUR LIGHTS", 1.0),
        ("Harbour Lights", "Harbour Lights (feat. Tove Lund)", 1.0),
        ("Harbour Lights", "Harbour Lights - 2011 Remaster", 1.0),
        ("Salt & Ember", "Salt and Ember", 1.0),
        ("7Seas", "7 Seas", 0.95),
        ("Harbour Lights", "Harbor Lights", 0.85),
        ("The Harbour Lights", "Harbour Lights", 0.85),
        ("Harbour (The Kelp Song)", "Harbour", 0.9),
        ("(Down by the) Harbour", "Down by the Harbour", 0.9),
        ("Огни гавани", "Ogni gavani", 0.9),
        ("Damn Tide", "D**n Tide", 0.95),
    ],
)
def test_titles_that_mean_the_same_are_alike(one: str, other: str, least: float) -> None:
    forward = score(source(title=one), track(title=other))
    backward = score(source(title=other), track(title=one))

    assert forward.title >= least
    assert backward.title == forward.title


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Harbour", "Harbour Lights"),
        ("Love Me Now", "Love You Now"),
        ("Tide", "Rain"),
        ("港", "光"),
        ("事实", "实施"),
    ],
)
def test_titles_that_differ_by_a_word_are_not_alike(one: str, other: str) -> None:
    assert score(source(title=one), track(title=other)).title < 0.8


@pytest.mark.parametrize(
    ("one", "other", "least"),
    [
        (("Mira Sol",), ("MIRA SOL",), 1.0),
        (("Salt & Ember",), ("Salt and Ember",), 1.0),
        (("The Kelps",), ("Kelps",), 1.0),
        (("M!ra $ol",), ("Mira Sol",), 1.0),
        (("Mira Sol", "DJ Kelp"), ("Mira Sol & DJ Kelp",), 0.95),
        (("Mira Sol", "DJ Kelp"), ("Mira Sol",), 1.0),
        (("Mira Sol",), ("DJ Kelp", "Mira Sol"), 0.75),
        (("Мира Соль",), ("Mira Sol",), 0.85),
    ],
)
def test_credits_that_name_the_same_artist_are_alike(
    one: tuple[str, ...], other: tuple[str, ...], least: float
) -> None:
    evidence = score(source(artists=one), track(artists=other))

    assert evidence.artist is not None
    assert evidence.artist >= least


@pytest.mark.parametrize("other", [("Tove Lund",), ("7715",), ("Mirabel",)])
def test_other_artist_is_not_alike(other: tuple[str, ...]) -> None:
    evidence = score(HARBOUR, track(artists=other))

    assert evidence.artist is not None
    assert evidence.artist < 0.7


@pytest.mark.parametrize("other", [("Various Artists",), (), ("海野みら",)])
def test_artist_that_cannot_be_compared_is_unknown(other: tuple[str, ...]) -> None:
    assert score(HARBOUR, track(artists=other)).artist is None


@pytest.mark.parametrize(
    "candidate",
    [
        track(title="Mira Sol - Harbour Lights (Official Video) [HD]", artists=()),
        track(title="Harbour Lights - Mira Sol", artists=()),
        track(title="Mira Sol Harbour Lights", artists=()),
        track(title="Mira Sol - Harbour Lights", artists=("Mira Sol - Topic",)),
        track(title="Mira Sol & DJ Kelp - Harbour Lights", artists=("Mira Sol & DJ Kelp",)),
    ],
)
def test_artist_in_the_title_is_understood(candidate: Track) -> None:
    evidence = score(HARBOUR, candidate)

    assert evidence.title == 1.0
    assert evidence.artist is not None
    assert evidence.artist >= 0.9


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tide", "Tide - Live"),
        ("Tide", "Tide (Acoustic)"),
        ("Tide", "Tide (Karaoke Version)"),
        ("Tide", "Tide (Instrumental)"),
        ("Tide", "Tide (Sped Up)"),
        ("Tide", "Tide (Mira's Version)"),
        ("Tide", "Tide 2.0"),
        ("Tide, Pt. 1", "Tide, Pt. II"),
        ("Concerto No. 1, Op. 9", "Concerto No. 2, Op. 9"),
        ("Tide (DJ Kelp Remix)", "Tide (Ember Remix)"),
        ("Tide (DJ Kelp Remix)", "Tide (DJ Kelp Instrumental)"),
        ("Tide (Live at Kelp Hall)", "Tide (Live in Saltmere)"),
        ("Tide (Live 1998)", "Tide (Live 2004)"),
        ("Tide (Spanish Version)", "Tide (French Version)"),
        ("Tide (Piano Version)", "Tide (Orchestral Version)"),
    ],
)
def test_other_version_or_number_is_a_conflict_at_any_length(one: str, other: str) -> None:
    assert score(source(title=one), track(title=other)).conflicts
    assert score(source(title=other), track(title=one)).conflicts


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tide", "Tide (2011 Remaster)"),
        ("Tide (Live Version)", "Tide - Live"),
        ("Tide - Remix by DJ Kelp", "Tide (DJ Kelp Remix)"),
        ("Tide, Part 2", "Tide (Pt. II)"),
        ("Tide (En Vivo)", "Tide (Live)"),
    ],
)
def test_other_words_for_the_same_version_are_no_conflict(one: str, other: str) -> None:
    evidence = score(source(title=one), track(title=other))

    assert (evidence.conflicts, evidence.doubts) == ((), ())


@pytest.mark.parametrize(("duration_ms", "is_conflict"), [(201_000, False), (None, False), (240_000, True)])
def test_radio_edit_differs_only_where_the_length_does(*, duration_ms: int | None, is_conflict: bool) -> None:
    evidence = score(HARBOUR, track(title="Harbour Lights - Radio Edit", duration_ms=duration_ms))

    assert bool(evidence.conflicts) is is_conflict
    assert bool(evidence.doubts or evidence.notes) is not is_conflict


def test_version_that_the_one_album_names_is_only_a_note() -> None:
    live = source(title="Harbour Lights - Live", album="Live at Kelp Hall")

    evidence = score(live, track(album="Live at Kelp Hall"))

    assert (evidence.conflicts, evidence.doubts) == ((), ())
    assert evidence.notes


def test_live_take_on_the_deluxe_edition_is_another_recording() -> None:
    live = track(title="Harbour Lights (Live)", album="Salt Roads (Deluxe Edition)", duration_ms=200_300)

    assert score(HARBOUR, live).conflicts


@pytest.mark.parametrize(("title", "own"), [("Harbour Lights", True), ("Salt Roads", False)])
def test_album_named_like_the_track_proves_nothing(*, title: str, own: bool) -> None:
    assert score(source(title=title), track(title=title)).own_album is own
