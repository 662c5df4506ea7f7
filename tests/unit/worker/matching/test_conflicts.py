import pytest

from worker.matching.conflicts import Closeness, Difference, Findings, Side, find_conflicts
from worker.matching.normalize import read_artists
from worker.matching.titles import read_album, read_title


def side(title: str, *, album: str | None = None, artists: tuple[str, ...] = ("Mira Sol",)) -> Side:
    return Side(read_title(title), read_album(album) if album else None, read_artists(artists))


def compare(one: Side, other: Side, **closeness: object) -> Findings:
    return find_conflicts(one, other, closeness=Closeness(**closeness))  # type: ignore[arg-type] # by name


@pytest.mark.parametrize(
    ("title", "difference"),
    [
        ("Tide (Live)", Difference.TAKE),
        ("Tide - Acoustic", Difference.TAKE),
        ("Tide (Karaoke Version)", Difference.VERSION),
        ("Tide (DJ Kelp Remix)", Difference.VERSION),
        ("Tide, Pt. 2", Difference.VERSION),
        ("Tide (2011 Remaster)", Difference.NONE),
    ],
)
def test_what_one_title_says_alone_is_weighed(title: str, difference: Difference) -> None:
    findings = compare(side("Tide"), side(title), apart_ms=500)

    assert findings.difference is difference
    assert bool(findings.conflicts) is (difference is not Difference.NONE)


def test_two_that_name_another_remixer_contradict_each_other() -> None:
    findings = compare(side("Tide (DJ Kelp Remix)"), side("Tide (Orlo Remix)"), apart_ms=0)

    assert findings.difference is Difference.CONTRADICTION


@pytest.mark.parametrize(("apart_ms", "is_conflict"), [(1_000, False), (20_000, True), (None, False)])
def test_radio_edit_is_the_recording_where_the_lengths_agree(
    apart_ms: int | None, *, is_conflict: bool
) -> None:
    findings = compare(side("Tide"), side("Tide (Radio Edit)"), apart_ms=apart_ms)

    assert bool(findings.conflicts) is is_conflict


def test_one_album_that_names_the_version_speaks_for_both() -> None:
    album = "Tide (DJ Kelp Remix) - Single"

    agreed = compare(side("Tide", album=album), side("Tide (DJ Kelp Remix)", album=album), apart_ms=0)
    apart = compare(side("Tide", album=album), side("Tide (DJ Kelp Remix)", album="Tides"), apart_ms=0)

    assert (agreed.conflicts, bool(agreed.notes)) == ((), True)
    assert apart.conflicts == ("only the album of one names the remix version",)


def test_re_recorded_file_of_the_same_length_to_the_millisecond_is_the_same_take() -> None:
    findings = compare(side("Tide"), side("Tide (Re-Recorded)"), apart_ms=0, is_same_file=True)

    assert (findings.conflicts, findings.doubts) == ((), ("only one is the re-recorded version",))


@pytest.mark.parametrize("kind", ["Live", "Instrumental", "Sped Up", "DJ Kelp Remix"])
def test_equal_length_excuses_no_other_version(kind: str) -> None:
    assert compare(side("Tide"), side(f"Tide ({kind})"), apart_ms=0, is_same_file=True).conflicts


def test_tribute_is_not_who_it_is_a_tribute_to() -> None:
    findings = compare(side("Tide"), side("Tide", artists=("Mira Sol Tribute Band",)), apart_ms=0)

    assert findings.difference is Difference.VERSION


def test_album_of_live_takes_is_a_doubt_where_no_length_tells() -> None:
    live, studio = side("Tide", album="Tides (Live)"), side("Tide", album="Tides")

    assert compare(live, studio, apart_ms=None).doubts
    assert not compare(live, studio, apart_ms=500).doubts


def test_version_that_is_named_like_its_guest_is_no_other() -> None:
    findings = compare(side("Tide (Orlo Version)"), side("Tide", artists=("Mira Sol", "Orlo")), apart_ms=None)

    assert findings == Findings((), ())


@pytest.mark.parametrize(("title", "is_doubt"), [("Tide - Pt. 1", True), ("Tide - Pt. 2", False)])
def test_only_a_first_part_may_go_unnamed_at_the_same_place(title: str, *, is_doubt: bool) -> None:
    findings = compare(side("Tide"), side(title), apart_ms=400, is_same_release=True)

    assert bool(findings.doubts) is is_doubt
    assert bool(findings.conflicts) is not is_doubt
