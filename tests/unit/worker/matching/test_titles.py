"""Taking titles apart."""

import pytest

from worker.matching.titles import read_album, read_title


@pytest.mark.parametrize(
    ("text", "core", "kinds"),
    [
        ("Harbour Lights", "harbour lights", set()),
        ("Harbour Lights - 2011 Remaster", "harbour lights", set()),
        ("Harbour Lights (Remastered 2011) [Mono]", "harbour lights", set()),
        ("Harbour Lights (Live at Kelp Hall, 1998)", "harbour lights", {"live"}),
        ("Harbour Lights Live at Kelp Hall", "harbour lights", {"live"}),
        ("Harbour Lights (DJ Kelp Remix)", "harbour lights", {"remix"}),
        ("Harbour Lights - DJ Kelp Edit", "harbour lights", {"remix"}),
        ("Harbour Lights - Radio Edit", "harbour lights", {"shortened"}),
        ("Harbour Lights [Live / Acoustic]", "harbour lights", {"live", "acoustic"}),
        ("Harbour Lights (Slowed + Reverb)", "harbour lights", {"slowed"}),
        ("Harbour Lights (Mira's Version)", "harbour lights", {"version"}),
        ("Harbour Lights (Spanish Version)", "harbour lights", {"Spanish"}),
        ("Harbour Lights (Ao Vivo)", "harbour lights", {"live"}),
        ("港の灯 (ライブ)", "港の灯", {"live"}),
        ("Harbour Lights feat. Tove Lund", "harbour lights", set()),
        ("Harbour Lights (feat. Tove Lund) [Remix]", "harbour lights", {"remix"}),
        ("Harbour Lights (with French Kelp)", "harbour lights", set()),
        ("Harbour Lights (From the Film “Kelp”)", "harbour lights", set()),
        ("Live Wire", "live wire", set()),
        ("(Live Wire)", "live wire", set()),
        ("Harbour Lights (Unclosed Mix", "harbour lights", {"remix"}),
        ("", "", set()),
    ],
)
def test_title_is_parted_into_core_and_versions(text: str, core: str, kinds: set[str]) -> None:
    title = read_title(text)

    assert title.core == core
    assert {tag.kind for tag in title.tags} == kinds


def test_brackets_that_name_no_version_stay_in_the_full_title() -> None:
    title = read_title("Harbour (The Kelp Song)")

    assert (title.core, title.full) == ("harbour", "harbour the kelp song")


def test_plain_word_among_others_names_no_version() -> None:
    title = read_title("Harbour (Take My Slow Boat Home)")

    assert title.tags == ()
    assert title.extras == ("take my slow boat home",)


@pytest.mark.parametrize("text", ["Tide Pt. II", "Tide, Part 2", "Tide (Part Two)", "Tide - Teil 2"])
def test_part_numbers_are_written_in_one_way(text: str) -> None:
    title = read_title(text)

    assert title.full == "tide part 2"
    assert title.numbers == ("2",)


def test_guests_are_named() -> None:
    assert read_title("Tide (feat. Tove Lund & DJ Kelp)").guests == ("Tove Lund", "DJ Kelp")


def test_remixer_and_venue_are_kept_as_details() -> None:
    remix, live = (read_title(text).tags[0] for text in ("Tide (DJ Kelp Remix)", "Tide - Live at Kelp Hall"))

    assert (remix.detail, live.detail) == ("dj kelp", "kelp hall")


def test_bracket_before_the_title_is_read_in_its_place() -> None:
    title = read_title("(What a) Quiet Harbour - Mono")

    assert (title.core, title.running) == ("quiet harbour", "what a quiet harbour")


def test_album_speaks_of_versions_anywhere_in_its_name() -> None:
    album = read_album("Live at Kelp Hall (Deluxe Edition)")

    assert album.name == "live at kelp hall"
    assert album.kinds == {"live"}
